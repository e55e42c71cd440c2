//! The only sources of time and randomness. All other code takes them from here, so that a test can stop time.

use chrono::{SubsecRound, TimeDelta};
use rand::RngCore;
use uuid::{Builder, Uuid};

use crate::values::{Bucket, Timestamp};

/// A source of time, in whole microseconds.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the machine for the time"
    )]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().trunc_subsecs(MICROSECOND_DIGITS)
    }
}

/// The machine's clock plus an offset, for a bank whose time differs from real time.
pub struct ShiftedClock {
    by: TimeDelta,
}

impl ShiftedClock {
    /// Ahead of the machine's clock by this offset; behind it when the offset is negative.
    #[must_use]
    pub fn new(by: TimeDelta) -> Self {
        Self { by }
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.by
    }
}

const MICROSECOND_DIGITS: u16 = 6;

/// Random bytes from a generator that the operating system seeds.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks for chance")]
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A UUID v7 that begins with the time in microseconds, so that ids sort as their times do.
#[must_use]
pub fn id_at(time: Timestamp) -> Uuid {
    let micros = micros_of(time);
    let (millis, micros_of_milli) = (micros / 1_000, (micros % 1_000) as u16);
    let mut random: [u8; 10] = random_bytes();
    // RFC 9562 lets the 12 bits after the version hold a finer time. 1 000 steps take 10 of them; the other two are
    // random.
    let fine = (micros_of_milli << 2) | u16::from(random[1] & 0b11);
    [random[0], random[1]] = fine.to_be_bytes();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The time that `id_at` has put into an id; the epoch for an id that holds no time of ours.
#[must_use]
pub fn time_of_id(id: Uuid) -> Timestamp {
    let bytes = id.as_u128();
    let (millis, fine) = (bytes >> 80, bytes >> 66 & 0x3ff);
    let micros = i64::try_from(millis * 1_000 + fine).unwrap_or_default();
    Timestamp::from_timestamp_micros(micros).unwrap_or_default()
}

/// An id as of `id_at` whose last 12 bits are a user's bucket.
#[must_use]
pub fn id_in(bucket: Bucket, time: Timestamp) -> Uuid {
    bucket.mark(id_at(time))
}

/// The smallest id that `id_at` could give for a time: a bound for "created since".
#[must_use]
pub fn id_floor(time: Timestamp) -> Uuid {
    let micros = micros_of(time);
    let fine = ((micros % 1_000) as u16) << 2;
    let [high, low] = fine.to_be_bytes();
    Builder::from_unix_timestamp_millis(micros / 1_000, &[high, low, 0, 0, 0, 0, 0, 0, 0, 0]).into_uuid()
}

/// Microseconds since 1970, clamped to what the 48 bits of milliseconds in an id can hold: the years 1970 to 10889.
fn micros_of(time: Timestamp) -> u64 {
    const MICROS_MAX: i64 = ((1 << 48) - 1) * 1_000 + 999;
    time.timestamp_micros().clamp(0, MICROS_MAX).unsigned_abs()
}

/// Times that only grow: each is later than the one before it and than a given floor, even if the clock steps back.
pub struct Sequence<'a> {
    clock: &'a dyn Clock,
    last: Timestamp,
    is_begun: bool,
    /// The next time, once it was asked for.
    next: Option<Timestamp>,
}

impl<'a> Sequence<'a> {
    /// A sequence whose times are all later than the floor.
    #[must_use]
    pub fn above(clock: &'a dyn Clock, floor: Timestamp) -> Self {
        Self {
            clock,
            last: floor,
            is_begun: false,
            next: None,
        }
    }

    /// The next time: now, or one microsecond after the last one or the floor, whichever is later.
    pub fn next_time(&mut self) -> Timestamp {
        self.last = self.peek();
        self.is_begun = true;
        self.next = None;
        self.last
    }

    /// The time that `next_time` will give.
    pub fn peek(&mut self) -> Timestamp {
        let earliest = self.last + TimeDelta::microseconds(1);
        *self.next.get_or_insert_with(|| self.clock.now().max(earliest))
    }

    /// The last time that was given; before the first, now or the floor, whichever is later.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        if self.is_begun {
            self.last
        } else {
            self.clock.now().max(self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::DateTime;

    use super::*;
    use crate::values::{UserId, WalletId};

    struct Still(Timestamp);

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn time(micros: i64) -> Timestamp {
        DateTime::from_timestamp_micros(micros).expect("a small number of microseconds is a time")
    }

    #[test]
    fn ids_sort_as_their_microseconds_do() {
        let base = 1_700_000_000_123_456;
        let ids: Vec<Uuid> = (0..3_000).map(|step| id_at(time(base + step))).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn a_floor_lies_under_every_id_of_its_microsecond_and_above_the_one_before() {
        let at = time(1_700_000_000_123_999);
        assert!(id_floor(at) <= id_at(at));
        assert!(id_floor(at) > id_at(at - TimeDelta::microseconds(1)));
    }

    #[test]
    fn a_bucket_is_carried_and_changes_nothing_else() {
        let at = time(1_700_000_000_123_456);
        let user = UserId(id_at(at));
        let wallet = WalletId(id_in(user.bucket(), at + TimeDelta::microseconds(1)));
        assert_eq!(wallet.bucket(), user.bucket());
        assert!(wallet.0 > user.0 && wallet.0.get_version_num() == 7);
        let buckets: HashSet<_> = (0..1_000).map(|_| UserId(id_at(at)).bucket()).collect();
        assert!(buckets.len() > 500, "{} buckets of 4 096", buckets.len());
    }

    #[test]
    fn a_sequence_grows_while_the_clock_stands_still() {
        let clock = Still(time(1_000));
        let mut behind = Sequence::above(&clock, time(0));
        assert_eq!(behind.time(), time(1_000));
        assert_eq!((behind.next_time(), behind.next_time()), (time(1_000), time(1_001)));
        let mut ahead = Sequence::above(&clock, time(5_000));
        assert_eq!(ahead.time(), time(5_000));
        assert_eq!((ahead.next_time(), ahead.time()), (time(5_001), time(5_001)));
        assert_eq!(
            (ahead.peek(), ahead.time(), ahead.next_time()),
            (time(5_002), time(5_001), time(5_002))
        );
    }
}
