//! The daily totals for their users: files on the command line, a server that does the rest, and the proof.

mod beside;
mod files;
mod kills;
mod memory;
mod outages;
mod pace;
mod proof;
mod serving;

use std::future::Future;
use std::time::Duration;

use chrono::NaiveDate;
use harness::program::{Ended, Serving};
use harness::servers::RedisServer;
use harness::{Backend, Caller};
use service::clock::{Clock, SystemClock};
use tokio::time::{interval, timeout};

use super::Place;
use super::imports::number;

/// Turns scenarios into tests on SQLite without Redis and on PostgreSQL with Redis.
macro_rules! on_both_stores {
    ($($scenario:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario($crate::program::transactions::Bank::new(harness::Backend::Sqlite, false).await).await;
                }
            )*
        }

        mod postgres_and_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario($crate::program::transactions::Bank::new(harness::Backend::Postgres, true).await).await;
                }
            )*
        }
    };
}
use on_both_stores;

/// Longer than any work that a server does by itself, including the archiver's pause.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test polls; the server needs the processor too.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// Rows of many blocks on either database.
const MANY: u64 = 200_000;

/// The address of a Redis on a port where no server listens.
const CLOSED: &str = "redis://florin:hunter2@127.0.0.1:1/0";

/// A bank with its own database, and with its own Redis if it uses one.
pub struct Bank {
    place: Place,
    redis: Option<String>,
}

impl Bank {
    pub async fn new(backend: Backend, with_redis: bool) -> Self {
        let redis = match with_redis {
            true => Some(redis_url().await),
            false => None,
        };
        Self {
            place: Place::new(backend).await,
            redis,
        }
    }

    /// A whole number that a query gives as `n`.
    async fn number(&self, sql: &str) -> u64 {
        number(&self.place, sql).await
    }

    /// Runs a command of the program.
    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(self.redis.as_deref(), arguments).await
    }

    /// Like `run`, with another Redis or none.
    async fn run_with(&self, redis: Option<&str>, arguments: &[&str]) -> Ended {
        self.place.run(&with_redis(redis, arguments)).await
    }

    /// Serves the bank with public reports, and returns once the totals are available. At the first start with a Redis
    /// they are unavailable for a moment, while the payments in the books are counted there.
    async fn serve(&self) -> Serving {
        let server = self.serve_with(self.redis.as_deref()).await;
        if self.redis.is_some() {
            let begun = "SELECT count(*) AS n FROM aggregates_state WHERE epoch IS NOT NULL";
            until(&1, || self.number(begun)).await;
        }
        let anyone = server.caller();
        until(&true, || answers(&anyone)).await;
        server
    }

    /// Like `serve`, with another Redis or none, and without waiting.
    async fn serve_with(&self, redis: Option<&str>) -> Serving {
        let arguments = with_redis(redis, &["--reports", "public"]);
        Serving::start(self.place.folder.path(), &self.place.arguments(&arguments)).await
    }
}

fn with_redis<'a>(redis: Option<&'a str>, arguments: &[&'a str]) -> Vec<&'a str> {
    let mut all = [arguments, &["--log", "warn"]].concat();
    if let Some(url) = redis {
        all.extend(["--redis-url", url]);
    }
    all
}

/// True if the totals are available; false if the server answers that they are not available now.
async fn answers(caller: &Caller) -> bool {
    let stats = caller.get("/stats?from_date=2026-01-01&to_date=2026-01-01").await;
    if stats.status != 200 {
        stats.expect_problem(503, "unavailable");
    }
    stats.status == 200
}

/// The address of a database of the shared Redis that no other test uses.
async fn redis_url() -> String {
    let server = RedisServer::shared().await.unwrap_or_else(|error| panic!("{error:#}"));
    server.fresh_database_url().expect("there is a database left")
}

/// Today, by the clock of a program that is started now.
fn today() -> NaiveDate {
    SystemClock.now().date_naive()
}

/// Polls until the value is the expected one.
async fn until<T, F>(expected: &T, look: impl Fn() -> F)
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = T>,
{
    let mut looks = interval(POLL_EVERY);
    let agree = async {
        while look().await != *expected {
            looks.tick().await;
        }
    };
    if timeout(PATIENCE, agree).await.is_err() {
        assert_eq!(look().await, *expected, "not so after {PATIENCE:?}");
    }
}
