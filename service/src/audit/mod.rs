//! The audit log: who did what, to whom, when, and from where. It is appended to, and read by auditors.
//!
//! Invariants: a line is written in the transaction of the change that it tells of, so neither can be without the other;
//! a line is never changed or deleted; of its details an erasure takes those that tell who a person is, and no more.

mod action;
mod line;
mod person;
mod reading;
mod repo;

pub use action::AuditAction;
pub use line::{AuditDetails, AuditLine, AuditSubject};
pub use person::PersonLines;
pub(crate) use person::{DetailsRange, empty_some_details, lines_of};
pub use reading::{Audit, AuditExport, AuditFilter, StoredAuditLine, StoredAuditSubject};
pub(crate) use repo::record;

use crate::clock::id_at;
use crate::values::{AuditId, Timestamp};

impl AuditLine {
    /// A line about what is done now. What a group commit does has an id of its own, see [`AuditLine::new`].
    pub(crate) fn at(action: AuditAction, now: Timestamp) -> Self {
        Self::new(action, AuditId(id_at(now)), now)
    }
}
