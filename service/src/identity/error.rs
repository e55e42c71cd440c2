//! Why a user cannot be registered, signed in or recognised.

use crate::db::Fault;
use crate::wallets::WalletError;

/// Refusals and faults of users and sign-ins.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Answered when another user has the e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Answered when a new password has fewer than 12 or more than 128 characters.
    #[error("a password has {min} to {max} characters", min = super::rules::PASSWORD_MIN, max = super::rules::PASSWORD_MAX)]
    WeakPassword,
    /// Answered to a sign-in with an unknown address or a wrong password, or of a suspended user.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    /// Answered when no user has the id.
    #[error("there is no such user")]
    UserNotFound,
    /// Answered when the user is registered, and the wallet may be open; if it is not, the next sign-in opens it.
    #[error("the first wallet may not be open yet")]
    WalletLater(#[source] WalletError),
    /// Answered when the ledger accepts no commands now; nothing was registered.
    #[error(transparent)]
    Wallet(WalletError),
    /// Answered when the database, or hashing a password, fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why an access token is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Answered when a valid token is past its end.
    #[error("the token has expired")]
    Expired,
    /// Answered when the text is not a token that this bank's key has signed.
    #[error("the token is not one of ours")]
    Invalid,
}
