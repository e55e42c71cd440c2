//! Redis is killed while the bank works, and keeps all of its data or none. The totals stay the same, since what Redis
//! held is rebuilt from the database.

use std::path::Path;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::servers::{Persistence, RedisServer};
use harness::{Backend, ManualClock, TestBank};
use secrecy::SecretString;
use service::aggregates::{AggregatesError, Verdict};
use service::imports::{ImportOutcome, ImportProgress, RunOptions};
use service::values::ImportKind;
use tokio::sync::watch;

use super::{Shown, answer, bank, csv, days, expected, file, import, lines, restarted, settle, together, usd};

/// Enough rows that the import is still running at the last crash.
const ROWS: usize = 120_000;

async fn server(persistence: Persistence) -> RedisServer {
    let started = RedisServer::start(persistence).await;
    started.unwrap_or_else(|error| panic!("{error:#}"))
}

async fn bank_on(backend: Backend, server: &RedisServer) -> TestBank {
    bank(backend, Some(SecretString::from(server.url()))).await
}

/// Imports until it works, as a person does after a failure.
async fn insist(bank: &TestBank, path: &Path, progress: Arc<watch::Sender<ImportProgress>>) {
    loop {
        let imports = &bank.services.imports;
        let options = RunOptions {
            progress: progress.clone(),
            ..RunOptions::default()
        };
        match imports.import_file(ImportKind::Transactions, path, options).await {
            Ok(ImportOutcome::Finished(_)) => return,
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
}

async fn a_redis_killed_in_mid_stream_loses_no_row(backend: Backend) {
    for persistence in [Persistence::AppendAlways, Persistence::None] {
        let mut server = server(persistence).await;
        let bank = Arc::new(bank_on(backend, &server).await);
        let ana = bank.customer("ana").await;
        bank.fund(ana.wallet, "5", "visa").await;
        settle(&bank.services.aggregates).await;
        let lines = lines(ROWS, 20);
        let path = file(&bank, "stream.csv", &csv(&lines));
        let (importing, progress) = (bank.clone(), Arc::new(watch::Sender::default()));
        let mut steps = progress.subscribe();
        let task = tokio::spawn(async move { insist(&importing, &path, progress).await });
        let mut applied = 0;
        for _ in 0..3 {
            // Some more rows than at the previous crash.
            let step = steps.wait_for(|step| step.rows > applied).await;
            applied = step.expect("the import goes on").rows;
            assert!(applied < ROWS as u64, "all is done before the crash");
            server.kill().expect("Redis can be killed");
            let unreachable = restarted(&bank).daily(days("2026-01-01", "2026-01-05"), usd()).await;
            assert!(matches!(unreachable, Err(AggregatesError::Redis(_))), "{unreachable:?}");
            server.start_again().await.expect("Redis starts again");
            bank.services.aggregates.archiver().step().await.ok();
        }
        task.await.expect("the import ends");
        settle(&restarted(&bank)).await;
        let own = Shown::from([("2026-01-05 deposit visa".to_owned(), "50000/1".to_owned())]);
        assert_eq!(answer(&restarted(&bank)).await, together(expected(&lines), own));
        let proof = bank.services.ops.verify().await.expect("the books can be read");
        assert_eq!(proof.aggregates.verdict, Verdict::Equal);
        assert!(proof.aggregates.notes[0].contains("made anew from the database, the last time of 3 on"));
        bank.close().await;
    }
}

/// The bank's own deposits in the test that empties Redis.
fn own_money() -> Shown {
    let own = ["visa", "wire", "cash"].into_iter().zip(["50000", "70000", "90000"]);
    own.map(|(method, sum)| (format!("2026-01-05 deposit {method}"), format!("{sum}/1")))
        .collect()
}

async fn a_redis_that_forgot_everything_is_told_again(backend: Backend) {
    let mut server = server(Persistence::None).await;
    let bank = bank_on(backend, &server).await;
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "5", "visa").await;
    let old_and_new = lines(200, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&old_and_new))).await;
    settle(&bank.services.aggregates).await;
    // When Redis is killed, this deposit is in Redis and not yet marked in the database. The next one is only in the
    // journal.
    bank.fund(ana.wallet, "7", "wire").await;
    let beyond = bank
        .services
        .aggregates
        .relay()
        .read_once()
        .await
        .expect("the journal is read");
    bank.services
        .aggregates
        .relay()
        .apply_once(&beyond)
        .await
        .expect("Redis answers");
    bank.fund(ana.wallet, "9", "cash").await;
    server.kill().expect("Redis can be killed");
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!(
        proof.aggregates.verdict,
        Verdict::NotCompared("Redis is out of reach".to_owned())
    );
    assert!(proof.is_clean(), "out of reach is not wrong");
    server.start_again().await.expect("Redis starts again");

    // The first request begins a new epoch, with everything that is in the journal by then.
    assert_eq!(
        answer(&restarted(&bank)).await,
        together(expected(&old_and_new), own_money())
    );
    settle(&restarted(&bank)).await;
    assert_eq!(
        answer(&restarted(&bank)).await,
        together(expected(&old_and_new), own_money())
    );
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!(proof.aggregates.verdict, Verdict::Equal);
    assert!(proof.aggregates.notes[0].contains("made anew from the database, the last time of 1 on"));

    // The new epoch goes on, and new rows are counted as before.
    let more = lines(100, 5);
    import(&bank, &file(&bank, "more.csv", &csv(&more))).await;
    settle(&restarted(&bank)).await;
    let all: Vec<_> = old_and_new.into_iter().chain(more).collect();
    assert_eq!(answer(&restarted(&bank)).await, together(expected(&all), own_money()));
    bank.close().await;
}

/// No process restarts, no connection breaks and no request comes: a server's own steps detect the loss.
async fn a_redis_that_was_emptied_is_told_again_without_a_restart(backend: Backend) {
    let server = server(Persistence::None).await;
    let bank = bank_on(backend, &server).await;
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "5", "visa").await;
    let lines = lines(200, 30);
    import(&bank, &file(&bank, "month.csv", &csv(&lines))).await;
    let aggregates = &bank.services.aggregates;
    settle(aggregates).await;
    let expected = together(
        expected(&lines),
        Shown::from([("2026-01-05 deposit visa".to_owned(), "50000/1".to_owned())]),
    );
    assert_eq!(answer(aggregates).await, expected);
    super::command(&bank, &["FLUSHALL"]).await;
    let consumer = aggregates.consumer();
    let noticed = consumer.step().await;
    assert!(matches!(noticed, Err(AggregatesError::Rebuilding)), "{noticed:?}");
    consumer.step().await.expect("it is rebuilt");
    assert_eq!(answer(aggregates).await, expected);
    bank.close().await;
}

/// Turns scenarios into tests on both databases, each with its own Redis.
macro_rules! on_a_redis_of_ones_own {
    ($($scenario:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(harness::Backend::Sqlite).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(harness::Backend::Postgres).await;
                }
            )*
        }
    };
}
on_a_redis_of_ones_own!(
    a_redis_killed_in_mid_stream_loses_no_row,
    a_redis_that_forgot_everything_is_told_again,
    a_redis_that_was_emptied_is_told_again_without_a_restart,
    a_redis_that_went_back_in_time_is_noticed,
    a_bank_may_get_a_redis_later_and_not_lose_it_unnoticed,
);

async fn a_redis_that_went_back_in_time_is_noticed(backend: Backend) {
    let server = server(Persistence::None).await;
    let bank = bank_on(backend, &server).await;
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "5", "visa").await;
    settle(&bank.services.aggregates).await;
    let prefix = super::key(&bank, "").await;
    let mark = super::command(&bank, &["GET", &format!("{prefix}mark")]).await;
    let mark = mark.lines().nth(1).expect("there is a mark").to_owned();
    bank.fund(ana.wallet, "7", "visa").await;
    settle(&bank.services.aggregates).await;
    // What a crash loses if the last second was not yet on disk: the second deposit, and the mark behind it.
    let generation = super::command(&bank, &["HGET", &format!("{prefix}open"), "2026-01-05"]).await;
    let generation = generation.lines().nth(1).expect("the day is open").to_owned();
    let day = format!("{prefix}day:2026-01-05/{generation}");
    super::command(
        &bank,
        &[
            "HSET",
            &day,
            "bank:USD:deposit:visa:low",
            "50000",
            "bank:USD:deposit:visa:count",
            "1",
        ],
    )
    .await;
    super::command(&bank, &["SET", &format!("{prefix}mark"), &mark]).await;
    super::command(&bank, &["HINCRBY", &format!("{prefix}state"), "version", "-1"]).await;
    settle(&restarted(&bank)).await;
    let own = Shown::from([("2026-01-05 deposit visa".to_owned(), "120000/2".to_owned())]);
    assert_eq!(answer(&restarted(&bank)).await, own);
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!(
        (proof.aggregates.verdict, proof.aggregates.notes.len()),
        (Verdict::Equal, 1)
    );
    bank.close().await;
}

async fn a_bank_may_get_a_redis_later_and_not_lose_it_unnoticed(backend: Backend) {
    let database = TestDatabase::new(backend).await;
    let clock = Arc::new(ManualClock::new());
    let bank = TestBank::open_on(backend, database, clock, 64).await;
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "5", "visa").await;
    let lines = lines(90, 9);
    import(&bank, &file(&bank, "without.csv", &csv(&lines))).await;
    settle(&bank.services.aggregates).await;
    let expected = together(
        expected(&lines),
        Shown::from([("2026-01-05 deposit visa".to_owned(), "50000/1".to_owned())]),
    );
    let server = server(Persistence::None).await;
    let redis = service::redis::Redis::try_new(&SecretString::from(server.url())).expect("this is an address");
    let with = service::aggregates::Aggregates::new(bank.db.clone(), bank.clock.clone(), Some(redis));
    assert_eq!(answer(&with).await, expected, "before Redis was ever used");
    settle(&with).await;
    assert_eq!(answer(&with).await, expected);
    let without = bank
        .services
        .aggregates
        .daily(days("2026-01-01", "2026-01-05"), usd())
        .await;
    assert!(
        matches!(without, Err(AggregatesError::RedisNotConfigured)),
        "{without:?}"
    );
    bank.close().await;
}
