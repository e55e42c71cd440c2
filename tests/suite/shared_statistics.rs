//! The rolling minute of several replicas. Each replica reads the bank's own movements from the journal. Replicas share
//! reported amounts through Redis while it is available.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::servers::{Persistence, RedisServer};
use harness::{Backend, Customer, ManualClock, TestBank};
use secrecy::SecretString;
use service::Services;
use service::redis::RedisFault;
use service::statistics::Age;

use crate::statistics::{minute, report};

/// Turns scenarios into tests on both databases, each with its own Redis, which the scenario may kill.
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
    what_the_bank_moves_needs_no_redis,
    a_replica_that_starts_on_an_empty_redis_hears_the_others_again,
    without_redis_reports_are_each_replicas_own_and_are_shared_later,
    a_redis_that_forgot_everything_is_told_again,
    a_redis_that_was_emptied_unnoticed_is_told_again,
    what_a_dead_replica_told_stays_for_its_minute,
);

/// A bank that shares its statistics, and the Redis that it uses for that.
struct Shared {
    bank: Arc<TestBank>,
    redis: RedisServer,
}

impl Shared {
    async fn open(backend: Backend) -> Self {
        let redis = RedisServer::start(Persistence::None)
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let url = redis.url();
        let database = harness::database::TestDatabase::new(backend).await;
        let clock = Arc::new(ManualClock::new());
        let bank = TestBank::open_with(backend, database, clock, |config| {
            config.redis_url = Some(SecretString::from(url));
        });
        Self {
            bank: Arc::new(bank.await),
            redis,
        }
    }

    /// A replica that has received what the first one has.
    async fn replica(&self) -> Arc<Services> {
        let replica = self.bank.replica().await;
        sync([&*replica, &*self.bank.services]).await;
        replica
    }

    /// A deposit by a process that shares no statistics, such as a command.
    async fn fund_unseen(&self, customer: &Customer, amount: &str) {
        let alone = self.bank.replica_with(|config| config.redis_url = None).await;
        let deposit = service::transfers::NewPayment::new(
            customer.wallet,
            service::values::Money::parse_unsigned(amount).ok(),
            service::values::Method::try_new("visa").expect("visa is a method"),
        );
        let operator = self.bank.operator_actor().await;
        alone
            .transfers
            .deposit(service::transfers::Asking::by(&operator), deposit)
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

/// The minutes of both replicas, in dollars.
async fn minutes(here: &Services, there: &Services) -> [(u64, i128); 2] {
    [minute(here, "USD").await, minute(there, "USD").await]
}

async fn two_replicas_answer_the_same(shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.replica().await);
    shared.bank.customer_with("ana", "10").await;
    assert_eq!(report(&shared.bank, &there, 5, 30_000), Age::Inside);
    assert_eq!(minutes(&here, &there).await, [(1, 10), (2, 15)]);
    sync([&*there, &*here]).await;
    assert_eq!(minutes(&here, &there).await, [(2, 15), (2, 15)]);
    // Another sync without news changes nothing.
    sync([&*here, &*there, &*here, &*there]).await;
    assert_eq!(minutes(&here, &there).await, [(2, 15), (2, 15)]);
    shared.bank.advance(TimeDelta::milliseconds(30_001)).await;
    assert_eq!(minutes(&here, &there).await, [(1, 10), (1, 10)]);
    assert_eq!(there.statistics.metrics().replicas, 1);
    shared.close().await;
}

async fn what_the_bank_moves_needs_no_redis(mut shared: Shared) {
    let ana = shared.bank.customer_with("ana", "10").await;
    shared.fund_unseen(&ana, "100").await;
    let elsewhere = RedisServer::start(Persistence::None).await.expect("Redis starts");
    let url = SecretString::from(elsewhere.url());
    let other = shared.bank.replica_with(|config| config.redis_url = Some(url)).await;
    assert_eq!(minutes(&shared.bank.services, &other).await, [(2, 110), (2, 110)]);
    shared.redis.kill().expect("Redis can be killed");
    shared.fund_unseen(&ana, "1").await;
    let later = shared.bank.replica().await;
    assert_eq!(minutes(&shared.bank.services, &later).await, [(3, 111), (3, 111)]);
    // Replicas do not share it through Redis later either: it would then count twice.
    shared.redis.start_again().await.expect("Redis starts again");
    for replica in [&shared.bank.services, &later] {
        replica.statistics.sync().await.ok();
    }
    sync([&*shared.bank.services, &*later, &*shared.bank.services]).await;
    assert_eq!(minutes(&shared.bank.services, &later).await, [(3, 111), (3, 111)]);
    elsewhere.stop().expect("Redis can be stopped");
    shared.close().await;
}

async fn a_replica_that_starts_on_an_empty_redis_hears_the_others_again(mut shared: Shared) {
    shared.bank.customer_with("ana", "10").await;
    assert_eq!(report(&shared.bank, &shared.bank.services, 5, 0), Age::Inside);
    shared.redis.kill().expect("Redis can be killed");
    shared.redis.start_again().await.expect("Redis starts again");
    let later = shared.bank.replica().await;
    assert_eq!(minute(&later, "USD").await, (1, 10));
    assert!(
        shared.bank.services.statistics.sync().await.is_err(),
        "the connection is gone"
    );
    sync([&*shared.bank.services, &*later, &*shared.bank.services]).await;
    assert_eq!(minutes(&shared.bank.services, &later).await, [(2, 15), (2, 15)]);
    shared.close().await;
}

async fn without_redis_reports_are_each_replicas_own_and_are_shared_later(mut shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.replica().await);
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
        assert!(matches!(failed, Err(RedisFault::Unreachable(_))), "{failed:?}");
    }
    assert_eq!(report(&shared.bank, &here, 1, 0), Age::Inside);
    assert_eq!(report(&shared.bank, &there, 2, 0), Age::Inside);
    assert_eq!(minutes(&here, &there).await, [(2, 11), (2, 12)]);
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
    assert_eq!(minutes(&here, &there).await, [(3, 13), (3, 13)]);
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

async fn a_redis_that_forgot_everything_is_told_again(mut shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.replica().await);
    assert_eq!(report(&shared.bank, &here, 10, 0), Age::Inside);
    sync([&*here, &*there]).await;
    shared.redis.kill().expect("Redis can be killed");
    shared.redis.start_again().await.expect("Redis starts again");
    for replica in [&here, &there] {
        assert!(replica.statistics.sync().await.is_err(), "the connection is gone");
    }
    sync([&*here, &*there]).await;
    assert_eq!(minutes(&here, &there).await, [(1, 10), (1, 10)]);
    // A replica that starts now receives what was shared before.
    let later = shared.replica().await;
    assert_eq!(minute(&later, "USD").await, (1, 10));
    shared.close().await;
}

/// No connection breaks: a replica finds another generation than before, or none and makes one.
async fn a_redis_that_was_emptied_unnoticed_is_told_again(shared: Shared) {
    let (here, there) = (shared.bank.services.clone(), shared.replica().await);
    assert_eq!(report(&shared.bank, &here, 10, 0), Age::Inside);
    assert_eq!(report(&shared.bank, &there, 1, 0), Age::Inside);
    sync([&*here, &*there]).await;
    let emptied = RedisServer::command(&shared.redis.url(), &["FLUSHALL"]).await;
    emptied.expect("Redis answers");
    sync([&*here, &*there, &*here]).await;
    let later = shared.bank.replica().await;
    for replica in [&here, &there, &later] {
        assert_eq!(minute(replica, "USD").await, (2, 11));
    }
    shared.close().await;
}

async fn what_a_dead_replica_told_stays_for_its_minute(shared: Shared) {
    let dying = shared.replica().await;
    assert_eq!(report(&shared.bank, &dying, 5, 0), Age::Inside);
    sync([&*dying, &*shared.bank.services]).await;
    drop(dying);
    let later = shared.replica().await;
    assert_eq!(minute(&later, "USD").await, (1, 5));
    shared.bank.advance(TimeDelta::milliseconds(60_001)).await;
    sync([&*later]).await;
    assert_eq!(minute(&later, "USD").await, (0, 0));
    shared.close().await;
}
