//! Random steps of the aggregates' workers: in any order, in part, repeated, and by several processes. After each step,
//! the answer is the sum of the rows so far; after the last one, of the deposits too.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::servers::RedisServer;
use harness::{Backend, ManualClock, TestBank};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use service::aggregates::{Aggregates, AggregatesError, Day, DayRange, PaymentBatch, Sealed};
use service::identity::Actor;
use service::imports::RunOptions;
use service::redis::Redis;
use service::transfers::{Asking, NewPayment};
use service::values::{ImportKind, Method, WalletId};
use tokio::sync::Mutex;

use crate::cases::{Met, currency, hold_on_bank, money};

/// One step of a caller or a worker.
#[derive(Clone, Debug)]
enum Step {
    /// A file with these rows: days back from today by the bank's clock, and ten-thousandths.
    Import(Vec<(u64, i64)>),
    Deposit(i64),
    /// A relay reads the payments beyond its mark, and pauses.
    Read,
    /// That relay continues, possibly after other relays have run.
    Bring(prop::sample::Index),
    Relay,
    Consume,
    Seal,
    /// Writes what one of the earlier `Seal` steps sealed.
    Write(prop::sample::Index),
    Drop(prop::sample::Index),
    Archive,
    /// Days pass, and hot days may become cold.
    Wait(u64),
    /// Another process takes over, with no state except what is stored.
    Restart,
    /// Redis loses all of its data.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let row = (0_u64..25, 1_i64..1_000_000);
    prop_oneof![
        4 => prop::collection::vec(row, 1..12).prop_map(Step::Import),
        4 => (1_i64..1_000_000).prop_map(Step::Deposit),
        3 => Just(Step::Read),
        3 => any::<prop::sample::Index>().prop_map(Step::Bring),
        3 => Just(Step::Relay),
        1 => Just(Step::Consume),
        3 => Just(Step::Seal),
        3 => any::<prop::sample::Index>().prop_map(Step::Write),
        3 => any::<prop::sample::Index>().prop_map(Step::Drop),
        2 => Just(Step::Archive),
        2 => (1_u64..6).prop_map(Step::Wait),
        2 => Just(Step::Restart),
        1 => Just(Step::Forget),
    ]
}

/// A bank, its model, and the workers' state between steps.
struct Stage {
    bank: Arc<TestBank>,
    operator: Actor,
    wallet: WalletId,
    imported: BTreeMap<Day, i128>,
    deposited: BTreeMap<Day, i128>,
    files: u32,
}

impl Stage {
    async fn open(backend: Backend, with_redis: bool) -> Self {
        let database = TestDatabase::new(backend).await;
        let url = match with_redis {
            true => {
                let server = RedisServer::shared().await.unwrap_or_else(|error| panic!("{error:#}"));
                Some(SecretString::from(
                    server.fresh_database_url().expect("there is a database left"),
                ))
            }
            false => None,
        };
        let set = |config: &mut service::config::Config| config.redis_url = url;
        let bank = TestBank::open_with(backend, database, Arc::new(ManualClock::new()), set).await;
        let (operator, customer) = (bank.operator_actor().await, bank.customer("ana").await);
        Self {
            bank: Arc::new(bank),
            operator,
            wallet: customer.wallet,
            imported: BTreeMap::new(),
            deposited: BTreeMap::new(),
            files: 0,
        }
    }

    fn workers(&self) -> Aggregates {
        let redis = self.bank.config.redis_url.as_ref().map(Redis::try_new).transpose();
        Aggregates::new(
            self.bank.db.clone(),
            self.bank.clock.clone(),
            redis.expect("this is an address"),
        )
    }

    /// Empties Redis, if there is one, and lets a worker detect it, as a server's workers soon do.
    async fn forget(&self, workers: &Aggregates) {
        let Some(url) = &self.bank.config.redis_url else { return };
        let emptied = RedisServer::command(url.expose_secret(), &["FLUSHDB"]).await;
        emptied.expect("Redis answers");
        let noticed = workers.consumer().step().await;
        assert!(
            matches!(noticed, Ok(_) | Err(AggregatesError::Rebuilding)),
            "{noticed:?}"
        );
        workers.consumer().step().await.expect("a new epoch has begun");
    }

    fn today(&self) -> Day {
        Day::of(service::clock::Clock::now(&*self.bank.clock))
    }

    async fn import(&mut self, rows: &[(u64, i64)]) {
        self.files += 1;
        let mut text = format!("timestamp,type,payment_method,amount,file{}\n", self.files);
        for (back, units) in rows {
            let day = Day::from(self.today().date() - chrono::Days::new(*back));
            text.push_str(&format!("{day}T01:00:00,withdrawal,wire,{},\n", money(*units)));
            *self.imported.entry(day).or_default() += i128::from(*units);
        }
        let path = self.bank.database.folder.path().join("rows.csv");
        std::fs::write(&path, text).expect("a file can be written");
        let imports = &self.bank.services.imports;
        let imported = imports
            .import_file(ImportKind::Transactions, &path, RunOptions::default())
            .await;
        imported.expect("the file can be imported");
    }

    async fn deposit(&mut self, units: i64) {
        let deposit = NewPayment::new(
            self.wallet,
            Some(money(units)),
            Method::try_new("visa").expect("this is a method"),
        );
        let made = self
            .bank
            .services
            .transfers
            .deposit(Asking::by(&self.operator), deposit)
            .await;
        made.expect("a deposit is made");
        *self.deposited.entry(self.today()).or_default() += i128::from(units);
    }

    /// The daily totals of one method. Those of imported rows are exact at once; those of deposits may lag.
    async fn answered(&self, aggregates: &Aggregates, method: &str) -> BTreeMap<Day, i128> {
        // The clock advances across all cases, so every year is read in turn.
        let mut sums = BTreeMap::new();
        for year in 2025..2060 {
            let day = |text: String| Day::parse(&text).expect("this is a day");
            let days = DayRange::try_new(day(format!("{year}-01-01")), day(format!("{year}-12-31")));
            if day(format!("{year}-01-01")) > self.today() {
                break;
            }
            let totals = aggregates.daily(days.expect("this is a year"), currency(0)).await;
            for (key, sum) in totals.expect("the aggregates answer").iter() {
                if key.method.as_str() == method {
                    *sums.entry(key.day).or_default() += sum.units;
                }
            }
        }
        sums
    }
}

/// Writes sealed days; false if their epoch is over.
async fn write(workers: &Aggregates, sealed: &Sealed) -> bool {
    match workers.archiver().write_sealed(sealed).await {
        Err(AggregatesError::Rebuilding) => false,
        written => {
            written.expect("days can be written");
            true
        }
    }
}

async fn walk(stage: &mut Stage, steps: Vec<Step>, met: &Met) -> Result<(), TestCaseError> {
    let (mut workers, mut sealed): (Aggregates, Vec<Sealed>) = (stage.workers(), Vec::new());
    let mut beyond: Vec<PaymentBatch> = Vec::new();
    for step in steps {
        met.count(format!("{step:?}").split(['(', ' ']).next().unwrap_or_default());
        match step {
            Step::Import(rows) => stage.import(&rows).await,
            Step::Deposit(units) => stage.deposit(units).await,
            Step::Read => beyond.push(workers.relay().read_once().await.expect("the journal can be read")),
            Step::Bring(which) if !beyond.is_empty() => {
                let brought = workers.relay().apply_once(which.get(&beyond)).await;
                met.count(if brought.expect("the relay works") > 0 {
                    "brought"
                } else {
                    "late"
                });
            }
            Step::Bring(_) => {}
            Step::Relay => drop(workers.relay().run_once().await.expect("the relay works")),
            Step::Consume => drop(workers.consumer().step().await.expect("the consumer works")),
            Step::Seal => sealed.push(workers.archiver().seal().await.expect("days can be closed")),
            Step::Write(which) if !sealed.is_empty() => {
                write(&workers, which.get(&sealed)).await;
            }
            Step::Drop(which) if !sealed.is_empty() => {
                // As in the archiver, only days that were written may be removed.
                let sealed = which.get(&sealed);
                if write(&workers, sealed).await {
                    workers
                        .archiver()
                        .remove_sealed(sealed)
                        .await
                        .expect("days can be removed");
                }
            }
            Step::Write(_) | Step::Drop(_) => {}
            Step::Archive => workers.archiver().step().await.expect("the archiver works"),
            Step::Wait(days) => stage.bank.advance(chrono::TimeDelta::days(days.cast_signed())).await,
            Step::Restart => workers = stage.workers(),
            Step::Forget => stage.forget(&workers).await,
        }
        prop_assert_eq!(&stage.answered(&stage.workers(), "wire").await, &stage.imported);
    }
    while workers.relay().run_once().await.expect("the relay works") > 0 {}
    prop_assert_eq!(&stage.answered(&workers, "visa").await, &stage.deposited);
    let proof = stage.bank.services.ops.verify().await.expect("the books can be read");
    prop_assert!(proof.is_clean(), "{:#?}", proof.aggregates);
    Ok(())
}

async fn holds(backend: Backend, with_redis: bool) {
    let met = Met::default();
    let stage = Mutex::new(Stage::open(backend, with_redis).await);
    hold_on_bank(file!(), &prop::collection::vec(step(), 1..13), async |steps| {
        walk(&mut *stage.lock().await, steps, &met).await
    });
    met.expect_all(&[
        "Import", "Deposit", "Read", "Bring", "brought", "late", "Relay", "Consume", "Seal", "Write", "Drop",
        "Archive", "Wait", "Restart", "Forget",
    ]);
    stage.lock().await.bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_steps_lose_nothing_and_double_nothing_on_sqlite() {
    holds(Backend::Sqlite, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_steps_lose_nothing_and_double_nothing_on_sqlite_and_redis() {
    holds(Backend::Sqlite, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_steps_lose_nothing_and_double_nothing_on_postgres_and_redis() {
    holds(Backend::Postgres, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_steps_lose_nothing_and_double_nothing_on_postgres() {
    holds(Backend::Postgres, false).await;
}
