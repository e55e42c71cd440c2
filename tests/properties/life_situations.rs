//! The situations that every run of the property of all movements of money must reach.

use service::values::{TransferKind, WalletStatus};

use crate::cases::Met;
use crate::life_instructions::{Decided, Decision, Instruction};
use crate::life_model::{ChangedWallet, LifeModel};

/// Each of them is in one of the scripts.
pub const SITUATIONS: [&str; 116] = [
    "transfer done",
    "transfer invalid_amount",
    "transfer wallet_not_found",
    "transfer same_wallet",
    "transfer wallet_frozen",
    "transfer wallet_closed",
    "transfer currency_mismatch",
    "transfer limit_exceeded/per_transfer",
    "transfer limit_exceeded/per_day_amount",
    "transfer limit_exceeded/per_day_count",
    "transfer insufficient_funds",
    "transfer balance_out_of_range",
    "transfer idempotency_key_reused",
    "transfer again",
    "hold done",
    "hold invalid_amount",
    "hold wallet_not_found",
    "hold same_wallet",
    "hold wallet_frozen",
    "hold wallet_closed",
    "hold currency_mismatch",
    "hold limit_exceeded/per_transfer",
    "hold limit_exceeded/per_day_amount",
    "hold limit_exceeded/per_day_count",
    "hold insufficient_funds",
    "hold again",
    "deposit done",
    "deposit invalid_amount",
    "deposit wallet_not_found",
    "deposit wallet_frozen",
    "deposit wallet_closed",
    "deposit balance_out_of_range",
    "deposit again",
    "withdrawal done",
    "withdrawal invalid_amount",
    "withdrawal wallet_not_found",
    "withdrawal unknown_method",
    "withdrawal wallet_frozen",
    "withdrawal wallet_closed",
    "withdrawal limit_exceeded/per_transfer",
    "withdrawal limit_exceeded/per_day_amount",
    "withdrawal limit_exceeded/per_day_count",
    "withdrawal insufficient_funds",
    "withdrawal again",
    "held withdrawal done",
    "held withdrawal invalid_amount",
    "held withdrawal wallet_not_found",
    "held withdrawal unknown_method",
    "held withdrawal wallet_frozen",
    "held withdrawal wallet_closed",
    "held withdrawal limit_exceeded/per_transfer",
    "held withdrawal limit_exceeded/per_day_amount",
    "held withdrawal limit_exceeded/per_day_count",
    "held withdrawal insufficient_funds",
    "capture done",
    "capture invalid_amount",
    "capture transfer_not_found",
    "capture forbidden",
    "capture not_a_hold",
    "capture hold_closed",
    "capture hold_closed: expired",
    "capture amount_exceeds_hold",
    "capture wallet_frozen",
    "capture wallet_closed",
    "capture balance_out_of_range",
    "capture again",
    "void done",
    "void transfer_not_found",
    "void forbidden",
    "void not_a_hold",
    "void hold_closed",
    "void hold_closed: expired",
    "void again",
    "reversal done",
    "reversal invalid_amount",
    "reversal transfer_not_found",
    "reversal not_reversible",
    "reversal amount_exceeds_original",
    "reversal wallet_frozen",
    "reversal wallet_closed",
    "reversal insufficient_funds",
    "reversal balance_out_of_range",
    "reversal again",
    "reversal of TRANSFER",
    "reversal of DEPOSIT",
    "reversal of WITHDRAWAL",
    "reversal of CAPTURE",
    "a part is reversed",
    "all is reversed",
    "what was captured is passed on before it is reversed",
    "a part is captured",
    "a final capture gives the rest back",
    "a void gives the rest of another day back",
    "batch done",
    "batch same_wallet",
    "batch insufficient_funds",
    "batch again",
    "atomic batch done",
    "atomic batch same_wallet",
    "atomic batch insufficient_funds",
    "atomic batch limit_exceeded/per_day_amount",
    "atomic batch idempotency_key_reused",
    "atomic batch again",
    "an atomic batch takes transfers back",
    "a refusal again",
    "what came back is spent on the same day",
    "frozen",
    "unfrozen",
    "closed",
    "status: wallet_not_empty",
    "status: wallet_closed",
    "limited",
    "limits: wallet_closed",
    "a hold runs out",
    "a sweep releases a hold",
    "a new day",
];

/// Counts what became of an instruction. The plain bank has followed it.
pub fn count(met: &Met, model: &LifeModel, instruction: &Instruction, decision: &Decision) {
    let name = instruction.operation.name();
    if decision.replayed {
        met.count(format!("{name} again"));
        if decision.items.iter().any(|item| matches!(item, Decided::Failed { .. })) {
            met.count("a refusal again");
        }
        return;
    }
    if decision.at_fault.is_some_and(|place| place > 0) {
        met.count("an atomic batch takes transfers back");
    }
    for item in &decision.items {
        met.count(format!("{name} {}", item.code()));
        match item {
            Decided::Made { record, .. } => count_made(met, model, *record),
            Decided::Failed { record, reason } => {
                let parent = model.records[*record].parent.map(|parent| model.records[parent].kind);
                if reason.0 == "insufficient_funds" && parent == Some(TransferKind::Capture) {
                    met.count("what was captured is passed on before it is reversed");
                }
            }
            Decided::Refused(_) => {}
        }
    }
}

fn count_made(met: &Met, model: &LifeModel, record: usize) {
    let made = &model.records[record];
    let parent = made.parent.map(|parent| (parent, &model.records[parent]));
    match (made.kind, parent) {
        (TransferKind::Transfer | TransferKind::Withdrawal | TransferKind::Hold, _) => {
            if model.has_spent_what_came_back(made.sides.0) {
                met.count("what came back is spent on the same day");
            }
        }
        (TransferKind::Capture, Some((_, hold))) => {
            if made.released > 0 {
                met.count("a final capture gives the rest back");
            }
            if hold.hold.is_some_and(|hold| hold.end.is_none()) {
                met.count("a part is captured");
            }
        }
        (TransferKind::Release, Some((_, hold))) => {
            if hold.day != made.day {
                met.count("a void gives the rest of another day back");
            }
        }
        (TransferKind::Reversal, Some((index, original))) => {
            met.count(format!("reversal of {}", original.kind));
            let is_whole = model.reversed(index) == original.units;
            met.count(if is_whole {
                "all is reversed"
            } else {
                "a part is reversed"
            });
        }
        (TransferKind::Deposit, _) | (TransferKind::Capture | TransferKind::Release | TransferKind::Reversal, None) => {
        }
    }
}

/// Counts what became of a change of status.
pub fn count_status(met: &Met, changed: ChangedWallet) {
    match changed {
        Ok((_, _, WalletStatus::Active, _)) => met.count("unfrozen"),
        Ok((_, _, WalletStatus::Frozen, _)) => met.count("frozen"),
        Ok((_, _, WalletStatus::Closed, _)) => met.count("closed"),
        Err(code) => met.count(format!("status: {code}")),
    }
}
