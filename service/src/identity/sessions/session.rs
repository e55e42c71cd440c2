//! What a session is, to its user and to the rules. Pure.

use std::net::IpAddr;

use secrecy::SecretString;

use crate::identity::characters::is_visible;
use crate::values::{SessionId, Timestamp, UserId};

/// The most characters of a client's description of itself that are kept.
pub const USER_AGENT_MAX: usize = 200;

/// Who calls, as far as the connection and the request's head tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address; `None` where it is not known.
    pub address: Option<IpAddr>,
    /// The client's own description of itself: 1 to 200 visible characters.
    pub user_agent: Option<String>,
}

impl ClientInfo {
    /// Keeps the first 200 visible characters of the description.
    #[must_use]
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let visible = |text: &str| -> String {
            let characters = text.trim().chars().filter(|character| is_visible(*character));
            characters.take(USER_AGENT_MAX).collect()
        };
        Self {
            address,
            user_agent: user_agent.map(visible).filter(|text| !text.is_empty()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_and_cleaned() {
        let kept = |text: &str| ClientInfo::new(None, Some(text)).user_agent;
        assert_eq!(kept(" curl/8.5\u{1b}[2J ").as_deref(), Some("curl/8.5[2J"));
        assert_eq!(kept(&"ä".repeat(300)), Some("ä".repeat(USER_AGENT_MAX)));
        assert_eq!((kept(""), kept(" \t")), (None, None));
    }
}
