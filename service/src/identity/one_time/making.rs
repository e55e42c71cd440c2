//! Making a one-time token, by staff for a user. Its text is in the answer, and in a mail to the user where the bank
//! sends mails.

use entity::one_time_tokens::OneTimeTokenPurpose;
use sea_orm::DatabaseTransaction;
use secrecy::ExposeSecret;

use super::repo::NewOneTimeToken;
use super::rules::{TOKEN_LIFE, check_maker};
use super::{OneTimeToken, repo, text};
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditLine};
use crate::clock::{id_at, random_bytes};
use crate::db::Fault;
use crate::identity::repo as users;
use crate::identity::{Email, Identity, IdentityError, User, asker};
use crate::mail::Mail;
use crate::values::{OneTimeTokenId, Timestamp, UserId};

/// What a new token is for.
pub(in crate::identity) enum OneTimeTokenUse {
    Password,
    Email(Email),
}

impl Identity {
    /// Makes a token with which a user can set a new password, and mails it where the bank sends mails. Refused for
    /// oneself, for staff unless the actor is an admin, and for users who are not active.
    pub async fn make_reset_token(&self, actor: &Actor, id: UserId) -> Result<OneTimeToken, IdentityError> {
        let (asker, now) = (actor.clone(), self.clock.now());
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                let user = user_to_help(tx, &asker, id, now).await?;
                let token = make(tx, id, OneTimeTokenUse::Password, Some(asker.user), now).await?;
                let line = AuditLine::at(AuditAction::ResetRequested, now).by(&asker).to_user(id);
                audit::record(tx, &[line]).await?;
                Ok::<_, IdentityError>((user, token))
            })
        });
        let (user, token) = work.await?;
        self.send_mail(Mail::reset(&user.email, &token.token, token.expires_at, true));
        Ok(token)
    }

    /// Makes a token that changes a user's e-mail address, and mails it to the new address where the bank sends mails.
    /// Refused as `make_reset_token` is, and for an address that is taken.
    pub async fn make_email_token(
        &self,
        actor: &Actor,
        id: UserId,
        email: Email,
    ) -> Result<OneTimeToken, IdentityError> {
        let (asker, new, now) = (actor.clone(), email.clone(), self.clock.now());
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                user_to_help(tx, &asker, id, now).await?;
                if users::find_by_email(tx, new.as_str()).await?.is_some() {
                    return Err(IdentityError::EmailTaken);
                }
                // Without the new address, which may be another person's until it is confirmed.
                let line = AuditLine::at(AuditAction::EmailRequested, now).by(&asker).to_user(id);
                audit::record(tx, &[line]).await?;
                Ok(make(tx, id, OneTimeTokenUse::Email(new), Some(asker.user), now).await?)
            })
        });
        let token = work.await?;
        self.send_mail(Mail::confirm_email(email.as_str(), &token.token, token.expires_at));
        Ok(token)
    }
}

/// The user whom an actor makes a token for, locked. The actor is checked again, as in every change of a user.
async fn user_to_help(
    tx: &DatabaseTransaction,
    asker: &Actor,
    id: UserId,
    now: Timestamp,
) -> Result<User, IdentityError> {
    let user = asker::lock_with(tx, asker, id, now).await?.user;
    check_maker(asker, &user)?;
    Ok(user)
}

/// Stores a new token, which ends the older one of the same kind, made by a member of staff or at a person's own request.
/// The caller has locked the user.
pub(in crate::identity) async fn make(
    tx: &DatabaseTransaction,
    user: UserId,
    what: OneTimeTokenUse,
    made_by: Option<UserId>,
    now: Timestamp,
) -> Result<OneTimeToken, Fault> {
    let token = text::text_of(random_bytes());
    let digest = text::digest_of(token.expose_secret()).expect("a text that was just made is a whole token");
    let expires_at = now + TOKEN_LIFE;
    let (purpose, email) = match what {
        OneTimeTokenUse::Password => (OneTimeTokenPurpose::Password, None),
        OneTimeTokenUse::Email(email) => (OneTimeTokenPurpose::Email, Some(email.into_inner())),
    };
    let new = NewOneTimeToken {
        id: OneTimeTokenId(id_at(now)),
        user,
        purpose,
        digest,
        made_by,
        email,
        now,
        expires_at,
    };
    repo::replace(tx, new).await?;
    Ok(OneTimeToken { token, expires_at })
}
