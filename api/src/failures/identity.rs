//! Every error of users, sign-ins and access tokens as a problem document.

use service::identity::{IdentityError, TokenError};
use service::values::WalletId;

use crate::problem::{Code, Problem};

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::new(Code::Unauthenticated, "the access token has expired; sign in again"),
            TokenError::Invalid => Self::new(Code::Unauthenticated, "the access token is not one of this bank's"),
            TokenError::Ended => Self::new(
                Code::Unauthenticated,
                "the session of this access token has ended; sign in again",
            ),
            TokenError::Unchecked => Self::new(
                Code::Unavailable,
                "the database does not say which sessions have ended, so older access tokens change nothing; nothing happened",
            )
            .retry_after(1),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::EmailTaken => Self::new(Code::EmailTaken, "a user with this e-mail address exists"),
            IdentityError::WeakPassword(weakness) => Self::new(Code::WeakPassword, weakness.to_string()),
            IdentityError::InvalidRefreshToken => Self::new(
                Code::Unauthenticated,
                "the refresh token is not valid, was used before, or its session has ended; sign in again",
            ),
            IdentityError::InvalidOneTimeToken => Self::new(
                Code::InvalidToken,
                "the one-time token is unknown, used or expired; ask for a new one",
            ),
            IdentityError::MailNotConfigured => Self::new(
                Code::MailNotConfigured,
                "this bank sends no mails, so it cannot mail you a token; nothing changed",
            ),
            IdentityError::SessionNotFound => Self::new(Code::NotFound, "you have no such session"),
            IdentityError::OwnRole => Self::new(Code::Forbidden, "another admin must change your role"),
            IdentityError::OwnStatus => Self::new(Code::Forbidden, "another member of staff must change your status"),
            IdentityError::OwnReset => Self::new(
                Code::Forbidden,
                "you cannot make a token for yourself; change your password with the old one, at POST /v1/users/me/password",
            ),
            IdentityError::NotActive => Self::new(
                Code::Forbidden,
                "the user is suspended and could not sign in; activate them first",
            ),
            IdentityError::OwnErasure => Self::new(Code::Forbidden, "another admin must erase you"),
            IdentityError::Erased => Self::new(Code::UserErased, "the user is erased, which cannot be undone"),
            IdentityError::WalletsOpen(wallets) => wallets_open(&wallets),
            IdentityError::ErasureUnfinished(cause) => Self::new(
                Code::Unavailable,
                "the user is erased; what is left of their data is erased within minutes. Send it again to wait for it",
            )
            .retry_after(1)
            .caused_by(cause),
            IdentityError::AskerChanged => asker_changed(),
            IdentityError::AdminsOnly => Self::new(Code::Forbidden, "only an admin may do this"),
            IdentityError::Throttled { retry_after_s } => Self::new(
                Code::RateLimited,
                "too many tries; wait before the next one; nothing happened",
            )
            .retry_after(retry_after_s),
            IdentityError::Overloaded => Self::new(
                Code::Overloaded,
                "too many passwords are waiting to be checked; nothing happened",
            )
            .retry_after(1),
            IdentityError::InvalidCredentials => {
                Self::new(Code::InvalidCredentials, "the e-mail address or the password is wrong")
            }
            IdentityError::UserNotFound => Self::new(Code::UserNotFound, "there is no such user"),
            IdentityError::WalletLater(cause) => Self::new(
                Code::OutcomeUnknown,
                "you are registered, and your first wallet may not be open yet: sign in, which opens it",
            )
            .retry_after(1)
            .caused_by(cause),
            IdentityError::Wallet(error) => error.into(),
            IdentityError::Fault(fault) => fault.into(),
        }
    }
}

fn wallets_open(wallets: &[WalletId]) -> Problem {
    let ids: Vec<String> = wallets.iter().map(WalletId::to_string).collect();
    Problem::new(
        Code::WalletsOpen,
        "the user has wallets that are not closed; nothing was erased",
    )
    .with("wallet_ids", ids)
}

/// The caller's token was good when the request came, and is not any more.
pub(super) fn asker_changed() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "you were suspended, have another role, or your session has ended; nothing happened; sign in again",
    )
}
