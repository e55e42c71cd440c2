//! Users, passwords and access tokens: who a caller is and what the caller may do.
//!
//! Passwords are hashed on the blocking pool, as many at a time as there are cores, so that sign-ins do not delay
//! payments.

mod characters;
mod error;
mod hs256;
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

use sea_orm::ConnectionTrait;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::clock::{Clock, id_at};
use crate::db::{Db, Fault};
use crate::values::{Currency, Role, Timestamp, UserId, UserStatus};
use crate::wallets::{Wallet, WalletError, Wallets};
use password::Passwords;
use token::Tokens;

/// How long a sign-in waits for the first wallet, where the registration did not open it.
const OPENING_MAX: Duration = Duration::from_secs(3);

/// The user who signs in with an address; `None` if there is none.
pub(crate) async fn user_with(db: &impl ConnectionTrait, email: &Email) -> Result<Option<UserId>, Fault> {
    let account = repo::find_by_email(db, email.as_str()).await?;
    Ok(account.map(|account| account.user.id))
}

/// A user, without the password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// Lower-cased and composed (NFC); unique.
    pub email: String,
    /// Composed (NFC); 1 to 200 characters.
    pub full_name: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may sign in.
    pub status: UserStatus,
    /// When the user was registered.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

/// The data of a new customer.
pub struct Registration {
    /// The address to sign in with; refused when it is taken.
    pub email: Email,
    /// In plain text; refused unless it has 12 to 128 characters.
    pub password: SecretString,
    /// The customer's name.
    pub full_name: FullName,
    /// The first wallet's currency; the bank's default when `None`.
    pub currency: Option<Currency>,
}

/// A signed access token.
pub struct AccessToken {
    /// A JWT, signed with HS256.
    pub token: SecretString,
    /// Seconds from its issue until it expires.
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

    /// Stores a customer, then asks the ledger to open their first wallet. If it is not known whether the wallet was
    /// opened, the next sign-in opens it.
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
        // Reserved before anything is written, so that a full queue refuses the whole registration.
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

    /// Stores a user of any role, without a wallet.
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

    /// Checks a password and returns an access token. An unknown e-mail address takes as long and gets the same answer
    /// as a wrong password.
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

    /// Opens the first wallet where the registration did not. A failure is only logged: the next sign-in tries again.
    async fn open_first_wallet(&self, account: &repo::Account) {
        let Some(currency) = account.first_currency else { return };
        let opened = match self.wallets.has(account.user.id, currency).await {
            Ok(true) => return,
            Ok(false) => {
                let opening = self.wallets.open(actor_of(&account.user), currency);
                match timeout(OPENING_MAX, opening).await {
                    Ok(opened) => opened.map(drop),
                    // The wallet may still be opened after the time-out.
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

    /// Checks an access token without the database, and returns its user.
    pub fn authenticate(&self, token: &str) -> Result<Actor, TokenError> {
        self.tokens.read(token, self.clock.now())
    }

    /// A user by id.
    pub async fn user(&self, id: UserId) -> Result<User, IdentityError> {
        repo::find(&self.db.read, id).await?.ok_or(IdentityError::UserNotFound)
    }

    /// A user by e-mail address.
    pub async fn user_by_email(&self, email: &Email) -> Result<User, IdentityError> {
        let found = repo::find_by_email(&self.db.read, email.as_str()).await?;
        found.map(|account| account.user).ok_or(IdentityError::UserNotFound)
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
