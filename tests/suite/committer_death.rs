//! A committer that panics is detected: its callers get a true answer, and the bank reports that it is not ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::{ManualClock, TestBank, on_every_backend};
use service::Services;
use service::clock::Clock;
use service::db::Db;
use service::ledger::SubmitError;
use service::ops::NotReady;
use service::transfers::TransferError;
use service::values::Timestamp;

use crate::requests::{new_transfer, submit};

on_every_backend!(a_committer_that_died_is_noticed);

/// A clock that panics when the committer's thread reads it, as a bug in the committer would.
struct BrokenClock {
    clock: Arc<ManualClock>,
    is_broken: AtomicBool,
}

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        let is_committer = std::thread::current().name() == Some("committer");
        assert!(
            !(is_committer && self.is_broken.load(Ordering::SeqCst)),
            "the clock broke"
        );
        self.clock.now()
    }
}

async fn a_committer_that_died_is_noticed(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let clock = Arc::new(BrokenClock {
        clock: bank.clock.clone(),
        is_broken: AtomicBool::new(false),
    });
    let db = Db::connect(&bank.config.database_url).await.expect("it can be opened");
    let services = Services::start(&bank.config, db, clock.clone()).expect("the services start");
    let pay = || submit(&services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"));
    pay().await.expect("the clock is whole");
    services.ops.prove_ready().await.expect("it is ready");
    clock.is_broken.store(true, Ordering::SeqCst);
    let outcome = pay().await;
    assert!(
        matches!(outcome, Err(TransferError::Submit(SubmitError::OutcomeUnknown))),
        "{outcome:?}"
    );
    services.committer_died().await;
    assert!(!services.moves_money());
    let outcome = pay().await;
    assert!(
        matches!(outcome, Err(TransferError::Submit(SubmitError::Stopped))),
        "{outcome:?}"
    );
    let reason = services.ops.prove_ready().await;
    assert!(matches!(reason, Err(NotReady::NoCommitter)), "{reason:?}");
    services.stop().await;
}
