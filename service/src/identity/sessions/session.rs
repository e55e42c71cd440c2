//! What a session is, to its user and to the rules. Pure.

use std::net::IpAddr;

use secrecy::SecretString;

use crate::values::{SessionId, Timestamp, UserId};

/// What a sign-in or a refresh gives.
pub struct SessionTokens {
    /// A signed JWT.
    pub access_token: SecretString,
    /// Seconds from now until the access token expires.
    pub expires_in_s: i64,
    /// Opaque; it can be exchanged once for the next tokens.
    pub refresh_token: SecretString,
    /// Seconds from now until the session expires, and its refresh tokens with it.
    pub refresh_expires_in_s: i64,
}

/// A session that has not ended, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// The session's id.
    pub id: SessionId,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When a refresh token was last exchanged; at first, when the user signed in.
    pub last_used_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The client's address at that time.
    pub address: Option<IpAddr>,
    /// The client's description of itself at that time.
    pub user_agent: Option<String>,
}

/// A session that is still stored, whether it is over or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// The session, as its user sees it while it is live.
    pub session: LiveSession,
    /// When it was ended; `None` while it is live, and when it expired.
    pub ended_at: Option<Timestamp>,
}

/// A session as the exchange of refresh tokens sees it.
pub(super) struct StoredSession {
    pub id: SessionId,
    pub user: UserId,
    pub nonce: Nonce,
    /// SHA-256 of the token that may be exchanged next.
    pub token_hash: [u8; 32],
    /// The number of that token.
    pub generation: u32,
    /// When that token was made.
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub is_ended: bool,
}

/// Random bytes that go into every refresh token of a session, so that the key alone does not tell them.
#[derive(Clone, Copy)]
pub(super) struct Nonce(pub [u8; 16]);
