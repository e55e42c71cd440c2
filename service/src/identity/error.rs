//! Why a user cannot be registered, signed in or recognised.

use crate::db::Fault;
use crate::wallets::WalletError;

/// Refusals and faults of users and sign-ins.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("a password has {min} to {max} characters", min = super::rules::PASSWORD_MIN, max = super::rules::PASSWORD_MAX)]
    WeakPassword,
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    #[error("there is no such user")]
    UserNotFound,
    /// The user is registered. The wallet may be open; if it is not, the next sign-in opens it.
    #[error("the first wallet may not be open yet")]
    WalletLater(#[source] WalletError),
    /// The first wallet could not be opened now, so nothing was registered.
    #[error(transparent)]
    Wallet(WalletError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An access token that is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not one of ours")]
    Invalid,
}
