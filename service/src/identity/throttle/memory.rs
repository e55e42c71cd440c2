//! The counts of this process, decided by governor.
//!
//! The store of the counts is ours: it is bounded, can be looked at without counting, and takes a try back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{NotUntil, Quota, RateLimiter};
use parking_lot::Mutex;

use super::ThrottleKey;
use super::quota::{Counted, ThrottleQuota, ThrottleStep};
use crate::clock::Clock;
use crate::values::Timestamp;

/// The most callers that one quota remembers, about 2 MB. Beyond it those who are forgiven soonest are forgotten: with
/// so many callers at a time, a few tries more are no gain for them.
const KEYS_MAX: usize = 50_000;

/// The counts of one throttle.
pub(super) struct MemoryCounts {
    quotas: Vec<QuotaCounts>,
}

struct QuotaCounts {
    quota: ThrottleQuota,
    arrivals: ArrivalTimes,
    taking: RateLimiter<ThrottleKey, Taking, BankTime, NoOpMiddleware<Nanos>>,
    looking: RateLimiter<ThrottleKey, Looking, BankTime, NoOpMiddleware<Nanos>>,
}

/// When each caller's quota is whole again (GCRA's theoretical arrival time).
#[derive(Clone, Default)]
struct ArrivalTimes(Arc<Mutex<HashMap<ThrottleKey, Nanos>>>);

/// Stores what governor decides.
struct Taking(ArrivalTimes);

/// Lets governor decide, and stores nothing.
struct Looking(ArrivalTimes);

/// The bank's clock for governor, so that a test can move it. Counted from when the throttle was made.
#[derive(Clone)]
struct BankTime {
    clock: Arc<dyn Clock>,
    began: Timestamp,
}

impl GovernorClock for BankTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = (self.clock.now() - self.began).num_microseconds().unwrap_or_default();
        Nanos::new(micros.max(0).unsigned_abs().saturating_mul(1_000))
    }
}

impl StateStore for Taking {
    type Key = ThrottleKey;

    fn measure_and_replace<T, F, E>(&self, key: &ThrottleKey, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut arrivals = self.0.0.lock();
        let (outcome, arrival) = decide(arrivals.get(key).copied())?;
        if arrivals.len() >= KEYS_MAX && !arrivals.contains_key(key) {
            forget_the_nearest(&mut arrivals);
        }
        arrivals.insert(*key, arrival);
        Ok(outcome)
    }
}

impl StateStore for Looking {
    type Key = ThrottleKey;

    fn measure_and_replace<T, F, E>(&self, key: &ThrottleKey, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let arrival = self.0.0.lock().get(key).copied();
        decide(arrival).map(|(outcome, _)| outcome)
    }
}

/// Forgets the tenth that is whole again soonest; those that are whole already are among them.
fn forget_the_nearest(arrivals: &mut HashMap<ThrottleKey, Nanos>) {
    let mut all: Vec<Nanos> = arrivals.values().copied().collect();
    let nearest = all.len() / 10;
    if nearest < all.len() {
        let bound = *all.select_nth_unstable(nearest).1;
        arrivals.retain(|_, arrival| *arrival > bound);
    }
}

impl MemoryCounts {
    pub fn new(quotas: &[ThrottleQuota], clock: &Arc<dyn Clock>) -> Self {
        let time = BankTime {
            clock: clock.clone(),
            began: clock.now(),
        };
        Self {
            quotas: quotas.iter().map(|quota| QuotaCounts::new(*quota, &time)).collect(),
        }
    }

    pub fn step(&self, key: ThrottleKey, step: ThrottleStep) -> Counted {
        match step {
            ThrottleStep::Look => self.counted(key, self.wait(key), false),
            ThrottleStep::Take => self.take(key),
            ThrottleStep::TakeIfUsed if self.is_used(key) => self.take(key),
            ThrottleStep::TakeIfUsed => self.counted(key, Duration::ZERO, false),
            ThrottleStep::CountFailure => {
                // Each quota by itself: one that is used up must not keep the slower ones from counting.
                for quota in &self.quotas {
                    let _ = quota.take(key);
                }
                self.counted(key, Duration::ZERO, true)
            }
            ThrottleStep::GiveBack => {
                self.quotas.iter().for_each(|quota| quota.give_back(key));
                self.counted(key, Duration::ZERO, false)
            }
        }
    }

    /// Takes a try of every quota, or of none.
    fn take(&self, key: ThrottleKey) -> Counted {
        let wait = self.wait(key);
        if !wait.is_zero() {
            return self.counted(key, wait, false);
        }
        for (number, quota) in self.quotas.iter().enumerate() {
            // Another caller may have taken the last try since the look.
            if let Err(wait) = quota.take(key) {
                self.quotas[..number].iter().for_each(|taken| taken.give_back(key));
                return self.counted(key, wait, false);
            }
        }
        self.counted(key, Duration::ZERO, true)
    }

    /// How long until every quota lets a try pass.
    fn wait(&self, key: ThrottleKey) -> Duration {
        let waits = self.quotas.iter().map(|quota| quota.wait(key));
        waits.max().unwrap_or_default()
    }

    /// Whether any try is still counted. The last quota forgives last.
    fn is_used(&self, key: ThrottleKey) -> bool {
        self.quotas.last().is_some_and(|quota| !quota.whole_in(key).is_zero())
    }

    fn counted(&self, key: ThrottleKey, wait: Duration, is_taken: bool) -> Counted {
        let first = self.quotas.first().map(|first| first.quota.left(first.whole_in(key)));
        let (left, more_in) = first.unwrap_or_default();
        Counted {
            wait,
            is_taken,
            left,
            more_in,
        }
    }
}

impl QuotaCounts {
    fn new(quota: ThrottleQuota, time: &BankTime) -> Self {
        let arrivals = ArrivalTimes::default();
        let quota_of_governor = Quota::with_period(quota.period)
            .expect("no period is zero")
            .allow_burst(quota.at_once);
        Self {
            quota,
            taking: RateLimiter::new(quota_of_governor, Taking(arrivals.clone()), time.clone()),
            looking: RateLimiter::new(quota_of_governor, Looking(arrivals.clone()), time.clone()),
            arrivals,
        }
    }

    fn take(&self, key: ThrottleKey) -> Result<(), Duration> {
        self.taking
            .check_key(&key)
            .map_err(|not_until| self.wait_of(&not_until))
    }

    fn wait(&self, key: ThrottleKey) -> Duration {
        match self.looking.check_key(&key) {
            Ok(()) => Duration::ZERO,
            Err(not_until) => self.wait_of(&not_until),
        }
    }

    /// At least a nanosecond: zero would let the try pass.
    fn wait_of(&self, not_until: &NotUntil<Nanos>) -> Duration {
        let now = self.taking.clock().now();
        not_until.wait_time_from(now).max(Duration::from_nanos(1))
    }

    fn give_back(&self, key: ThrottleKey) {
        if let Some(arrival) = self.arrivals.0.lock().get_mut(&key) {
            *arrival = arrival.saturating_sub(self.quota.period.into());
        }
    }

    fn whole_in(&self, key: ThrottleKey) -> Duration {
        let now = self.taking.clock().now();
        let arrival = self.arrivals.0.lock().get(&key).copied().unwrap_or_default();
        arrival.saturating_sub(now).into()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[derive(Default)]
    struct Moved(Mutex<i64>);

    impl Moved {
        fn advance(&self, seconds: i64) {
            *self.0.lock() += seconds;
        }
    }

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            DateTime::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + *self.0.lock())
        }
    }

    const QUOTAS: [ThrottleQuota; 2] = [
        ThrottleQuota::new(3, Duration::from_secs(10)),
        ThrottleQuota::new(5, Duration::from_secs(100)),
    ];

    fn counts() -> (Arc<Moved>, MemoryCounts) {
        let clock = Arc::new(Moved::default());
        let shared: Arc<dyn Clock> = clock.clone();
        (clock, MemoryCounts::new(&QUOTAS, &shared))
    }

    fn key(name: &str) -> ThrottleKey {
        ThrottleKey::account(name)
    }

    fn wait_s(counts: &MemoryCounts, name: &str, step: ThrottleStep) -> u64 {
        counts.step(key(name), step).wait.as_millis().div_ceil(1_000) as u64
    }

    #[test]
    fn delays_grow_and_are_forgiven_by_time() {
        let (clock, counts) = counts();
        let take = || wait_s(&counts, "ana", ThrottleStep::Take);
        assert_eq!([take(), take(), take(), take()], [0, 0, 0, 10]);
        clock.advance(10);
        assert_eq!([take(), take()], [0, 10]);
        clock.advance(10);
        assert_eq!(take(), 0);
        // Now the slow quota has none left: the next one is 100 s after the first.
        assert_eq!(take(), 80);
        assert_eq!(
            wait_s(&counts, "ben", ThrottleStep::Take),
            0,
            "others have tries of their own"
        );
        clock.advance(80);
        assert_eq!([take(), take()], [0, 100]);
        clock.advance(500);
        assert_eq!([take(), take(), take()], [0, 0, 0]);
    }

    #[test]
    fn a_look_counts_nothing_and_a_try_can_be_given_back() {
        let (_clock, counts) = counts();
        for _ in 0..10 {
            assert_eq!(wait_s(&counts, "ana", ThrottleStep::Look), 0);
        }
        for _ in 0..10 {
            assert!(counts.step(key("ana"), ThrottleStep::Take).is_taken);
            counts.step(key("ana"), ThrottleStep::GiveBack);
        }
        assert!(
            !counts.step(key("ana"), ThrottleStep::TakeIfUsed).is_taken,
            "nothing is counted"
        );
        counts.step(key("ana"), ThrottleStep::CountFailure);
        assert!(counts.step(key("ana"), ThrottleStep::TakeIfUsed).is_taken);
    }

    #[test]
    fn failures_count_in_the_slow_quota_beyond_the_fast_one() {
        let (clock, counts) = counts();
        for _ in 0..20 {
            counts.step(key("ana"), ThrottleStep::CountFailure);
        }
        clock.advance(30);
        assert_eq!(wait_s(&counts, "ana", ThrottleStep::Look), 70);
    }

    #[test]
    fn the_number_of_callers_is_bounded_and_the_worst_are_kept() {
        let (_clock, counts) = counts();
        for _ in 0..3 {
            counts.step(key("worst"), ThrottleStep::Take);
        }
        for number in 0..KEYS_MAX + 10 {
            counts.step(key(&number.to_string()), ThrottleStep::Take);
        }
        for quota in &counts.quotas {
            assert!(quota.arrivals.0.lock().len() <= KEYS_MAX);
        }
        assert_eq!(wait_s(&counts, "worst", ThrottleStep::Look), 10);
    }
}
