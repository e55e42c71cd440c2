//! The server's background worker: imports uploads one after the other, and the files of a folder while no upload
//! waits.
//!
//! A failure that may pass is tried again: while the database is out of reach every task waits; a task that fails for
//! another reason is put off. Asked to stop, the worker ends at a block's end.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use super::driver::reload;
use super::error::ImportError;
use super::import::{Import, ImportOutcome};
use super::repo::{self, End, FILE_CHANGED, FILE_GONE};
use super::runner::{OnKnownContent, RunOptions, Runner};
use super::tasks::{PAUSE, PAUSE_MAX, Task, TaskFile, TaskQueue};
use super::uploads::Uploads;
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::values::{ImportId, ImportKind, ImportStatus};
use crate::workers::Worker;

/// What there is to import. It outlives a panic of the worker, whose next start goes on with it.
pub(super) struct ImportQueue {
    arriving: mpsc::Receiver<Task>,
    tasks: TaskQueue,
    /// The task under way. A start that finds one here follows a panic.
    in_hand: Option<Task>,
    has_recovered: bool,
}

impl ImportQueue {
    /// Files in their order, and uploads as they arrive.
    pub fn new(arriving: mpsc::Receiver<Task>, files: VecDeque<Task>) -> Self {
        Self {
            arriving,
            tasks: TaskQueue::of_files(files),
            in_hand: None,
            has_recovered: false,
        }
    }
}

/// Imports the files of a process, one at a time.
struct ImportWorker<'a> {
    worker: Worker,
    runner: Arc<Runner>,
    queue: &'a mut ImportQueue,
}

/// Runs until the worker has to end.
pub(super) async fn run(worker: Worker, runner: Arc<Runner>, queue: Arc<Mutex<ImportQueue>>) {
    let mut queue = queue.lock().await;
    if let Some(task) = queue.in_hand.take() {
        tracing::error!(task = ?task.file, "an import made the worker panic; it is put off");
        queue.tasks.put_off(task);
    }
    let mut importing = ImportWorker {
        worker,
        runner,
        queue: &mut queue,
    };
    importing.run().await;
}

impl ImportWorker<'_> {
    async fn run(&mut self) {
        while !self.worker.is_stopping() {
            if !self.queue.has_recovered {
                let recovered = self.recover_uploads().await;
                self.worker.note(&recovered);
                self.queue.has_recovered = recovered.is_ok();
            }
            match self.next() {
                Some(task) => self.run_task(task).await,
                None => {
                    self.runner.current.send_replace(None);
                    self.wait().await;
                }
            }
        }
        self.runner.current.send_replace(None);
    }

    fn next(&mut self) -> Option<Task> {
        let queue = &mut *self.queue;
        let upload = queue.tasks.next_upload().or_else(|| queue.arriving.try_recv().ok());
        upload.or_else(|| queue.tasks.next())
    }

    /// Waits for an upload, or until a task that was put off or the next try to recover uploads is due.
    async fn wait(&mut self) {
        let recovery = (!self.queue.has_recovered).then(|| Instant::now() + PAUSE);
        let due = self.queue.tasks.next_due().into_iter().chain(recovery).min();
        let due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.worker.stopped() => {}
            upload = self.queue.arriving.recv() => {
                if let Some(upload) = upload {
                    self.queue.tasks.push_upload(upload);
                }
            }
            () = due => {}
        }
    }

    /// Queues the uploads that earlier runs left RUNNING, fails those whose file is gone, and removes files of no such
    /// upload.
    async fn recover_uploads(&mut self) -> Result<(), ImportError> {
        // Files first, then the database: an upload whose import is not inserted yet has a locked file, which is not
        // listed.
        let mut left = self.on_disk(Uploads::left_overs).await?;
        let waiting = repo::unfinished_uploads(&self.runner.db.read).await?;
        left.retain(|file| {
            file.upload
                .is_none_or(|id| waiting.iter().all(|upload| upload.id != id))
        });
        self.on_disk(move |_| {
            left.iter().for_each(|file| file.remove());
            Ok(())
        })
        .await?;
        let mut found = Vec::new();
        for upload in waiting {
            let (id, path) = (upload.id, upload.stored_as);
            let (is_here, is_ours) = self
                .on_disk(move |uploads| Ok((uploads.may_be_here(id), uploads.is_of_this_folder(&path)?)))
                .await?;
            if is_here {
                found.push(Task::new(TaskFile::Upload(id), self.runner.pending.count(upload.kind)));
            } else if is_ours {
                self.fail(id, FILE_GONE).await?;
            }
        }
        // All or none: after a fault the whole recovery runs again, and must not queue an upload twice.
        found
            .into_iter()
            .for_each(|upload| self.queue.tasks.push_upload(upload));
        Ok(())
    }

    /// Imports a task's file. Tries again while the database is out of reach, since no other task could succeed either.
    async fn run_task(&mut self, task: Task) {
        let file = task.file.clone();
        self.queue.in_hand = Some(task);
        let must_try_later = self.try_file(&file).await;
        let task = self.queue.in_hand.take().filter(|_| must_try_later);
        task.into_iter().for_each(|task| self.queue.tasks.put_off(task));
    }

    /// True if the import failed for a reason that may pass, other than a database out of reach.
    async fn try_file(&mut self, file: &TaskFile) -> bool {
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
        loop {
            self.runner.current.send_replace(None);
            let done = match file {
                TaskFile::Upload(id) => self.import_upload(*id).await,
                TaskFile::Path(path) => self.import_file(path.clone()).await,
            };
            let is_out_of_reach = matches!(&done, Err(ImportError::Fault(fault)) if fault.is_out_of_reach());
            if is_out_of_reach {
                self.worker.note(&done);
            } else if self.queue.has_recovered {
                // The failure of one file does not count as a failure of the worker.
                self.worker.note(&Ok::<_, ImportError>(()));
            }
            let Err(error) = done else { return false };
            if is_final(&error) {
                tracing::error!(error = as_cause(&error), task = ?file, "an import is given up");
                return false;
            }
            tracing::warn!(error = as_cause(&error), task = ?file, "an import is put off");
            if !is_out_of_reach {
                return true;
            }
            self.worker.pause(backoff.next_pause()).await;
            if self.worker.is_stopping() {
                return false;
            }
        }
    }

    async fn import_file(&self, path: PathBuf) -> Result<(), ImportError> {
        let options = self.options(OnKnownContent::Skip);
        self.runner.show(ImportKind::Activities, &options);
        let outcome = self.runner.import_file(ImportKind::Activities, &path, options).await?;
        log_outcome(&outcome);
        Ok(())
    }

    async fn import_upload(&self, id: ImportId) -> Result<(), ImportError> {
        let import = reload(&self.runner.db, id).await?;
        if import.status == ImportStatus::Running {
            let options = self.options(OnKnownContent::Reimport);
            self.runner.show(import.kind, &options);
            match self.runner.run_upload(import, options).await {
                Ok(ImportOutcome::Stopped(_)) => return Ok(()),
                Ok(outcome) => log_outcome(&outcome),
                Err(error) => match failure_of_lost_file(&error) {
                    Some(failure) => self.fail(id, failure).await?,
                    None => return Err(error),
                },
            }
        }
        self.on_disk(move |uploads| {
            uploads.remove(id);
            Ok(())
        })
        .await
    }

    /// Ends an import whose file is lost, unless another importer has finished it.
    async fn fail(&self, id: ImportId, failure: &str) -> Result<(), ImportError> {
        tracing::error!(%id, failure, "an upload fails");
        let import = reload(&self.runner.db, id).await?;
        let end = End::Failed(failure);
        repo::finish(&self.runner.db.write, &import, end, self.runner.clock.now()).await?;
        Ok(())
    }

    /// Runs file operations on a thread that may block.
    async fn on_disk<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Uploads) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ImportError> {
        let runner = self.runner.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&runner.uploads));
        asked.await.map_err(Fault::broken)?.map_err(ImportError::Unreadable)
    }

    fn options(&self, on_known_content: OnKnownContent) -> RunOptions {
        RunOptions {
            stop: self.worker.stopping().clone(),
            on_known_content,
            ..RunOptions::default()
        }
    }
}

/// The failure of an upload whose file is lost for good; `None` for other faults of the disk, which may pass.
fn failure_of_lost_file(error: &ImportError) -> Option<&'static str> {
    if is_gone(error) {
        Some(FILE_GONE)
    } else {
        matches!(error, ImportError::Changed).then_some(FILE_CHANGED)
    }
}

/// As a `dyn Error`, whose sources the log prints too.
fn as_cause(error: &ImportError) -> &(dyn std::error::Error + 'static) {
    error
}

/// True when another try cannot succeed: the file or the import's row is gone.
fn is_final(error: &ImportError) -> bool {
    is_gone(error) || matches!(error, ImportError::NotFound)
}

fn is_gone(error: &ImportError) -> bool {
    matches!(error, ImportError::Unreadable(cause) if cause.kind() == io::ErrorKind::NotFound)
}

fn log_outcome(outcome: &ImportOutcome) {
    match outcome {
        ImportOutcome::Finished(import) => log_finished(import),
        ImportOutcome::Stopped(_) => tracing::info!("an import was stopped at a block's end; the next start goes on"),
        ImportOutcome::SkippedAsKnown(import) if import.status == ImportStatus::Failed => {
            let failure = import.failure.as_deref();
            tracing::warn!(
                file = import.file_name,
                failure,
                "a file is left out: its content failed before"
            );
        }
        ImportOutcome::SkippedAsKnown(_) => {}
    }
}

fn log_finished(import: &Import) {
    tracing::info!(
        id = %import.id,
        file = import.file_name,
        status = %import.status,
        failure = import.failure,
        rows_read = import.counts.rows_read,
        rows_inserted = import.counts.rows_inserted,
        rows_duplicate = import.counts.rows_duplicate,
        rows_skipped = import.counts.rows_skipped,
        "an import is finished"
    );
}
