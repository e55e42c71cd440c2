//! Hands the events of the journal to the subscriptions of this process, as the worker reads the journal.
//!
//! Invariants: from `start` on, a registration's queue gets every event that its caller may see, in order and once. When the
//! queue is full the registration ends, and the subscription reads pages until it has caught up; then it registers anew. So a
//! slow client costs the hub nothing, and slows no other.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::cursor::LedgerTag;
use super::event::Event;
use super::sight::{Owners, Sight, opened_for, wallets_of};
use crate::ledger::Record;
use crate::values::{RecordId, UserId, WalletId};

/// See the module.
pub(super) struct Hub {
    state: Mutex<HubState>,
    /// True while the worker publishes.
    is_live: watch::Sender<bool>,
}

#[derive(Default)]
struct HubState {
    /// Everything through this record was published; `None` while the worker does not read the journal.
    published: Option<RecordId>,
    next_number: u64,
    registrations: HashMap<u64, RegisteredQueue>,
    /// The registrations that want the events of every wallet.
    of_all: Vec<u64>,
    /// The registrations that want the events of a wallet.
    by_wallet: HashMap<WalletId, Vec<u64>>,
    /// The registrations that end when their user opens a wallet.
    by_owner: HashMap<UserId, Vec<u64>>,
    /// How many registrations are of the staff.
    of_staff: usize,
}

struct RegisteredQueue {
    queue: mpsc::Sender<Arc<Event>>,
    end: Arc<OnceLock<RegistrationEnd>>,
    owner: Option<UserId>,
    /// `None` until `start`.
    sight: Option<Sight>,
}

/// A subscription's end of a registration, which ends when this is dropped.
pub(super) struct HubRegistration {
    number: u64,
    hub: Arc<Hub>,
    end: Arc<OnceLock<RegistrationEnd>>,
    /// The events, until it is empty and closed.
    pub queue: mpsc::Receiver<Arc<Event>>,
}

/// Why and where a registration has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegistrationEnd {
    /// Everything through this record was put into the queue, or was not wanted.
    Through(RecordId),
    /// The journal no longer has what was published.
    WentBack,
}

impl Hub {
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            is_live: watch::Sender::new(false),
        }
    }

    /// Adds a registration with room for so many events; `None` while the worker does not read the journal. Nothing is put into
    /// its queue before `start`. In between the subscription looks up its wallets: a registration with an owner ends when this
    /// user opens a wallet, from now on, so those wallets are all that there are.
    pub fn register(self: &Arc<Self>, owner: Option<UserId>, room: usize) -> Option<HubRegistration> {
        let (sender, queue) = mpsc::channel(room);
        let end = Arc::<OnceLock<RegistrationEnd>>::default();
        let mut state = self.state.lock();
        state.published?;
        let number = state.next_number;
        state.next_number += 1;
        if let Some(owner) = owner {
            state.by_owner.entry(owner).or_default().push(number);
        }
        let registered = RegisteredQueue {
            queue: sender,
            end: end.clone(),
            owner,
            sight: None,
        };
        state.registrations.insert(number, registered);
        Some(HubRegistration {
            number,
            hub: self.clone(),
            end,
            queue,
        })
    }

    /// Begins to fill a registration's queue, and answers through which record everything was published before; `None` when the
    /// registration has ended.
    pub fn start(&self, registration: &HubRegistration, sight: Sight) -> Option<RecordId> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let registered = state.registrations.get_mut(&registration.number)?;
        match sight.wallets() {
            None => state.of_all.push(registration.number),
            Some(wallets) => {
                for wallet in wallets {
                    state.by_wallet.entry(*wallet).or_default().push(registration.number);
                }
            }
        }
        state.of_staff += usize::from(sight.is_of_staff());
        registered.sight = Some(sight);
        state.published
    }

    /// Through which record a registration has seen everything; `None` while there is something in its queue, and once it has
    /// ended.
    pub fn seen_by(&self, registration: &HubRegistration) -> Option<RecordId> {
        let state = self.state.lock();
        let follows = state.registrations.get(&registration.number)?.sight.is_some();
        state.published.filter(|_| follows && registration.queue.is_empty())
    }

    /// The worker reads the journal from behind a record.
    pub fn begin(&self, after: RecordId) {
        self.state.lock().published = Some(after);
        self.is_live.send_replace(true);
    }

    /// The worker does not read the journal any more. Every registration ends.
    pub fn stop(&self, went_back: bool) {
        self.is_live.send_replace(false);
        let mut state = self.state.lock();
        if let Some(published) = state.published.take() {
            let end = if went_back {
                RegistrationEnd::WentBack
            } else {
                RegistrationEnd::Through(published)
            };
            for number in state.registrations.keys().copied().collect::<Vec<u64>>() {
                state.end(number, end);
            }
        }
    }

    /// Returns when the worker reads the journal, or after this time.
    pub async fn live(&self, wait: Duration) {
        let mut is_live = self.is_live.subscribe();
        // Whatever ends the wait, the caller tries again.
        let _ = timeout(wait, is_live.wait_for(|is_live| *is_live)).await;
    }

    /// Publishes the next records, in their order. False if nothing was done, since some registration is of the staff and
    /// `owners` are missing: those of `source_of_unnamed`.
    pub fn publish(&self, records: &[Record], owners: Option<&Owners>, ledger: LedgerTag) -> bool {
        let mut state = self.state.lock();
        if state.of_staff > 0 && owners.is_none() {
            return false;
        }
        let none = Owners::new();
        for record in records {
            state.publish(record, owners.unwrap_or(&none), ledger);
        }
        true
    }
}

impl HubState {
    fn publish(&mut self, record: &Record, owners: &Owners, ledger: LedgerTag) {
        // The staff see the same of an event, so it is made once for all of them.
        let mut of_staff: Option<Arc<Event>> = None;
        let mut ended = Vec::new();
        for number in self.wanted_by(record) {
            let Some(RegisteredQueue {
                queue,
                sight: Some(sight),
                ..
            }) = self.registrations.get(&number)
            else {
                continue;
            };
            if !sight.admits(record) {
                continue;
            }
            let make = || Arc::new(sight.event(record, owners, ledger));
            let event = if sight.is_of_staff() {
                of_staff.get_or_insert_with(make).clone()
            } else {
                make()
            };
            if queue.try_send(event).is_err() {
                ended.push(number);
            }
        }
        // These read the opening from the database, with the new wallet among those of their user.
        let opened = opened_for(record).and_then(|owner| self.by_owner.get(&owner));
        ended.extend(opened.into_iter().flatten());
        if let Some(before) = self.published.replace(record.id()) {
            for number in ended {
                self.end(number, RegistrationEnd::Through(before));
            }
        }
    }

    /// The registrations that may want a record, each once.
    fn wanted_by(&self, record: &Record) -> Vec<u64> {
        let mut registrations = self.of_all.clone();
        for wallet in wallets_of(record) {
            registrations.extend(self.by_wallet.get(&wallet).into_iter().flatten());
        }
        registrations.sort_unstable();
        registrations.dedup();
        registrations
    }

    fn end(&mut self, number: u64, end: RegistrationEnd) {
        if let Some(registered) = self.unregister(number) {
            // The first end counts; the queue is closed after it, when the sender is dropped.
            let _ = registered.end.set(end);
        }
    }

    fn unregister(&mut self, number: u64) -> Option<RegisteredQueue> {
        let registered = self.registrations.remove(&number)?;
        if let Some(owner) = registered.owner {
            remove(&mut self.by_owner, owner, number);
        }
        if let Some(sight) = &registered.sight {
            self.of_staff -= usize::from(sight.is_of_staff());
            match sight.wallets() {
                None => self.of_all.retain(|other| *other != number),
                Some(wallets) => {
                    for wallet in wallets {
                        remove(&mut self.by_wallet, *wallet, number);
                    }
                }
            }
        }
        Some(registered)
    }
}

fn remove<K: Eq + Hash>(index: &mut HashMap<K, Vec<u64>>, key: K, number: u64) {
    if let Some(registrations) = index.get_mut(&key) {
        registrations.retain(|other| *other != number);
        if registrations.is_empty() {
            index.remove(&key);
        }
    }
}

impl HubRegistration {
    /// Why and where it has ended; `None` while it has not.
    pub fn end(&self) -> Option<RegistrationEnd> {
        self.end.get().copied()
    }
}

impl Drop for HubRegistration {
    fn drop(&mut self) {
        self.hub.state.lock().unregister(self.number);
    }
}

#[cfg(test)]
mod tests;
