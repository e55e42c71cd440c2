//! Clients of two replicas move money around the same few wallets in opposite directions: no request waits for long,
//! nothing deadlocks, and no update is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::{Backend, Delays, TestBank, run};
use service::Services;
use tokio::task::JoinSet;

use super::{Customers, Paid};

const WALLETS: usize = 10;
const CLIENTS_EACH: usize = 64;

/// A client of one replica; those of the second go round in the other direction.
async fn client(
    services: Arc<Services>,
    customers: Customers,
    (replica, number): (usize, usize),
    stop: Arc<AtomicBool>,
) -> (Vec<Paid>, Vec<Duration>) {
    let (mut paid, mut delays) = (Vec::new(), Vec::new());
    let mut from = number % WALLETS;
    while !stop.load(Ordering::SeqCst) {
        let to = (from + if replica == 0 { 1 } else { WALLETS - 1 }) % WALLETS;
        let key = format!("{replica}-{number}-{}", paid.len());
        let began = Instant::now();
        let receipt = customers.ask(&services, (from, to), &key).await;
        delays.push(began.elapsed());
        let id = receipt.expect("nobody is turned away").transfer.transfer.id;
        paid.push(Paid { key, from, to, id });
        from = to;
    }
    (paid, delays)
}

/// Returns the delays of all requests, after it has proved the books.
async fn opposite_directions(bank: Arc<TestBank>, time: Duration) -> Delays {
    let customers = Customers::of(&bank, WALLETS).await;
    let replicas = [bank.replica().await, bank.replica().await];
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for (replica, services) in replicas.iter().enumerate() {
        for number in 0..CLIENTS_EACH {
            clients.spawn(client(
                services.clone(),
                customers.clone(),
                (replica, number),
                stop.clone(),
            ));
        }
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::SeqCst);
    let (mut paid, mut delays) = (Vec::new(), Delays::default());
    for (some, took) in clients.join_all().await {
        paid.extend(some);
        took.into_iter().for_each(|delay| delays.push(delay));
    }
    for services in replicas {
        let metrics = services.ops.metrics();
        assert_eq!((metrics.conflict_retries, metrics.set_aside), (0, 0), "{metrics:?}");
        // PostgreSQL publishes a session's counters at the latest when the session ends.
        services.stop().await;
    }
    let deadlocks = "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(bank.number(deadlocks).await, 0);
    customers.assert_moved_once(&bank, &paid).await;
    println!("opposite directions for {time:?}: {delays}");
    delays
}

/// Bounds the 95th percentile and not the slowest request, which may wait for a processor beside other tests on a few
/// cores. A deadlock would show in PostgreSQL's own count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opposite_directions_do_not_deadlock() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let delays = opposite_directions(bank, Duration::from_secs(6)).await;
        assert!(delays.percentile(95) < Duration::from_millis(500), "{delays}");
        assert!(delays.len() > 10 * CLIENTS_EACH, "{delays}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute, and its bound on the slowest request is too sharp beside the whole suite"]
async fn the_slowest_of_opposite_directions_takes_less_than_half_a_second() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let delays = opposite_directions(bank, Duration::from_secs(30)).await;
        assert!(delays.percentile(100) < Duration::from_millis(500), "{delays}");
    })
    .await;
}
