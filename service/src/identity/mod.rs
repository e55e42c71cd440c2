//! Users, their passwords, their sessions and tokens: who a caller is and what the caller may do.
//!
//! Signing in, out and changing one's password are in `sign_in`, what else users change of themselves in `profile`, changes of
//! a user by staff in `users`, how staff look users up in `user_list`, and the end of all that tells who a user was in
//! `erasure`.

pub mod api_keys;
mod asker;
mod audit_lines;
mod detached;
mod erasure;
mod error;
mod export;
mod one_time;
mod passwords;
mod profile;
mod repo;
mod rules;
mod search;
mod secret_text;
mod sessions;
mod sign_in;
mod throttle;
mod tokens;
mod user_list;
mod users;

pub use crate::actor::Actor;
pub use crate::keys::{KEY_WAIT_SECONDS, KeyChangeError, KeyFileError};
pub(crate) use asker::{active_role, lock_asker};
pub(crate) use erasure::{ErasedRows, ErasureStep};
pub use error::{IdentityError, TokenError};
pub use one_time::OneTimeToken;
pub use passwords::{PasswordWeakness, check_password};
pub use profile::ProfileChange;
pub use rules::{Email, FullName};
pub use search::UserSearch;
pub use sessions::{KeptSession, LIVE_MAX, LiveSession, SESSION_LIFE, SessionTokens};
pub use throttle::{
    AskedMails, CallerBudget, CallerLimit, Registrations, SignInAttempt, SignInPlace, SignInRefusal, SignIns,
    ThrottleKey, Throttles, TooMany,
};
pub use tokens::{ACCESS_TOKEN_SECONDS, KeyReport, KeySet, KeyState, PublicKey, list_keys, retire_key, rotate_keys};

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::actor::ClientInfo;
use crate::audit::{self, AuditAction, AuditLine};
use crate::clock::{Clock, id_at};
use crate::db::{Db, Fault};
use crate::mail::Mailer;
use crate::values::{Currency, RequestId, Role, Timestamp, UserId, UserStatus};
use crate::wallets::{Wallet, Wallets};
use crate::workers::Workers;
use api_keys::ApiKeys;
use one_time::ASKS_MAX;
use passwords::{Passwords, PaymentCount};
use sessions::Sessions;
use tokens::Tokens;

/// What stands in the place of the names of erased users and of their API keys.
const ERASED_NAME: &str = "erased";
/// How long a sign-in waits for the first wallet, where the registration did not open it.
const OPENING_MAX: Duration = Duration::from_secs(3);
/// How long the end of the process waits for forgotten passwords that are being looked up.
const ASKS_END_MAX: Duration = Duration::from_secs(5);

/// The users who sign in with these addresses, each as `Email::as_str` gives it, by address. One statement.
pub(crate) async fn users_with(
    db: &impl ConnectionTrait,
    emails: &HashSet<&str>,
) -> Result<HashMap<String, UserId>, Fault> {
    repo::ids_by_email(db, emails).await
}

/// A user, without the password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// Lower-cased and composed (NFC); unique. Of an erased user the id, at a domain that never exists.
    pub email: String,
    /// Composed (NFC); 1 to 200 characters. `erased` once the user is erased.
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
    /// In plain text; refused unless it has 12 to 128 characters and is hard to guess.
    pub password: SecretString,
    /// The customer's name.
    pub full_name: FullName,
    /// The first wallet's currency; the bank's default when `None`.
    pub currency: Option<Currency>,
}

/// Which users a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Those whom a search finds; all when `None`.
    pub search: Option<UserSearch>,
    /// Those with this role; any when `None`.
    pub role: Option<Role>,
    /// Those with this status; any when `None`.
    pub status: Option<UserStatus>,
}

/// Users, their sign-ins and their sessions. Cloning clones a handle.
#[derive(Clone)]
pub struct Identity {
    /// Keys with which programs sign in.
    pub api_keys: ApiKeys,
    db: Db,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    throttles: Arc<Throttles>,
    keys: Arc<KeySet>,
    sessions: Sessions,
    wallets: Wallets,
    currency: Currency,
    mailer: Option<Mailer>,
    erased_beside: Arc<dyn ErasedRows>,
    /// A place for each forgotten password that is being looked up.
    mail_asks: Arc<Semaphore>,
    workers: Workers,
}

/// What the identity of users is made of, besides the database and the clock.
pub(crate) struct IdentityParts {
    /// The keys of access tokens and refresh tokens.
    pub keys: Arc<KeySet>,
    /// Counts failed sign-ins and registrations.
    pub throttles: Arc<Throttles>,
    /// Opens the first wallets.
    pub wallets: Wallets,
    /// The currency of a first wallet when the customer names none.
    pub currency: Currency,
    /// How many payments were made so far: while they are many, passwords are hashed more slowly.
    pub payments: PaymentCount,
    /// Sends mails; `None` for a bank that sends none.
    pub mailer: Option<Mailer>,
    /// What other modules erase together with a user.
    pub erased_beside: Arc<dyn ErasedRows>,
    /// For the workers that read the keys again, watch for ended sessions, note when API keys are used, delete expired
    /// one-time tokens, and finish erasures.
    pub workers: Workers,
}

impl Identity {
    /// Starts the threads that hash passwords, which the operating system may refuse.
    pub(crate) fn try_new(db: Db, clock: Arc<dyn Clock>, parts: IdentityParts) -> io::Result<Self> {
        let tokens = Arc::new(Tokens::new(parts.keys.clone()));
        let (keys, workers) = (parts.keys.clone(), parts.workers.clone());
        Ok(Self {
            api_keys: ApiKeys::new(db.clone(), clock.clone(), parts.wallets.clone(), parts.workers.group()),
            sessions: Sessions::new(db.clone(), clock.clone(), tokens, keys, workers),
            db,
            clock,
            passwords: Passwords::for_this_machine(&parts.payments)?,
            throttles: parts.throttles,
            keys: parts.keys,
            wallets: parts.wallets,
            currency: parts.currency,
            mailer: parts.mailer,
            erased_beside: parts.erased_beside,
            mail_asks: Arc::new(Semaphore::new(ASKS_MAX as usize)),
            workers: parts.workers,
        })
    }

    /// Reads which sessions ended lately, before any token is checked.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        self.sessions.look().await
    }

    /// Starts the workers of a server: one learns of sessions that other processes end, one deletes old ones; one reads
    /// the signing keys again; one writes when API keys were last used; one deletes expired one-time tokens; one finishes
    /// erasures. Must be called inside a tokio runtime.
    pub fn serve(&self) {
        self.sessions.serve();
        self.keys.serve(&self.workers);
        self.api_keys.serve();
        self.serve_one_time_tokens();
        self.serve_erasures();
    }

    /// Stops the workers, then sends the mails that still wait, those of forgotten passwords under way too.
    pub(crate) async fn stop(&self) {
        self.api_keys.stop().await;
        self.workers.stop().await;
        let Some(mailer) = &self.mailer else { return };
        // All places are free once no address is looked up. After the time-out the mail of one that is, is not sent.
        let _ = timeout(ASKS_END_MAX, self.mail_asks.acquire_many(ASKS_MAX)).await;
        mailer.stop().await;
    }

    /// The throttles of the bank.
    #[must_use]
    pub fn throttles(&self) -> &Throttles {
        &self.throttles
    }

    /// The public keys of the access tokens that are accepted now, and of those that will be signed next.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.public(self.clock.now())
    }

    /// Reads the file with the signing keys again, as the worker `keys` does every second; true if it holds other keys.
    pub fn reload_keys(&self) -> Result<bool, KeyFileError> {
        self.keys.reload()
    }

    /// Deletes some of the sessions that have been over for a day, as the worker does every minute. Gives how many.
    pub async fn delete_old_sessions(&self) -> Result<u64, Fault> {
        self.sessions.clean_up().await
    }

    /// Stores a customer, then asks the ledger to open their first wallet. If it is not known whether the wallet was
    /// opened, the next sign-in opens it.
    pub async fn register(
        &self,
        registration: Registration,
        client: &ClientInfo,
    ) -> Result<(User, Wallet), IdentityError> {
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
        let by = actor_of(&new.user).from_client(client.clone());
        let line = made(AuditAction::UserRegistered, &new.user).by(&by);
        let new = repo::NewUser {
            first_currency: Some(currency),
            ..new
        };
        let user = self.insert(new, line).await?;
        let request = client.request.as_deref().and_then(RequestId::parse);
        let wallet = place.open(&actor_of(&user).asking_in(request), currency).await;
        Ok((user, wallet.map_err(IdentityError::WalletLater)?))
    }

    /// Stores a user of any role, without a wallet. Only the terminal asks for it, so the audit log names no actor.
    pub async fn create_user(
        &self,
        email: Email,
        full_name: FullName,
        password: SecretString,
        role: Role,
    ) -> Result<User, IdentityError> {
        let new = self.new_user(email, full_name, password, role).await?;
        let line = made(AuditAction::UserCreated, &new.user);
        self.insert(new, line).await
    }

    async fn insert(&self, new: repo::NewUser, line: AuditLine) -> Result<User, IdentityError> {
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                repo::insert(tx, &new).await?;
                audit::record(tx, &[line]).await?;
                Ok(new.user)
            })
        });
        work.await
    }

    /// Checks an access token without the database, and returns who calls. Refuses the tokens of ended sessions.
    pub fn authenticate(&self, token: &str) -> Result<Actor, TokenError> {
        self.sessions.authenticate(token)
    }

    /// The same where money moves. While the database has not said for 5 s which sessions have ended, a token that is older
    /// than 60 s is answered `Unchecked`.
    pub fn authenticate_for_money(&self, token: &str) -> Result<Actor, TokenError> {
        self.sessions.authenticate_for_money(token)
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

    async fn new_user(
        &self,
        email: Email,
        full_name: FullName,
        password: SecretString,
        role: Role,
    ) -> Result<repo::NewUser, IdentityError> {
        let about = vec![email.as_str().to_owned(), full_name.as_str().to_owned()];
        let password_hash = self.passwords.hash_new(password, about).await?;
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

fn made(action: AuditAction, user: &User) -> AuditLine {
    audit_lines::made(action, user.id, user.role, user.created_at)
}

fn actor_of(user: &User) -> Actor {
    Actor::new(user.id, user.role)
}
