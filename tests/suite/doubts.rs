//! The answer of a commit was lost: its callers are answered with its true outcome, or that the outcome is unknown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::bank::PASSWORD;
use harness::database::TestDatabase;
use harness::{Backend, ManualClock, Proxy, Silence, TestBank, begin, run};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use service::db::Db;
use service::ledger::{Command, Handovers, Ledger, Outcome, SubmitError};
use service::values::TransferStatus;

use crate::own_committer::{Committer, idempotency};

/// A proxy in front of a database, and the database's URL through it.
pub async fn proxy_of(database: &TestDatabase) -> (Proxy, String) {
    let (front, name) = database.url.rsplit_once('/').expect("the URL names a database");
    let (server, port) = front.rsplit_once(':').expect("the URL has a port");
    let proxy = Proxy::start(port.parse().expect("it is a number"), Silence::Never).await;
    let url = format!("{server}:{}/{name}", proxy.address.port());
    (proxy, url)
}

/// A committer whose connections go through a proxy.
pub async fn behind_a_proxy(bank: &TestBank) -> (Proxy, Db, Committer) {
    let (proxy, url) = proxy_of(&bank.database).await;
    let db = Db::connect(&url).await.expect("the proxy lets everything through");
    let committer = Committer::on(bank, &db).await;
    for _ in 0..4 {
        // Afterwards both connections have prepared the statement, so that the next answer is that of a commit.
        let outcome = committer.queue().submit(committer.first.clone()).await;
        outcome.expect("nothing is in its way");
        // Meanwhile the pool pings the connection that was returned: the next answer must not be that of the ping.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (proxy, db, committer)
}

/// A served bank whose connections all go through a proxy.
pub async fn bank_behind_a_proxy() -> (Proxy, TestBank) {
    let database = TestDatabase::new(Backend::Postgres).await;
    let (proxy, url) = proxy_of(&database).await;
    let clock = Arc::new(ManualClock::new());
    let bank = TestBank::open_with(Backend::Postgres, database, clock, |config| config.database_url = url).await;
    (proxy, bank)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_whose_commit_is_in_doubt_is_told_so() {
    let (proxy, bank) = bank_behind_a_proxy().await;
    let body = json!({ "email": "ana@example.com", "password": PASSWORD, "full_name": "Ana" });
    let register = async || bank.anonymous().post("/v1/auth/register", body.clone()).await;
    proxy.cut_answer_to("COMMIT");
    register().await.expect_problem(503, "outcome_unknown");
    // The user was stored, which the same request shows. The first wallet is opened at the first sign-in.
    register().await.expect_problem(409, "email_taken");
    let count = async |table| bank.number(&format!("SELECT count(*) AS n FROM {table}")).await;
    assert_eq!((count("users").await, count("wallets").await), (1, 0));
    for _ in 0..2 {
        let credentials = json!({ "email": "ana@example.com", "password": PASSWORD });
        bank.anonymous().post("/v1/auth/login", credentials).await.expect(200);
        assert_eq!((count("users").await, count("wallets").await), (1, 1));
    }
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_whose_commit_is_in_doubt_is_opened_once() {
    let (proxy, bank) = bank_behind_a_proxy().await;
    let ana = bank.customer("ana").await;
    let open = async || ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    // With the final NUL, since BEGIN contains READ COMMITTED.
    proxy.cut_answer_to("COMMIT\0");
    open().await.expect(201);
    assert_eq!(bank.services.ops.metrics().unknown_commits, 1);
    open().await.expect_problem(409, "wallet_exists");
    let wallets = bank.number("SELECT count(*) AS n FROM wallets").await;
    assert_eq!(wallets, 2);
    bank.close().await;
}

/// Sets whether new connections may write.
pub async fn set_read_only(bank: &TestBank, value: &str) {
    // A connection that was opened meanwhile begins its transactions read-only.
    let sql = format!(
        "SET TRANSACTION READ WRITE; \
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {value}', \
         current_database()); END $$"
    );
    bank.execute(&sql).await;
}

async fn transfers(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM transfers").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_transfer_is_told_after_the_server_was_read_only() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (proxy, _db, committer) = behind_a_proxy(&bank).await;
        let before = transfers(&bank).await;
        set_read_only(&bank, "on").await;
        proxy.cut_next_answer();
        let queue = committer.queue();
        let mut asked = begin([queue.submit(committer.first.clone())]).await;
        // Long enough for several tries on the server, which refuses them.
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(
            asked.still_waiting().await,
            1,
            "while it is in doubt there is no answer"
        );
        assert_eq!(committer.metrics().unknown_commits, 1);
        set_read_only(&bank, "off").await;
        let outcome = asked.all().await.pop().expect("one was begun");
        let Ok(Outcome::Recorded { transfer, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(transfer.status, TransferStatus::Completed);
        assert_eq!(transfers(&bank).await, before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_behind_a_commit_in_doubt_is_turned_away_when_a_look_fails() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (proxy, _db, committer) = behind_a_proxy(&bank).await;
        let queue = committer.queue();
        set_read_only(&bank, "on").await;
        proxy.cut_next_answer();
        let mut in_doubt = begin([queue.submit(committer.first.clone())]).await;
        while committer.metrics().unknown_commits == 0 {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        let behind = queue.submit(committer.first.clone()).await;
        assert!(
            matches!(&behind, Err(SubmitError::Fault(fault)) if fault.is_out_of_reach()),
            "{behind:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(in_doubt.still_waiting().await, 1, "its own outcome is still looked for");
        set_read_only(&bank, "off").await;
        let outcome = in_doubt.all().await.pop().expect("one was begun");
        assert!(matches!(outcome, Ok(Outcome::Recorded { .. })), "{outcome:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_stays_unknown_is_told_so_and_kept_for_its_key() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (proxy, _db, committer) = behind_a_proxy(&bank).await;
        let before = transfers(&bank).await;
        let keyed = Command {
            idempotency: idempotency(1),
            ..committer.first.clone()
        };
        set_read_only(&bank, "on").await;
        proxy.cut_next_answer();
        let began = Instant::now();
        let queue = committer.queue();
        let outcome = queue.submit(keyed.clone()).await;
        let took = began.elapsed();
        assert!(matches!(outcome, Err(SubmitError::OutcomeUnknown)), "{outcome:?}");
        assert!((30..36).contains(&took.as_secs()), "{took:?}");
        // A command that comes now is refused, and was not begun.
        let outcome = queue.submit(committer.first.clone()).await;
        assert!(matches!(outcome, Err(SubmitError::Fault(_))), "{outcome:?}");
        set_read_only(&bank, "off").await;
        let outcome = loop {
            match queue.submit(keyed.clone()).await {
                Err(SubmitError::Fault(_)) => tokio::task::yield_now().await,
                outcome => break outcome,
            }
        };
        assert!(
            matches!(outcome, Ok(Outcome::Recorded { replayed: true, .. })),
            "{outcome:?}"
        );
        assert_eq!(transfers(&bank).await, before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_database_that_goes_silent_are_answered_within_forty_seconds() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (proxy, _db, committer) = behind_a_proxy(&bank).await;
        proxy.go_silent();
        let began = Instant::now();
        let queue = committer.queue();
        let asked = begin((0..3).map(|_| queue.submit(committer.first.clone()))).await;
        let mut outcomes = asked.all().await.into_iter();
        let first = outcomes.next();
        assert!(matches!(first, Some(Err(SubmitError::OutcomeUnknown))), "{first:?}");
        // The commands behind the commit were not begun; their callers may be answered so at the same moment.
        for outcome in outcomes {
            let is_told = match &outcome {
                Err(SubmitError::OutcomeUnknown) => true,
                Err(SubmitError::Fault(fault)) => fault.is_out_of_reach(),
                _ => false,
            };
            assert!(is_told, "{outcome:?}");
        }
        let took = began.elapsed();
        assert!((39..45).contains(&took.as_secs()), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_is_not_ready_and_refuses_with_503() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let committer = Committer::of(&bank).await;
        set_read_only(&bank, "on").await;
        let replica = Db::connect(&bank.database.url).await.expect("reading is allowed");
        let fault = replica.prove_writable().await.expect_err("writing is not");
        assert!(fault.is_out_of_reach(), "{fault:?}");
        let started = Ledger::start(&replica, bank.clock.clone(), 8, Handovers::default());
        let ledger = started.expect("a thread can be started");
        let outcome = ledger.queue().submit(committer.first.clone()).await;
        assert!(
            matches!(&outcome, Err(SubmitError::Fault(fault)) if fault.is_out_of_reach()),
            "{outcome:?}"
        );
        set_read_only(&bank, "off").await;
        ledger
            .queue()
            .submit(committer.first.clone())
            .await
            .expect("a new connection may write");
        replica.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_lose_commits_are_found() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        // The tests' server has fsync and full_page_writes off; in addition, this database loses commits.
        let sql =
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$";
        bank.execute(sql).await;
        let db = Db::connect(&bank.database.url).await.expect("it can be opened");
        let found = db
            .unsafe_settings()
            .await
            .expect("they can be read")
            .expect("there are some")
            .to_string();
        for setting in ["fsync = off", "full_page_writes = off", "synchronous_commit = off"] {
            assert!(found.contains(setting), "{found}");
        }
        let careful = bank.replica_with(|config| config.allows_unsafe_database = false).await;
        let reason = careful.ops.prove_ready().await.expect_err("it is unsafe");
        assert!(reason.to_string().contains("synchronous_commit = off"), "{reason}");
        bank.services.ops.prove_ready().await.expect("here it is allowed");
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_commits_and_overwrites_what_is_erased() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        assert_eq!(bank.db.unsafe_settings().await.expect("they can be read"), None);
        let sql = Statement::from_string(bank.db.backend(), "PRAGMA synchronous = normal");
        bank.db.write.execute_raw(sql).await.expect("it can be set");
        let found = bank.db.unsafe_settings().await.expect("they can be read");
        assert!(found.is_some_and(|found| found.to_string().contains("synchronous = 1")));
        // What is erased is overwritten, by each connection that writes.
        let sql = Statement::from_string(bank.db.backend(), "PRAGMA secure_delete");
        let row = bank.db.write.query_one_raw(sql).await.expect("it can be read");
        let is_on: i64 = row
            .expect("it has a value")
            .try_get_by_index(0)
            .expect("it is a number");
        assert_eq!(is_on, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_wait_for_another_process_without_a_time_limit() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let sql =
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''50ms''', current_database()); END $$";
        bank.execute(sql).await;
        bank.execute("DELETE FROM seaql_migrations WHERE version LIKE 'm0008%'; DROP TABLE readiness")
            .await;
        let mut options = sea_orm::ConnectOptions::new(bank.database.url.clone());
        options.sqlx_logging(false);
        let late = sea_orm::Database::connect(options).await.expect("it can be opened");
        let held = bank.hold_migrations().await;
        let waits = Arc::new(tokio::sync::Notify::new());
        let waiting = waits.clone();
        let task = tokio::spawn(async move {
            let applied = migration::up_after(&late, move || waiting.notify_one()).await;
            late.close().await.expect("it can be closed");
            applied
        });
        waits.notified().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!task.is_finished(), "it waits beyond lock_timeout");
        held.release().await;
        let applied = task
            .await
            .expect("it does not panic")
            .expect("the schema is brought up to date");
        assert_eq!(applied.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_of_a_file_wait_until_its_write_lock_is_free() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        bank.execute("DELETE FROM seaql_migrations WHERE version LIKE 'm0008%'; DROP TABLE readiness")
            .await;
        let mut options = sea_orm::ConnectOptions::new(bank.database.url.clone());
        options
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|file| file.busy_timeout(Duration::from_millis(50)));
        let late = sea_orm::Database::connect(options).await.expect("it can be opened");
        let held = bank.hold_commits().await;
        let (waits, mut said) = tokio::sync::mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let waiting = move || waits.send(()).expect("the test listens");
            let applied = migration::up_after(&late, waiting).await;
            late.close().await.expect("it can be closed");
            applied
        });
        for _ in 0..3 {
            said.recv().await.expect("it says that it waits, and goes on waiting");
        }
        held.release().await;
        let applied = task.await.expect("it does not panic");
        assert_eq!(applied.expect("the schema is brought up to date").len(), 1);
    })
    .await;
}
