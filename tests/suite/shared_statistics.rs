//! The rolling minute of several replicas: shared while Redis is there, each for itself while it is not.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::servers::{Persistence, RedisServer};
use harness::{Backend, Customer, ManualClock, TestBank};
use secrecy::SecretString;
use service::Services;
use service::statistics::{Age, FINDER_GRACE_MS, SyncError};

use crate::statistics::{minute, report};

/// Turns scenarios into tests on both databases, each with a Redis of its own that it may kill.
macro_rules! with_redis {
    ($($scenario:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(super::Shared::open(harness::Backend::Sqlite).await).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(super::Shared::open(harness::Backend::Postgres).await).await;
                }
            )*
        }
    };
}

with_redis!(
    two_replicas_answer_the_same,
    only_the_finder_reads_back,
    a_member_that_comes_back_is_believed_more_than_the_database,
    without_redis_each_answers_for_itself_and_joins_again,
    a_start_without_redis_reads_back_and_gives_way_later,
    a_redis_that_forgot_everything_is_told_again,
    what_a_dead_replica_told_stays_for_its_minute,
);

/// A bank that shares its statistics, and the Redis that it shares them through.
struct Shared {
    bank: Arc<TestBank>,
    redis: RedisServer,
}

impl Shared {
    /// The first replica is a member already.
    async fn open(backend: Backend) -> Self {
        let redis = RedisServer::start(Persistence::None)
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let url = redis.url();
        let database = harness::bank::TestDatabase::new(backend).await;
        let clock = Arc::new(ManualClock::new());
        let bank = TestBank::open_with(backend, database, clock, |config| {
            config.redis_url = Some(SecretString::from(url));
        });
        let shared = Self {
            bank: Arc::new(bank.await),
            redis,
        };
        shared.become_member(&shared.bank.services).await;
        shared
    }

    /// Waits out the grace time of a finder.
    async fn become_member(&self, finder: &Services) {
        self.bank.advance(TimeDelta::milliseconds(FINDER_GRACE_MS)).await;
        sync([finder, finder]).await;
    }

    /// A replica that knows what the first one does.
    async fn member(&self) -> Arc<Services> {
        let replica = self.bank.replica().await;
        sync([&*replica, &*self.bank.services]).await;
        replica
    }

    /// Something moved by a process that shares nothing, such as a command.
    async fn fund_unseen(&self, customer: &Customer, amount: &str) {
        let alone = self.bank.replica_with(|config| config.redis_url = None).await;
        let deposit = service::transfers::NewPayment {
            wallet: customer.wallet,
            amount: service::values::Money::parse_unsigned(amount).ok(),
            method: service::values::Method::try_new("visa").expect("visa is a method"),
        };
        let operator = self.bank.operator_actor().await;
        alone
            .transfers
            .deposit(operator, None, deposit)
            .await
            .expect("a deposit is made");
    }

    async fn close(self) {
        self.bank.assert_books_balance().await;
        self.bank.close().await;
        self.redis.stop().expect("Redis can be stopped");
    }
}

async fn sync<'a>(replicas: impl IntoIterator<Item = &'a Services>) {
    for replica in replicas {
        replica.statistics.sync().await.expect("Redis is there");
    }
}

async fn two_replicas_answer_the_same(shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.member().await);
    shared.bank.customer_with("ana", "10").await;
    assert_eq!(report(&shared.bank, &there, 5, 30_000), Age::Inside);
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((1, 10), (1, 5))
    );
    sync([&*here, &*there, &*here]).await;
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((2, 15), (2, 15))
    );
    // Telling again what is known changes nothing.
    sync([&*here, &*there, &*here, &*there]).await;
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((2, 15), (2, 15))
    );
    shared.bank.advance(TimeDelta::milliseconds(30_001)).await;
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((1, 10), (1, 10))
    );
    assert_eq!(there.statistics.metrics().replicas, 1);
    shared.close().await;
}

async fn only_the_finder_reads_back(shared: Shared) {
    let ana = shared.bank.customer_with("ana", "10").await;
    sync([&*shared.bank.services]).await;
    shared.fund_unseen(&ana, "100").await;
    // A replica that comes later learns what the first one knows, and asks the database nothing.
    let later = shared.member().await;
    assert_eq!(minute(&later, "USD").await, (1, 10));
    // One that finds no window reads all of it back.
    let elsewhere = RedisServer::start(Persistence::None).await.expect("Redis starts");
    let url = SecretString::from(elsewhere.url());
    let finder = shared.bank.replica_with(|config| config.redis_url = Some(url)).await;
    assert_eq!(minute(&finder, "USD").await, (2, 110));
    shared.become_member(&finder).await;
    assert_eq!(minute(&finder, "USD").await, (2, 110));
    let next = shared
        .bank
        .replica_with(|config| config.redis_url = Some(SecretString::from(elsewhere.url())))
        .await;
    assert_eq!(minute(&next, "USD").await, (2, 110));
    shared.close().await;
}

async fn a_member_that_comes_back_is_believed_more_than_the_database(mut shared: Shared) {
    shared.bank.customer_with("ana", "10").await;
    assert_eq!(report(&shared.bank, &shared.bank.services, 5, 0), Age::Inside);
    shared.redis.kill().expect("Redis can be killed");
    shared.redis.start_again().await.expect("Redis starts again");
    // It finds no window, since Redis has forgotten it: for now the minute is the database's.
    let finder = shared.bank.replica().await;
    assert_eq!(minute(&finder, "USD").await, (1, 10));
    // Then the member comes back, within the grace time, and nothing counts twice.
    assert!(
        shared.bank.services.statistics.sync().await.is_err(),
        "the connection is gone"
    );
    sync([&*shared.bank.services, &*finder, &*shared.bank.services]).await;
    assert_eq!(minute(&finder, "USD").await, (2, 15));
    assert_eq!(minute(&shared.bank.services, "USD").await, (2, 15));
    shared.become_member(&finder).await;
    sync([&*shared.bank.services]).await;
    assert_eq!(minute(&shared.bank.services, "USD").await, (2, 15));
    shared.close().await;
}

async fn without_redis_each_answers_for_itself_and_joins_again(mut shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.member().await);
    let operator = shared.bank.operator().await;
    let ready = operator.get("/readyz").await;
    assert_eq!(
        ready.text,
        r#"{"status":"ok","redis":"ok","detail":null,"importing":null}"#
    );
    shared.bank.customer_with("ana", "10").await;
    sync([&*here, &*there]).await;
    shared.redis.kill().expect("Redis can be killed");
    for replica in [&here, &there] {
        let failed = replica.statistics.sync().await;
        assert!(matches!(failed, Err(SyncError::Redis(_))), "{failed:?}");
    }
    // What was known stays, and what comes counts here.
    assert_eq!(report(&shared.bank, &here, 1, 0), Age::Inside);
    assert_eq!(report(&shared.bank, &there, 2, 0), Age::Inside);
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((2, 11), (2, 12))
    );
    let ready = operator.get("/readyz").await;
    assert_eq!((ready.status, ready.text_of("redis")), (200, "away"), "{}", ready.text);
    assert!(ready.text_of("detail").contains("Redis"), "{}", ready.text);
    let metrics = operator.get("/metrics").await.text;
    assert!(metrics.contains("\nflorin_statistics_shared 0\n"), "{metrics}");
    assert!(
        metrics.contains("\nflorin_statistics_sync_failures_total 1\n"),
        "{metrics}"
    );

    shared.redis.start_again().await.expect("Redis starts again");
    sync([&*here, &*there, &*here]).await;
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((3, 13), (3, 13))
    );
    assert_eq!(operator.get("/readyz").await.text_of("redis"), "ok");
    assert!(
        operator
            .get("/metrics")
            .await
            .text
            .contains("\nflorin_statistics_shared 1\n")
    );
    shared.close().await;
}

async fn a_start_without_redis_reads_back_and_gives_way_later(mut shared: Shared) {
    let ana = shared.bank.customer_with("ana", "10").await;
    shared.redis.kill().expect("Redis can be killed");
    shared.fund_unseen(&ana, "100").await;
    let alone = shared.bank.replica().await;
    assert_eq!(minute(&alone, "USD").await, (2, 110));
    assert_eq!(report(&shared.bank, &alone, 1, 0), Age::Inside);
    shared.redis.start_again().await.expect("Redis starts again");
    assert!(
        shared.bank.services.statistics.sync().await.is_err(),
        "the connection is gone"
    );
    sync([&*shared.bank.services, &*alone, &*alone, &*shared.bank.services]).await;
    // The member's minute and what the newcomer has seen itself, not what it read.
    assert_eq!(minute(&alone, "USD").await, (2, 11));
    assert_eq!(minute(&shared.bank.services, "USD").await, (2, 11));
    shared.close().await;
}

async fn a_redis_that_forgot_everything_is_told_again(mut shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.member().await);
    shared.bank.customer_with("ana", "10").await;
    sync([&*here, &*there]).await;
    shared.redis.kill().expect("Redis can be killed");
    shared.redis.start_again().await.expect("Redis starts again");
    for replica in [&here, &there] {
        assert!(replica.statistics.sync().await.is_err(), "the connection is gone");
    }
    sync([&*here, &*there]).await;
    assert_eq!(
        (minute(&here, "USD").await, minute(&there, "USD").await),
        ((1, 10), (1, 10))
    );
    // Whoever comes now hears of what was told before.
    let later = shared.member().await;
    assert_eq!(minute(&later, "USD").await, (1, 10));
    shared.close().await;
}

async fn what_a_dead_replica_told_stays_for_its_minute(shared: Shared) {
    let dying = shared.member().await;
    assert_eq!(report(&shared.bank, &dying, 5, 0), Age::Inside);
    sync([&*dying, &*shared.bank.services]).await;
    drop(dying);
    let later = shared.member().await;
    assert_eq!(minute(&later, "USD").await, (1, 5));
    shared.bank.advance(TimeDelta::milliseconds(60_001)).await;
    sync([&*later]).await;
    assert_eq!(minute(&later, "USD").await, (0, 0));
    shared.close().await;
}
