//! A refused transfer changes nothing but its own record; a completed one writes its one row and its two entries.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use service::identity::Actor;
use service::transfers::Metadata;
use service::values::{Money, Role, TransferId, Version, WalletId};

use crate::bank_case::{BankCase, metadata_of};
use crate::case_rows::{Rows, is_record_of, wide};
use crate::cases::{Met, hold_on_bank};
use crate::drawn::{Step, USERS, first_statuses, funding, funds, keyed, step};
use crate::model::{Ask, Asker, Model, Name, Verdict};

on_every_backend!(a_refusal_changes_nothing_and_a_success_exactly_its_rows);

async fn a_refusal_changes_nothing_and_a_success_exactly_its_rows(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let met = Met::default();
    hold_on_bank(
        file!(),
        &(funds(), first_statuses(), vec(step(), 5..14)),
        async |(funds, statuses, steps)| {
            let mut bank_case = BankCase::new(&bank, operator.clone()).await;
            let mut model = Model::default();
            for (user, currency) in (0..USERS).map(|user| (user, 0)).chain([(0, 1)]) {
                model.open(user, currency).map_err(TestCaseError::fail)?;
                bank_case.open(user, currency).await?;
            }
            for (index, fund) in funds.into_iter().enumerate().take(model.customers()) {
                let ask = funding(&mut model, Name::Customer(index), fund);
                prop_assert_eq!(bank_case.ask(&ask).await?.0, model.ask(&ask));
            }
            for (index, status) in statuses.into_iter().filter(|(index, _)| *index <= USERS) {
                let name = Name::Customer(index);
                prop_assert_eq!(bank_case.set_status(name, status).await, model.set_status(name, status));
            }
            let mut past = Vec::new();
            let mut stored = Rows::of(&bank.db, &mut bank_case.ids).await;
            for step in steps {
                let ask = match step {
                    Step::Move(drawn) => Some(drawn.resolve(&mut model)),
                    Step::Again(index) => keyed(&past, index),
                    Step::Status(pick, status) => {
                        let name = pick.name(&model, Name::Nobody);
                        if bank_case.ids.find(name).is_some() {
                            prop_assert_eq!(bank_case.set_status(name, status).await, model.set_status(name, status));
                            stored = Rows::of(&bank.db, &mut bank_case.ids).await;
                        }
                        None
                    }
                    Step::Open { .. } | Step::Tick(_) => None,
                };
                if let Some(ask) = ask {
                    let expected = model.ask(&ask);
                    stored = asked(&mut bank_case, &stored, &ask, expected).await?;
                    met.count(match expected {
                        Verdict {
                            replayed: true,
                            code: "completed",
                            ..
                        } => "completed again".to_owned(),
                        Verdict { replayed: true, .. } => "refused again".to_owned(),
                        Verdict {
                            code: "idempotency_key_reused",
                            ..
                        } => "idempotency_key_reused".to_owned(),
                        Verdict { code, .. } => format!("{} {code}", ask.kind),
                    });
                    past.push(ask);
                }
            }
            Ok(())
        },
    );
    met.expect_all(&EVERY_KIND);
}

/// Every outcome of each kind of transfer. A payment's sides cannot be the same wallet or in two currencies. A deposit
/// cannot lack funds, since its source is a system wallet.
const EVERY_KIND: [&str; 25] = [
    "TRANSFER completed",
    "TRANSFER invalid_amount",
    "TRANSFER wallet_not_found",
    "TRANSFER same_wallet",
    "TRANSFER wallet_frozen",
    "TRANSFER wallet_closed",
    "TRANSFER currency_mismatch",
    "TRANSFER insufficient_funds",
    "TRANSFER balance_out_of_range",
    "DEPOSIT completed",
    "DEPOSIT invalid_amount",
    "DEPOSIT wallet_not_found",
    "DEPOSIT wallet_frozen",
    "DEPOSIT wallet_closed",
    "DEPOSIT balance_out_of_range",
    "WITHDRAWAL completed",
    "WITHDRAWAL invalid_amount",
    "WITHDRAWAL wallet_not_found",
    "WITHDRAWAL unknown_method",
    "WITHDRAWAL wallet_frozen",
    "WITHDRAWAL wallet_closed",
    "WITHDRAWAL insufficient_funds",
    "completed again",
    "refused again",
    "idempotency_key_reused",
];

/// Makes a request, compares the rows before and after it, and returns the rows after it.
async fn asked(bank_case: &mut BankCase, before: &Rows, ask: &Ask, expected: Verdict) -> Result<Rows, TestCaseError> {
    let (verdict, transfer) = bank_case.ask(ask).await?;
    prop_assert_eq!(verdict, expected, "{:?}", ask);
    let after = Rows::of(&bank_case.bank.db, &mut bank_case.ids).await;
    match transfer {
        // An operator's payment opens its system wallet before the bank looks the key up.
        None if verdict.code == "idempotency_key_reused" && ask.asker == Asker::Operator => {
            prop_assert_eq!(&after.transfers, &before.transfers);
            wallets_are_as_before(before, &after)?;
        }
        Some(id) if !verdict.replayed => {
            one_more_transfer(before, &after, id, bank_case, ask, verdict)?;
            if verdict.code == "completed" {
                moved(before, &after, id, bank_case, ask)?;
            } else {
                wallets_are_as_before(before, &after)?;
            }
            shown_as_stored(bank_case, ask, id, verdict).await?;
        }
        None | Some(_) => prop_assert_eq!(&after, before, "{:?} changed something: {:?}", verdict, ask),
    }
    Ok(after)
}

/// Every wallet and entry is unchanged; an empty system wallet may have been opened for the record.
fn wallets_are_as_before(before: &Rows, after: &Rows) -> TestCaseResult {
    prop_assert_eq!(&after.entries, &before.entries);
    for row in &after.wallets {
        match before.wallet(row.id) {
            Some(old) => prop_assert_eq!(row, old),
            None => {
                prop_assert!(row.method.is_some(), "{:?} was opened", row);
                prop_assert_eq!((row.balance, row.version), (Money::ZERO, Version(0)));
            }
        }
    }
    Ok(())
}

fn one_more_transfer(
    before: &Rows,
    after: &Rows,
    id: TransferId,
    bank_case: &BankCase,
    ask: &Ask,
    verdict: Verdict,
) -> TestCaseResult {
    // Ids grow, so the new row is the last one.
    prop_assert_eq!(after.transfers.len(), before.transfers.len() + 1);
    prop_assert_eq!(&after.transfers[..before.transfers.len()], &before.transfers[..]);
    let new = &after.transfers[before.transfers.len()];
    prop_assert_eq!(new.id, id);
    prop_assert_eq!(new.available.map(wide), verdict.available);
    let kept = ask.description.as_deref().filter(|_| verdict.code == "completed");
    let metadata = kept.and_then(metadata_of);
    prop_assert_eq!(new.metadata.as_deref(), metadata.as_ref().map(Metadata::as_json));
    is_record_of(new, &bank_case.ids, ask, verdict.code)
}

/// Exactly two more entries, and exactly two wallets changed by the amount.
fn moved(before: &Rows, after: &Rows, id: TransferId, bank_case: &BankCase, ask: &Ask) -> TestCaseResult {
    prop_assert_eq!(after.entries.len(), before.entries.len() + 2);
    let units = i128::from(ask.units.unwrap_or_default());
    let sides = [
        (bank_case.ids.id(ask.source), -units),
        (bank_case.ids.id(ask.destination), units),
    ];
    for (wallet, amount) in sides {
        let (old_balance, old_version) = before
            .wallet(wallet)
            .map_or((0, 0), |row| (wide(row.balance), row.version.0));
        let Some(row) = after.wallet(wallet) else {
            return Err(TestCaseError::fail(format!("{wallet} is not stored")));
        };
        prop_assert_eq!(
            (wide(row.balance), row.version.0),
            (old_balance + amount, old_version + 1)
        );
        let new: Vec<_> = after
            .entries_of(wallet)
            .filter(|entry| entry.transfer_id == id)
            .collect();
        prop_assert_eq!(new.len(), 1);
        prop_assert_eq!(
            (wide(new[0].amount), wide(new[0].balance_after)),
            (amount, old_balance + amount)
        );
        prop_assert_eq!(new[0].version, row.version);
        prop_assert_eq!(after.time_of(new[0]), row.updated_at);
    }
    let is_side = |wallet: WalletId| sides.iter().any(|(side, _)| *side == wallet);
    for old in before.wallets.iter().filter(|row| !is_side(row.id)) {
        prop_assert_eq!(after.wallet(old.id), Some(old));
    }
    Ok(())
}

/// The service returns what the request said; a refused transfer has no description.
async fn shown_as_stored(bank_case: &BankCase, ask: &Ask, id: TransferId, verdict: Verdict) -> TestCaseResult {
    let actor = Actor::new(bank_case.ids.operator, Role::Operator);
    let shown = bank_case.services.transfers.get(&actor, id).await;
    let shown = shown.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(Some(shown.transfer.amount.units()), ask.units);
    let kept = ask.description.clone().filter(|_| verdict.code == "completed");
    prop_assert_eq!(&shown.transfer.description, &kept);
    prop_assert_eq!(
        (shown.transfer.source, shown.transfer.destination),
        (bank_case.ids.id(ask.source), bank_case.ids.id(ask.destination))
    );
    Ok(())
}
