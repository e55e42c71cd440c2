//! Unit tests of access tokens and of the memory of those that are good.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::*;
use crate::config::TokenAlgorithm;
use crate::keys::KEY_WAIT_SECONDS;

/// The tokens of a key file of their own, which is removed at the end.
struct KeyPlace {
    file: PathBuf,
    keys: Arc<KeySet>,
    tokens: Tokens,
}

impl KeyPlace {
    fn new(algorithm: TokenAlgorithm) -> Self {
        let name = format!("florin-{}", Uuid::from_bytes(crate::clock::random_bytes()));
        let file = std::env::temp_dir().join(name);
        let keys = KeySet::open_or_create(&file, algorithm, now()).expect("keys can be made");
        let keys = Arc::new(keys);
        Self {
            file,
            tokens: Tokens::new(keys.clone()),
            keys,
        }
    }

    fn sign(&self, session: SessionId, at: Timestamp) -> SecretString {
        self.tokens.sign(USER, Role::Customer, session, at)
    }

    fn read(&self, token: &SecretString, at: Timestamp) -> Result<Claimed, TokenError> {
        self.tokens.read(token.expose_secret(), at)
    }
}

impl Drop for KeyPlace {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

const USER: UserId = UserId(Uuid::from_u128(1));
const SESSION: SessionId = SessionId(Uuid::from_u128(2));

fn now() -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn after(seconds: i64) -> Timestamp {
    now() + TimeDelta::seconds(seconds)
}

#[test]
fn a_known_token_ends_like_any_other() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Hs256] {
        let place = KeyPlace::new(algorithm);
        let token = place.sign(SESSION, now());
        let claimed = Claimed {
            user: USER,
            role: Role::Customer,
            session: SESSION,
            issued_at: now().timestamp(),
            expires_at: now().timestamp() + ACCESS_TOKEN_SECONDS,
        };
        assert_eq!(place.read(&token, now()), Ok(claimed));
        assert_eq!(place.tokens.known.len(), 1);
        assert_eq!(place.read(&token, after(ACCESS_TOKEN_SECONDS - 1)), Ok(claimed));
        assert_eq!(
            place.read(&token, after(ACCESS_TOKEN_SECONDS)),
            Err(TokenError::Expired)
        );
    }
}

#[test]
fn only_good_tokens_are_known_and_only_so_many() {
    let place = KeyPlace::new(TokenAlgorithm::Hs256);
    let stranger = KeyPlace::new(TokenAlgorithm::Hs256).sign(SESSION, now());
    assert_eq!(place.read(&stranger, now()), Err(TokenError::Invalid));
    assert!(place.tokens.known.is_empty());
    for number in 0..=KNOWN_MAX as u128 {
        let token = place.sign(SessionId(Uuid::from_u128(number)), now());
        assert!(place.read(&token, now()).is_ok());
    }
    assert!((KNOWN_MAX / 2..=KNOWN_MAX).contains(&place.tokens.known.len()));
}

#[test]
fn a_session_can_be_forgotten() {
    let place = KeyPlace::new(TokenAlgorithm::EdDsa);
    let other = SessionId(Uuid::from_u128(3));
    for (session, at) in [(SESSION, now()), (SESSION, after(1)), (other, now())] {
        assert!(place.read(&place.sign(session, at), after(1)).is_ok());
    }
    place.tokens.forget(SESSION);
    assert_eq!(place.tokens.known.len(), 1);
}

#[test]
fn a_known_token_ends_with_its_key() {
    let place = KeyPlace::new(TokenAlgorithm::EdDsa);
    let old = place.sign(SESSION, now());
    assert!(place.read(&old, now()).is_ok());
    let keys = rotate_keys(&place.file, TokenAlgorithm::EdDsa, now()).expect("a key can be made");
    assert_eq!(place.keys.reload().ok(), Some(true));
    assert_eq!(place.keys.reload().ok(), Some(false));
    assert!(place.read(&old, now()).is_ok());
    let new = place.sign(SESSION, after(KEY_WAIT_SECONDS));
    assert!(place.read(&new, after(KEY_WAIT_SECONDS)).is_ok());
    retire_key(&place.file, &keys[1].kid, now()).expect("the old key can be retired");
    assert!(place.read(&old, now()).is_ok(), "the file was not read yet");
    place.keys.reload().expect("the file can be read");
    assert_eq!(place.read(&old, now()), Err(TokenError::Invalid));
    assert!(place.read(&new, after(KEY_WAIT_SECONDS)).is_ok());
}

#[test]
fn derived_keys_differ_by_purpose_and_begin_with_the_one_that_all_replicas_have() {
    let place = KeyPlace::new(TokenAlgorithm::EdDsa);
    let first = place.keys.derive("refresh", now());
    assert_eq!(first.len(), 1);
    assert_ne!(first, place.keys.derive("digests", now()));
    rotate_keys(&place.file, TokenAlgorithm::Hs256, now()).expect("a key can be made");
    place.keys.reload().expect("the file can be read");
    let waiting = place.keys.derive("refresh", now());
    assert_eq!((waiting.len(), waiting[0]), (2, first[0]));
    let signing = place.keys.derive("refresh", after(KEY_WAIT_SECONDS));
    assert_eq!(signing, [waiting[1], waiting[0]]);
}
