//! Reading the audit log: a list in pages, and an export of everything that a filter admits.

use uuid::Uuid;

use super::AuditAction;
use super::repo::{ListedLines, list};
use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{ApiKeyId, AuditId, Timestamp, UserId};

/// The audit log, for those who may read it. Cloning clones a handle.
#[derive(Clone)]
pub struct Audit {
    db: Db,
}

/// Which lines a list shows: those that every field admits.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter {
    /// Only what this user did; `None` for all.
    pub actor: Option<UserId>,
    /// Only this action; `None` for all.
    pub action: Option<AuditAction>,
    /// Only what was done to the subject with this id; `None` for all.
    pub subject: Option<Uuid>,
    /// Done at this time or later.
    pub from: Option<Timestamp>,
    /// Done before this time.
    pub to: Option<Timestamp>,
}

/// A line as it is stored. Its words are texts, since a newer program may have written some that this one does not
/// know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAuditLine {
    /// The line's id. Lines of several processes may be written in another order than that of their ids.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// What was done, such as `user.suspended`.
    pub action: String,
    /// The user who did it; `None` for the bank itself, a command without `--as`, and a caller who has not
    /// signed in.
    pub actor: Option<UserId>,
    /// The API key of the request; `None` without one.
    pub api_key: Option<ApiKeyId>,
    /// To what it was done; `None` for the bank itself.
    pub subject: Option<StoredAuditSubject>,
    /// The client's address; this and what follows is `None` where it was not known, and once it is erased.
    pub address: Option<String>,
    /// The client's own description of itself.
    pub user_agent: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    /// What it was before: a JSON value.
    pub before: Option<String>,
    /// What it is now: a JSON value.
    pub after: Option<String>,
}

/// To what something was done, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAuditSubject {
    /// What it is, such as `user`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
}

/// All lines that a filter admits, newest first. Nothing is read before it is asked for, and no connection is kept
/// between two pages.
pub struct AuditExport {
    audit: Audit,
    filter: AuditFilter,
    /// `None` after the last page.
    next: Option<PageRequest<AuditId>>,
}

/// How many lines an export reads at once.
const EXPORTED_AT_ONCE: u64 = 1_000;

impl Audit {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Lines, newest first. For a subject and an actor together a page looks at 10 000 lines of the subject at most,
    /// and may have less than the limit beside a key for the next one.
    pub async fn list(
        &self,
        filter: AuditFilter,
        request: PageRequest<AuditId>,
    ) -> Result<Page<StoredAuditLine, AuditId>, Fault> {
        let page = list(&self.db.read, &ListedLines::from(&filter), &request).await?;
        Ok(page.map(|found| found.line))
    }

    /// All lines, a page at a time. Lines that are written meanwhile are not among them.
    #[must_use]
    pub fn export(&self, filter: AuditFilter) -> AuditExport {
        AuditExport {
            audit: self.clone(),
            filter,
            next: Some(PageRequest {
                limit: EXPORTED_AT_ONCE,
                after: None,
            }),
        }
    }
}

impl AuditExport {
    /// The next lines, at least one; `None` after the last ones.
    pub async fn next_page(&mut self) -> Result<Option<Vec<StoredAuditLine>>, Fault> {
        while let Some(request) = self.next {
            let page = self.audit.list(self.filter, request).await?;
            self.next = page.next.map(|after| PageRequest {
                after: Some(after),
                ..request
            });
            if !page.items.is_empty() {
                return Ok(Some(page.items));
            }
        }
        Ok(None)
    }
}
