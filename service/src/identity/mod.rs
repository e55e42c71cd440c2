//! Users, passwords and access tokens: who a caller is and what the caller may do.
//!
//! Passwords are hashed on the blocking pool, as many at a time as there are cores, so that sign-ins never starve payments.

mod characters;
mod error;
mod key_file;
mod password;
mod repo;
mod rules;
mod token;

pub use crate::actor::Actor;
pub use characters::is_visible;
pub use error::{IdentityError, TokenError};
pub use key_file::{KeyFileError, SigningKey};
pub use rules::{Email, FullName, check_password};
pub use token::ACCESS_TOKEN_SECONDS;

use std::sync::Arc;

use secrecy::SecretString;

use crate::clock::{Clock, id_at};
use crate::db::{Db, Fault};
use crate::values::{Currency, Role, Timestamp, UserId, UserStatus};
use crate::wallets::{self, Wallet};
use password::Passwords;
use token::Tokens;

/// A user without the password's hash, which only the password check reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub full_name: String,
    pub role: Role,
    pub status: UserStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a new customer registers with.
pub struct Registration {
    pub email: Email,
    pub password: SecretString,
    pub full_name: FullName,
    /// The first wallet's currency; the bank's default when `None`.
    pub currency: Option<Currency>,
}

/// A signed access token.
pub struct AccessToken {
    pub token: SecretString,
    pub expires_in_s: i64,
}

/// Users and their sign-ins.
#[derive(Clone)]
pub struct Identity {
    db: Db,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    tokens: Arc<Tokens>,
    currency: Currency,
}

impl Identity {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, key: SigningKey, currency: Currency) -> Self {
        Self {
            db,
            clock,
            passwords: Passwords::new(),
            tokens: Arc::new(Tokens::new(&key)),
            currency,
        }
    }

    /// Makes a customer and opens their first wallet, both or neither.
    pub async fn register(&self, registration: Registration) -> Result<(User, Wallet), IdentityError> {
        let currency = registration.currency.unwrap_or(self.currency);
        let new = self
            .new_user(
                registration.email,
                registration.full_name,
                registration.password,
                Role::Customer,
            )
            .await?;
        let now = new.user.created_at;
        self.db
            .transaction(move |tx| {
                Box::pin(async move {
                    repo::insert(tx, &new).await?;
                    let wallet = wallets::open_for(tx, new.user.id, currency, now).await?;
                    Ok((new.user, wallet))
                })
            })
            .await
    }

    /// Makes a user of any role, without a wallet.
    pub async fn create_user(
        &self,
        email: Email,
        full_name: FullName,
        password: SecretString,
        role: Role,
    ) -> Result<User, IdentityError> {
        let new = self.new_user(email, full_name, password, role).await?;
        self.db
            .transaction(move |tx| {
                Box::pin(async move {
                    repo::insert(tx, &new).await?;
                    Ok(new.user)
                })
            })
            .await
    }

    /// Checks a password and gives an access token. An unknown e-mail costs the same time and gets the same answer.
    pub async fn sign_in(&self, email: &str, password: SecretString) -> Result<AccessToken, IdentityError> {
        // A malformed address matches no user, and may contain characters that PostgreSQL rejects.
        let found = match Email::try_new(email) {
            Some(email) => repo::find_by_email(&self.db.read, &email.into_inner()).await?,
            None => None,
        };
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
        let matches = self.passwords.verify(password, hash).await?;
        match user {
            Some(user) if matches && user.status == UserStatus::Active => Ok(self.access_token(&user)),
            Some(_) | None => Err(IdentityError::InvalidCredentials),
        }
    }

    /// Reads an access token. Asks no database.
    pub fn authenticate(&self, token: &str) -> Result<Actor, TokenError> {
        self.tokens.read(token, self.clock.now())
    }

    /// A user by id.
    pub async fn user(&self, id: UserId) -> Result<User, IdentityError> {
        repo::find(&self.db.read, id).await?.ok_or(IdentityError::UserNotFound)
    }

    fn access_token(&self, user: &User) -> AccessToken {
        let actor = Actor {
            user: user.id,
            role: user.role,
        };
        AccessToken {
            token: self.tokens.sign(actor, self.clock.now()),
            expires_in_s: ACCESS_TOKEN_SECONDS,
        }
    }

    async fn new_user(
        &self,
        email: Email,
        full_name: FullName,
        password: SecretString,
        role: Role,
    ) -> Result<repo::NewUser, IdentityError> {
        rules::check_password(&password)?;
        let password_hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let user = User {
            id: UserId(id_at(now)),
            email: email.into_inner(),
            full_name: full_name.into_inner(),
            role,
            status: UserStatus::Active,
            created_at: now,
            updated_at: now,
        };
        Ok(repo::NewUser { user, password_hash })
    }
}

impl From<wallets::WalletError> for IdentityError {
    fn from(error: wallets::WalletError) -> Self {
        // Opening a new user's first wallet collides with nothing, so whatever went wrong is ours.
        match error {
            wallets::WalletError::Fault(fault) => Self::Fault(fault),
            other => Self::Fault(Fault::broken(other)),
        }
    }
}
