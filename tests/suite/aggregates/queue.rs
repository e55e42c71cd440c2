//! The queue in Redis: messages of a dead consumer are taken over, malformed ones are set aside, and duplicates count
//! once.

use std::sync::Arc;

use harness::TestBank;
use service::aggregates::{Message, TransactionRow, totals_of};
use service::imports::RunOptions;
use service::values::{ImportId, ImportKind, Method, Money};
use uuid::Uuid;

use super::{Shown, answer, command, csv, expected, file, import, key, lines, on_every_store, restarted, settle, usd};

on_every_store!(
    everywhere: [],
    with_redis: [messages_of_a_dead_consumer_are_taken_over,
    what_cannot_be_read_goes_to_the_dead_letters,
    a_message_twice_counts_once,
    the_queue_is_empty_once_all_is_applied,
    a_process_without_redis_goes_on_with_no_import_of_one_that_has_it,],
);

/// A message of a block with one deposit.
fn message(import: u128, block: u64, units: i64) -> String {
    let row = TransactionRow {
        day: service::aggregates::Day::parse("2026-01-05").expect("this is a day"),
        kind: service::aggregates::PaymentKind::Deposit,
        method: Method::try_new("visa").expect("this is a method"),
        amount: Money::from_units(units).expect("this is money"),
        sleep_ms: 0,
    };
    let message = Message {
        import: ImportId(Uuid::from_u128(import)),
        block,
        totals: totals_of(&[row], usd()),
    };
    message.encode()
}

async fn send(bank: &TestBank, text: &str) {
    command(bank, &["XADD", &key(bank, "queue").await, "*", "block", text]).await;
}

/// Announces an import whose blocks begin with 0, as its first sender does.
async fn expect_blocks_of(bank: &TestBank, import: u128) {
    let epoch = command(bank, &["HGET", &key(bank, "state").await, "epoch"]).await;
    let epoch = epoch.lines().nth(1).expect("there is an epoch").to_owned();
    let mark = format!("next:{epoch}:{}", Uuid::from_u128(import).simple());
    command(bank, &["SET", &key(bank, &mark).await, "0:"]).await;
}

fn deposits(sum: &str) -> Shown {
    Shown::from([("2026-01-05 deposit visa".to_owned(), sum.to_owned())])
}

async fn messages_of_a_dead_consumer_are_taken_over(bank: Arc<TestBank>) {
    let aggregates = restarted(&bank);
    settle(&aggregates).await;
    expect_blocks_of(&bank, 1).await;
    for block in 0..3 {
        send(&bank, &message(1, block, 5)).await;
    }
    let queue = key(&bank, "queue").await;
    let taken = command(
        &bank,
        &["XREADGROUP", "GROUP", "appliers", "dead", "STREAMS", &queue, ">"],
    )
    .await;
    assert_eq!(taken.matches("block1").count(), 3, "{taken}");
    let patient = aggregates.consumer().claiming_after(3_600_000);
    assert_eq!(patient.step().await.expect("the consumer works"), 0);
    let hasty = aggregates.consumer().claiming_after(0);
    assert_eq!(hasty.step().await.expect("the consumer works"), 3);
    assert_eq!(answer(&aggregates).await, deposits("15/3"));
    assert!(command(&bank, &["XLEN", &queue]).await.starts_with(":0"));
    hasty.leave().await.expect("a consumer can leave");
    let consumers = command(&bank, &["XINFO", "CONSUMERS", &queue, "appliers"]).await;
    assert!(consumers.contains("dead"), "it was heard of a moment ago: {consumers}");
}

async fn what_cannot_be_read_goes_to_the_dead_letters(bank: Arc<TestBank>) {
    let aggregates = restarted(&bank);
    settle(&aggregates).await;
    let queue = key(&bank, "queue").await;
    expect_blocks_of(&bank, 2).await;
    send(&bank, "nonsense").await;
    send(&bank, &message(2, 0, 5)).await;
    send(&bank, &message(2, 1, 5).replace("visa", "VISA")).await;
    command(&bank, &["XADD", &queue, "*", "a", "b", "c", "d"]).await;
    settle(&aggregates).await;
    assert_eq!(answer(&aggregates).await, deposits("5/1"));
    assert!(command(&bank, &["XLEN", &queue]).await.starts_with(":0"));
    let dead = command(&bank, &["XRANGE", &key(&bank, "dead").await, "-", "+"]).await;
    assert!(
        dead.contains("nonsense") && dead.contains("VISA") && dead.contains("\r\nc\r\n"),
        "{dead}"
    );
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    let notes = &proof.aggregates.notes;
    assert!(notes.iter().any(|note| note.starts_with("3 messages")), "{notes:?}");
}

async fn a_message_twice_counts_once(bank: Arc<TestBank>) {
    let aggregates = restarted(&bank);
    settle(&aggregates).await;
    for import in [3, 4] {
        expect_blocks_of(&bank, import).await;
    }
    for _ in 0..2 {
        for block in [0, 0, 1, 1] {
            send(&bank, &message(3, block, 7)).await;
        }
        // The block numbers of another import may be the same.
        send(&bank, &message(4, 0, 1_000)).await;
        settle(&aggregates).await;
        assert_eq!(answer(&aggregates).await, deposits("1014/3"));
    }
}

async fn the_queue_is_empty_once_all_is_applied(bank: Arc<TestBank>) {
    let lines = lines(9_000, 5);
    import(&bank, &file(&bank, "all.csv", &csv(&lines))).await;
    assert!(
        command(&bank, &["XLEN", &key(&bank, "queue").await])
            .await
            .starts_with(":0")
    );
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

/// After a crash between a block's write to Redis and its checkpoint, only a process with Redis can find the block.
async fn a_process_without_redis_goes_on_with_no_import_of_one_that_has_it(bank: Arc<TestBank>) {
    let lines = lines(100, 3);
    let path = file(&bank, "other.csv", &csv(&lines));
    import(&bank, &path).await;
    bank.execute(
        "UPDATE imports SET status = 'RUNNING', finished_at = NULL, checkpoint = 0, block = 0, rows_read = 0, \
         rows_inserted = 0",
    )
    .await;
    bank.execute("DELETE FROM imported_totals").await;
    let without = bank.replica_with(|config| config.redis_url = None).await;
    let kind = ImportKind::Transactions;
    for path in [&path, &file(&bank, "new.csv", &csv(&lines[1..]))] {
        let refused = without.imports.import_file(kind, path, RunOptions::default()).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
    }
    assert_eq!(import(&bank, &path).await.counts.rows_inserted, 100);
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}
