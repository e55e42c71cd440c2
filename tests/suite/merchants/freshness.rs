//! Reports follow commits of any process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{TestBank, on_every_backend};

use super::Feed;
use super::feed::{import_into, row};

on_every_backend!(
    a_second_process_reads_what_the_first_imported,
    reports_follow_by_themselves,
    a_report_is_kept_until_something_changes,
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
