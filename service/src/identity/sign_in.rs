//! Signing in and out, and changing a password: what a person does with their own sessions.

use secrecy::SecretString;
use serde_json::json;
use tokio::time::timeout;

use super::detached::detached;
use super::passwords::{PasswordVerdict, Reservation};
use super::repo::{self, Account, Change};
use super::sessions::{self, EndedSelection, LiveSession, Proven, SessionEnd, SessionTokens};
use super::{Email, Identity, IdentityError, OPENING_MAX, ThrottleKey, User, actor_of, asker, audit_lines, one_time};
use crate::actor::{Actor, ClientInfo, Credential, Permission};
use crate::audit::{self, AuditAction, AuditLine};
use crate::db::Fault;
use crate::values::{SessionId, UserId, UserStatus};
use crate::wallets::WalletError;

/// A new hash of a user's password.
struct HashChange {
    user: UserId,
    hash: String,
    /// The hash that must be stored until now; any when `None`.
    replaced: Option<String>,
    /// The user's sessions that end with the old password.
    ended: EndedSelection,
    /// What the audit log calls it.
    action: AuditAction,
}

/// What became of a sign-in whose password was compared.
enum SignInOutcome {
    Done(Account, SessionTokens),
    /// The password was wrong, or there is no such user, or one who is not active. The user, if there is one.
    Failed(Option<UserId>),
}

impl Identity {
    /// Checks a password and begins a session. An unknown e-mail address takes as long and gets the same answer as a wrong
    /// password. A failed sign-in counts for the throttle, and leaves a line in the audit log; where that line cannot be
    /// written, it is answered as a fault.
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        client: &ClientInfo,
    ) -> Result<SessionTokens, IdentityError> {
        let place = self.passwords.reserve()?;
        // A malformed address matches no user, and may contain characters that PostgreSQL rejects.
        let address = Email::try_new(email);
        let named = address.as_ref().map_or(email, Email::as_str);
        let key = ThrottleKey::account(named);
        let attempt = self.throttles.sign_ins.begin(key, client.address).await?;
        let (account, tokens) = match self.try_password(&place, address.as_ref(), password, client).await {
            Ok(SignInOutcome::Done(account, tokens)) => {
                attempt.forget().await;
                (account, tokens)
            }
            // A suspended user gets the same answer, and counts as a failure, so that it cannot be told.
            Ok(SignInOutcome::Failed(user)) => {
                // Before the line is written, so that it counts when the caller hangs up meanwhile.
                attempt.failed().await;
                let line = self.failure(named).from_client(client);
                let line = match user {
                    Some(user) => line.to_user(user),
                    None => line,
                };
                self.record(line).await?;
                return Err(IdentityError::InvalidCredentials);
            }
            // A fault, or a full queue, is not the caller's failure.
            Err(error) => {
                attempt.forget().await;
                return Err(error);
            }
        };
        self.open_first_wallet(&account).await;
        Ok(tokens)
    }

    /// Begins a session of the account with this address and password.
    async fn try_password(
        &self,
        place: &Reservation,
        email: Option<&Email>,
        password: SecretString,
        client: &ClientInfo,
    ) -> Result<SignInOutcome, IdentityError> {
        let found = match email {
            Some(email) => repo::find_by_email(&self.db.read, email.as_str()).await?,
            None => None,
        };
        let failed = SignInOutcome::Failed(found.as_ref().map(|account| account.user.id));
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        let is_outdated = match self.passwords.verify(place, password.clone(), hash).await? {
            PasswordVerdict::Wrong => return Ok(failed),
            PasswordVerdict::Right { is_outdated } => is_outdated,
        };
        let Some(account) = found.filter(|account| account.user.status == UserStatus::Active) else {
            return Ok(failed);
        };
        let proven = Proven {
            user: account.user.id,
            password_hash: account.password_hash.clone(),
        };
        let tokens = match self.sessions.begin(proven, client).await {
            // The user was suspended, or has another password, since the row was read.
            Err(IdentityError::InvalidCredentials) => return Ok(failed),
            begun => begun?,
        };
        if is_outdated {
            self.hash_again(&account, password);
        }
        Ok(SignInOutcome::Done(account, tokens))
    }

    /// The line of a failed sign-in with an address. Whether a user has the address makes no difference to the time that it
    /// takes.
    fn failure(&self, email: &str) -> AuditLine {
        let now = self.clock.now();
        let keys = self.keys.derive(audit_lines::PURPOSE, now);
        let key = keys.first().expect("a key set has at least one key");
        audit_lines::sign_in_failed(key, email, now)
    }

    async fn record(&self, line: AuditLine) -> Result<(), Fault> {
        let work = self
            .db
            .transaction(move |tx| Box::pin(async move { audit::record(tx, &[line]).await }));
        work.await
    }

    /// Hashes a password again with today's parameters, in the background. If it fails, the next sign-in tries again.
    fn hash_again(&self, account: &Account, password: SecretString) {
        let (db, passwords) = (self.db.clone(), self.passwords.clone());
        let (user, old) = (account.user.id, account.password_hash.clone());
        tokio::spawn(async move {
            let stored = match passwords.hash(password).await {
                Ok(new) => {
                    let stored = repo::replace_hash(&db.write, user, &old, &new).await;
                    stored.map_err(IdentityError::from)
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = stored {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the hash of a password was not made again");
            }
        });
    }

    /// Exchanges a refresh token for the next tokens of its session.
    pub async fn refresh(&self, token: &SecretString, client: &ClientInfo) -> Result<SessionTokens, IdentityError> {
        self.sessions.refresh(token, client).await
    }

    /// Ends the session of the actor, and that of the refresh token where it is another one of the same user.
    pub async fn sign_out(&self, actor: &Actor, refresh_token: Option<&SecretString>) -> Result<(), IdentityError> {
        let mut ids: Vec<SessionId> = session_of(actor).into_iter().collect();
        if let Some(token) = refresh_token {
            let owned = self.sessions.owner_of(token).await?;
            ids.extend(owned.filter(|(_, user)| *user == actor.user).map(|(id, _)| id));
        }
        let which = EndedSelection::These(ids);
        self.sessions.end(actor, which, SessionEnd::SignedOut).await?;
        Ok(())
    }

    /// The live sessions of a user, newest first; at most 50.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<LiveSession>, IdentityError> {
        Ok(self.sessions.live(user).await?)
    }

    /// Ends one of the actor's own sessions.
    pub async fn end_session(&self, actor: &Actor, id: SessionId) -> Result<(), IdentityError> {
        let which = EndedSelection::These(vec![id]);
        match self.sessions.end(actor, which, SessionEnd::EndedByOwner).await? {
            0 => Err(IdentityError::SessionNotFound),
            _ => Ok(()),
        }
    }

    /// Ends all of the actor's own sessions.
    pub async fn end_sessions(&self, actor: &Actor) -> Result<(), IdentityError> {
        let all = EndedSelection::All;
        self.sessions.end(actor, all, SessionEnd::EndedByOwner).await?;
        Ok(())
    }

    /// Changes the actor's own password and ends all other sessions of theirs. A wrong old password counts as a failed
    /// sign-in, and leaves the line of one, since it is guessing too.
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: SecretString,
        new: SecretString,
        client: &ClientInfo,
    ) -> Result<(), IdentityError> {
        let place = self.passwords.reserve()?;
        let account = repo::find_account(&self.db.read, actor.user).await?;
        let account = account.ok_or(IdentityError::UserNotFound)?;
        let key = ThrottleKey::account(&account.user.email);
        let attempt = self.throttles.sign_ins.begin(key, client.address).await?;
        // Kept until the new password is hashed, which waits in the same queue.
        let _attempt = match self
            .passwords
            .verify(&place, current, Some(account.password_hash.clone()))
            .await
        {
            Ok(PasswordVerdict::Wrong) => {
                attempt.failed().await;
                let line = self.failure(&account.user.email).by(actor);
                self.record(line.from_client(client).to_user(actor.user)).await?;
                return Err(IdentityError::InvalidCredentials);
            }
            Ok(PasswordVerdict::Right { .. }) => attempt.forget().await,
            Err(error) => {
                attempt.forget().await;
                return Err(error.into());
            }
        };
        // The new one takes a place of its own.
        drop(place);
        let hash = self.new_hash(new, &account.user).await?;
        let change = HashChange {
            user: actor.user,
            hash,
            replaced: Some(account.password_hash),
            ended: session_of(actor).map_or(EndedSelection::All, EndedSelection::AllBut),
            action: AuditAction::PasswordChanged,
        };
        self.store_password(&actor.clone().from_client(client.clone()), change)
            .await
    }

    /// Gives a user a new password and ends all of the user's sessions. For admins.
    pub async fn set_password(&self, actor: &Actor, id: UserId, new: SecretString) -> Result<(), IdentityError> {
        if !actor.may(Permission::UsersManage) {
            return Err(IdentityError::AdminsOnly);
        }
        let hash = self.new_hash(new, &self.user(id).await?).await?;
        let change = HashChange {
            user: id,
            hash,
            replaced: None,
            ended: EndedSelection::All,
            action: AuditAction::PasswordSet,
        };
        self.store_password(actor, change).await
    }

    async fn new_hash(&self, password: SecretString, user: &User) -> Result<String, IdentityError> {
        let about = vec![user.email.clone(), user.full_name.clone()];
        Ok(self.passwords.hash_new(password, about).await?)
    }

    /// Stores a hash; refuses it when another one than `replaced` is stored by now, so that of two changes at the same time
    /// the second is checked against the password of the first.
    async fn store_password(&self, actor: &Actor, change: HashChange) -> Result<(), IdentityError> {
        let (sessions, db) = (self.sessions.clone(), self.db.clone());
        let (actor, now) = (actor.clone(), self.clock.now());
        let task = detached(async move {
            let work = db.transaction(move |tx| {
                Box::pin(async move {
                    let account = asker::lock_with(tx, &actor, change.user, now).await?;
                    let stored = account.password_hash;
                    if change.replaced.is_some_and(|replaced| replaced != stored) {
                        return Err(IdentityError::InvalidCredentials);
                    }
                    let user = change.user;
                    repo::change(tx, user, Change::PasswordHash(change.hash), now).await?;
                    one_time::delete_of(tx, user).await?;
                    let reason = SessionEnd::PasswordChanged;
                    let ended = sessions::end(tx, user, change.ended, reason, now).await?;
                    let line = AuditLine::at(change.action, now).by(&actor).to_user(user);
                    let line = line.after(&json!({ "sessions_ended": ended.len() }));
                    audit::record(tx, &[line]).await?;
                    Ok(ended)
                })
            });
            let ended = work.await?;
            sessions.note_ended(&ended, now);
            Ok::<_, IdentityError>(())
        });
        task.await
    }

    /// Opens the first wallet where the registration did not. A failure is only logged: the next sign-in tries again.
    async fn open_first_wallet(&self, account: &Account) {
        let Some(currency) = account.first_currency else { return };
        let opened = match self.wallets.has(account.user.id, currency).await {
            Ok(true) => return,
            Ok(false) => {
                let asker = actor_of(&account.user);
                let opening = self.wallets.open(&asker, currency);
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
}

/// The session that the actor has signed in to; `None` for an API key and for a command.
fn session_of(actor: &Actor) -> Option<SessionId> {
    match actor.credential {
        Credential::Session(id) => Some(id),
        Credential::ApiKey(_) | Credential::Internal => None,
    }
}
