//! What an import keeps others from, and what keeps an import.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::activities::{Dirt, Feed as Generated};
use harness::{Backend, TestBank};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{ConnectOptions, Executor, SqliteConnection};

use super::Feed;
use super::feed::{import, import_into, row};

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

const ROWS: u64 = 60_000;
/// Between two looks at the lock.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A writer of another process sees the lock taken for so long at a time.
async fn moments(bank: Arc<TestBank>) {
    // Nearly every row has a merchant of its own, which makes it several times as dear.
    let feed = Generated {
        merchants: u32::MAX,
        ..Generated::new(1, ROWS, Dirt::Clean)
    };
    let (text, expected) = feed.text();
    let importing = tokio::spawn({
        let bank = bank.clone();
        async move { import(&bank, text).await }
    });
    let path = bank.database.folder.path().join("florin.db");
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
    let mut other = options.connect().await.expect("the file can be opened");
    let mut held = Vec::new();
    while !importing.is_finished() {
        held.extend(until_free(&mut other).await);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let counts = importing.await.expect("it is imported").counts;
    assert_eq!(counts.rows_inserted, expected.inserted);
    held.sort_unstable();
    println!("the lock was seen taken for {held:?}");
    assert!(held.len() >= 10, "{held:?}");
    // Where others are at work too a look may miss that the lock was free, and sees two holds as one: most of the shorter
    // ones are single. They aim at 60 ms whatever the build; parts of a fixed size would come to twice as much here.
    assert!(held[held.len() / 4] < Duration::from_millis(80), "{held:?}");
    let most = held[held.len() - 1];
    assert!(most < Duration::from_millis(1_000), "{held:?}");
}

/// How long it takes until the write lock is to be had; `None` when nobody has it.
async fn until_free(other: &mut SqliteConnection) -> Option<Duration> {
    let since = Instant::now();
    let mut waited = None;
    while other.execute("BEGIN IMMEDIATE").await.is_err() {
        tokio::time::sleep(LOOK_EVERY).await;
        waited = Some(since.elapsed());
    }
    other.execute("ROLLBACK").await.expect("it has begun");
    waited
}

/// Of a large history a block's look-ups and its rows may take minutes.
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
    // Others keep their limit.
    let limit = "SELECT CAST(setting AS bigint) AS n FROM pg_settings WHERE name = 'statement_timeout'";
    assert!(bank.number(limit).await > 0);
}
