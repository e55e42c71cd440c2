//! The committer's queue: when it is full, when callers leave it, and when it is closed.

use std::sync::Arc;
use std::time::Duration;

use harness::database::TestDatabase;
use harness::{Customer, ManualClock, TestBank, begin, on_every_backend};
use serde_json::json;
use service::ledger::{Action, BatchRequest, Command, SubmitError};
use service::transfers::{Asking, BATCH_MAX, TransferError};
use service::values::TransferStatus;
use tokio::time::sleep;

use crate::own_committer::{Committer, ana_pays_ben, sides};
use crate::requests::{key, new_transfer, submit, transfer};

on_every_backend!(
    a_full_queue_answers_at_once_and_nothing_happens,
    one_user_fills_half_of_the_queue_and_leaves_the_rest_to_others,
    a_caller_who_hangs_up_neither_stops_nor_doubles_a_transfer,
    an_aborted_request_under_a_key_is_answered_by_the_next,
    stopping_answers_what_was_accepted_and_takes_no_more,
    an_internal_fault_shows_no_details,
    the_size_of_each_batch_is_counted,
);

async fn ana_and_ben(bank: &TestBank) -> (Customer, Customer) {
    (bank.customer_with("ana", "100").await, bank.customer("ben").await)
}

async fn a_full_queue_answers_at_once_and_nothing_happens(bank: Arc<TestBank>) {
    let database = TestDatabase::new(bank.backend).await;
    let bank = TestBank::open_on(bank.backend, database, Arc::new(ManualClock::new()), 1).await;
    let (ana, ben) = ana_and_ben(&bank).await;
    let rows = bank.row_counts().await;
    let pay = || submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"));
    let held = bank.hold_commits().await;
    let mut accepted = Vec::new();
    // In the end the committer waits with what it took, and one command is in the queue, which stays full for as long
    // as commits are held: it has come to that when half a second of tries was refused.
    let mut refused = 0;
    while refused < 100 {
        let one = begin([pay()]).await;
        if one.waiting() == 1 {
            accepted.push(one);
            refused = 0;
        } else {
            refused += 1;
            sleep(Duration::from_millis(5)).await;
        }
    }
    let count = accepted.len() as u64;
    assert!((2..=3).contains(&count), "{count} were accepted");
    let crowd = begin((0..10).map(|_| pay())).await;
    assert_eq!(crowd.waiting(), 0, "nobody waits for a place");
    for outcome in crowd.all().await {
        assert!(
            matches!(outcome, Err(TransferError::Submit(SubmitError::Overloaded))),
            "{outcome:?}"
        );
    }
    let answer = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await;
    answer.expect_problem(503, "overloaded");
    let took = answer.header("x-process-time");
    assert!(took < "0.050", "an answer that costs nothing took {took} s");
    assert!(
        answer
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds > 0),
        "{:?}",
        answer.headers
    );
    held.release().await;
    for one in accepted {
        let outcome = one.all().await.pop().expect("one was begun");
        assert_eq!(
            outcome.expect("what was accepted is done").transfer.transfer.status,
            TransferStatus::Completed
        );
    }
    assert_eq!(bank.row_counts().await, (rows.0 + count, rows.1 + 2 * count));
    pay().await.expect("there is room again");
    let (anas, bens) = (format!("{}.0000", 99 - count), format!("{}.0000", 1 + count));
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, [anas, bens]);
    bank.assert_books_balance().await;
    bank.close().await;
}

async fn one_user_fills_half_of_the_queue_and_leaves_the_rest_to_others(bank: Arc<TestBank>) {
    /// Half of the committer's queue.
    const HALF: usize = 8192 / 2;
    let pay = ana_pays_ben(&bank).await;
    let committer = Committer::of(&bank).await;
    let queue = committer.queue();
    let held = bank.hold_commits().await;
    // Another user's, with as many rows as the committer takes at once: it takes nothing more while commits are held.
    let first = begin([queue.submit(thousand(&committer.first))]).await;
    while queue.depth() >= BATCH_MAX {
        tokio::task::yield_now().await;
    }
    let half = begin((0..HALF).map(|_| queue.submit(pay.clone()))).await;
    assert_eq!(half.waiting(), HALF);
    let more = begin((0..10).map(|_| queue.submit(pay.clone()))).await;
    assert_eq!(more.waiting(), 0, "no caller waits for a place");
    for outcome in more.all().await {
        assert!(matches!(outcome, Err(SubmitError::Overloaded)), "{outcome:?}");
    }
    let other = begin([queue.submit(committer.first.clone())]).await;
    assert_eq!(other.waiting(), 1, "there is room for another user");
    held.release().await;
    for outcome in [first.all().await, half.all().await, other.all().await].concat() {
        outcome.expect("what was accepted is done");
    }
    queue.submit(pay.clone()).await.expect("there is room again");
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.5903", "0.4097"]);
}

/// The same movement a thousand times, in one batch.
fn thousand(command: &Command) -> Command {
    let Action::Move(movement) = &command.action else {
        panic!("it moves money between customers");
    };
    let batch = BatchRequest {
        is_atomic: false,
        movements: vec![movement.clone(); BATCH_MAX],
    };
    Command::new(command.actor.clone(), Action::Batch(batch))
}

async fn a_caller_who_hangs_up_neither_stops_nor_doubles_a_transfer(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let rows = bank.row_counts().await;
    let held = bank.hold_commits().await;
    let pay = |amount| submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, amount));
    let left = begin([pay("1"), pay("2"), pay("4")]).await;
    assert_eq!(left.waiting(), 3, "they are queued");
    drop(left);
    let stayed = begin([pay("8")]).await;
    held.release().await;
    // The committer keeps the order of the queue, so those whose callers have left are committed before this one.
    stayed
        .all()
        .await
        .pop()
        .expect("one was begun")
        .expect("who stayed gets an answer");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["85.0000", "15.0000"]);
    assert_eq!(bank.row_counts().await, (rows.0 + 4, rows.1 + 8));
}

async fn an_aborted_request_under_a_key_is_answered_by_the_next(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let transfers = &bank.services.transfers;
    let pay = || {
        transfers.submit(
            Asking::by(&ana.actor).with_key(key("once")),
            new_transfer(ana.wallet, ben.wallet, "1"),
        )
    };
    let held = bank.hold_commits().await;
    let left = begin([pay()]).await;
    assert_eq!(left.waiting(), 1, "it is queued");
    drop(left);
    let again = begin([pay()]).await;
    assert_eq!(again.waiting(), 1, "the second waits for the first one's outcome");
    held.release().await;
    let receipt = again
        .all()
        .await
        .pop()
        .expect("one was begun")
        .expect("the transfer was made");
    assert!(receipt.replayed);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["99.0000", "1.0000"]);
}

async fn stopping_answers_what_was_accepted_and_takes_no_more(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let services = bank.replica().await;
    let transfers = services.transfers.clone();
    let pay = || transfers.submit(Asking::by(&ana.actor), new_transfer(ana.wallet, ben.wallet, "1"));
    let held = bank.hold_commits().await;
    let accepted = begin((0..20).map(|_| pay())).await;
    assert_eq!(accepted.waiting(), 20);
    let stopping = tokio::spawn(async move { services.stop().await });
    held.release().await;
    for outcome in accepted.all().await {
        assert_eq!(
            outcome.expect("what was accepted is done").transfer.transfer.status,
            TransferStatus::Completed
        );
    }
    stopping.await.expect("stopping ends");
    assert!(matches!(pay().await, Err(TransferError::Submit(SubmitError::Stopped))));
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["80.0000", "20.0000"]);
}

async fn an_internal_fault_shows_no_details(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let rows = bank.row_counts().await;
    bank.refuse_described_as("poison").await;
    let mut body = transfer(ana.wallet, ben.wallet, "1");
    body["description"] = json!("poison");
    let answer = ana.caller.post("/v1/transfers", body.clone()).await;
    answer.expect_problem(500, "internal");
    assert!(
        !answer.text.contains("poison") && !answer.text.contains("transfers"),
        "{}",
        answer.text
    );
    assert_eq!(bank.row_counts().await, rows);
    body["description"] = json!("honey");
    ana.caller.post("/v1/transfers", body).await.expect(201);
}

async fn the_size_of_each_batch_is_counted(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let before = bank.services.ops.metrics();
    for _ in 0..3 {
        let paid = submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1")).await;
        paid.expect("ana can pay");
    }
    let after = bank.services.ops.metrics();
    let counted = |counts: &[u64]| counts.iter().sum::<u64>();
    let (sizes, earlier) = (after.batch_size, before.batch_size);
    assert_eq!((sizes.sum - earlier.sum, after.commands - before.commands), (3, 3));
    assert_eq!(
        counted(&sizes.counts) - counted(&earlier.counts),
        after.batches - before.batches
    );
}
