//! When two clocks contradict each other. Pure.

use chrono::TimeDelta;

use crate::values::Timestamp;

/// How far two clocks may differ.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// True if another clock's time is outside of `sent` to `received`, this process' times before and after the question,
/// by more than the tolerance.
pub(super) fn clocks_disagree(sent: Timestamp, other: Timestamp, received: Timestamp) -> bool {
    other < sent - TOLERANCE || other > received + TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_beyond_two_seconds_and_the_time_that_the_answer_took() {
        let at = |seconds: i64| Timestamp::from_timestamp(1_000_000 + seconds, 0).expect("a time");
        for (other, expected) in [(-3, true), (-2, false), (0, false), (5, false), (7, false), (8, true)] {
            assert_eq!(clocks_disagree(at(0), at(other), at(5)), expected, "{other}");
        }
    }
}
