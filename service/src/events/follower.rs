//! The worker that follows the journal for all subscriptions of this process. While there are none it reads nothing, and
//! the committer hands nothing over to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;

use super::hub::Hub;
use super::page::EventPages;
use super::places::SubscriptionPlaces;
use crate::backoff::Backoff;
use crate::feed::{self, Handover, Nudges, POLL_EVERY, ReadError, Reader};
use crate::ledger::{AllRecords, Record};
use crate::workers::Worker;

/// The longest pause between attempts while the journal cannot be read.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How many records are published under one lock of the hub. In between, subscriptions begin and end.
const AT_ONCE_MAX: usize = 100;

/// What the worker needs.
pub(super) struct JournalFollower {
    pub pages: EventPages,
    pub hub: Arc<Hub>,
    pub places: Arc<SubscriptionPlaces>,
    pub handover: Handover<Record>,
    pub nudges: Nudges,
}

impl JournalFollower {
    /// Publishes what is committed until the worker has to end.
    pub async fn run(self: Arc<Self>, worker: Worker) {
        // A worker that has died may have published a part of what it had read.
        self.hub.stop(false);
        let (mut backoff, mut reader) = (Backoff::new(POLL_EVERY, PAUSE_MAX), None);
        loop {
            let stepped = tokio::select! {
                () = worker.stopped() => break,
                stepped = self.step(&mut reader) => stepped,
            };
            worker.note(&stepped);
            let pause = backoff.after(&stepped);
            if let Err(error) = stepped {
                reader = None;
                self.give_up(&error);
                worker.pause(pause).await;
            }
        }
        self.hub.stop(false);
    }

    /// Waits for commits, and publishes them. Without subscriptions it waits for one.
    async fn step(&self, reader: &mut Option<Reader<AllRecords>>) -> Result<(), ReadError> {
        if self.places.are_free() {
            self.hub.stop(false);
            *reader = None;
            self.places.taken().await;
        }
        let reading = match reader {
            Some(reading) => reading,
            None => reader.insert(self.begin().await?),
        };
        reading.woken().await;
        while !self.places.are_free()
            && let Some(piece) = reading.next().await?
        {
            self.publish(piece.items).await?;
        }
        Ok(())
    }

    /// Begins behind the journal's head: a subscription reads all before it from the database.
    async fn begin(&self) -> Result<Reader<AllRecords>, ReadError> {
        let db = &self.pages.db;
        let head = feed::head(&db.read).await?;
        let reader = Reader::new(db.clone(), AllRecords, head.mark, Some(&self.handover));
        self.hub.begin(head.last_id);
        Ok(reader.nudged_by(&self.nudges))
    }

    async fn publish(&self, mut records: Vec<Record>) -> Result<(), ReadError> {
        let ledger = self.pages.ledger().await?;
        // The hub relies on the order of ids.
        records.sort_unstable_by_key(Record::id);
        for some in records.chunks(AT_ONCE_MAX) {
            if !self.hub.publish(some, None, ledger) {
                let owners = self.pages.owners_of(some.iter()).await?;
                self.hub.publish(some, Some(&owners), ledger);
            }
            yield_now().await;
        }
        Ok(())
    }

    /// Every subscription reads on from the database, or ends where the journal went back.
    fn give_up(&self, error: &ReadError) {
        let went_back = match error {
            ReadError::Lost(mark) => {
                tracing::error!(
                    row = mark.number,
                    "the database went back: the journal does not have the row that was published; the streams of events end"
                );
                true
            }
            ReadError::Incomplete { .. } | ReadError::Gap(_) | ReadError::Fault(_) => false,
        };
        self.hub.stop(went_back);
    }
}
