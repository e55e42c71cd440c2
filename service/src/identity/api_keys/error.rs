//! Why an API key cannot be made, seen or changed, and why one is not accepted.

use super::rules::NewKeyFault;
use crate::db::Fault;

/// Refusals and faults of those who make and manage API keys.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Answered when there is no key with the id, it was revoked, or the actor may not see it.
    #[error("there is no such API key")]
    NotFound,
    /// Answered to an actor who may not manage keys, such as a key, and to one who asks for the keys of another user.
    #[error("the actor may not manage these API keys")]
    Forbidden,
    /// Answered when a field of the new key is refused; nothing was made.
    #[error("a field of the new API key is not acceptable")]
    Refused(Vec<NewKeyFault>),
    /// Answered when the owner has as many keys as one may have; nothing was made.
    #[error("a user has at most {max} API keys that are valid", max = super::LIVE_KEYS_MAX)]
    TooMany,
    /// Answered when an expired key is to be rolled; nothing changed.
    #[error("the API key has expired")]
    Expired,
    /// Answered when the user who asks is suspended, has another role or has signed out since the token was signed.
    #[error("the user who asks was suspended, has another role, or has signed out")]
    AskerChanged,
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a request with an API key is not let in.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefusal {
    /// Answered when the text is no key of this bank, the key was revoked or may not be used from the client's address,
    /// or its owner is suspended.
    #[error("the API key is not accepted")]
    Invalid,
    /// Answered when the key has expired, or is the old secret of a rolled key whose overlap has ended.
    #[error("the API key has expired")]
    Expired,
    /// Answered when too many keys are being looked up at the same time.
    #[error("too many API keys are being looked up")]
    Overloaded,
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}
