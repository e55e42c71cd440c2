//! One-time tokens: a person who has one may set a new password, or confirm a new e-mail address, without signing in.
//!
//! Invariants: a token is given out once, and stored as its SHA-256 only; a user has at most one for each purpose, the
//! newest; it works once, for half an hour, while its user is active; a new password, address, role or status ends all
//! of the user's.

mod forgotten;
mod making;
mod repo;
mod rules;
mod text;
mod using;

pub(super) use forgotten::ASKS_MAX;
pub(super) use making::{OneTimeTokenUse, make};
pub(super) use repo::{delete_naming, delete_of};

use std::time::Duration;

use secrecy::SecretString;

use super::Identity;
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::mail::{Mail, MailCounts, Mailer};
use crate::values::Timestamp;
use crate::workers::{Step, Worker};

/// How often tokens that have expired are deleted: what they confirm is a person's address.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
/// The most tokens that one statement deletes.
const DELETED_MAX: u64 = 500;

/// A token that was just made. It has no Debug, so that no log can show it.
pub struct OneTimeToken {
    /// The whole token, which cannot be read again.
    pub token: SecretString,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Deletes some of the tokens that have expired, as the worker `one_time_cleanup` does every minute. Gives how
    /// many, at most 500.
    pub async fn delete_expired_tokens(&self) -> Result<u64, Fault> {
        repo::delete_expired(&self.db.write, self.clock.now(), DELETED_MAX).await
    }

    /// How many mails were sent and given up; `None` for a bank that sends none.
    #[must_use]
    pub fn mail_counts(&self) -> Option<MailCounts> {
        self.mailer.as_ref().map(Mailer::counts)
    }

    /// Starts the worker that deletes expired tokens. Must be called inside a tokio runtime.
    pub(super) fn serve_one_time_tokens(&self) {
        let identity = self.clone();
        self.workers.start("one_time_cleanup", move |worker| {
            let identity = identity.clone();
            async move { identity.keep_deleting_tokens(worker).await }
        });
    }

    async fn keep_deleting_tokens(&self, worker: Worker) {
        let step = || async {
            let deleted = self.delete_expired_tokens().await?;
            Ok::<_, Fault>(if deleted < DELETED_MAX { Step::Idle } else { Step::More })
        };
        worker.repeat(Backoff::new(CLEAN_EVERY, CLEAN_EVERY), step).await;
    }

    /// Queues a mail; nothing where the bank sends none.
    pub(super) fn send_mail(&self, mail: Mail) {
        if let Some(mailer) = &self.mailer {
            mailer.send(mail);
        }
    }
}
