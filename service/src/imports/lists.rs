//! Imports as staff look them up: the list, and the rejected lines of one.

use super::error::ImportError;
use super::import::Import;
use super::kept::RejectedLine;
use super::{Imports, repo};
use crate::db::Fault;
use crate::page::{Page, PageRequest};
use crate::values::{ImportId, ImportKind, ImportStatus};

/// Which imports a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportFilter {
    /// Those of this kind; any when `None`.
    pub kind: Option<ImportKind>,
    /// Those with this status; any when `None`.
    pub status: Option<ImportStatus>,
}

/// The number of a line in its file, as the key of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineNumber(pub u64);

impl Imports {
    /// Imports of all processes, newest first.
    pub async fn list(
        &self,
        filter: ImportFilter,
        request: PageRequest<ImportId>,
    ) -> Result<Page<Import, ImportId>, Fault> {
        let found = repo::list(&self.runner.db.read, filter, &request).await?;
        Ok(Page::of(found, &request, |import| import.id))
    }

    /// The rejected lines of an import that are kept, in the order of the file.
    pub async fn rejects(
        &self,
        id: ImportId,
        request: PageRequest<LineNumber>,
    ) -> Result<Page<RejectedLine, LineNumber>, ImportError> {
        self.get(id).await?;
        let found = repo::rejects(&self.runner.db.read, id, &request).await?;
        Ok(Page::of(found, &request, |line| LineNumber(line.line)))
    }
}
