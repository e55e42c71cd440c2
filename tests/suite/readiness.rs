//! `/readyz` answers within about 2 s, makes one proof for all concurrent callers, and waits for no other replica's
//! locks.

use std::time::{Duration, Instant};

use harness::{Backend, Customer, Proxy, TestBank, all_at_once, run};
use sea_orm::{ConnectionTrait, TransactionTrait};
use service::ops::NotReady;

use crate::doubts::bank_behind_a_proxy;
use crate::requests::transfer;

/// The time between two checks of a process that waits for a silent server.
const PAUSE: Duration = Duration::from_millis(20);

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

/// A bank whose database server has gone silent, after ana has paid ben once.
struct Silenced {
    proxy: Proxy,
    bank: TestBank,
    ana: Customer,
    ben: Customer,
    since: Instant,
}

impl Silenced {
    async fn begin() -> Self {
        let (proxy, bank) = bank_behind_a_proxy().await;
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let paid = ana.caller.post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"));
        paid.await.expect(201);
        proxy.go_silent();
        let since = Instant::now();
        Self {
            proxy,
            bank,
            ana,
            ben,
            since,
        }
    }

    /// Whether `/readyz` reports that the committer waits.
    async fn is_stuck(&self) -> bool {
        let answer = self.bank.anonymous().get("/readyz").await;
        answer.status == 503
            && answer
                .text
                .contains("the committer has waited for the database for more than 5 s")
    }

    async fn pay(&self) -> u16 {
        let body = transfer(self.ana.wallet, self.ben.wallet, "1");
        self.ana.caller.post("/v1/transfers", body).await.status
    }

    /// After the server answers again, the process becomes ready and commits.
    async fn end(self, paid: u16) {
        assert_eq!(paid, 201, "its outcome was found");
        let began = Instant::now();
        while self.bank.anonymous().get("/readyz").await.status != 200 {
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        assert_eq!(self.pay().await, 201);
        let wallets = [self.ana.wallet, self.ben.wallet];
        assert_eq!(self.bank.balances(&wallets).await, ["7.0000", "3.0000"]);
        self.bank.assert_books_balance().await;
        self.bank.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_waits_for_a_silent_server_for_five_seconds_makes_its_process_unready() {
    let silenced = Silenced::begin().await;
    let watch = async {
        while !silenced.is_stuck().await {
            assert!(silenced.since.elapsed() < Duration::from_secs(8), "it does not say so");
            tokio::time::sleep(PAUSE).await;
        }
        assert!(silenced.since.elapsed() > Duration::from_secs(5), "it said so at once");
        silenced.proxy.speak_again();
    };
    let (paid, ()) = tokio::join!(silenced.pay(), watch);
    silenced.end(paid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_after_twenty_seconds() {
    let silenced = Silenced::begin().await;
    let watch = async {
        while silenced.bank.services.ops.metrics().unknown_commits == 0 {
            assert!(silenced.since.elapsed() < Duration::from_secs(23), "it is not given up");
            tokio::time::sleep(PAUSE).await;
        }
        assert!(
            silenced.since.elapsed() > Duration::from_secs(19),
            "it was given up at once"
        );
        assert!(silenced.is_stuck().await, "the batch is still in hand");
        silenced.proxy.speak_again();
    };
    let (paid, ()) = tokio::join!(silenced.pay(), watch);
    silenced.end(paid).await;
}
