//! Reads pages of events from the database, oldest first.
//!
//! The journal's head is read first, and nothing beyond it is given: a record that is committed between two statements is
//! left to the next page. The caller's wallets are read after the head, so that a wallet which was opened until then is
//! among them.

use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::sync::OnceCell;

use super::cursor::{EventCursor, LedgerTag};
use super::error::EventsError;
use super::event::Event;
use super::repo::{self, EventSource, IdSpan};
use super::scope::{EventFilter, EventScope};
use super::sight::{Owners, Sight, source_of_unnamed};
use crate::db::{Db, Fault};
use crate::feed;
use crate::ledger::{Record, records_by_id, records_in};
use crate::values::{RecordId, UserId, WalletId};
use crate::wallets::{Holder, Wallets};

/// The most events of a page.
pub const EVENTS_MAX: usize = 1_000;
/// The most records, or entries of indexes, that are looked at for one page. A page that reaches it may have less than
/// its limit.
const LOOKED_AT_MAX: u64 = 10_000;
/// How many a look may take: those of a page of 50, of 100, of 500 or of a thousand, and one more. They are few, since each
/// makes another text of a statement.
const LOOK_COUNTS: [u64; 4] = [51, 101, 501, LOOK_COUNT_MAX];
const LOOK_COUNT_MAX: u64 = EVENTS_MAX as u64 + 1;
/// The least that the first look of a page takes. With two records the cursor of every caller moves on: it may stay before the
/// second, but not before the first.
const FIRST_LOOK_MIN: u64 = 2;
/// How many wallets' owners are remembered, at about 60 bytes each. An owner never changes.
const OWNERS_MAX: usize = 100_000;

/// A part of the events.
#[derive(Clone, Debug)]
pub struct EventsPage {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Where the next page begins: after everything that was looked at for this one.
    pub next: EventCursor,
    /// True if there may be more; false if everything until the journal's head was looked at.
    pub has_more: bool,
}

impl EventsPage {
    /// The same for a caller who came with a cursor, so that the next cursor names no record of others.
    pub(super) fn for_caller(self, scope: &EventScope, after: Option<&EventCursor>) -> Self {
        let last = self.events.last().map(|event| event.id);
        let told = last.as_ref().or(after).map_or(RecordId::BELOW_ALL, EventCursor::record);
        let next = self.next.at(scope.place_of(self.next.record(), told));
        Self { next, ..self }
    }
}

/// Reads pages. Cloning clones a handle.
#[derive(Clone)]
pub(super) struct EventPages {
    pub db: Db,
    wallets: Wallets,
    owners: Arc<Cache<WalletId, UserId>>,
    ledger: Arc<OnceCell<LedgerTag>>,
}

/// What a page is read from.
struct PageRange {
    ledger: LedgerTag,
    sight: Sight,
    span: IdSpan,
}

/// What a look has seen.
struct Looked {
    records: Vec<Record>,
    /// Everything through this id was looked at; `None` if that is everything there is.
    reached: Option<RecordId>,
}

impl EventPages {
    pub fn new(db: Db, wallets: Wallets) -> Self {
        Self {
            db,
            wallets,
            owners: Arc::new(Cache::new(OWNERS_MAX)),
            ledger: Arc::default(),
        }
    }

    /// The tag of this bank's ledger. It is read once.
    pub async fn ledger(&self) -> Result<LedgerTag, Fault> {
        let read = || async { Ok::<_, Fault>(LedgerTag::of(feed::ledger_id(&self.db.read).await?)) };
        self.ledger.get_or_try_init(read).await.copied()
    }

    /// What a caller sees, with their wallets as they are now. Wallets of the filter that they may not see have no events.
    pub async fn sight(&self, scope: &EventScope, filter: &EventFilter) -> Result<Sight, Fault> {
        let own = match scope.user() {
            Some(user) => self.wallets.ids_of(user).await?,
            None => Vec::new(),
        };
        Ok(Sight::new(scope, own, filter))
    }

    /// True if the caller sees the event of a record.
    pub async fn shows(&self, scope: &EventScope, record: RecordId) -> Result<bool, Fault> {
        if *scope == EventScope::All {
            return Ok(true);
        }
        let sight = self.sight(scope, &EventFilter::default()).await?;
        let records = records_by_id(&self.db.read, &[record]).await?;
        Ok(records.iter().any(|record| sight.admits(record)))
    }

    /// Refuses what `read` would refuse.
    pub async fn check(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
    ) -> Result<(), EventsError> {
        self.checked_range(scope, filter, after).await.map(drop)
    }

    /// The events after a cursor, or the first ones. A cursor beyond the journal's head is not known: the database went back to
    /// an earlier state, and no longer has the reader's last event.
    pub async fn read(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
        limit: usize,
    ) -> Result<EventsPage, EventsError> {
        let range = self.checked_range(scope, filter, after).await?;
        Ok(self.fill(&range, limit.clamp(1, EVENTS_MAX)).await?)
    }

    /// The same where the filter was checked before: wallets that the caller may not see any more have no events.
    pub async fn read_visible(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: &EventCursor,
        limit: usize,
    ) -> Result<EventsPage, EventsError> {
        let range = self.range(scope, filter, Some(after)).await?;
        Ok(self.fill(&range, limit.clamp(1, EVENTS_MAX)).await?)
    }

    async fn checked_range(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
    ) -> Result<PageRange, EventsError> {
        let range = self.range(scope, filter, after).await?;
        let Some(asked) = &filter.wallets else {
            return Ok(range);
        };
        // Which wallets there are for a caller who sees all, only the database knows.
        let is_hidden = match scope {
            EventScope::All => !self.wallets.missing(Holder::Anyone, asked).await?.is_empty(),
            EventScope::Only(_) | EventScope::Own { .. } => range.sight.hides_one_of(asked),
        };
        if is_hidden {
            return Err(EventsError::WalletNotFound);
        }
        Ok(range)
    }

    async fn range(
        &self,
        scope: &EventScope,
        filter: &EventFilter,
        after: Option<&EventCursor>,
    ) -> Result<PageRange, EventsError> {
        let ledger = self.ledger().await?;
        let through = feed::head(&self.db.read).await?.last_id;
        let after = match after {
            None => RecordId::BELOW_ALL,
            Some(after) => {
                // By what the caller's cursors name, or the id of the newest record could be found by trial.
                let place = |record| scope.place_of(record, RecordId::BELOW_ALL);
                let record = after.record_in(ledger);
                let record = record.filter(|record| place(*record) <= place(through));
                record.ok_or(EventsError::UnknownCursor)?
            }
        };
        Ok(PageRange {
            ledger,
            sight: self.sight(scope, filter).await?,
            span: IdSpan { after, through },
        })
    }

    /// The first look is as long as the page, which fills most pages; the others are as long as they may be. All looks of
    /// a page together are bounded.
    async fn fill(&self, range: &PageRange, limit: usize) -> Result<EventsPage, Fault> {
        let PageRange { ledger, sight, .. } = range;
        let page = |events, next, has_more| EventsPage {
            events,
            next: EventCursor::new(*ledger, next),
            has_more,
        };
        let source = EventSource::of(sight);
        let mut looks = EventLooks::new(&source, limit);
        let (mut span, mut events) = (range.span, Vec::new());
        while let Some(count) = looks.next_count() {
            let looked = self.look(&source, span, count).await?;
            let admitted: Vec<&Record> = looked.records.iter().filter(|record| sight.admits(record)).collect();
            let owners = self.owners_for(sight, &admitted).await?;
            for record in admitted {
                if events.len() == limit {
                    return Ok(page(events, span.after, true));
                }
                events.push(sight.event(record, &owners, *ledger));
                span.after = record.id();
            }
            match looked.reached {
                None => return Ok(page(events, span.through, false)),
                Some(reached) => span.after = reached,
            }
            if events.len() == limit {
                break;
            }
        }
        Ok(page(events, span.after, true))
    }

    async fn look(&self, source: &EventSource, span: IdSpan, count: u64) -> Result<Looked, Fault> {
        let db = &self.db.read;
        let cut = |length: usize, last: Option<RecordId>| last.filter(|_| length as u64 == count);
        let (ranges, also) = match source {
            EventSource::Journal => {
                let records = records_in(db, span.after, span.through, Some(count)).await?;
                let reached = cut(records.len(), records.last().map(Record::id));
                return Ok(Looked { records, reached });
            }
            EventSource::Ranges { ranges, also } => (ranges, also.map(RecordId::from)),
        };
        let mut ids = repo::first_ids(db, ranges, span, count).await?;
        let reached = cut(ids.len(), ids.last().copied());
        let end = reached.unwrap_or(span.through);
        ids.extend(also.filter(|also| *also > span.after && *also <= end));
        let records = records_by_id(db, &ids).await?;
        Ok(Looked { records, reached })
    }

    /// The owners who asked for these records, as far as the records do not say it and the viewer may know it. At most one
    /// statement.
    pub async fn owners_for(&self, sight: &Sight, records: &[&Record]) -> Result<Owners, Fault> {
        if !sight.is_of_staff() {
            return Ok(Owners::new());
        }
        self.owners_of(records.iter().copied()).await
    }

    /// The owners who asked for these records, as far as the records do not say it. At most one statement.
    pub async fn owners_of(&self, records: impl Iterator<Item = &Record>) -> Result<Owners, Fault> {
        let sources: HashSet<WalletId> = records.filter_map(source_of_unnamed).collect();
        let (mut owners, mut unknown) = (Owners::new(), Vec::new());
        for source in sources {
            match self.owners.get(&source) {
                Some(owner) => {
                    owners.insert(source, owner);
                }
                None => unknown.push(source),
            }
        }
        for (wallet, owner) in self.wallets.owners_of(&unknown).await? {
            self.owners.insert(wallet, owner);
            owners.insert(wallet, owner);
        }
        Ok(owners)
    }
}

/// How long the looks of a page are.
struct EventLooks {
    /// How many ranges a look reads.
    width: u64,
    wanted: u64,
    /// How many more entries may be looked at.
    left: u64,
}

impl EventLooks {
    fn new(source: &EventSource, limit: usize) -> Self {
        let width = match source {
            EventSource::Journal => 1,
            EventSource::Ranges { ranges, .. } => ranges.len().max(1),
        };
        Self {
            width: width as u64,
            wanted: limit as u64 + 1,
            left: LOOKED_AT_MAX.max(width as u64 * FIRST_LOOK_MIN),
        }
    }

    /// How many ids the next look takes; `None` once enough was looked at.
    fn next_count(&mut self) -> Option<u64> {
        let enough = |count: &u64| *count >= self.wanted;
        let count = LOOK_COUNTS.into_iter().find(enough).unwrap_or(LOOK_COUNT_MAX);
        let count = count.min(self.left / self.width);
        self.left -= count * self.width;
        self.wanted = LOOK_COUNT_MAX;
        (count > 0).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_of_a_page_are_bounded_together() {
        for width in [1, 6, 13, 851, 50_000] {
            for limit in [1, 50, 100, 101, 1_000] {
                let mut looks = EventLooks {
                    width,
                    wanted: limit + 1,
                    left: LOOKED_AT_MAX.max(width * FIRST_LOOK_MIN),
                };
                let counts: Vec<u64> = std::iter::from_fn(|| looks.next_count()).collect();
                let entries = counts.iter().sum::<u64>() * width;
                assert!(!counts.is_empty() && counts.len() < 12, "{limit}, {width}: {counts:?}");
                assert!(counts[0] >= FIRST_LOOK_MIN, "{limit}, {width}: {counts:?}");
                assert!(
                    entries <= LOOKED_AT_MAX.max(width * FIRST_LOOK_MIN),
                    "{limit}, {width}: {counts:?}"
                );
            }
        }
    }

    #[test]
    fn the_first_look_is_as_long_as_the_page() {
        for (limit, count) in [(1, 51), (50, 51), (51, 101), (100, 101), (500, 501), (1_000, 1_001)] {
            assert_eq!(EventLooks::new(&EventSource::Journal, limit).next_count(), Some(count));
        }
    }
}
