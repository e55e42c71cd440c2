//! The unknown e-mail addresses that callers have named, and how long each must wait before they may name another one.
//! In memory, so each server counts by itself.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::DefaultClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use quick_cache::unsync::Cache;

use crate::values::UserId;

/// How many unknown addresses a caller may name at once, and how long one more takes.
const MISSES_MAX: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
const MISS_EVERY: Duration = Duration::from_secs(30);
/// The most callers that are remembered. Beyond it those are forgotten that have asked least.
const CALLERS_MAX: usize = 10_000;

/// The misses of all callers.
pub(super) struct Misses {
    callers: Mutex<Cache<UserId, CallerMisses>>,
}

/// The misses of one caller.
struct CallerMisses {
    quota: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    /// Before this the caller has no miss left.
    blocked_until: Instant,
}

/// The misses of one request, charged when this is dropped. So they are charged too when the caller hangs up, who could
/// see in a list of transfers which addresses were known.
pub(super) struct PendingMisses {
    misses: Arc<Misses>,
    user: UserId,
    count: usize,
}

impl Misses {
    pub fn new() -> Self {
        Self {
            callers: Mutex::new(Cache::new(CALLERS_MAX)),
        }
    }

    /// How long a caller without a miss left must wait; `None` for one who has some.
    pub fn wait(&self, user: UserId) -> Option<Duration> {
        let callers = self.callers.lock();
        let blocked_until = callers.get(&user)?.blocked_until;
        let wait = blocked_until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    fn charge(&self, user: UserId, count: usize) {
        if count == 0 {
            return;
        }
        let mut callers = self.callers.lock();
        if callers.peek(&user).is_none() {
            callers.insert(user, CallerMisses::new());
        }
        if let Some(mut caller) = callers.peek_mut(&user) {
            caller.charge(count);
        }
    }
}

impl CallerMisses {
    fn new() -> Self {
        let quota = Quota::with_period(MISS_EVERY).map(|quota| quota.allow_burst(MISSES_MAX));
        let quota = RateLimiter::direct(quota.expect("the period is not zero"));
        Self {
            quota: quota.with_middleware(),
            blocked_until: Instant::now(),
        }
    }

    /// The last miss that is left blocks the caller, and so does each one beyond it. Otherwise a caller could look up a
    /// whole batch of addresses whenever one miss has come back.
    fn charge(&mut self, count: usize) {
        for _ in 0..count {
            let has_more = self
                .quota
                .check()
                .is_ok_and(|state| state.remaining_burst_capacity() > 0);
            if !has_more {
                self.blocked_until = self.blocked_until.max(Instant::now()) + MISS_EVERY;
            }
        }
    }
}

impl PendingMisses {
    pub fn new(misses: &Arc<Misses>, user: UserId, count: usize) -> Self {
        Self {
            misses: misses.clone(),
            user,
            count,
        }
    }

    /// Charges nothing.
    pub fn forgive(mut self) {
        self.count = 0;
    }
}

impl Drop for PendingMisses {
    fn drop(&mut self) {
        self.misses.charge(self.user, self.count);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: usize) -> UserId {
        UserId(Uuid::from_u128(number as u128))
    }

    #[test]
    fn the_tenth_miss_blocks_a_caller_and_no_other() {
        let misses = Arc::new(Misses::new());
        for _ in 0..9 {
            drop(PendingMisses::new(&misses, user(1), 1));
            assert_eq!(misses.wait(user(1)), None);
        }
        PendingMisses::new(&misses, user(1), 5).forgive();
        assert_eq!(misses.wait(user(1)), None);
        drop(PendingMisses::new(&misses, user(1), 1));
        let wait = misses.wait(user(1)).expect("all are used up");
        assert!(wait <= MISS_EVERY, "{wait:?}");
        assert_eq!(misses.wait(user(2)), None);
    }

    #[test]
    fn misses_beyond_the_last_one_are_waited_for() {
        let misses = Arc::new(Misses::new());
        drop(PendingMisses::new(&misses, user(1), 1_000));
        let wait = misses.wait(user(1)).expect("more than all are used up");
        // The tenth, and the 990 beyond it.
        assert!(wait > MISS_EVERY * 990 && wait <= MISS_EVERY * 991, "{wait:?}");
    }

    #[test]
    fn callers_are_remembered_up_to_the_bound() {
        let misses = Misses::new();
        for number in 0..CALLERS_MAX + 1_000 {
            misses.charge(user(number), 1);
        }
        assert!(misses.callers.lock().len() <= CALLERS_MAX);
    }
}
