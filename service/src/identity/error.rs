//! Why a user cannot be registered, signed in, changed or recognised.

use super::passwords::{PasswordError, PasswordWeakness};
use super::throttle::{SignInRefusal, TooMany};
use crate::db::Fault;
use crate::values::WalletId;
use crate::wallets::WalletError;

/// Refusals and faults of users and sign-ins.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Answered when another user has the e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Answered when a new password is refused.
    #[error(transparent)]
    WeakPassword(#[from] PasswordWeakness),
    /// Answered to a sign-in with an unknown address or a wrong password, or of a suspended user; and to a change of the
    /// password whose old password is wrong.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    /// Answered when a refresh token is not one of ours, was used before, or belongs to a session that is over.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// Answered when a one-time token is unknown, for another purpose, used or expired, or its user is not active.
    #[error("the one-time token is not valid")]
    InvalidOneTimeToken,
    /// Answered when a token would have to be mailed, and the bank sends no mails; nothing changed.
    #[error("the bank sends no mails")]
    MailNotConfigured,
    /// Answered when no user has the id.
    #[error("there is no such user")]
    UserNotFound,
    /// Answered when the caller has no live session with the id.
    #[error("there is no such session")]
    SessionNotFound,
    /// Answered when users would change their own role.
    #[error("another admin must change your role")]
    OwnRole,
    /// Answered when users would suspend or activate themselves.
    #[error("another member of staff must change your status")]
    OwnStatus,
    /// Answered when users would make a one-time token for themselves.
    #[error("another member of staff must make a token for you")]
    OwnReset,
    /// Answered when a one-time token is asked for a user who is suspended.
    #[error("the user is not active")]
    NotActive,
    /// Answered when admins would erase themselves.
    #[error("another admin must erase you")]
    OwnErasure,
    /// Answered when an erased user is to be changed; an erasure cannot be undone.
    #[error("the user is erased")]
    Erased,
    /// Answered when a user is to be erased who has wallets that are not closed; nothing was erased.
    #[error("the user has wallets that are not closed: {}", listed(.0))]
    WalletsOpen(Vec<WalletId>),
    /// Answered when a user is erased, and some of their data may be left. The worker erases it.
    #[error("the user is erased, and some of their data may be left")]
    ErasureUnfinished(#[source] Fault),
    /// Answered when the user who asks is suspended, has another role or has signed out since the token was signed.
    #[error("the user who asks was suspended, has another role, or has signed out")]
    AskerChanged,
    /// Answered when a user who is not an admin would change a role, set a password, suspend or activate staff, or make a
    /// one-time token for staff.
    #[error("only an admin may do this")]
    AdminsOnly,
    /// Answered when the user is registered, and the wallet may be open; if it is not, the next sign-in opens it.
    #[error("the first wallet may not be open yet")]
    WalletLater(#[source] WalletError),
    /// Answered when the ledger accepts no commands now; nothing was registered.
    #[error(transparent)]
    Wallet(WalletError),
    /// Answered when too many tries were made; nothing was hashed.
    #[error("too many tries; wait {retry_after_s} s")]
    Throttled {
        /// Seconds until the next try may succeed.
        retry_after_s: u32,
    },
    /// Answered when too many passwords are waiting to be checked, of all accounts or of this one; nothing happened.
    #[error("too many passwords are waiting to be checked")]
    Overloaded,
    /// Answered when the database, or hashing a password, fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn listed(ids: &[WalletId]) -> String {
    let ids: Vec<String> = ids.iter().map(WalletId::to_string).collect();
    ids.join(", ")
}

impl From<PasswordError> for IdentityError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Weak(weakness) => Self::WeakPassword(weakness),
            PasswordError::Overloaded => Self::Overloaded,
            PasswordError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<TooMany> for IdentityError {
    fn from(TooMany { retry_after_s }: TooMany) -> Self {
        Self::Throttled { retry_after_s }
    }
}

impl From<SignInRefusal> for IdentityError {
    fn from(refusal: SignInRefusal) -> Self {
        match refusal {
            SignInRefusal::TooMany(refused) => refused.into(),
            SignInRefusal::Overloaded => Self::Overloaded,
        }
    }
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
    /// Answered when the session of a valid token has ended.
    #[error("the session has ended")]
    Ended,
    /// Answered where money moves, or users and keys change, when the database has not said for too long which sessions have ended.
    #[error("it is not known whether the session has ended")]
    Unchecked,
}
