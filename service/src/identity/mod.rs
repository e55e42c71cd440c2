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
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::timeout;

use crate::clock::{Clock, id_at};
use crate::db::{Db, Fault};
use crate::values::{Currency, Role, Timestamp, UserId, UserStatus};
use crate::wallets::{Wallet, WalletError, Wallets};
use password::Passwords;
use token::Tokens;

/// How long a sign-in waits for a wallet that its registration left unopened.
const OPENING_MAX: Duration = Duration::from_secs(3);

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
    wallets: Wallets,
    currency: Currency,
}

impl Identity {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, key: &SigningKey, wallets: Wallets, currency: Currency) -> Self {
        Self {
            db,
            clock,
            wallets,
            passwords: Passwords::new(),
            tokens: Arc::new(Tokens::new(key)),
            currency,
        }
    }

    /// Makes a customer, then opens their first wallet: the ledger's part is in the ledger's order. Where the second half is
    /// not known to be done, the next sign-in does it.
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
        // Before anything is written: a queue that is full refuses the whole registration.
        let place = self.wallets.reserve_opening().map_err(IdentityError::Wallet)?;
        let user = self
            .insert(repo::NewUser {
                first_currency: Some(currency),
                ..new
            })
            .await?;
        let wallet = place.open(actor_of(&user), currency).await;
        Ok((user, wallet.map_err(IdentityError::WalletLater)?))
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
        self.insert(new).await
    }

    /// Checks a password and gives an access token. An unknown e-mail costs the same time and gets the same answer.
    pub async fn sign_in(&self, email: &str, password: SecretString) -> Result<AccessToken, IdentityError> {
        // A malformed address matches no user, and may contain characters that PostgreSQL rejects.
        let found = match Email::try_new(email) {
            Some(email) => repo::find_by_email(&self.db.read, &email.into_inner()).await?,
            None => None,
        };
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        match found {
            Some(account) if matches && account.user.status == UserStatus::Active => {
                self.open_first_wallet(&account).await;
                Ok(self.access_token(&account.user))
            }
            Some(_) | None => Err(IdentityError::InvalidCredentials),
        }
    }

    /// Opens the wallet that a registration left unopened. Signing in does not fail with it: the next one tries again.
    async fn open_first_wallet(&self, account: &repo::Account) {
        let Some(currency) = account.first_currency else { return };
        let opened = match self.wallets.has(account.user.id, currency).await {
            Ok(true) => return,
            Ok(false) => {
                let opening = self.wallets.open(actor_of(&account.user), currency);
                match timeout(OPENING_MAX, opening).await {
                    Ok(opened) => opened.map(drop),
                    // It may still be opened.
                    Err(late) => Err(Fault::conflict(late).into()),
                }
            }
            Err(fault) => Err(fault.into()),
        };
        match opened {
            // Another sign-in was first.
            Ok(()) | Err(WalletError::Exists) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the first wallet of a customer is not open yet");
            }
        }
    }

    async fn insert(&self, new: repo::NewUser) -> Result<User, IdentityError> {
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                repo::insert(tx, &new).await?;
                Ok(new.user)
            })
        });
        work.await
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
        AccessToken {
            token: self.tokens.sign(actor_of(user), self.clock.now()),
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
        Ok(repo::NewUser {
            user,
            password_hash,
            first_currency: None,
        })
    }
}

fn actor_of(user: &User) -> Actor {
    Actor {
        user: user.id,
        role: user.role,
    }
}
