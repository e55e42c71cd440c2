//! The server's background worker: uploads one after the other, and between them the files of a folder.
//!
//! Nothing is given up that may still come right: a database out of reach makes everything wait, what fails for another
//! reason makes room for the others and is tried again later. Asked to stop, it stops at a block's end.

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

/// Works off the files of a process, one at a time.
pub(super) struct ImportWorker<'a> {
    worker: Worker,
    runner: Arc<Runner>,
    arriving: &'a mut mpsc::Receiver<Task>,
    queue: TaskQueue,
}

/// Works until the worker has to end. What arrives is kept for the next start if this one panics.
pub(super) async fn run(
    worker: Worker,
    runner: Arc<Runner>,
    arriving: Arc<Mutex<mpsc::Receiver<Task>>>,
    files: VecDeque<Task>,
) {
    let mut importing = ImportWorker {
        worker,
        runner,
        arriving: &mut *arriving.lock().await,
        queue: TaskQueue::of_files(files),
    };
    importing.run().await;
}

impl ImportWorker<'_> {
    async fn run(&mut self) {
        let mut has_recovered = false;
        while !self.worker.is_stopping() {
            if !has_recovered {
                let recovered = self.recover_uploads().await;
                self.worker.note(&recovered);
                has_recovered = recovered.is_ok();
            }
            match self.next() {
                Some(task) => self.run_task(task).await,
                None => {
                    self.runner.current.send_replace(None);
                    self.wait(!has_recovered).await;
                }
            }
        }
        self.runner.current.send_replace(None);
    }

    fn next(&mut self) -> Option<Task> {
        let upload = self.queue.next_upload().or_else(|| self.arriving.try_recv().ok());
        upload.or_else(|| self.queue.next())
    }

    /// Waits for an upload, or until something that was put off is due.
    async fn wait(&mut self, looks_again: bool) {
        let look = looks_again.then(|| Instant::now() + PAUSE);
        let due = self.queue.next_due().into_iter().chain(look).min();
        let due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.worker.stopped() => {}
            upload = self.arriving.recv() => {
                if let Some(upload) = upload {
                    self.queue.push_upload(upload);
                }
            }
            () = due => {}
        }
    }

    /// Takes up the uploads that earlier runs left, and removes files that belong to none.
    async fn recover_uploads(&mut self) -> Result<(), ImportError> {
        // The files first: what is recorded while we look is locked until it is, and so is no left-over.
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
        // All or none: after a fault everything is looked through again.
        found.into_iter().for_each(|upload| self.queue.push_upload(upload));
        Ok(())
    }

    /// Imports a task's file. While the database is out of reach it tries again and again: no other task could be done either.
    async fn run_task(&mut self, task: Task) {
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
        loop {
            let done = match &task.file {
                TaskFile::Upload(id) => self.import_upload(*id).await,
                TaskFile::Path(path) => self.import_file(path.clone()).await,
            };
            let is_out_of_reach = matches!(&done, Err(ImportError::Fault(fault)) if fault.is_out_of_reach());
            if is_out_of_reach {
                self.worker.note(&done);
            } else {
                // What is wrong with one file is no fault of the worker.
                self.worker.note(&Ok::<_, ImportError>(()));
            }
            let Err(error) = done else { return };
            if is_final(&error) {
                tracing::error!(error = as_cause(&error), task = ?task.file, "an import is given up");
                return;
            }
            tracing::warn!(error = as_cause(&error), task = ?task.file, "an import is put off");
            if !is_out_of_reach {
                return self.queue.put_off(task);
            }
            self.worker.pause(backoff.next_pause()).await;
            if self.worker.is_stopping() {
                return;
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

    /// Asks the disk, on a thread that may wait for it.
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

/// What an upload has lost for good; a disk that fails otherwise may come back.
fn failure_of_lost_file(error: &ImportError) -> Option<&'static str> {
    if is_gone(error) {
        Some(FILE_GONE)
    } else {
        matches!(error, ImportError::Changed).then_some(FILE_CHANGED)
    }
}

/// For the log, which follows it to its sources.
fn as_cause(error: &ImportError) -> &(dyn std::error::Error + 'static) {
    error
}

/// True when no other try can end otherwise: the file or the record is gone.
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
