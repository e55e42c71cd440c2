//! Payees who are named by e-mail addresses: what unknown addresses cost a caller, what they do not cost, and what the
//! look-up costs the database.

use std::sync::Arc;

use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Backend, ManualClock, TestBank, on_every_backend};
use service::Services;
use service::identity::Actor;
use service::transfers::{Asking, BATCH_MAX, BatchAnswer, NewBatch, NewTransfer, TransferError};

use super::acts::{codes_of, count_transfers, made};
use super::batch_items::to_address;
use super::{Answer, LifeStage, code};
use crate::requests::{key, submit};

on_every_backend!(
    a_throttled_caller_gets_one_answer_for_every_address,
    a_repeated_batch_with_unknown_payees_gets_its_outcome,
    a_used_key_is_answered_while_its_caller_is_throttled,
    a_throttled_caller_uses_no_key_up,
    eleven_unknown_addresses_are_possible_once,
    an_address_is_one_miss_however_often_a_batch_names_it,
    callers_do_not_share_their_misses,
);

/// How many unknown addresses a caller may name at once.
const MISSES_MAX: usize = 10;
const BEN: &str = "ben@example.com";

impl LifeStage {
    /// Ana's payment of one to an address.
    fn to(&self, address: &str) -> NewTransfer {
        to_address(self.ana.1, address, "1")
    }

    /// Ana's payments to so many different unknown addresses.
    fn to_unknown(&self, count: usize) -> Vec<NewTransfer> {
        (0..count)
            .map(|number| self.to(&format!("nobody{number}@example.com")))
            .collect()
    }

    async fn pay_address(&self, address: &str) -> Answer {
        submit(&self.services, &self.ana.0, self.to(address)).await
    }

    /// Fails unless ana has exactly so many misses left, and uses them up.
    async fn use_up(&self, left: usize) {
        for new in self.to_unknown(left) {
            let answer = submit(&self.services, &self.ana.0, new).await;
            assert_eq!(code(&answer), "payee_not_found");
        }
        assert_throttled(&self.pay_address("nobody@example.com").await);
    }
}

async fn together(
    services: &Services,
    asking: Asking,
    transfers: Vec<NewTransfer>,
) -> Result<BatchAnswer, TransferError> {
    let new = NewBatch {
        is_atomic: false,
        transfers,
    };
    services.transfers.batch(asking, new).await
}

fn keyed(actor: &Actor, name: &str) -> Asking {
    Asking::by(actor).with_key(key(name))
}

fn dry(asking: Asking) -> Asking {
    Asking {
        is_dry_run: true,
        ..asking
    }
}

#[track_caller]
fn assert_throttled<T: std::fmt::Debug>(answer: &Result<T, TransferError>) {
    assert!(
        matches!(answer, Err(TransferError::TooManyLookups { retry_after_s }) if *retry_after_s > 0),
        "{answer:?}"
    );
}

async fn a_throttled_caller_gets_one_answer_for_every_address(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    made(stage.pay_address(BEN).await);
    stage.use_up(MISSES_MAX).await;
    let stored = count_transfers(&bank).await;
    let ana = stage.ana.0.clone();
    for address in [BEN, "nobody@example.com", "ana@example.com"] {
        let invalid = NewTransfer {
            amount: None,
            ..stage.to(address)
        };
        let from_others = to_address(stage.ben.1, address, "1");
        for new in [stage.to(address), invalid, from_others] {
            for asking in [Asking::by(&ana), dry(Asking::by(&ana)), keyed(&ana, "new")] {
                let answer = stage.services.transfers.submit(asking.clone(), new.clone()).await;
                assert_throttled(&answer);
                let items = vec![stage.new_hold("1"), new.clone()];
                assert_throttled(&together(&stage.services, asking, items).await);
            }
        }
    }
    assert_eq!(count_transfers(&bank).await, stored);
    // Wallets can still be paid by their ids.
    made(stage.pay("1").await);
}

async fn a_repeated_batch_with_unknown_payees_gets_its_outcome(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let items = || {
        let mut items = stage.to_unknown(6);
        items.push(stage.to(BEN));
        items
    };
    let first = together(&stage.services, keyed(&stage.ana.0, "k"), items()).await;
    let first = first.expect("a batch has outcomes");
    assert!(!first.replayed);
    for _ in 0..12 {
        let again = together(&stage.services, keyed(&stage.ana.0, "k"), items()).await;
        let again = again.expect("it is the same request");
        assert!(again.replayed);
        assert_eq!((again.id, codes_of(&again)), (first.id, codes_of(&first)));
    }
    // Neither these nor a key that is used for something else cost misses.
    for _ in 0..12 {
        let other = together(&stage.services, keyed(&stage.ana.0, "k"), stage.to_unknown(6)).await;
        assert!(matches!(other, Err(TransferError::KeyReused)), "{other:?}");
    }
    stage.use_up(MISSES_MAX - 6).await;
}

async fn a_used_key_is_answered_while_its_caller_is_throttled(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let ana = stage.ana.0.clone();
    let items = || vec![stage.to(BEN), stage.to("nobody0@example.com")];
    let transfers = &stage.services.transfers;
    let single = made(transfers.submit(keyed(&ana, "one"), stage.to(BEN)).await);
    let batch = together(&stage.services, keyed(&ana, "many"), items()).await;
    let batch = batch.expect("a batch has outcomes");
    stage.use_up(MISSES_MAX - 1).await;
    let stored = count_transfers(&bank).await;
    for is_dry_run in [false, true, false] {
        let asking = |name| Asking {
            is_dry_run,
            ..keyed(&ana, name)
        };
        let again = transfers.submit(asking("one"), stage.to(BEN)).await;
        let again = again.expect("it is the same request");
        assert_eq!((again.transfer.transfer.id, again.replayed), (single, true));
        let again = together(&stage.services, asking("many"), items()).await;
        let again = again.expect("it is the same request");
        assert_eq!((again.id, again.replayed), (batch.id, true));
        assert_eq!(codes_of(&again), ["done", "payee_not_found"]);
        let other = transfers.submit(asking("one"), stage.to("nobody@example.com")).await;
        assert_eq!(code(&other), "idempotency_key_reused");
    }
    assert_eq!(count_transfers(&bank).await, stored);
}

async fn a_throttled_caller_uses_no_key_up(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let ana = stage.ana.0.clone();
    // The first item could be recorded without its payee.
    let items = || vec![stage.new_hold("5"), stage.to(BEN)];
    stage.use_up(MISSES_MAX).await;
    let stored = count_transfers(&bank).await;
    for _ in 0..2 {
        assert_throttled(&stage.services.transfers.submit(keyed(&ana, "one"), stage.to(BEN)).await);
        assert_throttled(&together(&stage.services, keyed(&ana, "many"), items()).await);
    }
    assert_eq!(count_transfers(&bank).await, stored);
    // Another replica counts by itself.
    let replica = bank.replica().await;
    let single = replica.transfers.submit(keyed(&ana, "one"), stage.to(BEN)).await;
    assert!(!single.expect("nothing is in its way").replayed);
    let batch = together(&replica, keyed(&ana, "many"), items()).await;
    let batch = batch.expect("a batch has outcomes");
    assert_eq!((codes_of(&batch), batch.replayed), (vec!["done"; 2], false));
}

async fn eleven_unknown_addresses_are_possible_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let answer = together(&stage.services, Asking::by(&stage.ana.0), stage.to_unknown(11)).await;
    let answer = answer.expect("a batch has outcomes");
    assert_eq!(codes_of(&answer), ["payee_not_found"; 11]);
    let again = together(&stage.services, Asking::by(&stage.ana.0), stage.to_unknown(11)).await;
    let Err(TransferError::TooManyLookups { retry_after_s }) = again else {
        panic!("{again:?}");
    };
    // The eleventh is waited for too.
    assert!((31..=60).contains(&retry_after_s), "{retry_after_s}");
    stage.use_up(0).await;
}

async fn an_address_is_one_miss_however_often_a_batch_names_it(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let items = vec![stage.to("nobody@example.com"); 50];
    let answer = together(&stage.services, dry(Asking::by(&stage.ana.0)), items).await;
    assert_eq!(
        codes_of(&answer.expect("a batch has outcomes")),
        ["payee_not_found"; 50]
    );
    stage.use_up(MISSES_MAX - 1).await;
}

async fn callers_do_not_share_their_misses(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.fund(stage.ben.1, "5", "visa").await;
    stage.use_up(MISSES_MAX).await;
    let ben = stage.ben.clone();
    let answer = submit(&stage.services, &ben.0, to_address(ben.1, "nobody@example.com", "1")).await;
    assert_eq!(code(&answer), "payee_not_found");
    made(submit(&stage.services, &ben.0, to_address(ben.1, "ana@example.com", "1")).await);
    assert_throttled(&stage.pay_address(BEN).await);
}

/// Three for the payees; the others are the committer's.
const STATEMENTS_MAX: i64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_payees_are_looked_up_with_few_statements() {
    let settings = [("shared_preload_libraries", "pg_stat_statements")];
    let server = PostgresServer::start(Durability::Fast, &settings)
        .await
        .expect("a server starts");
    let database = TestDatabase::on(&server, "payees").await;
    let bank = Arc::new(TestBank::open_on(Backend::Postgres, database, Arc::new(ManualClock::new()), 8192).await);
    bank.execute("CREATE EXTENSION pg_stat_statements").await;
    let stage = LifeStage::set(&bank).await;
    let mut items = stage.to_unknown(BATCH_MAX / 2);
    let to_ben = to_address(stage.ana.1, BEN, "0.1");
    items.extend(vec![to_ben; BATCH_MAX / 2]);
    bank.number("SELECT count(*) AS n FROM pg_stat_statements_reset()")
        .await;
    let answer = together(&stage.services, Asking::by(&stage.ana.0), items).await;
    let statements = bank
        .number(
            "SELECT coalesce(sum(calls), 0)::bigint AS n FROM pg_stat_statements \
             WHERE (query LIKE '%users%' OR query LIKE '%wallets%') AND query NOT LIKE '%pg_stat_statements%'",
        )
        .await;
    let codes = codes_of(&answer.expect("a batch has outcomes")).concat();
    assert_eq!(codes.matches("done").count(), BATCH_MAX / 2);
    assert!((3..=STATEMENTS_MAX).contains(&statements), "{statements} statements");
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["50.0000", "50.0000"]);
    bank.close().await;
}
