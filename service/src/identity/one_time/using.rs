//! Using a one-time token: it sets a new password, or confirms a new address, and is used up in the same transaction.

use entity::one_time_tokens::OneTimeTokenPurpose;
use sea_orm::DatabaseTransaction;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::rules::StoredOneTimeToken;
use super::{repo, text};
use crate::actor::ClientInfo;
use crate::audit::{self, AuditAction, AuditLine};
use crate::db::Fault;
use crate::identity::detached::detached;
use crate::identity::repo::{self as users, Change};
use crate::identity::sessions::{self, EndedSelection, SessionEnd};
use crate::identity::{Identity, IdentityError, User};
use crate::mail::Mail;
use crate::values::{SessionId, Sha256Digest, Timestamp, UserId, UserStatus};

/// A token that is to be used, and whose it is.
#[derive(Clone, Copy)]
struct PresentedOneTimeToken {
    digest: Sha256Digest,
    purpose: OneTimeTokenPurpose,
    user: UserId,
}

impl Identity {
    /// Sets a new password with a one-time token, and ends all sessions of its user. A token that is unknown, used,
    /// expired or of a suspended user gets one answer, and counts as a failed sign-in from its address. A weak password
    /// leaves the token.
    pub async fn reset_password(
        &self,
        token: &SecretString,
        new: SecretString,
        client: &ClientInfo,
    ) -> Result<(), IdentityError> {
        self.throttles.sign_ins.look_at(client.address).await?;
        let done = self.reset_with(token, new, client).await;
        self.note_wrong(&done, client).await;
        done
    }

    /// Changes a user's e-mail address to the one that this token was mailed to, and tells the old address. No session
    /// ends.
    pub async fn confirm_email(&self, token: &SecretString, client: &ClientInfo) -> Result<(), IdentityError> {
        self.throttles.sign_ins.look_at(client.address).await?;
        let done = self.confirm_with(token, client).await;
        self.note_wrong(&done, client).await;
        done
    }

    async fn note_wrong(&self, done: &Result<(), IdentityError>, client: &ClientInfo) {
        if matches!(done, Err(IdentityError::InvalidOneTimeToken)) {
            self.throttles.sign_ins.count_failure_at(client.address).await;
        }
    }

    async fn reset_with(
        &self,
        token: &SecretString,
        new: SecretString,
        client: &ClientInfo,
    ) -> Result<(), IdentityError> {
        // Looked at before anything is hashed: only a caller with a token may cost so much.
        let (presented, user) = self.presented(token, OneTimeTokenPurpose::Password).await?;
        let hash = self.passwords.hash_new(new, vec![user.email, user.full_name]).await?;
        let (identity, client, now) = (self.clone(), client.clone(), self.clock.now());
        let task = detached(async move {
            let work = identity
                .db
                .transaction(move |tx| Box::pin(async move { set_password(tx, presented, hash, &client, now).await }));
            let (user, ended) = work.await?;
            identity.sessions.note_ended(&ended, now);
            identity.send_mail(Mail::password_reset(&user.email, now));
            Ok::<_, IdentityError>(())
        });
        task.await
    }

    async fn confirm_with(&self, token: &SecretString, client: &ClientInfo) -> Result<(), IdentityError> {
        let (presented, _) = self.presented(token, OneTimeTokenPurpose::Email).await?;
        let (identity, client, now) = (self.clone(), client.clone(), self.clock.now());
        let task = detached(async move {
            let work = identity
                .db
                .transaction(move |tx| Box::pin(async move { set_email(tx, presented, &client, now).await }));
            let old = work.await?;
            identity.send_mail(Mail::email_changed(&old, now));
            Ok::<_, IdentityError>(())
        });
        task.await
    }

    /// A token that can be used now, and its user.
    async fn presented(
        &self,
        token: &SecretString,
        purpose: OneTimeTokenPurpose,
    ) -> Result<(PresentedOneTimeToken, User), IdentityError> {
        let digest = text::digest_of(token.expose_secret()).ok_or(IdentityError::InvalidOneTimeToken)?;
        let (now, stored) = (self.clock.now(), repo::find(&self.db.read, digest).await?);
        let stored = stored.filter(|stored| stored.is_usable(purpose, now));
        let stored = stored.ok_or(IdentityError::InvalidOneTimeToken)?;
        let user = users::find(&self.db.read, stored.user).await?;
        let user = user.filter(|user| user.status == UserStatus::Active);
        let user = user.ok_or(IdentityError::InvalidOneTimeToken)?;
        let presented = PresentedOneTimeToken {
            digest,
            purpose,
            user: user.id,
        };
        Ok((presented, user))
    }
}

/// Locks the token's user, as every change of a user does, and then the token; and looks at both again.
async fn lock(
    tx: &DatabaseTransaction,
    presented: PresentedOneTimeToken,
    now: Timestamp,
) -> Result<(User, StoredOneTimeToken), IdentityError> {
    let account = users::lock(tx, presented.user).await?;
    let account = account.filter(|account| account.user.status == UserStatus::Active);
    let account = account.ok_or(IdentityError::InvalidOneTimeToken)?;
    let stored = repo::lock(tx, presented.digest).await?;
    let stored = stored.filter(|stored| stored.is_usable(presented.purpose, now));
    Ok((account.user, stored.ok_or(IdentityError::InvalidOneTimeToken)?))
}

/// Gives the user, and the sessions that have ended.
async fn set_password(
    tx: &DatabaseTransaction,
    presented: PresentedOneTimeToken,
    hash: String,
    client: &ClientInfo,
    now: Timestamp,
) -> Result<(User, Vec<SessionId>), IdentityError> {
    let (user, stored) = lock(tx, presented, now).await?;
    users::change(tx, user.id, Change::PasswordHash(hash), now).await?;
    let (all, reason) = (EndedSelection::All, SessionEnd::PasswordChanged);
    let ended = sessions::end(tx, user.id, all, reason, now).await?;
    repo::use_up(tx, &stored, now).await?;
    let line = AuditLine::at(AuditAction::PasswordReset, now)
        .from_client(client)
        .to_user(user.id);
    audit::record(tx, &[line.after(&json!({ "sessions_ended": ended.len() }))]).await?;
    Ok((user, ended))
}

/// Gives the old address.
async fn set_email(
    tx: &DatabaseTransaction,
    presented: PresentedOneTimeToken,
    client: &ClientInfo,
    now: Timestamp,
) -> Result<String, IdentityError> {
    let (user, stored) = lock(tx, presented, now).await?;
    let email = stored.email.clone();
    let email = email.ok_or_else(|| Fault::damaged("a token that confirms no address"))?;
    let (before, after) = (json!({ "email": user.email }), json!({ "email": email }));
    users::change(tx, user.id, Change::Email(email), now)
        .await
        .map_err(taken)?;
    repo::use_up(tx, &stored, now).await?;
    let line = AuditLine::at(AuditAction::EmailChanged, now)
        .from_client(client)
        .to_user(user.id);
    audit::record(tx, &[line.before(&before).after(&after)]).await?;
    Ok(user.email)
}

/// Another user may have taken the address since the token was made.
fn taken(fault: Fault) -> IdentityError {
    if fault.is_unique_violation_of("email") {
        IdentityError::EmailTaken
    } else {
        fault.into()
    }
}
