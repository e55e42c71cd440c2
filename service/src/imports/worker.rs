//! The server's background worker: uploads one after the other, and between them the files of a folder.
//!
//! A database out of reach puts the work off, it does not end it. Told to stop, it stops at a block's end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::driver::reload;
use super::error::ImportError;
use super::import::{Import, Outcome};
use super::inner::{Inner, Known, RunOptions};
use super::repo::{self, End};
use crate::db::FaultKind;
use crate::values::{ImportId, ImportKind, ImportStatus};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often work is tried that fails while the database answers; the next start tries again.
const FAILURES_MAX: u32 = 4;

/// A piece of work.
#[derive(Clone, Debug)]
enum Task {
    Upload(ImportId),
    File(PathBuf),
}

pub(super) struct Worker {
    pub inner: Arc<Inner>,
    pub queue: mpsc::Receiver<ImportId>,
    /// Files of activities to import.
    pub files: VecDeque<PathBuf>,
    pub stop: watch::Receiver<bool>,
}

impl Worker {
    /// Works until told to stop.
    pub async fn run(mut self) {
        let mut unfinished = VecDeque::new();
        let mut is_looked_through = false;
        while !*self.stop.borrow() {
            if !is_looked_through {
                match self.left_over().await {
                    Ok(ids) => (unfinished, is_looked_through) = (ids, true),
                    Err(error) => tracing::warn!(%error, "uploads of earlier runs cannot be looked through yet"),
                }
            }
            let upload = unfinished.pop_front().or_else(|| self.queue.try_recv().ok());
            let task = upload
                .map(Task::Upload)
                .or_else(|| self.files.pop_front().map(Task::File));
            self.inner.is_busy.store(task.is_some(), Ordering::Relaxed);
            let left = unfinished.len() + self.files.len();
            self.inner.left.store(left, Ordering::Relaxed);
            match task {
                Some(task) => self.insist(task).await,
                None if !is_looked_through => self.pause(FIRST_PAUSE).await,
                None => self.wait(&mut unfinished).await,
            }
            self.inner.current.send_replace(None);
        }
    }

    async fn wait(&mut self, next: &mut VecDeque<ImportId>) {
        tokio::select! {
            _ = self.stop.wait_for(|is_told| *is_told) => {}
            id = self.queue.recv() => {
                self.inner.is_busy.store(true, Ordering::Relaxed);
                next.extend(id);
            }
        }
    }

    async fn pause(&mut self, pause: Duration) {
        // Either way the caller looks whether to go on.
        let _ = tokio::time::timeout(pause, self.stop.wait_for(|is_told| *is_told)).await;
    }

    /// Uploads that earlier runs left, whose file is here; files that belong to none are removed.
    async fn left_over(&self) -> Result<VecDeque<ImportId>, ImportError> {
        let unfinished = repo::unfinished_uploads(&self.inner.db.read).await?;
        let ids: Vec<ImportId> = unfinished.iter().map(|import| import.id).collect();
        let uploads = &self.inner.uploads;
        uploads.sweep(|id| ids.contains(&id)).map_err(ImportError::Unreadable)?;
        Ok(ids.into_iter().filter(|id| uploads.path_of(*id).is_file()).collect())
    }

    /// Does one piece of work, again and again while the database is out of reach. What fails for another reason is left
    /// to the next start, since others wait.
    async fn insist(&mut self, task: Task) {
        let (mut pause, mut failures) = (FIRST_PAUSE, 0);
        loop {
            let done = match &task {
                Task::Upload(id) => self.upload(*id).await,
                Task::File(path) => self.file(path.clone()).await,
            };
            let Err(error) = done else { return };
            let is_away = matches!(&error, ImportError::Fault(fault) if fault.kind == FaultKind::Unreachable);
            failures += u32::from(!is_away);
            if failures == FAILURES_MAX || matches!(error, ImportError::Unreadable(_)) {
                tracing::error!(error = %chain(&error), ?task, "an import is given up until the next start");
                return;
            }
            tracing::warn!(error = %chain(&error), ?task, "an import is put off");
            self.pause(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
            if *self.stop.borrow() {
                return;
            }
        }
    }

    async fn file(&self, path: PathBuf) -> Result<(), ImportError> {
        let options = self.options(Known::Skip);
        self.inner
            .show(ImportKind::Activities, &path.display().to_string(), &options);
        let outcome = self.inner.import_file(ImportKind::Activities, &path, options).await?;
        tell(&outcome);
        Ok(())
    }

    async fn upload(&self, id: ImportId) -> Result<(), ImportError> {
        let import = reload(&self.inner.db, id).await?;
        if import.status == ImportStatus::Running {
            let options = self.options(Known::Again);
            self.inner.show(import.kind, &import.file, &options);
            match self.inner.run_upload(import, options).await {
                Ok(Outcome::Stopped(_)) => return Ok(()),
                Ok(outcome) => tell(&outcome),
                Err(ImportError::Unreadable(error)) => self.fail(id, &error).await?,
                Err(error) => return Err(error),
            }
        }
        self.inner.uploads.remove(id);
        Ok(())
    }

    async fn fail(&self, id: ImportId, error: &std::io::Error) -> Result<(), ImportError> {
        tracing::error!(%error, %id, "an uploaded file cannot be read");
        let import = reload(&self.inner.db, id).await?;
        let end = End::Failed("the uploaded file cannot be read");
        repo::finish(&self.inner.db.write, &import, end, self.inner.clock.now()).await?;
        Ok(())
    }

    fn options(&self, known: Known) -> RunOptions {
        RunOptions {
            stop: self.stop.clone(),
            known,
            ..RunOptions::default()
        }
    }
}

fn tell(outcome: &Outcome) {
    match outcome {
        Outcome::Finished(import) => tell_of(import),
        Outcome::Stopped(_) => tracing::info!("an import was stopped at a block's end; the next start goes on"),
        Outcome::Known => {}
    }
}

fn tell_of(import: &Import) {
    tracing::info!(
        id = %import.id,
        file = import.file,
        status = %import.status,
        failure = import.failure,
        rows_read = import.counts.rows_read,
        rows_inserted = import.counts.rows_inserted,
        rows_duplicate = import.counts.rows_duplicate,
        rows_skipped = import.counts.rows_skipped,
        "an import is finished"
    );
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
