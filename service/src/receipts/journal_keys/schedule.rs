//! What a key of the journal does, and when its secret is deleted. Pure. Keys are in the order in which they were made.

use super::key::JournalKey;
use crate::keys::{TimedKey, seconds_after, signer, signs_at};
use crate::values::Timestamp;

/// How long a key keeps its secret after a newer one has begun to sign, in seconds: another replica's clock may be behind.
const HANDOVER_SECONDS: i64 = 60;

/// What a key of the journal does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKeyState {
    /// It is published, and will sign.
    Waiting {
        /// When it will sign.
        signs_at: Timestamp,
    },
    /// It signs.
    Signing,
    /// A newer key has superseded it; it verifies what it has signed, for good.
    Superseded,
    /// It was retired, and never signs again. It stays published.
    Retired {
        /// When it was retired.
        at: Timestamp,
    },
}

/// What the key at a position does.
pub(super) fn journal_key_state(keys: &[JournalKey], index: usize, now: Timestamp) -> JournalKeyState {
    let key = &keys[index];
    if let Some(at) = key.retired_at {
        return JournalKeyState::Retired { at };
    }
    if signer(keys, now) == Some(index) {
        return JournalKeyState::Signing;
    }
    let signs_at = signs_at(key);
    if key.may_sign() && now < signs_at {
        return JournalKeyState::Waiting { signs_at };
    }
    JournalKeyState::Superseded
}

/// Deletes the secrets of the keys that no replica signs with any more: those that were superseded at least a minute ago.
pub(super) fn delete_secrets(keys: &mut [JournalKey], now: Timestamp) {
    let supersedes = |key: &JournalKey| key.may_sign() && seconds_after(signs_at(key), HANDOVER_SECONDS) <= now;
    if let Some(newest) = keys.iter().rposition(supersedes) {
        for key in &mut keys[..newest] {
            key.signing = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn made(second: i64) -> JournalKey {
        JournalKey::new(format!("made-{second}"), &[7; 32], at(second))
    }

    fn retired(second: i64, retired: i64) -> JournalKey {
        JournalKey {
            signing: None,
            retired_at: Some(at(retired)),
            ..made(second)
        }
    }

    fn states(keys: &[JournalKey], now: i64) -> Vec<JournalKeyState> {
        let state = |index| journal_key_state(keys, index, at(now));
        (0..keys.len()).map(state).collect()
    }

    /// Which of the keys have their secrets after a change at a time.
    fn kept(mut keys: Vec<JournalKey>, now: i64) -> Vec<bool> {
        delete_secrets(&mut keys, at(now));
        keys.iter().map(|key| key.signing.is_some()).collect()
    }

    #[test]
    fn the_only_key_signs_at_once_whatever_the_clock_says() {
        for now in [-1_000, 0, 59, 60, 1_000_000] {
            assert_eq!(states(&[made(0)], now), [JournalKeyState::Signing]);
            assert_eq!(kept(vec![made(0)], now), [true]);
        }
    }

    #[test]
    fn a_new_key_waits_and_the_old_one_stays_for_good() {
        let mut keys = [made(0), made(1_000)];
        let waiting = JournalKeyState::Waiting { signs_at: at(1_060) };
        for now in [1_000, 1_059] {
            assert_eq!(states(&keys, now), [JournalKeyState::Signing, waiting]);
        }
        let superseded = [JournalKeyState::Superseded, JournalKeyState::Signing];
        for now in [1_060, 1_000_000] {
            assert_eq!(states(&keys, now), superseded);
        }
        keys[0].signing = None;
        assert_eq!(states(&keys, 1_060), superseded);
        // Without its secret it cannot sign, whatever a clock says.
        assert_eq!(states(&keys, 1_000), superseded);
        assert_eq!(states(&keys, 0), superseded);
    }

    #[test]
    fn a_retired_key_leaves_its_place_to_those_that_are_left() {
        let alone = [retired(0, 1_005), made(1_000)];
        let gone = JournalKeyState::Retired { at: at(1_005) };
        assert_eq!(states(&alone, 1_006), [gone, JournalKeyState::Signing]);
        // The newest has not waited yet, so the oldest signs once more.
        let between = [made(0), retired(1_000, 1_050), made(1_040)];
        let gone = JournalKeyState::Retired { at: at(1_050) };
        let waiting = JournalKeyState::Waiting { signs_at: at(1_100) };
        assert_eq!(states(&between, 1_051), [JournalKeyState::Signing, gone, waiting]);
        assert_eq!(
            states(&between, 1_100),
            [JournalKeyState::Superseded, gone, JournalKeyState::Signing]
        );
    }

    #[test]
    fn a_secret_is_kept_while_another_replica_may_sign_with_it() {
        let keys = || vec![made(0), made(1_000)];
        for now in [-1_000, 0, 1_000, 1_060, 1_119] {
            assert_eq!(kept(keys(), now), [true, true], "at {now}");
        }
        for now in [1_120, 1_000_000] {
            assert_eq!(kept(keys(), now), [false, true], "at {now}");
        }
        let three = vec![made(0), made(10), made(1_000)];
        assert_eq!(kept(three.clone(), 1_119), [false, true, true]);
        assert_eq!(kept(three, 1_120), [false, false, true]);
        // A retired key supersedes no other.
        assert_eq!(kept(vec![made(0), retired(100, 200)], 10_000), [true, false]);
    }

    #[test]
    fn a_deleted_secret_changes_no_signer() {
        let pool = [0, 30, 70, 200, 1_100];
        for first in pool {
            for second in pool {
                for gone in 0..3 {
                    let mut keys = [made(0), made(first), made(second)];
                    if let Some(key) = keys[..2].get_mut(gone) {
                        (key.signing, key.retired_at) = (None, Some(at(100)));
                    }
                    for change in (0..2_000).step_by(10) {
                        let mut changed = keys.clone();
                        delete_secrets(&mut changed, at(change));
                        // On the clock of another replica too, which may be a minute behind.
                        for now in [change, change - 60] {
                            let signs = signer(&keys, at(now));
                            assert!(signs.is_some());
                            assert_eq!(signer(&changed, at(now)), signs, "{keys:?} at {now}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_time_overflows() {
        let mut end = made(0);
        end.created_at = Timestamp::MAX_UTC;
        assert_eq!(states(&[end.clone()], 0), [JournalKeyState::Signing]);
        assert_eq!(kept(vec![made(0), end], 0), [true, true]);
    }
}
