//! A subscription: the events after a cursor, and then those that happen, without an end.
//!
//! It reads pages until it has reached the journal's head, then registers at the hub; `position` says why nothing is lost and
//! nothing comes twice in between. What it reads from the database it reads in a task: a reader that stops waiting for events,
//! to send a heartbeat, loses neither its turn to read nor what was read.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::cursor::EventCursor;
use super::error::EventsError;
use super::event::Event;
use super::hub::{Hub, HubRegistration, RegistrationEnd};
use super::page::{EventPages, EventsPage};
use super::places::SubscriptionPlace;
use super::position::{FeedPosition, FeedStep};
use super::scope::{EventFilter, EventScope};
use super::sight::Sight;
use crate::db::Fault;
use crate::values::{RecordId, UserId};

/// How many events may wait for a subscription of the staff, all of which share the events.
const STAFF_QUEUE_MAX: usize = 1_024;
/// How many may wait for a customer's subscription, which has events of its own: 1 024 full queues are about 75 MB.
const OWN_QUEUE_MAX: usize = 128;
/// How many may wait for a subscription of the bank's own work, which there may be thousands of. It reads pages when more come.
const BANK_QUEUE_MAX: usize = 16;
/// The most events that `next` gives at once.
const AT_ONCE_MAX: usize = 500;
/// How many subscriptions of a process read from the database at a time, so that they leave connections to requests. So
/// many endpoints of webhooks do too.
pub(crate) const READS_MAX: usize = 4;
/// How long a subscription waits for the worker before it reads a page instead.
const LIVE_WAIT: Duration = Duration::from_secs(1);

/// What the subscriptions of a process share. Cloning clones handles.
#[derive(Clone)]
pub(super) struct LiveFeed {
    pub pages: EventPages,
    pub hub: Arc<Hub>,
    /// A permit for each subscription that reads from the database.
    pub reads: Arc<Semaphore>,
    /// Cancelled when the subscriptions have to end.
    pub closed: CancellationToken,
}

/// A read from the database, which goes on while nothing waits for it and ends when this is dropped.
type SubscriptionRead<T> = AbortOnDropHandle<Result<T, EventsError>>;

/// The events after a cursor that a caller sees, in the journal's order and each once.
pub struct Subscription {
    feed: LiveFeed,
    scope: EventScope,
    filter: EventFilter,
    /// Where it began. Which ledger it is of is looked at by the first page.
    after: EventCursor,
    /// The last event that was given; before there is one, the record where it began.
    told: RecordId,
    position: FeedPosition,
    registration: Option<HubRegistration>,
    /// The page that is being read.
    page: Option<SubscriptionRead<EventsPage>>,
    /// A registration that begins when the caller's wallets are looked up.
    beginning: Option<SubscriptionRead<(HubRegistration, Sight)>>,
    /// Counts the subscription until it is dropped.
    place: SubscriptionPlace,
}

impl LiveFeed {
    /// Begins to read the page after a cursor.
    fn read_page(&self, scope: &EventScope, filter: &EventFilter, after: EventCursor) -> SubscriptionRead<EventsPage> {
        let (feed, scope, filter) = (self.clone(), scope.clone(), filter.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            // Fails when the semaphore is closed, which does not happen.
            let _permit = feed.reads.acquire().await.ok();
            feed.pages.read_visible(&scope, &filter, &after, AT_ONCE_MAX).await
        }))
    }

    /// Begins to look up what the caller of a registration sees. It is looked up after the registration: see `Hub::register`.
    fn read_sight(
        &self,
        registration: HubRegistration,
        scope: &EventScope,
        filter: &EventFilter,
    ) -> SubscriptionRead<(HubRegistration, Sight)> {
        let (feed, scope, filter) = (self.clone(), scope.clone(), filter.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let _permit = feed.reads.acquire().await.ok();
            let sight = feed.pages.sight(&scope, &filter).await?;
            Ok::<_, EventsError>((registration, sight))
        }))
    }
}

impl Subscription {
    pub(super) fn new(
        (feed, place): (LiveFeed, SubscriptionPlace),
        scope: EventScope,
        filter: EventFilter,
        after: EventCursor,
    ) -> Self {
        Self {
            feed,
            scope,
            filter,
            told: after.record(),
            position: FeedPosition::new(after.record()),
            after,
            registration: None,
            page: None,
            beginning: None,
            place,
        }
    }

    /// The next events, at least one; waits for them. A call that is dropped loses nothing, and after a fault of the
    /// database it may be called again.
    pub async fn next(&mut self) -> Result<Vec<Arc<Event>>, EventsError> {
        let closed = self.feed.closed.clone();
        tokio::select! {
            biased;
            () = closed.cancelled() => Err(EventsError::Stopping),
            events = self.advance() => events,
        }
    }

    /// The caller's cursor after everything that was given or is not wanted. It moves on while nothing happens that is wanted,
    /// so a reader that comes back with it has less to look through.
    #[must_use]
    pub fn position(&self) -> EventCursor {
        let is_live = self.position.next_step() == FeedStep::Queue;
        let registration = self.registration.as_ref().filter(|_| is_live);
        let published = registration.and_then(|registration| self.feed.hub.seen_by(registration));
        let seen = self.position.seen();
        let through = published.map_or(seen, |published| published.max(seen));
        self.after.at(self.scope.place_of(through, self.told))
    }

    async fn advance(&mut self) -> Result<Vec<Arc<Event>>, EventsError> {
        loop {
            let events = match self.position.next_step() {
                FeedStep::Page => self.read_page().await?,
                FeedStep::Follow => self.follow().await.map(|()| Vec::new())?,
                FeedStep::Queue => self.take_queued().await?,
            };
            if let Some(last) = events.last() {
                self.told = last.id.record();
                return Ok(events);
            }
        }
    }

    async fn read_page(&mut self) -> Result<Vec<Arc<Event>>, EventsError> {
        let after = self.after.at(self.position.seen());
        let begin = || self.feed.read_page(&self.scope, &self.filter, after);
        let page = finished(self.page.get_or_insert_with(begin)).await;
        self.page = None;
        let page = page?;
        self.position.paged(page.next.record(), page.has_more);
        Ok(page.events.into_iter().map(Arc::new).collect())
    }

    async fn follow(&mut self) -> Result<(), EventsError> {
        if self.beginning.is_none() {
            let LiveFeed { hub, .. } = &self.feed;
            let Some(registration) = hub.register(self.growing_user(), self.room()) else {
                hub.live(LIVE_WAIT).await;
                self.position.missed();
                return Ok(());
            };
            self.beginning = Some(self.feed.read_sight(registration, &self.scope, &self.filter));
        }
        let Some(beginning) = &mut self.beginning else {
            return Ok(());
        };
        let begun = finished(beginning).await;
        self.beginning = None;
        let (registration, sight) = begun?;
        match self.feed.hub.start(&registration, sight) {
            Some(published) => {
                self.position.followed(published);
                self.registration = Some(registration);
            }
            None => self.position.missed(),
        }
        Ok(())
    }

    async fn take_queued(&mut self) -> Result<Vec<Arc<Event>>, EventsError> {
        let mut events = Vec::new();
        if let Some(registration) = &mut self.registration
            && registration.queue.recv_many(&mut events, AT_ONCE_MAX).await > 0
        {
            events.retain(|event| self.position.takes(event.id.record()));
            return Ok(events);
        }
        let end = self.registration.take().and_then(|registration| registration.end());
        match end {
            Some(RegistrationEnd::Through(through)) => self.position.left(through),
            Some(RegistrationEnd::WentBack) => return Err(EventsError::WentBack),
            None => self.position.left(self.position.seen()),
        }
        Ok(events)
    }

    /// The user whose new wallets belong to what is asked for.
    fn growing_user(&self) -> Option<UserId> {
        match &self.scope {
            EventScope::Own { user, only: None } if self.filter.wallets.is_none() => Some(*user),
            EventScope::Own { .. } | EventScope::Only(_) | EventScope::All => None,
        }
    }

    fn room(&self) -> usize {
        if self.place.is_of_bank() {
            return BANK_QUEUE_MAX;
        }
        match self.scope {
            EventScope::Own { .. } => OWN_QUEUE_MAX,
            EventScope::Only(_) | EventScope::All => STAFF_QUEUE_MAX,
        }
    }
}

/// The result of a read. A wait that is dropped loses nothing.
async fn finished<T>(read: &mut SubscriptionRead<T>) -> Result<T, EventsError> {
    read.await.map_err(Fault::broken)?
}
