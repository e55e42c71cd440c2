//! A forgotten password: a caller who names an address gets the same answer at the same time, whether a user has it or
//! not. The look-up, the token and the mail follow in the background.

use std::sync::Arc;

use super::making::{OneTimeTokenUse, make};
use super::repo;
use crate::actor::ClientInfo;
use crate::audit::{self, AuditAction, AuditLine};
use crate::identity::repo as users;
use crate::identity::{Email, Identity, IdentityError, ThrottleKey};
use crate::mail::Mail;
use crate::values::UserStatus;

/// The most addresses that are looked up at a time. Beyond it an address is dropped, and the person asks again.
pub(in crate::identity) const ASKS_MAX: u32 = 64;

impl Identity {
    /// Mails a token to the user with this address, if there is one who is active. The answer tells nothing of it.
    pub async fn forgotten(&self, email: Email, client: &ClientInfo) -> Result<(), IdentityError> {
        if self.mailer.is_none() {
            return Err(IdentityError::MailNotConfigured);
        }
        let asker = client.address.map(ThrottleKey::address);
        self.throttles.mails.count(asker, &email).await?;
        let Ok(place) = Arc::clone(&self.mail_asks).try_acquire_owned() else {
            tracing::warn!("too many forgotten passwords are looked up at a time; one is dropped");
            return Ok(());
        };
        let (identity, client) = (self.clone(), client.clone());
        tokio::spawn(async move {
            if let Err(error) = identity.mail_reset(email, client).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "no token was made for a forgotten password");
            }
            drop(place);
        });
        Ok(())
    }

    async fn mail_reset(&self, email: Email, client: ClientInfo) -> Result<(), IdentityError> {
        let Some(account) = users::find_by_email(&self.db.read, email.as_str()).await? else {
            return Ok(());
        };
        let (id, address, now) = (account.user.id, email.clone(), self.clock.now());
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                // Read again under the lock: a suspension, or another address, may have come between.
                let user = users::lock(tx, id).await?.map(|account| account.user);
                if user.is_none_or(|user| user.status != UserStatus::Active || user.email != address.as_str()) {
                    return Ok(None);
                }
                // Otherwise a stranger who knows the address could end the token that staff have just given out.
                if repo::has_token_of_staff(tx, id, now).await? {
                    return Ok(None);
                }
                let token = make(tx, id, OneTimeTokenUse::Password, None, now).await?;
                let line = AuditLine::at(AuditAction::ResetRequested, now)
                    .from_client(&client)
                    .to_user(id);
                audit::record(tx, &[line]).await?;
                Ok::<_, IdentityError>(Some(token))
            })
        });
        if let Some(token) = work.await? {
            self.send_mail(Mail::reset(email.as_str(), &token.token, token.expires_at, false));
        }
        Ok(())
    }
}
