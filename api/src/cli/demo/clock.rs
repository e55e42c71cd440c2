//! The clock by which the demo makes its history. The bank that is served afterwards goes by its own clock.

use chrono::TimeDelta;
use parking_lot::Mutex;
use service::clock::Clock;
use service::values::Timestamp;

/// A clock that the demo moves through the past, one moment after the other. Within a moment every look is some seconds
/// later than the one before, so that what happens in it does not happen all at once. It never goes back.
pub struct HistoryClock(Mutex<CurrentMoment>);

struct CurrentMoment {
    now: Timestamp,
    end: Timestamp,
}

/// The shortest time between two looks, in microseconds.
const LOOK_MIN_US: i64 = 2_000_000;
/// How much longer it may be, in microseconds: a prime, so that the times have no pattern.
const LOOK_SPREAD_US: i64 = 29_999_999;

impl HistoryClock {
    /// A clock that stands still at a time until the first moment begins.
    pub fn starting_at(time: Timestamp) -> Self {
        Self(Mutex::new(CurrentMoment { now: time, end: time }))
    }

    /// Moves on to a moment that lasts so long. A time that has passed already leaves the clock where it is.
    pub fn begin_moment(&self, at: Timestamp, lasts: TimeDelta) {
        let mut current = self.0.lock();
        current.now = current.now.max(at);
        current.end = current.now.max(at + lasts);
    }
}

impl Clock for HistoryClock {
    fn now(&self) -> Timestamp {
        let mut current = self.0.lock();
        let now = current.now;
        let pause = LOOK_MIN_US + now.timestamp_micros().rem_euclid(LOOK_SPREAD_US);
        // At the end of the moment the clock stands still.
        current.now = (now + TimeDelta::microseconds(pause)).min(current.end);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + second, 0).expect("this is a time")
    }

    #[test]
    fn time_passes_within_a_moment_and_stops_at_its_end() {
        let clock = HistoryClock::starting_at(at(0));
        assert_eq!((clock.now(), clock.now()), (at(0), at(0)));
        clock.begin_moment(at(3_600), TimeDelta::minutes(10));
        let looks: Vec<Timestamp> = (0..1_000).map(|_| clock.now()).collect();
        assert_eq!((looks.first(), looks.last()), (Some(&at(3_600)), Some(&at(4_200))));
        assert!(looks.is_sorted());
        let apart = looks[1] - looks[0];
        assert!(
            apart >= TimeDelta::seconds(2) && apart < TimeDelta::seconds(32),
            "{apart}"
        );
    }

    #[test]
    fn it_never_goes_back() {
        let clock = HistoryClock::starting_at(at(0));
        clock.begin_moment(at(3_600), TimeDelta::minutes(10));
        let before = clock.now();
        clock.begin_moment(at(60), TimeDelta::minutes(1));
        assert!(clock.now() > before);
        assert!(clock.now() >= at(3_600));
    }
}
