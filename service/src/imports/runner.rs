//! Finds the import of a file's content and runs it, for commands and for the worker.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::content::{ContentId, FileStat, content_of};
use super::driver::{ImportRun, reload};
use super::error::ImportError;
use super::file_kinds::FileKinds;
use super::import::{Import, ImportOutcome, ImportProgress, ImportTotals};
use super::kind::Pace;
use super::pending::PendingFiles;
use super::rejects::Rejects;
use super::repo::{self, End, ImportUpdate};
use super::tasks::{Task, TaskFile};
use super::uploads::Uploads;
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditLine, AuditSubject};
use crate::clock::{Clock, id_at};
use crate::db::{Db, Fault};
use crate::values::{ImportId, ImportKind, ImportStatus, Timestamp};

/// What to do with a content whose import was completed before, or failed for its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnKnownContent {
    /// Read it again; rows that are stored are counted as duplicates.
    #[default]
    Reimport,
    /// Do not import it.
    Skip,
}

/// How one file is imported.
#[derive(Clone)]
pub struct RunOptions {
    /// Where rejected lines are written.
    pub rejects: Option<Rejects>,
    /// Set after each block, and while the file is hashed.
    pub progress: Arc<watch::Sender<ImportProgress>>,
    /// Cancelled to stop after the block under way.
    pub stop: CancellationToken,
    /// What to do with a content that was imported before.
    pub on_known_content: OnKnownContent,
    /// The pace of a replay, for rows that have waits; `None` for as fast as possible.
    pub pace: Option<Pace>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            rejects: None,
            progress: Arc::new(watch::Sender::new(ImportProgress::default())),
            stop: CancellationToken::new(),
            on_known_content: OnKnownContent::default(),
            pace: None,
        }
    }
}

/// The import that the worker runs.
#[derive(Clone)]
pub(super) struct RunningImport {
    pub kind: ImportKind,
    pub progress: Arc<watch::Sender<ImportProgress>>,
}

/// An import to store.
pub(super) struct NewImport {
    pub import: Import,
    /// Where the file of an upload is; `None` for a file that stays where it is.
    pub stored_as: Option<String>,
    /// True for one that holds its content from now on.
    pub holds_content: bool,
    /// Who has uploaded the file; `None` for a command, and for the files of a folder.
    pub actor: Option<Actor>,
}

pub(super) struct Runner {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub kinds: FileKinds,
    pub uploads: Uploads,
    pub current: watch::Sender<Option<RunningImport>>,
    /// Files that arrive, wait or are being imported.
    pub pending: Arc<PendingFiles>,
}

impl Runner {
    /// A task for each of these files of activities, pending from now on.
    pub fn tasks_of(&self, files: &[PathBuf]) -> VecDeque<Task> {
        let count = || self.pending.count(ImportKind::Activities);
        files
            .iter()
            .map(|file| Task::new(TaskFile::Path(file.clone()), count()))
            .collect()
    }

    pub fn show(&self, kind: ImportKind, options: &RunOptions) {
        self.current.send_replace(Some(RunningImport {
            kind,
            progress: options.progress.clone(),
        }));
    }

    /// Imports a file, or continues an unfinished import of the same content.
    pub async fn import_file(
        &self,
        kind: ImportKind,
        path: &Path,
        options: RunOptions,
    ) -> Result<ImportOutcome, ImportError> {
        let (looked_at, progress, stop) = (path.to_owned(), options.progress.clone(), options.stop.clone());
        let look = tokio::task::spawn_blocking(move || content_of(&looked_at, &progress, &stop));
        let content = look.await.map_err(Fault::broken)?.map_err(ImportError::Unreadable)?;
        let Some((content, stamp)) = content else {
            return Ok(ImportOutcome::Stopped(None));
        };
        if options.on_known_content == OnKnownContent::Skip
            && let Some(import) = repo::find_ended(&self.db.read, kind, content.digest).await?
        {
            return Ok(ImportOutcome::SkippedAsKnown(import));
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let import = self.open(kind, &name, content).await?;
        self.run(import, path, Some(stamp), options).await
    }

    /// Runs an upload's import. Where a content counts once and another import holds it: if that one is completed, this
    /// one ends without storing a row; if it is running, it is run first.
    pub async fn run_upload(&self, import: Import, options: RunOptions) -> Result<ImportOutcome, ImportError> {
        let path = self.uploads.path_of(import.id);
        if !self.kinds.of(import.kind).is_once_per_content() {
            return self.run(import, &path, None, options).await;
        }
        loop {
            match repo::hold_content(&self.db.write, import.id).await {
                Ok(ImportUpdate::Changed) => return self.run(import, &path, None, options).await,
                // Another process has ended it.
                Ok(ImportUpdate::Stale) => return Ok(ImportOutcome::Finished(reload(&self.db, import.id).await?)),
                Err(fault) if fault.is_unique_violation_of("digest") => {}
                Err(fault) => return Err(fault.into()),
            }
            let holder = repo::holder(&self.db.write, import.kind, import.digest).await?;
            match holder {
                Some(holder) if holder.status == ImportStatus::Completed => {
                    repo::copy_rejects(&self.db.write, holder.id, import.id).await?;
                    let end = End::AlreadyApplied(&as_duplicates(&holder));
                    repo::finish(&self.db.write, &import, end, self.clock.now()).await?;
                    return Ok(ImportOutcome::Finished(reload(&self.db, import.id).await?));
                }
                Some(holder) => {
                    // The same content, so this file can bring the holder's import to its end; the next round copies its counts.
                    let outcome = self.run(holder, &path, None, options.clone()).await?;
                    if let ImportOutcome::Stopped(_) = outcome {
                        return Ok(outcome);
                    }
                }
                None => {}
            }
        }
    }

    async fn run(
        &self,
        import: Import,
        path: &Path,
        stamp: Option<FileStat>,
        options: RunOptions,
    ) -> Result<ImportOutcome, ImportError> {
        let kind = self.kinds.of(import.kind);
        let run = ImportRun {
            db: self.db.clone(),
            clock: self.clock.clone(),
            import,
            path: path.to_owned(),
            stamp,
            rejects: options.rejects,
            progress: options.progress,
            stop: options.stop,
            pace: options.pace,
            due: None,
        };
        kind.run(run).await
    }

    /// The import of a content: the unfinished one, or a new one. Where another import has applied the content and it
    /// counts once, the new one is completed already.
    async fn open(&self, kind: ImportKind, file: &str, content: ContentId) -> Result<Import, ImportError> {
        loop {
            match repo::holder(&self.db.write, kind, content.digest).await? {
                Some(holder) if holder.status == ImportStatus::Running => return Ok(holder),
                Some(holder) => {
                    let import = Import {
                        status: ImportStatus::Completed,
                        bytes_applied: content.size,
                        counts: as_duplicates(&holder),
                        finished_at: Some(self.clock.now()),
                        ..self.new_import(kind, file, content)
                    };
                    self.store(NewImport::of_file(import.clone(), false)).await?;
                    repo::copy_rejects(&self.db.write, holder.id, import.id).await?;
                    return Ok(import);
                }
                None => {
                    let import = self.new_import(kind, file, content);
                    match self.store(NewImport::of_file(import.clone(), true)).await {
                        Ok(()) => return Ok(import),
                        // Another importer has just inserted the same content.
                        Err(fault) if fault.is_unique_violation_of("digest") => {}
                        Err(fault) => return Err(fault.into()),
                    }
                }
            }
        }
    }

    /// Stores a new import and its line of the audit log. A unique violation of `digest` means that another one holds
    /// the content already.
    pub async fn store(&self, new: NewImport) -> Result<(), Fault> {
        let line = new.line(self.clock.now());
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                repo::insert(tx, &new.import, new.stored_as, new.holds_content).await?;
                audit::record(tx, &[line]).await
            })
        });
        work.await
    }

    /// A new import, with no row applied.
    pub fn new_import(&self, kind: ImportKind, file: &str, content: ContentId) -> Import {
        let started_at = self.clock.now();
        Import {
            id: ImportId(id_at(started_at)),
            kind,
            file_name: name_of(file),
            status: ImportStatus::Running,
            failure: None,
            digest: content.digest,
            size: content.size,
            bytes_applied: 0,
            blocks_applied: 0,
            counts: ImportTotals::default(),
            started_at,
            finished_at: None,
        }
    }
}

impl NewImport {
    fn of_file(import: Import, holds_content: bool) -> Self {
        Self {
            import,
            stored_as: None,
            holds_content,
            actor: None,
        }
    }

    fn line(&self, now: Timestamp) -> AuditLine {
        let import = &self.import;
        let line = AuditLine::at(AuditAction::ImportCreated, now)
            .to(AuditSubject::Import(import.id), None)
            .after(&json!({ "kind": import.kind.as_str(), "file": import.file_name, "bytes": import.size }));
        match &self.actor {
            Some(actor) => line.by(actor),
            None => line,
        }
    }
}

/// The counts of a file whose rows another import has applied.
fn as_duplicates(holder: &Import) -> ImportTotals {
    ImportTotals {
        rows_inserted: 0,
        rows_duplicate: holder.counts.rows_inserted + holder.counts.rows_duplicate,
        ..holder.counts.clone()
    }
}

const NAME_MAX_CHARS: usize = 255;

/// A file's name as a log line and both databases can hold it.
fn name_of(file: &str) -> String {
    let name: String = file.chars().filter(|c| !c.is_control()).take(NAME_MAX_CHARS).collect();
    if name.trim().is_empty() {
        "unnamed".to_owned()
    } else {
        name
    }
}
