//! What the audit log knows of a person: read for an export, and emptied by an erasure.
//!
//! Invariants: of a line where another user acted, a person sees what became of them and not where the other was; an erasure
//! takes what tells who the person is, and leaves the details of others.

mod line;
mod repo;

pub(super) use line::PersonLine;
pub(crate) use repo::DetailsRange;

use crate::audit::StoredAuditLine;
use crate::audit::repo::list;
use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{AuditId, UserId};

/// Which lines of a person are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonLines {
    /// What the person did.
    ByPerson,
    /// What others, the bank itself, and callers who had not signed in did to the person.
    ToPerson,
}

/// Lines of a person, newest first, as the person may see them. Of what was done to the person a page looks at 10 000
/// lines at most, and may have less than the limit beside a key for the next one.
pub(crate) async fn lines_of(
    db: &Db,
    person: UserId,
    which: PersonLines,
    request: &PageRequest<AuditId>,
) -> Result<Page<StoredAuditLine, AuditId>, Fault> {
    let page = list(&db.read, &which.listed(person), request).await?;
    Ok(page.map(|found| found.shown_to(person)))
}

/// Empties the next details of a range after an id, and gives where the rest of it begins; `None` at its end.
pub(crate) async fn empty_some_details(
    db: &Db,
    range: DetailsRange,
    after: Option<AuditId>,
) -> Result<Option<AuditId>, Fault> {
    let reached = db.sweep(&range.sweep(), after.map(|id| id.0)).await?;
    Ok(reached.map(AuditId))
}
