//! Which refresh token is exchanged, given again, or ends its session. Pure.
//!
//! A token is exchanged once. Its successor is given again when the same token comes within 10 s and the successor is not
//! used yet: two tabs of a browser, or an answer that was lost. Later, the same token shows that a thief has one of the two:
//! the session ends.

use chrono::TimeDelta;

use super::refresh_token::{RefreshKeys, RefreshToken};
use super::session::StoredSession;
use crate::values::Timestamp;

/// For how long a used token gets the same successor again.
pub(super) const REPEAT_MAX: TimeDelta = TimeDelta::seconds(10);

/// What to do with a presented token.
pub(super) enum Exchange {
    /// Give the next token of the session, and store its hash.
    Next(RefreshToken),
    /// Give this token, which the session has already.
    Again(RefreshToken),
    /// End the session: the token was used before.
    Reused,
    /// Change nothing: the token is forged, or its session is over.
    Refused,
    /// The token's successor was made with a key that this process does not know yet.
    KeysBehind,
}

/// Whether the bank made this token. The current one is known by its hash, so that it outlives the key that made it.
pub(super) fn is_genuine(session: &StoredSession, presented: &RefreshToken, keys: &RefreshKeys) -> bool {
    if presented.generation == session.generation {
        presented.hash() == session.token_hash
    } else {
        presented.generation < session.generation && presented.is_genuine(keys, session.nonce)
    }
}

/// Judges a token. A forged one is refused before anything else, so that it tells and changes nothing.
pub(super) fn judge(session: &StoredSession, presented: &RefreshToken, keys: &RefreshKeys, now: Timestamp) -> Exchange {
    if !is_genuine(session, presented, keys) || session.is_ended || session.expires_at <= now {
        return Exchange::Refused;
    }
    let generation = session.generation;
    let is_current = presented.generation == generation;
    if is_current {
        // A session of 30 days cannot have so many tokens.
        let Some(next) = generation.checked_add(1) else {
            return Exchange::Refused;
        };
        let next = RefreshToken::derive(keys.current(), session.id, next, session.nonce);
        return Exchange::Next(next);
    }
    let is_last_but_one = presented.generation + 1 == generation;
    if !is_last_but_one || now - session.last_used_at > REPEAT_MAX {
        return Exchange::Reused;
    }
    match keys.find(session.id, generation, session.nonce, &session.token_hash) {
        Some(successor) => Exchange::Again(successor),
        None => Exchange::KeysBehind,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::identity::sessions::session::Nonce;
    use crate::values::{SessionId, UserId};

    const NONCE: Nonce = Nonce([7; 16]);

    fn id() -> SessionId {
        SessionId(Uuid::from_u128(42))
    }

    fn keys(bytes: &[u8]) -> RefreshKeys {
        RefreshKeys(bytes.iter().map(|byte| [*byte; 32]).collect())
    }

    fn time(ms: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_000_000_000 + ms).expect("a time")
    }

    fn token(generation: u32) -> RefreshToken {
        RefreshToken::derive(&[1; 32], id(), generation, NONCE)
    }

    /// A session whose token number 5 was made at time 0.
    fn session() -> StoredSession {
        StoredSession {
            id: id(),
            user: UserId(Uuid::from_u128(1)),
            nonce: NONCE,
            token_hash: token(5).hash(),
            generation: 5,
            last_used_at: time(0),
            expires_at: time(100_000),
            is_ended: false,
        }
    }

    fn word(exchange: &Exchange) -> &'static str {
        match exchange {
            Exchange::Next(_) => "next",
            Exchange::Again(_) => "again",
            Exchange::Reused => "reused",
            Exchange::Refused => "refused",
            Exchange::KeysBehind => "keys behind",
        }
    }

    #[test]
    fn each_token_has_its_answer() {
        for (generation, at, expected) in [
            (5, 0, "next"),
            (5, 99_999, "next"),
            (5, 100_000, "refused"),
            (4, 0, "again"),
            (4, -3_000, "again"),
            (4, 10_000, "again"),
            (4, 10_001, "reused"),
            (4, 100_000, "refused"),
            (3, 0, "reused"),
            (0, 0, "reused"),
            (6, 0, "refused"),
            (u32::MAX, 0, "refused"),
        ] {
            let exchange = judge(&session(), &token(generation), &keys(&[1]), time(at));
            assert_eq!(word(&exchange), expected, "number {generation} at {at} ms");
        }
    }

    #[test]
    fn the_successor_is_one_and_the_same() {
        let Exchange::Next(next) = judge(&session(), &token(5), &keys(&[2, 1]), time(0)) else {
            panic!("the current token is exchanged");
        };
        assert_eq!(next.generation, 6);
        let rotated = StoredSession {
            token_hash: next.hash(),
            generation: 6,
            ..session()
        };
        let Exchange::Again(again) = judge(&rotated, &token(5), &keys(&[3, 2, 1]), time(9_000)) else {
            panic!("a repeat gets the successor");
        };
        assert!(again.hash() == next.hash());
        // The successor was made with key 2, which this process has not read yet.
        assert_eq!(word(&judge(&rotated, &token(5), &keys(&[1]), time(0))), "keys behind");
    }

    #[test]
    fn a_forged_token_is_refused_whatever_its_number() {
        let forged = |generation| RefreshToken::derive(&[9; 32], id(), generation, NONCE);
        for generation in [0, 3, 4, 5, 6] {
            let exchange = judge(&session(), &forged(generation), &keys(&[1]), time(0));
            assert_eq!(word(&exchange), "refused", "number {generation}");
        }
    }

    #[test]
    fn the_current_token_outlives_its_key_and_an_ended_session_gives_nothing() {
        assert_eq!(word(&judge(&session(), &token(5), &keys(&[2]), time(0))), "next");
        let ended = StoredSession {
            is_ended: true,
            ..session()
        };
        for generation in [3, 4, 5] {
            let exchange = judge(&ended, &token(generation), &keys(&[1]), time(0));
            assert_eq!(word(&exchange), "refused");
        }
    }
}
