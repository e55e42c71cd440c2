//! A commit is on the primary, and its synchronous standby has not confirmed it.

use std::time::Duration;

use harness::servers::REPLICATED;
use service::transfers::TransferError;
use tokio::time::{sleep, timeout};

use super::OwnBank;

/// How long the test watches that the caller waits.
const WAITS_FOR: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection is lost while the commit waits for the standby. The committer finds the commit on the primary, but a
/// failover would lose it. So the caller is answered only after the standby has received a later row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_found_after_a_doubt_is_answered_once_a_standby_has_it() {
    let mut own = OwnBank::start(REPLICATED, 2).await;
    let standby = own.server.standby().await.expect("a standby can follow");
    own.bank
        .execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        .await;
    own.bank.execute("SELECT pg_reload_conf()").await;
    until(
        &own,
        "SELECT count(*) AS n FROM pg_stat_replication WHERE sync_state = 'sync'",
    )
    .await;
    let services = own.bank.services.clone();
    let first = own.customers.ask(&services, (0, 1), "confirmed").await;
    first.expect("the standby follows");
    standby.hold_back();
    let asked = tokio::spawn({
        let (customers, services) = (own.customers.clone(), services.clone());
        async move { customers.ask(&services, (0, 1), "in-doubt").await }
    });
    let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until(&own, &format!("SELECT count(*) AS n {waiting}")).await;
    own.bank
        .execute(&format!("SELECT pg_terminate_backend(pid) {waiting}"))
        .await;
    let doubts = || services.ops.metrics().unknown_commits;
    timeout(PATIENCE, async {
        while doubts() == 0 {
            sleep(PAUSE).await;
        }
    })
    .await
    .expect("the committer notices");
    sleep(WAITS_FOR).await;
    let made = "SELECT count(*) AS n FROM transfers WHERE kind = 1";
    assert_eq!(own.bank.number(made).await, 2, "it stands on the primary");
    assert!(!asked.is_finished(), "no standby has it");
    standby.follow_again();
    let receipt = asked.await.expect("it does not panic").expect("it was made");
    assert!(!receipt.replayed);
    own.server.kill().expect("a server can be killed");
    own.server = standby.promote().await.expect("a standby can be promoted");
    own.way.lead_to(own.server.port());
    own.until_connected().await;
    // The committer must first find that its connections to the killed server are broken.
    let again = loop {
        match own.customers.ask(&services, (0, 1), "in-doubt").await {
            Ok(receipt) => break receipt,
            Err(TransferError::Submit(_)) => sleep(PAUSE).await,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(
        (again.replayed, again.transfer.transfer.id),
        (true, receipt.transfer.transfer.id)
    );
    own.close().await;
}

/// Returns once the count is above 0.
async fn until(own: &OwnBank, count: &str) {
    let comes = async {
        while own.bank.number(count).await == 0 {
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, comes).await.expect("it comes");
}
