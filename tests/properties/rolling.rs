//! The rolling minute against a plain list of transactions, in one process and in two that share a Redis.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::servers::RedisServer;
use harness::{Backend, ManualClock, TestBank};
use proptest::collection::vec;
use proptest::prelude::*;
use secrecy::SecretString;
use service::Services;
use service::clock::Clock;
use service::statistics::{Age, Figures, WindowAmount};
use service::values::Currency;

use crate::cases::{Met, currency, hold_on_bank};

const WINDOW_MS: i64 = 60_000;
/// The window's ring: 64 blocks of 1 024 milliseconds. A new block replaces the one that is a whole round older.
const BLOCK_MS: i64 = 1_024;
const BLOCKS: i64 = 64;

/// One step of a case.
#[derive(Clone, Debug)]
enum Step {
    /// A caller reports an amount of this age to one of the replicas.
    Report { to: usize, age_ms: i64, units: i128 },
    /// The clock moves forward or is set back.
    Clock { by_ms: i64 },
}

/// The window as a list.
struct List {
    now: i64,
    /// Reported amounts: replica, time in milliseconds, and units.
    held: Vec<(usize, i64, i128)>,
}

impl List {
    fn look(&mut self, clock: i64) -> i64 {
        if clock < self.now - WINDOW_MS {
            self.held.retain(|(_, at, _)| *at <= clock);
            self.now = clock;
        }
        self.now = self.now.max(clock);
        self.now
    }

    fn report(&mut self, to: usize, clock: i64, at: i64, units: i128) -> Age {
        let now = self.look(clock);
        let age = match i128::from(now) - i128::from(at) {
            age if age < 0 => Age::Future,
            age if age <= i128::from(WINDOW_MS) => Age::Inside,
            _ => Age::Old,
        };
        if age == Age::Inside {
            let block = at.div_euclid(BLOCK_MS);
            self.held.retain(|(to_replica, held, _)| {
                let held = held.div_euclid(BLOCK_MS);
                *to_replica != to || held >= block || held.rem_euclid(BLOCKS) != block.rem_euclid(BLOCKS)
            });
            self.held.push((to, at, units));
        }
        age
    }

    fn read(&mut self, clock: i64) -> Figures {
        let now = self.look(clock);
        let inside = self
            .held
            .iter()
            .filter(|(_, at, _)| (now - WINDOW_MS..=now).contains(at));
        let units: Vec<i128> = inside.map(|(.., units)| *units).collect();
        let (sum, count) = (units.iter().sum::<i128>(), units.len() as i128);
        // Twice the quotient plus one, halved: this rounds halves away from zero.
        let ten_thousandths = |sum: i128| (2 * sum + count * 1_000_000) / (2 * count * 1_000_000);
        Figures {
            sum,
            avg: if count == 0 {
                0
            } else {
                sum.signum() * ten_thousandths(sum.abs())
            },
            max: units.iter().copied().max().unwrap_or_default(),
            min: units.iter().copied().min().unwrap_or_default(),
            count: units.len() as u64,
        }
    }
}

fn ages() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..=WINDOW_MS,
        2 => WINDOW_MS - 3..=WINDOW_MS + 3,
        2 => -3_i64..=3,
        1 => WINDOW_MS..=10 * WINDOW_MS,
        1 => -10_000_i64..0,
        1 => prop_oneof![Just(i64::MAX / 2), Just(i64::MIN / 2)],
    ]
}

fn amounts() -> impl Strategy<Value = i128> {
    let max = WindowAmount::MAX.units();
    prop_oneof![
        3 => (0_u32..28).prop_flat_map(|zeros| -(10_i128.pow(zeros))..=10_i128.pow(zeros)),
        1 => prop_oneof![Just(max), Just(-max), Just(0), Just(1), Just(-1)],
    ]
}

/// Moves of a clock that is set back by a window at most, or if `is_wild` by more as well.
fn moves(is_wild: bool) -> impl Strategy<Value = i64> {
    let wild = if is_wild { 1 } else { 0 };
    prop_oneof![
        6 => 0_i64..3_000,
        1 => WINDOW_MS - 3..=WINDOW_MS + 3,
        1 => 60_000_i64..200_000,
        2 => -WINDOW_MS..0,
        wild => -3_600_000_i64..-WINDOW_MS,
    ]
}

fn steps(is_wild: bool, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let report = (0..2_usize, ages(), amounts()).prop_map(|(to, age_ms, units)| Step::Report { to, age_ms, units });
    let clock = moves(is_wild).prop_map(|by_ms| Step::Clock { by_ms });
    vec(prop_oneof![3 => report, 2 => clock], 1..count)
}

/// Replicas, and the list of all amounts that were reported to them.
struct Replicas {
    clock: Arc<ManualClock>,
    all: Vec<Arc<Services>>,
    list: List,
    currency: Currency,
}

impl Replicas {
    fn of(clock: Arc<ManualClock>, replicas: Vec<Arc<Services>>) -> Self {
        // More than an hour after the previous case's times, even if that case has set the clock back as far as it can.
        clock.advance(TimeDelta::hours(100));
        let list = List {
            now: clock.now().timestamp_millis(),
            held: Vec::new(),
        };
        let mut replicas = Self {
            clock,
            all: replicas,
            list,
            currency: currency(0),
        };
        // A window's time begins with its first amount. This one has left the window when the case begins.
        let old = replicas.list.now - WINDOW_MS;
        for (to, replica) in replicas.all.iter().enumerate() {
            let amount = WindowAmount::from_units(1).expect("one is an amount");
            assert_eq!(replica.statistics.report(replicas.currency, old, amount), Age::Inside);
            replicas.list.held.push((to, old, 1));
        }
        replicas.clock.advance(TimeDelta::milliseconds(1));
        replicas.agree().expect("nothing counts yet");
        replicas
    }

    /// Performs a step on one replica and on the list, and compares the answers.
    fn take(&mut self, step: &Step, met: &Met) -> Result<(), TestCaseError> {
        match *step {
            Step::Clock { by_ms } => self.clock.advance(TimeDelta::milliseconds(by_ms)),
            Step::Report { to, age_ms, units } => {
                let clock = self.clock.now().timestamp_millis();
                let at = self.list.look(clock).saturating_sub(age_ms);
                let amount = WindowAmount::from_units(units).expect("a strategy gives amounts");
                let to = to % self.all.len();
                let answer = self.all[to].statistics.report(self.currency, at, amount);
                prop_assert_eq!(answer, self.list.report(to, clock, at, units));
                met.count(format!("{answer:?}"));
            }
        }
        Ok(())
    }

    /// Checks that every replica gives the list's figures.
    fn agree(&mut self) -> Result<(), TestCaseError> {
        let expected = self.list.read(self.clock.now().timestamp_millis());
        for replica in &self.all {
            prop_assert_eq!(replica.statistics.read(self.currency), expected);
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_is_a_list_at_every_step() {
    let bank = TestBank::open(Backend::Sqlite).await;
    let met = Met::default();
    hold_on_bank(file!(), &steps(true, 80), async |steps| {
        let mut replicas = Replicas::of(bank.clock.clone(), vec![bank.services.clone()]);
        for step in &steps {
            replicas.take(step, &met)?;
            replicas.agree()?;
        }
        Ok(())
    });
    met.expect_all(&["Inside", "Old", "Future"]);
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_are_one_list_at_every_step() {
    let redis = RedisServer::shared().await.unwrap_or_else(|error| panic!("{error:#}"));
    let url = redis.fresh_database_url().expect("there are databases left");
    let clock = Arc::new(ManualClock::new());
    let database = harness::database::TestDatabase::new(Backend::Sqlite).await;
    let share = |config: &mut service::config::Config| config.redis_url = Some(SecretString::from(url));
    let bank = TestBank::open_with(Backend::Sqlite, database, clock.clone(), share).await;
    let other = bank.replica().await;
    let met = Met::default();
    hold_on_bank(file!(), &steps(false, 16), async |steps| {
        let mut replicas = Replicas::of(clock.clone(), vec![bank.services.clone(), other.clone()]);
        for step in &steps {
            replicas.take(step, &met)?;
            // The first replica syncs again, to receive what the second one has sent.
            for replica in [&bank.services, &other, &bank.services] {
                sync(replica).await;
            }
            replicas.agree()?;
        }
        Ok(())
    });
    met.expect_all(&["Inside", "Old", "Future"]);
    assert_eq!(other.statistics.metrics().sync_failures, 0);
    bank.close().await;
}

async fn sync(services: &Services) {
    services.statistics.sync().await.expect("Redis is there");
}
