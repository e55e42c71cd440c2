//! What an export of a person's data needs: the line of the audit log that tells of it, and the lists that no other caller
//! reads in full.

use super::repo;
use super::sessions::KeptSession;
use super::{Identity, IdentityError, User, asker};
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditLine, PersonLines, StoredAuditLine};
use crate::db::Fault;
use crate::page::{Page, PageRequest};
use crate::values::{AuditId, SessionId, UserId};

impl Identity {
    /// Notes in the audit log that everything about a user is read, and gives the user. Without an actor it is a command of
    /// the terminal. The caller answers for who may read it.
    pub async fn note_export(&self, actor: Option<&Actor>, id: UserId) -> Result<User, IdentityError> {
        let (actor, now) = (actor.cloned(), self.clock.now());
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                if let Some(actor) = &actor
                    && !asker::lock(tx, actor, now).await?
                {
                    return Err(IdentityError::AskerChanged);
                }
                let line = AuditLine::at(AuditAction::UserExported, now).to_user(id);
                let line = match &actor {
                    Some(actor) => line.by(actor),
                    None => line,
                };
                let user = repo::find(tx, id).await?.ok_or(IdentityError::UserNotFound)?;
                audit::record(tx, &[line]).await?;
                Ok(user)
            })
        });
        work.await
    }

    /// The sessions of a user that are still stored, newest first: those that have been ended, or the others.
    pub async fn kept_sessions(
        &self,
        user: UserId,
        is_ended: bool,
        request: PageRequest<SessionId>,
    ) -> Result<Page<KeptSession, SessionId>, Fault> {
        self.sessions.kept(user, is_ended, request).await
    }

    /// The lines of the audit log that tell of a user, newest first, as the user may see them.
    pub async fn audit_lines(
        &self,
        user: UserId,
        which: PersonLines,
        request: PageRequest<AuditId>,
    ) -> Result<Page<StoredAuditLine, AuditId>, Fault> {
        audit::lines_of(&self.db, user, which, &request).await
    }
}
