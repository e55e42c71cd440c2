//! The files that the background worker has to import, and their order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::pending::PendingFile;
use crate::backoff::Backoff;
use crate::values::ImportId;

/// How long a task is put off after its first failure, and the bound on doubling that with each further failure.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Which file a task imports.
#[derive(Clone, Debug)]
pub(super) enum TaskFile {
    Upload(ImportId),
    Path(PathBuf),
}

/// A file to import.
pub(super) struct Task {
    pub file: TaskFile,
    backoff: Backoff,
    _pending: PendingFile,
}

impl Task {
    pub fn new(file: TaskFile, pending: PendingFile) -> Self {
        Self {
            file,
            backoff: Backoff::new(PAUSE, PAUSE_MAX),
            _pending: pending,
        }
    }
}

/// Tasks that are ready, uploads first, and tasks that were put off.
#[derive(Default)]
pub(super) struct TaskQueue {
    uploads: VecDeque<Task>,
    files: VecDeque<Task>,
    put_off: Vec<(Instant, Task)>,
}

impl TaskQueue {
    /// A queue of files in their order.
    pub fn of_files(files: VecDeque<Task>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    pub fn push_upload(&mut self, upload: Task) {
        self.uploads.push_back(upload);
    }

    /// Puts a failed task behind the ready ones, so that they do not wait for it.
    pub fn put_off(&mut self, mut task: Task) {
        let due = Instant::now() + task.backoff.next_pause();
        self.put_off.push((due, task));
    }

    /// The next upload that is ready.
    pub fn next_upload(&mut self) -> Option<Task> {
        self.uploads.pop_front()
    }

    /// The next ready file, or a task that was put off and is due.
    pub fn next(&mut self) -> Option<Task> {
        self.files.pop_front().or_else(|| {
            let now = Instant::now();
            let place = self.put_off.iter().position(|(due, _)| *due <= now)?;
            Some(self.put_off.remove(place).1)
        })
    }

    /// When the first of the tasks that were put off is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.put_off.iter().map(|(due, _)| *due).min()
    }
}
