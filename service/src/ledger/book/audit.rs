//! The lines of the audit log that a batch writes: one for each change of a wallet's status or limits, and for each
//! reversal that is made. Pure.

use serde_json::{Value, json};

use super::Book;
use crate::audit::{AuditAction, AuditLine, AuditSubject};
use crate::ledger::types::{Command, Transfer, WalletLimits};
use crate::values::{AuditId, ChangeKind, TransferId, WalletId, WalletStatus};

/// What the audit log calls a change of this kind; `None` for an opening, which has no line.
pub(in crate::ledger) const fn action_of(kind: ChangeKind) -> Option<AuditAction> {
    match kind {
        ChangeKind::Opened => None,
        ChangeKind::Frozen => Some(AuditAction::WalletFrozen),
        ChangeKind::Unfrozen => Some(AuditAction::WalletUnfrozen),
        ChangeKind::Closed => Some(AuditAction::WalletClosed),
        ChangeKind::Limited => Some(AuditAction::WalletLimited),
    }
}

/// A status as a line has it. The reason of the user who asks stands nowhere else, so that it can be erased.
pub(super) fn status_value(status: WalletStatus, reason: Option<&str>) -> Value {
    match reason {
        None => json!({ "status": status }),
        Some(reason) => json!({ "status": status, "reason": reason }),
    }
}

/// Limits as a line has them, and the API too.
pub(super) fn limits_value(limits: WalletLimits) -> Value {
    json!({
        "per_transfer": limits.per_transfer,
        "per_day_amount": limits.per_day_amount,
        "per_day_count": limits.per_day_count,
    })
}

impl Book {
    /// Adds the line of a reversal that was made. It is about the customer who pays back, or, where the bank pays back,
    /// about the customer who is paid.
    pub(super) fn add_line_of_reversal(&mut self, command: &Command, original: TransferId, reversal: &Transfer) {
        let owner = |wallet: WalletId| self.wallet(wallet).and_then(|wallet| wallet.owner);
        let person = owner(reversal.source).or_else(|| owner(reversal.destination));
        let after = json!({
            "reversal": reversal.id,
            "amount": reversal.amount,
            "currency": reversal.currency,
        });
        let id = AuditId(reversal.id.0);
        let line = AuditLine::new(AuditAction::TransferReversed, id, reversal.created_at)
            .by(&command.actor)
            .to(AuditSubject::Transfer(original), person)
            .after(&after);
        self.audit.push(line);
    }
}
