//! Reports follow commits of any process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::app::app;
use api::edge::{self, Limits};
use harness::{Backend, Caller, TestBank, on_every_backend};
use sea_orm::{ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use service::Services;
use service::values::ImportKind;
use tokio::net::TcpListener;

use super::Feed;
use super::feed::{import_into, row};

on_every_backend!(
    a_second_process_reads_what_the_first_imported,
    reports_follow_by_themselves,
    a_report_is_kept_until_something_changes,
    reports_say_that_the_first_import_runs,
);

async fn a_second_process_reads_what_the_first_imported(bank: Arc<TestBank>) {
    let replica = bank.replica().await;
    replica.merchants.refresh().await.expect("the reports can be read");
    assert_eq!(replica.merchants.reports().version, 0);
    Feed::of([row("M1"), row("M2")]).import(&bank).await;
    replica.merchants.refresh().await.expect("the reports can be read");
    assert_eq!(replica.merchants.reports(), bank.services.merchants.reports());
    let top = replica
        .merchants
        .reports()
        .top_merchant
        .clone()
        .expect("there is a top merchant");
    assert_eq!(&*top.merchant_id, "M1");
}

/// Longer than the second that is promised: hundreds of tests share this machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody asks for a refresh here.
async fn reports_follow_by_themselves(bank: Arc<TestBank>) {
    let replica = bank.replica().await;
    import_into(&bank.services, Feed::of([row("M1")]).text()).await;
    let committed = Instant::now();
    for services in [&bank.services, &replica] {
        while services.merchants.reports().top_merchant.is_none() {
            assert!(committed.elapsed() < PATIENCE, "a report does not follow");
            tokio::task::yield_now().await;
        }
    }
}

async fn a_report_is_kept_until_something_changes(bank: Arc<TestBank>) {
    Feed::of([row("M1")]).import(&bank).await;
    let before = bank.services.merchants.reports();
    bank.services
        .merchants
        .refresh()
        .await
        .expect("the reports can be read");
    assert!(
        Arc::ptr_eq(&before, &bank.services.merchants.reports()),
        "read again for nothing"
    );
    Feed::of([row("M2")]).import(&bank).await;
    let after = bank.services.merchants.reports();
    assert_eq!(after.version, before.version + 1);
    assert!(!Arc::ptr_eq(&before, &after));
}

/// A second server that finds a file at its start, while no rollup can be written.
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
    tokio::spawn(edge::serve(listener, app, Limits::default(), std::future::pending()));
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
