//! `/readyz`: an answer within about 2 s, one proof for all who ask, and no replica that depends on another's locks.

use std::time::{Duration, Instant};

use harness::{Backend, all_at_once, run};
use sea_orm::{ConnectionTrait, TransactionTrait};
use service::ops::NotReady;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_locks_every_proof_makes_no_replica_unready() {
    run(Backend::Postgres, |bank| async move {
        bank.services.ops.prove_ready().await.expect("it is ready");
        let stuck = bank.db.write.begin().await.expect("a transaction can begin");
        let sql = "SELECT 1 FROM readiness FOR UPDATE";
        stuck.execute_unprepared(sql).await.expect("the rows can be locked");
        for _ in 0..2 {
            let replica = bank.replica().await;
            let began = Instant::now();
            replica.ops.prove_ready().await.expect("no lock is in its way");
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        }
        stuck.rollback().await.expect("it changed nothing");
        bank.replica().await.ops.prove_ready().await.expect("it is ready");
        assert_eq!(bank.number("SELECT count(*) AS n FROM readiness").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_proof_that_takes_long_wait_two_seconds_at_most() {
    run(Backend::Postgres, |bank| async move {
        let stuck = bank.db.write.begin().await.expect("a transaction can begin");
        let sql = "LOCK TABLE readiness IN ACCESS EXCLUSIVE MODE";
        stuck.execute_unprepared(sql).await.expect("the table can be locked");
        for _ in 0..2 {
            let began = Instant::now();
            for found in all_at_once((0..5).map(|_| bank.services.ops.prove_ready())).await {
                assert!(matches!(found, Err(NotReady::Late)), "{found:?}");
            }
            assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
        }
        bank.anonymous().get("/readyz").await.expect_problem(503, "contended");
        stuck.rollback().await.expect("it changed nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_proof_holds_for_a_second_as_a_good_one_does() {
    run(Backend::Postgres, |bank| async move {
        bank.execute("ALTER TABLE readiness RENAME TO elsewhere").await;
        let failed = bank.services.ops.prove_ready().await;
        assert!(matches!(failed, Err(NotReady::Fault(_))), "{failed:?}");
        bank.execute("ALTER TABLE elsewhere RENAME TO readiness").await;
        let shared = bank.services.ops.prove_ready().await;
        assert!(matches!(shared, Err(NotReady::Fault(_))), "{shared:?}");
        while bank.services.ops.prove_ready().await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
