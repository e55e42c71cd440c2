//! Which keys verify, and which may be forgotten. Pure. Keys are in the order in which they were made. Nothing but the keys
//! and the time decides, so all replicas decide alike.

use super::ACCESS_TOKEN_SECONDS;
use super::key::TokenKey;
use crate::keys::{TimedKey, seconds_after, signer, signs_at};
use crate::values::Timestamp;

/// How long a key verifies after its last token, beyond the life of that token, in seconds.
const GRACE_SECONDS: i64 = 60;
/// How long a key stays in the file after that, in seconds: as long as a refresh token lives. Refresh tokens are derived
/// from the keys, and an old one that comes back must be recognized.
const KEPT_SECONDS: i64 = 30 * 24 * 3_600;

/// What a key does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It verifies, and will sign.
    Waiting {
        /// When it will sign.
        signs_at: Timestamp,
    },
    /// It signs and verifies.
    Signing,
    /// Another key signs; this one verifies the tokens that it has signed.
    Verifying {
        /// When the last of these tokens has expired.
        until: Timestamp,
    },
    /// All its tokens have expired; it neither signs nor verifies.
    Ended {
        /// When it ended.
        at: Timestamp,
    },
    /// It was retired; it neither signs nor verifies.
    Retired {
        /// When it was retired.
        at: Timestamp,
    },
}

impl KeyState {
    /// True while tokens of the key are accepted.
    #[must_use]
    pub fn verifies(self) -> bool {
        match self {
            Self::Waiting { .. } | Self::Signing | Self::Verifying { .. } => true,
            Self::Ended { .. } | Self::Retired { .. } => false,
        }
    }

    /// True when the key is not even needed to recognize an old refresh token.
    pub(super) fn is_forgettable(self, now: Timestamp) -> bool {
        match self {
            Self::Waiting { .. } | Self::Signing | Self::Verifying { .. } => false,
            Self::Ended { at } | Self::Retired { at } => seconds_after(at, KEPT_SECONDS) <= now,
        }
    }
}

/// When the last token of a key has expired; `None` while no other key will sign in its place.
pub(super) fn ends_at(keys: &[TokenKey], index: usize) -> Option<Timestamp> {
    let newer = keys.iter().skip(index + 1).filter(|key| key.may_sign());
    let succeeded_at = newer.map(signs_at).min()?;
    Some(seconds_after(succeeded_at, ACCESS_TOKEN_SECONDS + GRACE_SECONDS))
}

/// What the key at a position does.
pub(super) fn state_of(keys: &[TokenKey], index: usize, now: Timestamp) -> KeyState {
    let key = &keys[index];
    if let Some(at) = key.retired_at {
        return KeyState::Retired { at };
    }
    if signer(keys, now) == Some(index) {
        return KeyState::Signing;
    }
    let signs_at = signs_at(key);
    if now < signs_at {
        return KeyState::Waiting { signs_at };
    }
    match ends_at(keys, index) {
        Some(at) if at <= now => KeyState::Ended { at },
        Some(until) => KeyState::Verifying { until },
        None => KeyState::Signing,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::super::key::KeySecret;
    use super::*;
    use crate::config::TokenAlgorithm;
    use crate::keys::{KEY_BYTES, KEY_WAIT_SECONDS};

    fn at(second: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn made(second: i64) -> TokenKey {
        TokenKey {
            kid: format!("made-{second}"),
            algorithm: TokenAlgorithm::EdDsa,
            secret: KeySecret::new([0; KEY_BYTES]),
            created_at: at(second),
            retired_at: None,
        }
    }

    fn retired(second: i64, retired: i64) -> TokenKey {
        TokenKey {
            retired_at: Some(at(retired)),
            ..made(second)
        }
    }

    #[test]
    fn the_only_key_signs_at_once_whatever_the_clock_says() {
        for now in [-1_000, 0, 59, 60, 1_000_000] {
            assert_eq!(state_of(&[made(0)], 0, at(now)), KeyState::Signing);
        }
        assert_eq!(signer(&[retired(0, 1)], at(2)), None);
        assert_eq!(signer::<TokenKey>(&[], at(2)), None);
    }

    #[test]
    fn a_new_key_waits_and_the_old_one_goes_when_its_tokens_are_gone() {
        let keys = [made(0), made(1_000)];
        let states = |now| [0, 1].map(|index| state_of(&keys, index, at(now)));
        let until = at(1_000 + KEY_WAIT_SECONDS + ACCESS_TOKEN_SECONDS + GRACE_SECONDS);
        let waiting = KeyState::Waiting { signs_at: at(1_060) };
        assert_eq!(states(1_000), [KeyState::Signing, waiting]);
        assert_eq!(states(1_059), [KeyState::Signing, waiting]);
        assert_eq!(states(1_060), [KeyState::Verifying { until }, KeyState::Signing]);
        assert_eq!(states(2_019), [KeyState::Verifying { until }, KeyState::Signing]);
        assert_eq!(states(2_020), [KeyState::Ended { at: until }, KeyState::Signing]);
        assert_eq!(until, at(2_020));
    }

    #[test]
    fn two_new_keys_wait_in_turn() {
        let keys = [made(0), made(10), made(40)];
        assert_eq!(signer(&keys, at(50)), Some(0));
        assert_eq!(signer(&keys, at(70)), Some(1));
        assert_eq!(signer(&keys, at(100)), Some(2));
        // The first key signed until the second did.
        assert_eq!(ends_at(&keys, 0), Some(at(1_030)));
        assert_eq!(ends_at(&keys, 1), Some(at(1_060)));
        assert_eq!(ends_at(&keys, 2), None);
    }

    #[test]
    fn a_retired_key_leaves_its_place_to_those_that_are_left() {
        let alone = [retired(0, 1_005), made(1_000)];
        assert_eq!(state_of(&alone, 0, at(1_006)), KeyState::Retired { at: at(1_005) });
        assert_eq!(state_of(&alone, 1, at(1_006)), KeyState::Signing, "it is the only one");
        // The newest has not waited yet, so the oldest signs once more, and verifies until these tokens are gone.
        let between = [made(0), retired(1_000, 1_300), made(1_290)];
        assert_eq!(signer(&between, at(1_301)), Some(0));
        assert_eq!(signer(&between, at(1_350)), Some(2));
        assert_eq!(ends_at(&between, 0), Some(at(1_290 + 60 + 960)));
    }

    #[test]
    fn the_key_that_signs_verifies() {
        let pool = [0, 30, 70, 200, 1_100];
        for first in pool {
            for second in pool {
                for gone in 0..4 {
                    let mut keys = vec![made(0), made(first), made(second)];
                    if let Some(key) = keys.get_mut(gone) {
                        key.retired_at = Some(at(100));
                    }
                    for now in (0..4_000).step_by(10) {
                        let signs = signer(&keys, at(now)).expect("two keys are left");
                        assert!(
                            ends_at(&keys, signs).is_none_or(|end| end > at(now)),
                            "{keys:?} at {now}"
                        );
                        assert_eq!(state_of(&keys, signs, at(now)), KeyState::Signing);
                    }
                }
            }
        }
    }

    #[test]
    fn a_key_is_forgotten_when_no_refresh_token_needs_it() {
        let (ended, retired) = (KeyState::Ended { at: at(0) }, KeyState::Retired { at: at(0) });
        for state in [ended, retired] {
            assert!(!state.is_forgettable(at(KEPT_SECONDS - 1)));
            assert!(state.is_forgettable(at(KEPT_SECONDS)));
        }
        assert!(!KeyState::Signing.is_forgettable(at(KEPT_SECONDS)));
    }

    #[test]
    fn no_time_overflows() {
        let mut end = made(0);
        end.created_at = Timestamp::MAX_UTC;
        assert_eq!(state_of(&[end], 0, at(0)), KeyState::Signing);
    }
}
