//! Dry runs: what would happen, by the same rules, and nothing is written or used up.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::transfers::{Asking, Hold, NewBatch, NewPayment, TransferError, TransferOutcome};
use service::values::{Method, TransferId, TransferKind, TransferStatus, Version};

use super::acts::{LATER, WrittenRows, code_of, codes_of, count_transfers, journal_of, limits, made, stored_hold};
use super::operations::{OPERATIONS, Operation, Targets};
use super::waiting::Asked;
use super::{LifeStage, code};
use crate::requests::{key, money, new_transfer};

on_every_backend!(
    a_dry_run_tells_what_then_happens,
    a_dry_run_tells_the_refusal_and_records_none,
    a_dry_run_uses_no_key_up,
    a_dry_run_releases_nothing,
    a_dry_run_of_a_batch_tells_each_outcome,
    a_dry_run_opens_no_method,
    a_dry_run_changes_nothing_for_its_neighbours,
    a_dry_run_counts_against_no_limit,
);

fn dry(actor: &Actor) -> Asking {
    Asking {
        is_dry_run: true,
        ..Asking::by(actor)
    }
}

/// Everything that a dry run might change.
#[derive(Debug, PartialEq)]
struct Everything {
    rows: WrittenRows,
    journal: usize,
    holds: Vec<Option<entity::holds::Model>>,
    wallets: Vec<([String; 3], Version)>,
}

impl Everything {
    async fn of(bank: &TestBank, stage: &LifeStage, targets: &Targets) -> Self {
        let mut holds = Vec::new();
        for hold in [targets.captured, targets.voided] {
            holds.push(stored_hold(bank, hold).await);
        }
        let mut wallets = Vec::new();
        for wallet in [stage.ana.1, stage.ben.1] {
            let found = stage.services.wallets.get(&stage.operator, wallet).await;
            let version = found.expect("it is there").version;
            wallets.push((stage.amounts(wallet).await, version));
        }
        Self {
            rows: WrittenRows::of(bank).await,
            journal: journal_of(bank).await.len(),
            holds,
            wallets,
        }
    }
}

/// What a transfer says, but for its id and its times.
fn content(outcome: &TransferOutcome) -> (TransferKind, TransferStatus, Vec<String>) {
    let transfer = &outcome.transfer.transfer;
    let held = |hold: Hold| (hold.remaining, hold.captured);
    let rest = vec![
        transfer.source.to_string(),
        transfer.destination.to_string(),
        format!("{} {}", transfer.amount, transfer.currency),
        format!("{:?} {:?}", transfer.method, transfer.description),
        format!("{:?} {:?}", transfer.parent, transfer.created_by),
        format!("{:?} {:?}", transfer.released, outcome.transfer.hold.map(held)),
    ];
    (transfer.kind, outcome.transfer.status(), rest)
}

async fn a_dry_run_tells_what_then_happens(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let targets = Targets::of(&stage).await;
    for operation in OPERATIONS {
        let asker = operation.asker(&stage);
        let before = Everything::of(&bank, &stage, &targets).await;
        let told = stage.perform(&stage.services, dry(&asker), operation, &targets).await;
        assert_eq!(Everything::of(&bank, &stage, &targets).await, before, "{operation:?}");
        let made = stage
            .perform(&stage.services, Asking::by(&asker), operation, &targets)
            .await;
        let (told, made) = (told.expect("it would be made"), made.expect("nothing is in its way"));
        assert_eq!(content(&told), content(&made), "{operation:?}");
        assert_eq!(count_transfers(&bank).await, before.rows.transfers.len() as i64 + 1);
    }
}

async fn a_dry_run_tells_the_refusal_and_records_none(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let targets = Targets::of(&stage).await;
    stage.freeze(stage.ana.1).await;
    let before = Everything::of(&bank, &stage, &targets).await;
    for operation in OPERATIONS {
        let asking = dry(&operation.asker(&stage));
        let told = stage.perform(&stage.services, asking, operation, &targets).await;
        if operation == Operation::Void {
            assert_eq!(code(&told), "done", "a frozen wallet gets its money back");
            continue;
        }
        assert!(
            matches!(&told, Err(TransferError::Failed { failure, transfer: None, replayed: false })
                if failure.code() == "wallet_frozen"),
            "{operation:?}: {told:?}"
        );
    }
    let missing = TransferId(uuid::Uuid::from_u128(1));
    let told = stage.services.transfers.void(dry(&stage.operator), missing).await;
    assert_eq!(code(&told), "transfer_not_found");
    assert_eq!(Everything::of(&bank, &stage, &targets).await, before);
}

async fn a_dry_run_uses_no_key_up(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let targets = Targets::of(&stage).await;
    for operation in OPERATIONS {
        let asker = operation.asker(&stage);
        let perform = async |asking: Asking| {
            let asking = asking.with_key(key(&format!("{operation:?}")));
            stage.perform(&stage.services, asking, operation, &targets).await
        };
        for _ in 0..2 {
            perform(dry(&asker)).await.expect("it would be made");
        }
        let made = perform(Asking::by(&asker)).await;
        assert!(!made.expect("nothing is in its way").replayed, "{operation:?}");
        let again = perform(Asking::by(&asker)).await;
        assert!(again.expect("it is the same request").replayed, "{operation:?}");
    }
}

async fn a_dry_run_releases_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("60").await;
    bank.advance(LATER).await;
    let stored = count_transfers(&bank).await;
    let transfers = &stage.services.transfers;
    for _ in 0..2 {
        let all = new_transfer(stage.ana.1, stage.ben.1, "100");
        let told = transfers.submit(dry(&stage.ana.0), all).await;
        assert_eq!(code(&told), "done", "the hold has run out");
        let told = transfers.void(dry(&stage.ben.0), hold).await;
        assert_eq!(code(&told), "hold_closed");
    }
    assert_eq!(count_transfers(&bank).await, stored);
    let state = stored_hold(&bank, hold).await.expect("a hold has a state");
    assert_eq!(state.end, None, "it is not released yet");
    made(stage.pay("100").await);
    assert_eq!(stage.children(hold).await.len(), 1);
}

async fn a_dry_run_of_a_batch_tells_each_outcome(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let stored = count_transfers(&bank).await;
    let new = |is_atomic| NewBatch {
        is_atomic,
        transfers: vec![
            new_transfer(stage.ana.1, stage.ben.1, "60"),
            stage.new_hold("40"),
            new_transfer(stage.ana.1, stage.ben.1, "1"),
            new_transfer(stage.ana.1, stage.ana.1, "1"),
        ],
    };
    let transfers = &stage.services.transfers;
    let told = transfers
        .batch(dry(&stage.ana.0), new(false))
        .await
        .expect("a batch has outcomes");
    assert_eq!(codes_of(&told), ["done", "done", "insufficient_funds", "same_wallet"]);
    assert!(
        matches!(told.items[2], Err(TransferError::Failed { transfer: None, .. })),
        "{told:?}"
    );
    let told = transfers.batch(dry(&stage.ana.0), new(true)).await;
    let Err(TransferError::BatchRefused { index: 2, error, .. }) = told else {
        panic!("{told:?}");
    };
    assert!(
        matches!(*error, TransferError::Failed { transfer: None, .. }),
        "{error:?}"
    );
    assert_eq!(code_of(&error), "insufficient_funds");
    assert_eq!(count_transfers(&bank).await, stored);
    assert_eq!(bank.number("SELECT count(*) AS n FROM batches").await, 0);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn a_dry_run_opens_no_method(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let methods = "SELECT count(*) AS n FROM wallets WHERE method = 'never_used'";
    let method = || Method::try_new("never_used").expect("this is a method");
    let transfers = &stage.services.transfers;
    let payment = |amount| NewPayment::new(stage.ana.1, Some(money(amount)), method());
    let told = transfers.deposit(dry(&stage.operator), payment("1")).await;
    assert_eq!(code(&told), "done");
    let told = transfers.withdraw(dry(&stage.operator), payment("100.0001")).await;
    assert_eq!(code(&told), "insufficient_funds");
    // A customer's withdrawal would not open it.
    let told = transfers.withdraw(dry(&stage.ana.0), payment("1")).await;
    assert_eq!(code(&told), "unknown_method");
    assert_eq!(bank.number(methods).await, 0);
    made(transfers.deposit(Asking::by(&stage.operator), payment("1")).await);
    assert_eq!(bank.number(methods).await, 1);
}

async fn a_dry_run_changes_nothing_for_its_neighbours(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [first, second] = [stage.hold("10").await, stage.hold("20").await];
    let would_pay = |amount| -> Asked<'_> {
        let stage = &stage;
        Box::pin(async move {
            let new = new_transfer(stage.ana.1, stage.ben.1, amount);
            code(&stage.services.transfers.submit(dry(&stage.ana.0), new).await)
        })
    };
    let would_void = |hold| -> Asked<'_> {
        let stage = &stage;
        Box::pin(async move { code(&stage.services.transfers.void(dry(&stage.ben.0), hold).await) })
    };
    let asked = vec![
        would_pay("70"),
        would_void(first),
        would_pay("70.0001"),
        stage.paying("60"),
        would_void(second),
        would_pay("10"),
        would_pay("10.0001"),
        stage.paying("10"),
        would_pay("0.0001"),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let short = "insufficient_funds";
    let expected = ["done", "done", short, "done", "done", "done", short, "done", short];
    assert_eq!(codes, expected);
    assert_eq!(stage.amounts(stage.ana.1).await, ["30.0000", "30.0000", "0.0000"]);
    made(stage.capture(&stage.ben.0, first, None, true).await);
    made(stage.capture(&stage.ben.0, second, None, true).await);
}

async fn a_dry_run_counts_against_no_limit(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.restrict(stage.ana.1, limits(None, Some("10"), Some(1))).await;
    let ask = async |asking, amount| {
        let new = new_transfer(stage.ana.1, stage.ben.1, amount);
        code(&stage.services.transfers.submit(asking, new).await)
    };
    for _ in 0..3 {
        assert_eq!(ask(dry(&stage.ana.0), "10").await, "done");
    }
    assert_eq!(ask(dry(&stage.ana.0), "10.0001").await, "limit_exceeded");
    assert_eq!(ask(Asking::by(&stage.ana.0), "10").await, "done");
    assert_eq!(ask(dry(&stage.ana.0), "0.0001").await, "limit_exceeded");
}
