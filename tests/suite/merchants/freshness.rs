//! Reports follow the commits of every process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::app::app;
use api::edge::{self, ConnectionLimits};
use harness::{Backend, Caller, Delays, Stopwatch, TestBank, on_every_backend};
use sea_orm::{ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use service::Services;
use service::merchants::{Merchants, Reports};
use service::values::ImportKind;
use service::workers::Workers;
use tokio::net::TcpListener;

use super::Feed;
use super::feed::{import_into, row};

on_every_backend!(
    a_second_process_reads_what_the_first_imported,
    reports_follow_by_themselves,
    reports_that_nobody_can_look_at_are_none,
    a_report_is_kept_until_something_changes,
    reports_say_that_the_first_import_runs,
);

fn at_hand(services: &Services) -> Arc<Reports> {
    services.merchants.reports().expect("the reports are at hand")
}

async fn a_second_process_reads_what_the_first_imported(bank: Arc<TestBank>) {
    let replica = bank.replica().await;
    replica.merchants.refresh().await.expect("the reports can be read");
    assert_eq!(at_hand(&replica).version, 0);
    Feed::of([row("M1"), row("M2")]).import(&bank).await;
    replica.merchants.refresh().await.expect("the reports can be read");
    assert_eq!(at_hand(&replica), at_hand(&bank.services));
    assert!(leads(&replica, "M1"));
}

fn leads(services: &Services, merchant: &str) -> bool {
    let reports = at_hand(services);
    let top = reports.top_merchant.as_ref();
    top.is_some_and(|top| &*top.merchant_id == merchant)
}

/// How old a report may be.
const PROMISED: Duration = Duration::from_secs(1);
/// Commits whose delay is measured.
const TURNS: i64 = 20;
/// The time between two polls.
const POLL_EVERY: Duration = Duration::from_millis(1);
/// The longest wait for a report on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The test requests no refresh. A delay does not include the time for which the machine did not run the test.
async fn reports_follow_by_themselves(bank: Arc<TestBank>) {
    let replica = bank.replica().await;
    let mut delays = Delays::default();
    for version in 1..=TURNS {
        import_into(&bank.services, Feed::of([row("M1")]).text()).await;
        let mut watch = Stopwatch::default();
        let mut delay = watch.look();
        for services in [&bank.services, &replica] {
            while at_hand(services).version < version {
                assert!(delay < PATIENCE, "a report does not follow");
                tokio::time::sleep(POLL_EVERY).await;
                delay = watch.look();
            }
        }
        delays.push(delay);
    }
    println!("reports followed {delays}");
    assert!(delays.percentile(95) <= PROMISED, "{delays}");
}

/// While a process cannot check whether the reports have changed, it serves the old ones for some seconds, then
/// refuses.
async fn reports_that_nobody_can_look_at_are_none(bank: Arc<TestBank>) {
    Feed::of([row("M1")]).import(&bank).await;
    let operator = bank.operator().await;
    let report = async || operator.get("/analytics/top-merchant").await;
    report().await.expect(200);
    bank.execute("ALTER TABLE merchant_ranking RENAME TO away").await;
    // A process that starts now has no old reports.
    let starting = Merchants::start(&bank.db, Workers::new());
    assert!(starting.reports().is_err());
    let since = Instant::now();
    let refused = loop {
        let answer = report().await;
        if answer.status != 200 {
            break answer;
        }
        assert!(since.elapsed() < 3 * PATIENCE, "old reports are still served");
    };
    refused.expect_problem(503, "unavailable");
    // The server is still ready, and names the worker that fails.
    let words = "the worker reports has failed for";
    let says_so = async || {
        operator.get("/readyz").await.expect(200)["detail"]
            .to_string()
            .contains(words)
    };
    while !says_so().await {
        assert!(since.elapsed() < 4 * PATIENCE, "nothing tells of the worker");
    }
    bank.execute("ALTER TABLE away RENAME TO merchant_ranking").await;
    let since = Instant::now();
    while report().await.status != 200 || starting.reports().is_err() {
        assert!(since.elapsed() < PATIENCE, "the reports are not read again");
    }
    assert!(!says_so().await, "the worker is well again");
}

async fn a_report_is_kept_until_something_changes(bank: Arc<TestBank>) {
    Feed::of([row("M1")]).import(&bank).await;
    let before = at_hand(&bank.services);
    bank.services
        .merchants
        .refresh()
        .await
        .expect("the reports can be read");
    assert!(Arc::ptr_eq(&before, &at_hand(&bank.services)), "read again for nothing");
    Feed::of([row("M2")]).import(&bank).await;
    let after = at_hand(&bank.services);
    assert!(after.version > before.version, "versions grow, by random steps");
    assert!(!Arc::ptr_eq(&before, &after));
}

/// A second server finds a file at its start, while no rollup can be written.
async fn reports_say_that_the_first_import_runs(bank: Arc<TestBank>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("activities_20240101.csv");
    std::fs::write(&file, Feed::of([row("M1").kyc("TIER_UPGRADE")]).text()).expect("a file can be written");
    let replica = bank.replica().await;
    let caller = served(&replica)
        .await
        .with_token(bank.operator().await.token.as_deref().unwrap_or_default());
    let held = hold_rollups(&bank).await;
    replica.imports.serve(vec![file]);
    let reports = [
        "top-merchant",
        "monthly-active-merchants",
        "product-adoption",
        "kyc-funnel",
        "failure-rates",
    ];
    for report in reports {
        let answer = caller.get(&format!("/analytics/{report}")).await;
        answer.expect_problem(503, "import_running");
        assert_eq!(answer.header("retry-after"), "1");
    }
    held.rollback().await.expect("a transaction can be rolled back");
    let since = Instant::now();
    while replica.imports.is_importing(ImportKind::Activities) {
        assert!(since.elapsed() < PATIENCE, "the import does not end");
        tokio::task::yield_now().await;
    }
    replica.merchants.refresh().await.expect("the reports can be read");
    for report in reports {
        caller.get(&format!("/analytics/{report}")).await.expect(200);
    }
}

async fn served(services: &Arc<Services>) -> Caller {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let app = app(services.clone(), Vec::new()).expect("the app can be built");
    tokio::spawn(edge::serve(
        listener,
        app,
        ConnectionLimits::default(),
        std::future::pending(),
    ));
    Caller::at(address)
}

async fn hold_rollups(bank: &TestBank) -> DatabaseTransaction {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let held = bank
        .db
        .write
        .begin_with_options(options)
        .await
        .expect("a transaction can begin");
    if bank.backend == Backend::Postgres {
        let lock = held
            .execute_unprepared("SELECT 1 FROM merchant_ranking FOR UPDATE")
            .await;
        lock.expect("the ranking can be locked");
    }
    held
}
