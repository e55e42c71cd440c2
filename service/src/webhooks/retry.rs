//! What follows an attempt that failed: when the next one is, when an event is parked, and when an endpoint is disabled.
//! Pure.

use std::time::Duration;

use chrono::TimeDelta;

use crate::values::Timestamp;

/// The pauses after the first failures of an event, in milliseconds; after that always the last one.
const PAUSES_MS: [i64; 8] = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 600_000];
/// The longest pause that a receiver may ask for.
const ASKED_PAUSE_MAX: TimeDelta = TimeDelta::minutes(10);
/// How long an event is tried.
const TRIED_FOR: TimeDelta = TimeDelta::hours(1);
/// How long an endpoint may fail before it is disabled.
const FAILING_MAX: TimeDelta = TimeDelta::days(3);

/// An attempt that failed, and what it is the last of.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedAttempt {
    /// How many attempts of this event have failed in a row, this one among them.
    pub failures: u32,
    /// When this event was first attempted.
    pub first_attempt_at: Timestamp,
    /// When the first attempt failed after the endpoint's last success, whatever its event.
    pub failing_since: Timestamp,
    /// The pause that the receiver asked for.
    pub retry_after: Option<Duration>,
    /// The receiver answered that it is gone for good.
    pub gone: bool,
}

/// What follows an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The next attempt, at this time.
    TryAgainAt(Timestamp),
    /// No more attempts of this event; the next event goes on.
    Park,
    /// No more attempts of any event.
    Disable(DisabledReason),
}

/// Why an endpoint was disabled. Its owner reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DisabledReason {
    /// It answered 410.
    #[error("the receiver answered 410 Gone")]
    Gone,
    /// No delivery succeeded for three days.
    #[error("no delivery succeeded for three days")]
    Failing,
}

/// Decides in this order: a receiver that is gone is disabled; an event that was tried for less than an hour has a next
/// attempt, within that hour; after an hour the event is parked, or the endpoint is disabled if it has failed for three
/// days. So one failure after days without events disables nothing. `chance` is a random number.
pub(super) fn after_failure(failed: &FailedAttempt, now: Timestamp, chance: u16) -> AfterFailure {
    if failed.gone {
        return AfterFailure::Disable(DisabledReason::Gone);
    }
    let last_at = failed.first_attempt_at + TRIED_FOR;
    if now < last_at {
        let next_at = now + pause(failed.failures, failed.retry_after, chance);
        return AfterFailure::TryAgainAt(next_at.min(last_at));
    }
    if now - failed.failing_since >= FAILING_MAX {
        return AfterFailure::Disable(DisabledReason::Failing);
    }
    AfterFailure::Park
}

/// The pause after so many failures, up to a tenth shorter or longer, so that events that failed together do not come back
/// together. At least what the receiver asked for, up to ten minutes.
fn pause(failures: u32, retry_after: Option<Duration>, chance: u16) -> TimeDelta {
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let usual = PAUSES_MS[step.min(PAUSES_MS.len() - 1)];
    let thousandths = 900 + i64::from(chance % 201);
    let pause = TimeDelta::milliseconds(usual * thousandths / 1_000);
    let asked = retry_after.map(|asked| TimeDelta::from_std(asked).unwrap_or(TimeDelta::MAX));
    pause.max(asked.unwrap_or(TimeDelta::zero()).min(ASKED_PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const START: Timestamp = DateTime::UNIX_EPOCH;
    /// The chance that leaves a pause as it is.
    const EVEN: u16 = 100;

    fn failed(failures: u32) -> FailedAttempt {
        FailedAttempt {
            failures,
            first_attempt_at: START,
            failing_since: START,
            retry_after: None,
            gone: false,
        }
    }

    #[test]
    fn pauses_grow_up_to_ten_minutes() {
        let seconds = [1, 2, 3, 4, 5, 6, 7, 8, 9, u32::MAX].map(|failures| pause(failures, None, EVEN).num_seconds());
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 600, 600, 600]);
        assert_eq!(pause(0, None, EVEN).num_seconds(), 5);
    }

    #[test]
    fn chance_moves_a_pause_by_up_to_a_tenth() {
        let (least, most) = (TimeDelta::seconds(36), TimeDelta::seconds(44));
        assert_eq!((pause(4, None, 0), pause(4, None, 200)), (least, most));
        assert!((0..=u16::MAX).all(|chance| (least..=most).contains(&pause(4, None, chance))));
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_but_not_for_any() {
        let asked = |seconds| pause(1, Some(Duration::from_secs(seconds)), EVEN).num_seconds();
        assert_eq!([0, 4, 30, 600, 601, u64::MAX].map(asked), [5, 5, 30, 600, 600, 600]);
    }

    #[test]
    fn an_event_is_tried_for_an_hour_and_then_parked() {
        let (mut now, mut attempts) = (START, 0);
        loop {
            attempts += 1;
            match after_failure(&failed(attempts), now, EVEN) {
                AfterFailure::TryAgainAt(at) => {
                    assert!(at > now, "attempt {attempts}");
                    now = at;
                }
                AfterFailure::Park => break,
                AfterFailure::Disable(reason) => panic!("{reason}"),
            }
        }
        assert_eq!((now - START, attempts), (TimeDelta::hours(1), 13));
    }

    #[test]
    fn a_clock_that_steps_back_ends_nothing() {
        let earlier = START - TimeDelta::hours(2);
        assert_eq!(
            after_failure(&failed(1), earlier, EVEN),
            AfterFailure::TryAgainAt(earlier + TimeDelta::seconds(5))
        );
    }

    #[test]
    fn three_days_without_success_disable_at_the_end_of_an_event() {
        let three_days = START + TimeDelta::days(3);
        let after = |first_attempt_at, now| {
            let failed = FailedAttempt {
                first_attempt_at,
                ..failed(9)
            };
            after_failure(&failed, now, EVEN)
        };
        let hour = TimeDelta::hours(1);
        let disabled = AfterFailure::Disable(DisabledReason::Failing);
        assert_eq!(after(three_days - hour, three_days), disabled);
        let just_before = three_days - TimeDelta::microseconds(1);
        assert_eq!(after(just_before - hour, just_before), AfterFailure::Park);
        // An event that has failed for a minute only.
        let again = after(three_days, three_days + TimeDelta::minutes(1));
        assert!(matches!(again, AfterFailure::TryAgainAt(_)), "{again:?}");
    }

    #[test]
    fn a_receiver_that_is_gone_is_disabled_at_once() {
        let failed = FailedAttempt {
            gone: true,
            ..failed(1)
        };
        let disabled = AfterFailure::Disable(DisabledReason::Gone);
        assert_eq!(after_failure(&failed, START, EVEN), disabled);
    }
}
