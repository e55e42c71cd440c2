//! Ids increase along the journal, through several replicas, restarts, and clocks that step back or are ahead.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{ManualClock, TestBank, all_at_once, on_every_backend};
use service::values::TransferId;

use super::{Customers, start};

on_every_backend!(
    ids_grow_through_replicas_restarts_and_clock_steps,
    ids_grow_while_replicas_with_other_clocks_commit_at_once,
);

/// Before each round one of the two clocks, in turn, steps by these milliseconds; if true, its replica then restarts.
/// No clock is ever so far from the bank's time that its process refuses to commit.
const STEPS: [(i64, bool); 8] = [
    (0, false),
    (-1_500, false),
    (1_000, true),
    (1_800, false),
    (-1_900, true),
    (-1, false),
    (700, true),
    (-1_800, false),
];

async fn ids_grow_through_replicas_restarts_and_clock_steps(bank: Arc<TestBank>) {
    let customers = Customers::of(&bank, 4).await;
    let clocks = [Arc::new(ManualClock::new()), Arc::new(ManualClock::new())];
    let mut replicas = Vec::new();
    for clock in &clocks {
        replicas.push(start(&bank, clock).await);
    }
    let mut last: Option<TransferId> = None;
    let mut paid = 0;
    for (round, (millis, restarts)) in STEPS.into_iter().enumerate() {
        let stepping = round % 2;
        clocks[stepping].advance(TimeDelta::milliseconds(millis));
        if restarts {
            replicas.remove(stepping).stop().await;
            replicas.insert(stepping, start(&bank, &clocks[stepping]).await);
        }
        for number in 0..6 {
            let services = &replicas[number % 2];
            let key = format!("{round}-{number}");
            let receipt = customers.ask(services, (number % 4, (number + 1) % 4), &key).await;
            let id = receipt.expect("there is enough").transfer.transfer.id;
            // Each was submitted after the previous one was answered.
            assert!(last < Some(id), "{last:?} and {id} after step {round}");
            last = Some(id);
            paid += 1;
        }
    }
    let made = bank.number("SELECT count(*) AS n FROM transfers WHERE idempotency_key IS NOT NULL");
    assert_eq!(made.await, paid);
    bank.assert_journal_is_sound().await;
    for services in replicas {
        services.stop().await;
    }
}

async fn ids_grow_while_replicas_with_other_clocks_commit_at_once(bank: Arc<TestBank>) {
    let customers = Customers::of(&bank, 6).await;
    let clocks = [Arc::new(ManualClock::new()), Arc::new(ManualClock::new())];
    clocks[1].advance(TimeDelta::milliseconds(-1_000));
    let replicas = [start(&bank, &clocks[0]).await, start(&bank, &clocks[1]).await];
    let streams = (0..8).map(|stream| {
        let (customers, clocks, services) = (&customers, &clocks, &replicas[stream % 2]);
        async move {
            let mut last: Option<TransferId> = None;
            for number in 0..15 {
                if stream < 2 && number % 5 == 0 {
                    let millis = if number % 2 == 0 { 1_001 } else { -999 };
                    clocks[stream].advance(TimeDelta::milliseconds(millis));
                }
                let key = format!("{stream}-{number}");
                let receipt = customers
                    .ask(services, (number % 6, (number + 1 + stream % 5) % 6), &key)
                    .await;
                let id = receipt.expect("there is enough").transfer.transfer.id;
                assert!(last < Some(id), "{last:?} and {id} of one caller");
                last = Some(id);
            }
        }
    });
    all_at_once(streams).await;
    bank.assert_journal_is_sound().await;
    for services in replicas {
        services.stop().await;
    }
}
