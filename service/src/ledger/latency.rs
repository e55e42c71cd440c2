//! How long callers waited for their commits in the last minute. Pure: the caller says what time it is.
//!
//! Times are counted in buckets that are an eighth of their value wide at most, so that a quantile is right to an eighth.

use std::collections::VecDeque;

/// Seconds of a slot, and how many slots make the minute. The slot that is being filled is one more.
const SLOT_SECONDS: u64 = 5;
const SLOTS: usize = 12;

/// Buckets of one power of two.
const PARTS: u64 = 8;
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Longer times, of more than 19 hours, count as this one.
const LONGEST_US: u64 = (1 << 36) - 1;
const BUCKETS: usize = bucket_of(LONGEST_US) + 1;

/// What the commit path did in the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitTimes {
    /// Seconds that this is about: 61 to 65, less in the first minute of the process.
    pub seconds: u64,
    /// Commands that were answered.
    pub commands: u64,
    /// The time from the arrival to the answer that half of the commands did not exceed, in microseconds; `None` when there
    /// were none.
    pub p50_us: Option<u64>,
    /// The same for 99 of 100 commands.
    pub p99_us: Option<u64>,
}

/// The times of the last minute, in slots of some seconds, oldest first.
#[derive(Default)]
pub struct RecentTimes {
    slots: VecDeque<TimesSlot>,
}

struct TimesSlot {
    /// The number of the slot since the beginning of time.
    number: u64,
    counts: Box<[u32; BUCKETS]>,
}

impl RecentTimes {
    /// Counts times in microseconds that ended in this second. Seconds do not go back.
    pub fn add(&mut self, second: u64, times_us: impl IntoIterator<Item = u64>) {
        let number = second / SLOT_SECONDS;
        if self.slots.back().is_none_or(|slot| slot.number != number) {
            // A box is used again once it is too old, so that nothing is allocated for long.
            let oldest = self.slots.front().is_some_and(|slot| is_over(slot.number, number));
            let mut counts = oldest
                .then(|| self.slots.pop_front())
                .flatten()
                .map_or_else(|| Box::new([0; BUCKETS]), |slot| slot.counts);
            counts.fill(0);
            self.slots.push_back(TimesSlot { number, counts });
        }
        if let Some(slot) = self.slots.back_mut() {
            for time in times_us {
                let count = &mut slot.counts[bucket_of(time.min(LONGEST_US))];
                *count = count.saturating_add(1);
            }
        }
    }

    /// The last minute, and what is counted of the slot that is being filled.
    #[must_use]
    pub fn last_minute(&self, second: u64) -> CommitTimes {
        let number = second / SLOT_SECONDS;
        let mut counts = vec![0_u64; BUCKETS];
        for slot in self.slots.iter().filter(|slot| !is_over(slot.number, number)) {
            for (sum, count) in counts.iter_mut().zip(slot.counts.iter()) {
                *sum += u64::from(*count);
            }
        }
        let since = number.saturating_sub(SLOTS as u64) * SLOT_SECONDS;
        CommitTimes {
            seconds: second - since + 1,
            commands: counts.iter().sum(),
            p50_us: quantile(&counts, 50),
            p99_us: quantile(&counts, 99),
        }
    }
}

impl CommitTimes {
    /// Commands a second, rounded.
    #[must_use]
    pub fn a_second(self) -> u64 {
        let seconds = self.seconds.max(1);
        (self.commands + seconds / 2) / seconds
    }
}

/// True for a slot that is no part of the minute before `now`, whose own slot is being filled.
fn is_over(number: u64, now: u64) -> bool {
    number + (SLOTS as u64) < now
}

/// The greatest time of the bucket in which `percent` of all times are reached; `None` without times.
fn quantile(counts: &[u64], percent: u64) -> Option<u64> {
    let all: u64 = counts.iter().sum();
    let wanted = (all * percent).div_ceil(100).max(1);
    let mut seen = 0;
    let bucket = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    })?;
    Some(greatest_of(bucket))
}

const fn bucket_of(time_us: u64) -> usize {
    if time_us < PARTS {
        return time_us as usize;
    }
    let shift = time_us.ilog2() - PART_BITS;
    let part = (time_us >> shift) - PARTS;
    ((shift as u64 + 1) * PARTS + part) as usize
}

fn greatest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let shift = bucket / PARTS - 1;
    ((PARTS + bucket % PARTS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_an_eighth_of_its_times_at_most() {
        let some = (0..5_000).chain((13..36).flat_map(|power| [(1 << power) - 1, 1 << power, 3 << (power - 1)]));
        for time in some {
            let greatest = greatest_of(bucket_of(time));
            assert!(greatest >= time && greatest - time <= time / 8, "{time}: {greatest}");
        }
        assert_eq!(greatest_of(BUCKETS - 1), LONGEST_US);
    }

    #[test]
    fn quantiles_are_of_the_last_minute() {
        let mut times = RecentTimes::default();
        let none = times.last_minute(0);
        assert_eq!(
            (none.seconds, none.commands, none.p50_us, none.a_second()),
            (1, 0, None, 0)
        );
        times.add(0, [1; 99]);
        times.add(3, [1_000_000]);
        let seen = times.last_minute(4);
        assert_eq!((seen.commands, seen.p50_us, seen.p99_us), (100, Some(1), Some(1)));
        times.add(30, [1_000_000]);
        let p99 = times.last_minute(59).p99_us.expect("there are times");
        assert!((1_000_000..1_125_000).contains(&p99), "{p99}");
        assert_eq!(times.last_minute(64).commands, 101);
        assert_eq!(times.last_minute(65).commands, 1, "the first slot is over");
        assert_eq!(times.last_minute(100).commands, 0);
    }

    #[test]
    fn slots_are_used_again() {
        let mut times = RecentTimes::default();
        for second in 0..1_000 {
            times.add(second, [second; 60]);
            assert!(times.slots.len() <= SLOTS + 1, "{}", times.slots.len());
        }
        let seen = times.last_minute(999);
        assert_eq!(seen.commands, 65 * 60, "the whole slots and the one that is filled");
        assert_eq!((seen.seconds, seen.a_second()), (65, 60));
        times.add(1_000, [u64::MAX]);
        assert_eq!(times.last_minute(5_000).commands, 0);
    }
}
