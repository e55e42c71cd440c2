//! The runners of this process, by endpoint, and how the rest of the process wakes them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::repo::HeldWebhook;
use crate::values::WebhookId;

/// How others reach a runner.
#[derive(Clone, Default)]
pub(super) struct RunnerHandle {
    /// Tells it that its endpoint has changed.
    pub changed: Arc<Notify>,
    /// The revision that it knows.
    pub revision: Arc<AtomicI64>,
}

/// The runners of this process.
#[derive(Default)]
pub(super) struct RunnerList {
    running: Mutex<HashMap<WebhookId, RunnerHandle>>,
    /// Makes the worker look at once.
    pub must_look: Notify,
    /// A runner has ended.
    pub has_ended: Notify,
}

/// A runner's entry in the list, until it ends or panics.
pub(super) struct RunnerEntry {
    list: Arc<RunnerList>,
    id: WebhookId,
}

impl RunnerList {
    /// Wakes the runner of an endpoint that this process has changed; without one, the worker that takes endpoints.
    pub fn changed(&self, id: WebhookId) {
        match self.running.lock().get(&id) {
            Some(handle) => handle.changed.notify_one(),
            None => self.must_look.notify_one(),
        }
    }

    /// Wakes the endpoint's runner where it has read another revision.
    pub fn wake_outdated(&self, held: HeldWebhook) {
        if let Some(handle) = self.running.lock().get(&held.id)
            && handle.revision.load(Ordering::Relaxed) != held.revision
        {
            handle.changed.notify_one();
        }
    }

    /// Wakes the runners of endpoints that are not in `all`: this process no longer holds them, and they end.
    pub fn wake_all_but(&self, all: &[HeldWebhook]) {
        let known: HashSet<WebhookId> = all.iter().map(|held| held.id).collect();
        let running = self.running.lock();
        let gone = running.iter().filter(|(id, _)| !known.contains(id));
        gone.for_each(|(_, handle)| handle.changed.notify_one());
    }

    pub fn len(&self) -> usize {
        self.running.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.lock().is_empty()
    }

    /// Adds a runner; `None` if the endpoint has one.
    pub fn add(self: &Arc<Self>, held: HeldWebhook) -> Option<(RunnerEntry, RunnerHandle)> {
        let mut running = self.running.lock();
        if running.contains_key(&held.id) {
            return None;
        }
        let handle = RunnerHandle::default();
        handle.revision.store(held.revision, Ordering::Relaxed);
        running.insert(held.id, handle.clone());
        let entry = RunnerEntry {
            list: self.clone(),
            id: held.id,
        };
        Some((entry, handle))
    }
}

impl Drop for RunnerEntry {
    fn drop(&mut self) {
        self.list.running.lock().remove(&self.id);
        self.list.has_ended.notify_one();
    }
}
