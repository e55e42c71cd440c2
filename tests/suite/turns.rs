//! Another session holds the turn on the journal: no money moves without it, so the session must not keep it for long.

use std::time::{Duration, Instant};

use harness::{Backend, all_at_once, run};

use crate::requests::{new_transfer, submit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_has_the_turn_and_does_nothing_is_ended() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let other = bank.replica().await;
        let held = bank.hold_turn().await;
        let began = Instant::now();
        let pay = |services| submit(services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"));
        let paid = all_at_once([pay(&bank.services), pay(&other)]).await;
        let took = began.elapsed();
        assert!(
            paid.iter().all(Result::is_ok) && took < Duration::from_secs(3),
            "{paid:?} after {took:?}"
        );
        drop(held);
        assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["8.0000", "2.0000"]);
    })
    .await;
}
