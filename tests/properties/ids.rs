//! Ids are unique and in the order of creation, whatever the clock does.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;
use service::clock::{Clock, Sequence, id_at, id_floor, id_in};
use service::values::{Bucket, Timestamp, UserId};
use uuid::Uuid;

use crate::cases::hold;

/// A clock that a test sets to any time.
struct Wandering(Mutex<Timestamp>);

impl Clock for Wandering {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).expect("a strategy stays within the years of the calendar")
}

/// Microseconds from 1970 to the year 9999, which fit into 48 bits of milliseconds.
fn micros() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..253_402_300_000_000_000_i64,
        1_700_000_000_000_000..1_900_000_000_000_000_i64
    ]
}

fn bucket() -> impl Strategy<Value = Bucket> {
    any::<u128>().prop_map(|user| UserId(Uuid::from_u128(user)).bucket())
}

#[test]
fn transfers_get_later_times_and_ids_whatever_the_clock_does() {
    // How far the clock moves before the next batch, and how far another replica's commit is ahead of the clock.
    let steps = prop_oneof![
        8 => Just((0_i64, i64::MIN)),
        2 => (-10_000_000..10_000_000_i64, Just(i64::MIN)),
        2 => (Just(0_i64), -5_000..5_000_i64),
        1 => (-3_600_000_000..3_600_000_000_i64, -5_000..5_000_i64),
    ];
    let steps = (steps, bucket());
    hold(
        file!(),
        &(1_700_000_000_000_000..1_900_000_000_000_000_i64, vec(steps, 2..200)),
        |(start, steps)| {
            let clock = Wandering(Mutex::new(at(start)));
            let mut head = at(start - 1);
            let mut last: Option<(Timestamp, Uuid)> = None;
            for ((by, ahead), bucket) in steps {
                *clock.0.lock().unwrap_or_else(PoisonError::into_inner) += TimeDelta::microseconds(by);
                let now = clock.now();
                if ahead != i64::MIN {
                    // Another replica has committed.
                    head = head.max(now + TimeDelta::microseconds(ahead));
                }
                let mut sequence = Sequence::above(&clock, head);
                for _ in 0..2 {
                    let time = sequence.next_time();
                    let id = id_in(bucket, time);
                    prop_assert!(time > head && time >= now, "{time} is not after {head} and {now}");
                    prop_assert_eq!(id.get_version_num(), 7);
                    if let Some((before, id_before)) = last {
                        prop_assert!(
                            time > before && id > id_before,
                            "{id} at {time} is not after {id_before} at {before}"
                        );
                    }
                    last = Some((time, id));
                }
                head = sequence.time();
            }
            Ok(())
        },
    );
}

#[test]
fn ids_of_one_moment_differ() {
    hold(
        file!(),
        &(micros(), bucket(), 2..400_usize),
        |(micros, bucket, count)| {
            let ids: HashSet<Uuid> = (0..count).map(|_| id_at(at(micros))).collect();
            let ids_in_a_bucket: HashSet<Uuid> = (0..count).map(|_| id_in(bucket, at(micros))).collect();
            prop_assert_eq!((ids.len(), ids_in_a_bucket.len()), (count, count));
            Ok(())
        },
    );
}

#[test]
fn a_bucket_takes_the_last_12_bits_of_an_id_and_no_others() {
    hold(file!(), &(micros(), bucket()), |(micros, bucket)| {
        let plain = id_at(at(micros));
        let marked = bucket.mark(plain);
        prop_assert_eq!(UserId(marked).bucket(), bucket);
        prop_assert!(
            (plain.as_u128() ^ marked.as_u128()) < 1 << 12,
            "{plain} became {marked}"
        );
        let id = id_in(bucket, at(micros));
        prop_assert_eq!(UserId(id).bucket(), bucket);
        prop_assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        prop_assert!(id_floor(at(micros)) <= id && id < id_floor(at(micros + 1)));
        Ok(())
    });
}

#[test]
fn ids_sort_as_their_moments_do_and_lie_above_the_floor() {
    hold(
        file!(),
        &(micros(), prop_oneof![micros(), -3_000..3_000_i64], any::<bool>()),
        |(one, other, is_near)| {
            let other = if is_near {
                (one + other % 3_000).max(0)
            } else {
                other.max(0)
            };
            let (earlier, later) = (one.min(other), one.max(other));
            prop_assert!(id_floor(at(later)) <= id_at(at(later)));
            if earlier < later {
                prop_assert!(id_at(at(earlier)) < id_at(at(later)));
                prop_assert!(id_at(at(earlier)) < id_floor(at(later)));
            }
            Ok(())
        },
    );
}
