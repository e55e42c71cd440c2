//! What happened, in the journal's order: pages of events, and subscriptions that go on with what happens.
//!
//! Invariants: an event is one record of the journal, and its id says where; a reader that comes back with the id of its
//! last event misses none and gets none twice; nothing is told to a caller that their lists of transfers and wallets do not
//! show, and no cursor of theirs names the record of another.

mod cursor;
mod error;
mod event;
mod follower;
mod hub;
mod kinds;
mod page;
mod places;
mod position;
mod repo;
mod scope;
mod sight;
mod subscription;

pub use cursor::EventCursor;
pub use error::EventsError;
pub use event::{Event, EventSubject};
pub use kinds::{EventType, EventTypes};
pub use page::{EVENTS_MAX, EventsPage};
pub use places::STREAMS_OF_USER_MAX;
pub use scope::{EventFilter, EventScope};
pub use subscription::Subscription;

pub(crate) use cursor::LedgerTag;
pub(crate) use subscription::READS_MAX;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::follower::JournalFollower;
use self::hub::Hub;
use self::page::EventPages;
use self::places::SubscriptionPlaces;
use self::subscription::LiveFeed;
use crate::db::{Db, Fault};
use crate::feed::{self, Nudges};
use crate::ledger::Handovers;
use crate::values::{RecordId, UserId};
use crate::wallets::Wallets;
use crate::workers::Workers;

/// The events of the bank. Cloning clones a handle.
#[derive(Clone)]
pub struct Events {
    feed: LiveFeed,
    places: Arc<SubscriptionPlaces>,
    handovers: Handovers,
    workers: Workers,
    is_serving: Arc<AtomicBool>,
}

impl Events {
    pub(crate) fn new(db: Db, wallets: Wallets, handovers: Handovers, workers: Workers) -> Self {
        Self {
            feed: LiveFeed {
                pages: EventPages::new(db, wallets),
                hub: Arc::new(Hub::new()),
                reads: Arc::new(Semaphore::new(READS_MAX)),
                closed: CancellationToken::new(),
            },
            places: Arc::new(SubscriptionPlaces::new()),
            handovers,
            workers,
            is_serving: Arc::default(),
        }
    }

    /// The events after a cursor, or the first ones: at most `limit`, and at most `EVENTS_MAX`. A page may have less beside
    /// `has_more`, since it looks at no more than 10 000 records.
    pub async fn page(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
        limit: usize,
    ) -> Result<EventsPage, EventsError> {
        let page = self.feed.pages.read(scope, filter, after, limit).await?;
        Ok(page.for_caller(scope, after))
    }

    /// The same for the bank's own work, whose filter was checked when it was given: wallets that the user may not see any more
    /// have no events.
    pub(crate) async fn visible_page(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: &EventCursor,
        limit: usize,
    ) -> Result<EventsPage, EventsError> {
        let page = self.feed.pages.read_visible(scope, filter, after, limit).await?;
        Ok(page.for_caller(scope, Some(after)))
    }

    /// Refuses what `page` would refuse: for a stream, before its answer begins.
    pub async fn check(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
    ) -> Result<(), EventsError> {
        self.feed.pages.check(scope, filter, after).await
    }

    /// A caller's cursor of the journal's head: of what the caller may see, only what happens from now on comes after it.
    pub async fn newest(&self, scope: &EventScope) -> Result<EventCursor, EventsError> {
        let pages = &self.feed.pages;
        let head = feed::head(&pages.db.read).await?.last_id;
        let place = if pages.shows(scope, head).await? {
            head
        } else {
            scope.place_of(head, RecordId::BELOW_ALL)
        };
        Ok(self.cursor_of(place).await?)
    }

    /// The tag of this bank's ledger, which all its cursors have.
    pub(crate) async fn ledger(&self) -> Result<LedgerTag, Fault> {
        self.feed.pages.ledger().await
    }

    /// The cursor of a record.
    pub(crate) async fn cursor_of(&self, record: RecordId) -> Result<EventCursor, Fault> {
        Ok(EventCursor::new(self.ledger().await?, record))
    }

    /// The events after a cursor, and then those that happen, for a client. `check` says whether the filter and the cursor are
    /// good. Refused where the user, or all clients together, have as many subscriptions in this process as they may; some places
    /// are kept for the staff.
    pub fn subscribe(
        &self,
        user: UserId,
        scope: EventScope,
        filter: EventFilter,
        after: EventCursor,
    ) -> Result<Subscription, EventsError> {
        let place = self.places.take(user, scope.is_of_staff())?;
        Ok(Subscription::new((self.feed.clone(), place), scope, filter, after))
    }

    /// The same for the bank's own work, which no limit of clients keeps out. Few events wait for it in memory.
    pub(crate) fn follow(&self, scope: EventScope, filter: EventFilter, after: EventCursor) -> Subscription {
        let place = self.places.take_for_bank();
        Subscription::new((self.feed.clone(), place), scope, filter, after)
    }

    /// Starts the worker that follows the journal for the subscriptions, without which they read a page every second, and the
    /// one that tells other processes of commits and hears of theirs. Must be called inside a tokio runtime.
    pub fn serve(&self) {
        if self.is_serving.swap(true, Ordering::Relaxed) {
            return;
        }
        let nudges = Nudges::start(&self.feed.pages.db, &self.handovers.completed, &self.workers);
        let follower = Arc::new(JournalFollower {
            pages: self.feed.pages.clone(),
            hub: self.feed.hub.clone(),
            places: self.places.clone(),
            handover: self.handovers.records.clone(),
            nudges,
        });
        self.workers.start("events", move |worker| follower.clone().run(worker));
    }

    /// Ends the subscriptions, which would not end by themselves.
    pub fn close(&self) {
        self.feed.closed.cancel();
    }

    /// Resolves once `close` was called.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.feed.closed.clone().cancelled_owned()
    }

    /// Ends the subscriptions, and stops the workers.
    pub(crate) async fn stop(&self) {
        self.close();
        self.workers.stop().await;
    }
}

#[cfg(test)]
mod samples;
