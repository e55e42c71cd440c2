//! How many tries a throttle allows, what can be done with them, and what is left. Pure.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many tries at once, and one more after each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThrottleQuota {
    pub at_once: NonZeroU32,
    pub period: Duration,
}

/// What a step of a throttle came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// How long until a try may pass; zero when this one passes.
    pub wait: Duration,
    /// Whether this step used up a try.
    pub is_taken: bool,
    /// Tries of the first quota that may follow at once.
    pub left: u32,
    /// How long until the first quota has one more.
    pub more_in: Duration,
}

/// What is done to a caller's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThrottleStep {
    /// Asks whether a try would pass, and counts nothing.
    Look,
    /// Counts a try, or refuses it.
    Take,
    /// The same, but lets pass, without counting, a caller of whom no try is counted.
    TakeIfUsed,
    /// Counts a try that was not refused before, in every quota that has room.
    CountFailure,
    /// Takes a counted try back.
    GiveBack,
}

impl ThrottleQuota {
    /// `at_once` must not be 0, and the period neither: both are constants.
    pub const fn new(at_once: u32, period: Duration) -> Self {
        Self {
            at_once: NonZeroU32::new(at_once).expect("a quota lets something pass"),
            period,
        }
    }

    /// So many tries a minute, all of them at once if need be.
    pub fn per_minute(tries: u32) -> Self {
        let at_once = NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN);
        Self {
            at_once,
            period: Duration::from_secs(60) / at_once.get(),
        }
    }

    /// Tries that are left, and how long until there is one more, when the quota is whole again after `whole_in`.
    pub fn left(&self, whole_in: Duration) -> (u32, Duration) {
        let (period, whole_in) = (self.period.as_nanos().max(1), whole_in.as_nanos());
        let all = period * u128::from(self.at_once.get());
        let left = all.saturating_sub(whole_in) / period;
        let missing_then = all.saturating_sub(period * (left + 1));
        let more_in = u64::try_from(whole_in.saturating_sub(missing_then)).unwrap_or(u64::MAX);
        (u32::try_from(left).unwrap_or(u32::MAX), Duration::from_nanos(more_in))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_when_all_is_back() {
        let quota = ThrottleQuota::new(5, Duration::from_secs(30));
        for (whole_in, left, more_in) in [
            (0, 5, 0),
            (30, 4, 30),
            (31, 3, 1),
            (45, 3, 15),
            (150, 0, 30),
            (149, 0, 29),
        ] {
            let expected = (left, Duration::from_secs(more_in));
            assert_eq!(
                quota.left(Duration::from_secs(whole_in)),
                expected,
                "whole in {whole_in} s"
            );
        }
    }

    #[test]
    fn a_minute_holds_its_tries() {
        let quota = ThrottleQuota::per_minute(100);
        assert_eq!((quota.at_once.get(), quota.period), (100, Duration::from_millis(600)));
    }
}
