//! When a key signs. Pure. Keys are in the order in which they were made.
//!
//! A new key waits before it signs, so that every replica, and every program that has fetched the public keys, knows it
//! by then. Nothing but the keys and the time decides, so all replicas decide alike.

use chrono::TimeDelta;

use crate::values::Timestamp;

/// How long a new key waits before it signs, in seconds; a key signs at once while there is no other.
pub const KEY_WAIT_SECONDS: i64 = 60;

/// What decides when a key signs.
pub(crate) trait TimedKey {
    fn created_at(&self) -> Timestamp;
    /// False for a retired key, and for one whose secret was deleted.
    fn may_sign(&self) -> bool;
}

/// The position of the key that signs: the newest that has waited, else the oldest. `None` when no key may sign.
pub(crate) fn signer<K: TimedKey>(keys: &[K], now: Timestamp) -> Option<usize> {
    let newest = keys.iter().rposition(|key| key.may_sign() && signs_at(key) <= now);
    newest.or_else(|| keys.iter().position(TimedKey::may_sign))
}

/// True when a newer key can sign in the place of the key at a position.
pub(crate) fn has_newer<K: TimedKey>(keys: &[K], index: usize) -> bool {
    keys.iter().skip(index + 1).any(TimedKey::may_sign)
}

/// When a key has waited.
pub(crate) fn signs_at(key: &impl TimedKey) -> Timestamp {
    seconds_after(key.created_at(), KEY_WAIT_SECONDS)
}

/// A time so many seconds later. The end of time where that is beyond it: a file may hold any time.
pub(crate) fn seconds_after(time: Timestamp, seconds: i64) -> Timestamp {
    let after = time.checked_add_signed(TimeDelta::seconds(seconds));
    after.unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// When it was made, and whether it may sign.
    struct MadeKey(i64, bool);

    impl TimedKey for MadeKey {
        fn created_at(&self) -> Timestamp {
            at(self.0)
        }

        fn may_sign(&self) -> bool {
            self.1
        }
    }

    fn at(second: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn the_newest_key_that_has_waited_signs_else_the_oldest() {
        let keys = [
            MadeKey(0, true),
            MadeKey(10, true),
            MadeKey(40, false),
            MadeKey(50, true),
        ];
        for (now, expected) in [
            (-1_000, 0),
            (0, 0),
            (59, 0),
            (60, 0),
            (69, 0),
            (70, 1),
            (109, 1),
            (110, 3),
        ] {
            assert_eq!(signer(&keys, at(now)), Some(expected), "at {now}");
        }
        assert_eq!(signer(&keys[2..], at(0)), Some(1), "it is the only one");
        assert_eq!(signer(&keys[2..3], at(1_000)), None);
        assert_eq!(signer::<MadeKey>(&[], at(1_000)), None);
    }

    #[test]
    fn only_a_newer_key_that_may_sign_takes_a_place() {
        let keys = [MadeKey(0, true), MadeKey(10, true), MadeKey(20, false)];
        let newer = [0, 1, 2].map(|index| has_newer(&keys, index));
        assert_eq!(newer, [true, false, false]);
    }

    #[test]
    fn no_time_overflows() {
        assert_eq!(seconds_after(Timestamp::MAX_UTC, 1), Timestamp::MAX_UTC);
        assert_eq!(seconds_after(at(1), 2), at(3));
    }
}
