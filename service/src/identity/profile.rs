//! What users change of themselves: their name at once, their address once they have confirmed it.

use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::detached::detached;
use super::one_time::{self, OneTimeTokenUse};
use super::repo::{self, Change};
use super::{Email, FullName, Identity, IdentityError, OneTimeToken, ThrottleKey, User, asker};
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditLine};
use crate::mail::Mail;
use crate::values::Timestamp;

/// What a user wants to be called, and to sign in with. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Counts at once.
    pub full_name: Option<FullName>,
    /// Counts once its token, which is mailed to it, was used.
    pub email: Option<Email>,
}

/// A user after a change, and what is to be mailed.
struct ChangedProfile {
    user: User,
    /// True if the user has asked for another address: the one that they have is told, also where the other is taken.
    asks_for_address: bool,
    /// The new address, unless it is taken, and its token.
    mailed: Option<(Email, OneTimeToken)>,
}

impl Identity {
    /// Changes the actor's own name, and mails a token to their new address. An address that is taken gets the same
    /// answer, and no mail. Gives the user as they are now.
    pub async fn change_profile(&self, actor: &Actor, change: ProfileChange) -> Result<User, IdentityError> {
        if let Some(email) = &change.email {
            if self.mailer.is_none() {
                return Err(IdentityError::MailNotConfigured);
            }
            // A stranger may register many users, so it is the address that counts, where it is known.
            let address = actor.client.as_ref().and_then(|client| client.address);
            let asker = address.map_or_else(|| ThrottleKey::user(actor.user.0), ThrottleKey::address);
            self.throttles.mails.count(Some(asker), email).await?;
        }
        let (identity, asker, now) = (self.clone(), actor.clone(), self.clock.now());
        let task = detached(async move {
            let work = identity
                .db
                .transaction(move |tx| Box::pin(async move { changed(tx, &asker, change, now).await }));
            let ChangedProfile {
                user,
                asks_for_address,
                mailed,
            } = work.await?;
            if asks_for_address {
                identity.send_mail(Mail::email_requested(&user.email, now));
            }
            if let Some((email, token)) = mailed {
                identity.send_mail(Mail::confirm_email(email.as_str(), &token.token, token.expires_at));
            }
            Ok::<_, IdentityError>(user)
        });
        task.await
    }
}

async fn changed(
    tx: &DatabaseTransaction,
    actor: &Actor,
    change: ProfileChange,
    now: Timestamp,
) -> Result<ChangedProfile, IdentityError> {
    let mut user = asker::lock_with(tx, actor, actor.user, now).await?.user;
    let of_actor = |action| AuditLine::at(action, now).by(actor).to_user(actor.user);
    let mut lines = Vec::new();
    if let Some(name) = change.full_name.filter(|name| name.as_str() != user.full_name) {
        let before = json!({ "full_name": user.full_name });
        let after = json!({ "full_name": name.as_str() });
        lines.push(of_actor(AuditAction::NameChanged).before(&before).after(&after));
        let changed = repo::change(tx, user.id, Change::FullName(name.into_inner()), now).await?;
        user = changed.ok_or(IdentityError::UserNotFound)?;
    }
    let (mut mailed, mut asks_for_address) = (None, false);
    if let Some(email) = change.email.filter(|email| email.as_str() != user.email) {
        asks_for_address = true;
        // Without the new address, which may be another person's until it is confirmed.
        lines.push(of_actor(AuditAction::EmailRequested));
        // For a taken address a token is made too, so that the answer takes as long; but it is not mailed.
        let is_taken = repo::find_by_email(tx, email.as_str()).await?.is_some();
        let token = one_time::make(tx, user.id, OneTimeTokenUse::Email(email.clone()), None, now).await?;
        mailed = (!is_taken).then_some((email, token));
    }
    audit::record(tx, &lines).await?;
    Ok(ChangedProfile {
        user,
        asks_for_address,
        mailed,
    })
}
