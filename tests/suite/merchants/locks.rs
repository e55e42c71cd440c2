//! How long an import keeps other writers waiting, and what may delay an import.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::activities::{Dirt, Feed as Generated};
use harness::delays::waited_for_core;
use harness::{Backend, Delays, Stopwatch, TestBank, program};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Executor, SqliteConnection};

use super::Feed;
use super::feed::{import_into, row};

mod sqlite {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_import_holds_the_write_lock_for_a_moment_at_a_time() {
        harness::run(harness::Backend::Sqlite, super::moments).await;
    }
}

mod postgres {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_block_may_take_longer_than_a_request() {
        harness::run(harness::Backend::Postgres, super::longer_than_a_request).await;
    }
}

const ROWS: u64 = 120_000;
/// The time between two checks of the lock.
const POLL_EVERY: Duration = Duration::from_millis(1);
/// How long a command or an import may hold the write lock at a time.
const PROMISED: Duration = Duration::from_millis(100);

/// A writer of another process sees the lock taken for at most this long. What the machine adds is subtracted: the time
/// for which the holder was ready to run and had no core. A hold is ignored if the machine did not run the watcher
/// meanwhile, since it may have missed that the lock was free.
async fn moments(bank: Arc<TestBank>) {
    // Nearly every row has a merchant of its own, which makes its import several times as slow.
    let feed = Generated {
        merchants: u32::MAX,
        ..Generated::new(1, ROWS, Dirt::Clean)
    };
    let (text, expected) = feed.text();
    let folder = bank.database.folder.path();
    fs::write(folder.join("feed.csv"), text).expect("a file can be written");
    // In a separate process, so that its threads are not those of other tests.
    let arguments = ["import", "activities", "feed.csv", "--database-url", &bank.database.url];
    let mut importing = program::command(folder)
        .await
        .args(arguments)
        .spawn()
        .expect("florin can be started");
    let pid = importing.id().expect("it has just been started");
    let options = SqliteConnectOptions::new()
        .filename(folder.join("florin.db"))
        .busy_timeout(Duration::ZERO);
    let mut other = options.connect().await.expect("the file can be opened");
    let (mut held, mut missed) = (Delays::default(), 0);
    let status = loop {
        if let Some(status) = importing.try_wait().expect("a child can be waited for") {
            break status;
        }
        match until_free(&mut other, pid).await {
            Seen::Free => {}
            Seen::Held(hold) => held.push(hold),
            Seen::InPart => missed += 1,
        }
        tokio::time::sleep(POLL_EVERY).await;
    };
    assert!(status.success(), "{status}");
    let stored = bank.number("SELECT count(*) AS n FROM activities").await;
    assert_eq!(u64::try_from(stored), Ok(expected.inserted));
    println!("the lock was seen taken {held}; {missed} holds were not seen whole");
    assert!(held.len() >= 20, "{held}; {missed} holds were not seen whole");
    // The size of a part is estimated from the parts before it, so an occasional part takes longer.
    assert!(held.percentile(95) <= PROMISED, "{held}");
}

/// The result of one check of the lock.
enum Seen {
    Free,
    /// Taken for this long, without the time that the machine took from its holder.
    Held(Duration),
    /// Taken, but the machine did not run the watcher all the time.
    InPart,
}

/// Waits until the write lock is free.
async fn until_free(other: &mut SqliteConnection, holder: u32) -> Seen {
    let (mut watch, since) = (Stopwatch::default(), Instant::now());
    let waited = || waited_for_core(holder, "sqlx-sqlite");
    let mut before = None;
    while other.execute("BEGIN IMMEDIATE").await.is_err() {
        before.get_or_insert_with(waited);
        tokio::time::sleep(POLL_EVERY).await;
        watch.look();
    }
    other.execute("ROLLBACK").await.expect("it has begun");
    match before {
        None => Seen::Free,
        // If a thread of the holder has ended, its waiting time is lost; less is then subtracted, and the hold counts
        // as longer.
        Some(before) if watch.saw_all() => {
            let left_out = waited().saturating_sub(before);
            Seen::Held(since.elapsed().saturating_sub(left_out))
        }
        Some(_) => Seen::InPart,
    }
}

/// With a large history, a block's look-ups and its rows may take minutes, so an import's statements have no time
/// limit.
async fn longer_than_a_request(bank: Arc<TestBank>) {
    assert_eq!(bank.backend, Backend::Postgres);
    bank.execute(
        "CREATE FUNCTION unlimited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_setting('statement_timeout') <> '0' THEN RAISE EXCEPTION 'a time limit'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER unlimited BEFORE INSERT ON activities FOR EACH STATEMENT EXECUTE FUNCTION unlimited();",
    )
    .await;
    let import = import_into(&bank.services, Feed::of([row("M1")]).text()).await;
    assert_eq!(import.counts.rows_inserted, 1);
    // Other statements keep their limit.
    let limit = "SELECT CAST(setting AS bigint) AS n FROM pg_settings WHERE name = 'statement_timeout'";
    assert!(bank.number(limit).await > 0);
}
