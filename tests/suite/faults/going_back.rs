//! A database comes back without its newest commits, while replicas remember them. Balances are those of the stored
//! rows, row numbers have no gap, the loss is reported, and callers who ask again get the answers that they had.

use std::sync::Arc;

use harness::servers::REPLICATED;
use service::Services;

use super::{Customers, Load, OwnBank, Paid};

const CUSTOMERS: usize = 12;
const CLIENTS_EACH: usize = 8;
/// Transfers that each replica answers before and after the point to which the database goes back.
const ANSWERED: usize = 150;

/// Fails unless each replica has detected once that the database went back.
#[track_caller]
fn assert_told(replicas: &[Arc<Services>]) {
    for services in replicas {
        assert_eq!(services.ops.metrics().database_went_back, 1);
        let loss = services.ops.last_loss().expect("it is told by number");
        assert!(loss.kept_through < loss.lost_through, "{loss:?}");
    }
}

/// Repeats every answered request on the other replica, until each transfer is stored exactly once.
async fn end(own: OwnBank, replicas: [Arc<Services>; 2], mut paid: Vec<Paid>) {
    assert_told(&replicas);
    let customers: &Customers = &own.customers;
    own.until_connected().await;
    own.bank.assert_journal_is_sound().await;
    let lost = customers.ask_again(&replicas[1], &mut paid).await;
    assert!(lost >= ANSWERED, "{lost} of {} were lost", paid.len());
    assert!(paid.len() - lost >= ANSWERED, "{lost} of {} were lost", paid.len());
    assert_eq!(customers.ask_again(&replicas[0], &mut paid).await, 0);
    customers.assert_moved_once(&own.bank, &paid).await;
    own.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_promoted_without_the_newest_commits_makes_no_wrong_balance() {
    let mut own = OwnBank::start(REPLICATED, CUSTOMERS).await;
    let mut standby = own.server.standby().await.expect("a standby can follow");
    let replicas = own.two_replicas().await;
    let load = Load::start(&replicas, &own.customers, CLIENTS_EACH);
    load.until_answered(ANSWERED).await;
    standby.until_caught_up(&own.server).await.expect("it follows");
    standby.cut_off();
    load.until_answered(ANSWERED).await;
    own.server.kill().expect("a server can be killed");
    let promoted = standby.promote().await.expect("a standby can be promoted");
    own.way.lead_to(promoted.port());
    load.until_answered(ANSWERED).await;
    let paid = load.stop().await;
    own.server = promoted;
    end(own, replicas, paid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_data_that_is_put_back_makes_no_wrong_balance() {
    let mut own = OwnBank::start(REPLICATED, CUSTOMERS).await;
    let replicas = own.two_replicas().await;
    let load = Load::start(&replicas, &own.customers, CLIENTS_EACH);
    load.until_answered(ANSWERED).await;
    let copy = own.server.copy_data().await.expect("a running server can be copied");
    load.until_answered(ANSWERED).await;
    own.server.kill().expect("a server can be killed");
    own.server.put_back(copy).expect("a copy can be put back");
    own.server.start_again().await.expect("the server starts on the copy");
    load.until_answered(ANSWERED).await;
    let paid = load.stop().await;
    end(own, replicas, paid).await;
}

/// The database goes back twice, under the same replicas: what they remember of either loss moves no money.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_back_twice_makes_no_wrong_balance() {
    let mut own = OwnBank::start(REPLICATED, CUSTOMERS).await;
    let replicas = own.two_replicas().await;
    let mut paid = Vec::new();
    for round in 1..=2 {
        let load = Load::start(&replicas, &own.customers, CLIENTS_EACH);
        load.until_answered(ANSWERED).await;
        let copy = own.server.copy_data().await.expect("a running server can be copied");
        load.until_answered(ANSWERED).await;
        own.server.kill().expect("a server can be killed");
        own.server.put_back(copy).expect("a copy can be put back");
        own.server.start_again().await.expect("the server starts on the copy");
        load.until_answered(ANSWERED).await;
        paid.extend(load.stop().await);
        for services in &replicas {
            assert_eq!(services.ops.metrics().database_went_back, round);
        }
        own.customers.ask_again(&replicas[0], &mut paid).await;
    }
    own.until_connected().await;
    own.customers.assert_moved_once(&own.bank, &paid).await;
    own.close().await;
}
