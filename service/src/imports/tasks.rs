//! What the background worker has to do, and the order that it does it in.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::load::Counted;
use crate::backoff::Backoff;
use crate::values::ImportId;

/// How long work is put off that fails for the first time; each time after that twice as long.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A piece of work.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Upload(ImportId),
    File(PathBuf),
}

pub(super) struct Work {
    pub task: Task,
    backoff: Backoff,
    _counted: Counted,
}

impl Work {
    pub fn new(task: Task, counted: Counted) -> Self {
        Self {
            task,
            backoff: Backoff::new(PAUSE, PAUSE_MAX),
            _counted: counted,
        }
    }
}

/// Work that is ready, uploads first, and work that was put off.
#[derive(Default)]
pub(super) struct TaskQueue {
    uploads: VecDeque<Work>,
    files: VecDeque<Work>,
    put_off: Vec<(Instant, Work)>,
}

impl TaskQueue {
    /// A queue of files in their order.
    pub fn of_files(files: VecDeque<Work>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    pub fn push_upload(&mut self, upload: Work) {
        self.uploads.push_back(upload);
    }

    /// Takes work that failed behind everything that is ready, so that nobody waits for it.
    pub fn put_off(&mut self, mut work: Work) {
        let due = Instant::now() + work.backoff.next_pause();
        self.put_off.push((due, work));
    }

    /// The next upload that is ready.
    pub fn next_upload(&mut self) -> Option<Work> {
        self.uploads.pop_front()
    }

    /// The next piece of other work that is ready.
    pub fn next(&mut self) -> Option<Work> {
        self.files.pop_front().or_else(|| {
            let now = Instant::now();
            let place = self.put_off.iter().position(|(due, _)| *due <= now)?;
            Some(self.put_off.remove(place).1)
        })
    }

    /// When the first of what was put off is ready.
    pub fn next_due(&self) -> Option<Instant> {
        self.put_off.iter().map(|(due, _)| *due).min()
    }
}
