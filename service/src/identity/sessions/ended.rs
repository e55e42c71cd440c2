//! The sessions that ended lately, in memory: a token of one of them is refused without asking the database.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use parking_lot::RwLock;

use crate::identity::tokens::ACCESS_TOKEN_SECONDS;
use crate::values::{SessionId, Timestamp};

/// For how long an ended session is kept: no access token of it is valid for longer, even if two clocks differ.
pub(super) const KEPT: TimeDelta = TimeDelta::seconds(ACCESS_TOKEN_SECONDS + 60);
/// The most sessions that are kept, at about 50 bytes each.
pub(super) const ENDED_MAX: usize = 262_144;
/// For how long this process relies on what it knows when it cannot look at the database.
const BLIND_AFTER: Duration = Duration::from_secs(5);
/// A token that is younger than this is accepted all the same: its user has just signed in or refreshed.
const YOUNG_S: i64 = 60;

/// The sessions that ended within the life of an access token.
pub(super) struct EndedSessions {
    /// The size of `by_id`. It is read first: while it is zero, a request takes no lock.
    count: AtomicUsize,
    /// Every token issued in this second or before is refused, whatever its session. In seconds since 1970.
    floor_s: AtomicI64,
    by_id: RwLock<HashMap<SessionId, Timestamp>>,
    began: Instant,
    /// The time of the last look at the database in milliseconds after `began`; `NOT_WATCHED` while no worker looks.
    looked_at_ms: AtomicU64,
}

const NOT_WATCHED: u64 = u64::MAX;

impl EndedSessions {
    pub fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            floor_s: AtomicI64::new(i64::MIN),
            by_id: RwLock::default(),
            began: Instant::now(),
            looked_at_ms: AtomicU64::new(NOT_WATCHED),
        }
    }

    /// Whether a token of this session, issued at this second, must be refused.
    pub fn refuses(&self, session: SessionId, issued_at: i64) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        issued_at <= self.floor_s.load(Ordering::Acquire) || self.by_id.read().contains_key(&session)
    }

    /// Adds sessions with the times when they ended, and gives those that were not known yet.
    pub fn add(&self, ended: impl IntoIterator<Item = (SessionId, Timestamp)>) -> Vec<SessionId> {
        let mut by_id = self.by_id.write();
        let mut new = Vec::new();
        for (id, at) in ended {
            if let Entry::Vacant(place) = by_id.entry(id) {
                place.insert(at);
                new.push(id);
            }
        }
        if by_id.len() > ENDED_MAX {
            self.shed(&mut by_id);
        }
        self.count.store(by_id.len(), Ordering::Release);
        new
    }

    /// Refuses every token that was issued up to this time, since not all sessions that ended until then are known.
    pub fn refuse_issued_through(&self, time: Timestamp) {
        self.floor_s.fetch_max(time.timestamp(), Ordering::AcqRel);
    }

    /// Forgets the sessions whose tokens have all expired.
    pub fn forget_old(&self, now: Timestamp) {
        let mut by_id = self.by_id.write();
        by_id.retain(|_, at| *at > now - KEPT);
        self.count.store(by_id.len(), Ordering::Release);
    }

    /// Drops the half that ended first. The tokens of these sessions were issued before, so that the floor refuses them,
    /// with those of other users, who have to refresh.
    fn shed(&self, by_id: &mut HashMap<SessionId, Timestamp>) {
        let mut times: Vec<Timestamp> = by_id.values().copied().collect();
        let middle = times.len() / 2;
        let (_, last_dropped, _) = times.select_nth_unstable(middle);
        let last_dropped = *last_dropped;
        self.refuse_issued_through(last_dropped);
        by_id.retain(|_, at| *at > last_dropped);
        tracing::warn!(
            kept = by_id.len(),
            "more sessions ended lately than are kept; access tokens of other sessions are refused, too"
        );
    }

    /// Notes that a worker looks at the database from now on.
    pub fn begin_watch(&self) {
        self.looked_at_ms.store(self.elapsed_ms(), Ordering::Release);
    }

    /// Notes a look, if a worker looks regularly. A single look, as a command may do, promises no further ones.
    pub fn note_look(&self) {
        if self.looked_at_ms.load(Ordering::Acquire) != NOT_WATCHED {
            self.begin_watch();
        }
    }

    /// True for a token that may belong to an ended session: a worker should look at the database and has not been able
    /// to for 5 s, and the token is older than 60 s.
    pub fn is_unsure_of(&self, issued_at: i64, now: Timestamp) -> bool {
        let looked_at = self.looked_at_ms.load(Ordering::Acquire);
        if looked_at == NOT_WATCHED {
            return false;
        }
        let blind_for = Duration::from_millis(self.elapsed_ms().saturating_sub(looked_at));
        blind_for > BLIND_AFTER && now.timestamp() - issued_at > YOUNG_S
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NOT_WATCHED - 1)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_000_000 + second, 0).expect("a time")
    }

    fn session(number: usize) -> SessionId {
        SessionId(Uuid::from_u128(number as u128))
    }

    const ISSUED: i64 = 1_000_000;

    #[test]
    fn an_ended_session_is_refused_until_its_tokens_have_expired() {
        let ended = EndedSessions::new();
        assert!(!ended.refuses(session(1), ISSUED));
        assert_eq!(ended.add([(session(1), time(0))]), [session(1)]);
        assert!(ended.add([(session(1), time(0))]).is_empty(), "it is known");
        assert!(ended.refuses(session(1), ISSUED) && !ended.refuses(session(2), ISSUED));
        ended.forget_old(time(KEPT.num_seconds() - 1));
        assert!(ended.refuses(session(1), ISSUED));
        ended.forget_old(time(KEPT.num_seconds()));
        assert!(!ended.refuses(session(1), ISSUED));
    }

    #[test]
    fn more_than_are_kept_are_still_refused() {
        let ended = EndedSessions::new();
        let count = ENDED_MAX + 1;
        let at = |number: usize| time(i64::try_from(number / 1_000).unwrap_or_default());
        ended.add((0..count).map(|number| (session(number), at(number))));
        assert!(ended.by_id.read().len() <= ENDED_MAX / 2 + 1);
        // Each token was issued in the second in which its session ended, or before.
        assert!((0..count).all(|number| ended.refuses(session(number), at(number).timestamp())));
        let later = at(count).timestamp() + 1;
        assert!(!ended.refuses(session(count + 1), later), "a new session is good");
    }

    #[test]
    fn only_a_process_that_should_look_can_be_unsure() {
        let ended = EndedSessions::new();
        assert!(!ended.is_unsure_of(ISSUED, time(600)), "no worker looks");
        ended.note_look();
        assert_eq!(ended.looked_at_ms.load(Ordering::Acquire), NOT_WATCHED);
        ended.begin_watch();
        assert!(!ended.is_unsure_of(ISSUED, time(600)), "it has just looked");
    }
}
