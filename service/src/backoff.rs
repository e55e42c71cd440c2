//! Pauses between attempts. No other code doubles pauses.

use std::time::Duration;

/// The usual pause after a success; doubled with every failure in a row, up to a bound.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    usual: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts at the usual pause.
    #[must_use]
    pub const fn new(usual: Duration, longest: Duration) -> Self {
        Self {
            usual,
            longest,
            failures: 0,
        }
    }

    /// The pause after an attempt, for a loop that goes on after a success and after a failure.
    pub fn after<T, E>(&mut self, tried: &Result<T, E>) -> Duration {
        self.failures = match tried {
            Ok(_) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        self.now()
    }

    /// The pause before the next attempt of many: first the usual one, then each twice as long, up to the bound.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.now();
        self.failures = self.failures.saturating_add(1);
        pause
    }

    fn now(&self) -> Duration {
        doubled(self.usual, self.longest, self.failures)
    }
}

/// The usual pause doubled so many times, but at most the longest.
#[must_use]
pub fn doubled(usual: Duration, longest: Duration, times: u32) -> Duration {
    usual.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_millis(300);

    #[test]
    fn a_pause_doubles_up_to_its_bound_and_falls_back_at_once() {
        let mut backoff = Backoff::new(USUAL, LONGEST);
        let mut after = |tried: Result<(), ()>| backoff.after(&tried).as_millis();
        let failed = [after(Err(())), after(Err(())), after(Err(())), after(Err(()))];
        assert_eq!(failed, [100, 200, 300, 300]);
        assert_eq!((after(Ok(())), after(Err(()))), (50, 100));
    }

    #[test]
    fn tries_begin_with_the_usual_pause() {
        let mut backoff = Backoff::new(USUAL, LONGEST);
        assert_eq!(
            [(); 5].map(|()| backoff.next_pause().as_millis()),
            [50, 100, 200, 300, 300]
        );
    }

    #[test]
    fn no_number_of_failures_overflows() {
        assert_eq!(doubled(USUAL, LONGEST, u32::MAX), LONGEST);
    }
}
