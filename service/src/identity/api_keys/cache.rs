//! The API keys that were used lately, so that a request with one seldom waits for the database.
//!
//! What is remembered counts for `REREAD_AFTER` at most. So a revocation, a suspension or a change of role counts within a
//! second on every replica. It counts at once in the process that did it, which calls `forget`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::error::KeyRefusal;
use super::grant::KeyGrant;
use super::places::{KeyTurns, ReadPlaces};
use super::repo;
use crate::db::Db;
use crate::values::Sha256Digest;

/// How long a key is used as it was read.
const REREAD_AFTER: Duration = Duration::from_millis(500);
/// The most keys that are remembered, at about 300 bytes each and 16 for each wallet; beyond it those that are used least are
/// read at every use.
const KNOWN_MAX: usize = 16_384;
/// The most keys that are read at the same time, and that wait for it. Known ones have places of their own: texts of keys
/// that do not exist, whose checksum an attacker can compute, cannot keep them out.
const REREADS_MAX: usize = 8;
const REREADS_WAITING_MAX: usize = 1_024;
const FIRST_READS_MAX: usize = 4;
const FIRST_READS_WAITING_MAX: usize = 64;

/// The keys that were used lately, by the digest of the secret.
pub(super) struct KeyCache {
    known: Cache<Sha256Digest, RememberedGrant>,
    /// Grows when all that was read before may be out of date.
    epoch: AtomicU64,
    turns: KeyTurns,
    rereads: ReadPlaces,
    first_reads: ReadPlaces,
}

#[derive(Clone)]
struct RememberedGrant {
    grant: Arc<KeyGrant>,
    read_at: Instant,
    epoch: u64,
}

/// What is remembered of a key.
enum RememberedKey {
    Fresh(Arc<KeyGrant>),
    Stale,
    Nothing,
}

impl KeyCache {
    pub fn new() -> Self {
        Self {
            known: Cache::new(KNOWN_MAX),
            epoch: AtomicU64::new(0),
            turns: KeyTurns::default(),
            rereads: ReadPlaces::new(REREADS_MAX, REREADS_WAITING_MAX),
            first_reads: ReadPlaces::new(FIRST_READS_MAX, FIRST_READS_WAITING_MAX),
        }
    }

    /// The key with this digest, as it is in the database or was less than `REREAD_AFTER` ago; `None` if there is none.
    /// Keys that do not exist are not remembered: an attacker could name any number of them.
    pub async fn find(&self, db: &Db, digest: Sha256Digest) -> Result<Option<Arc<KeyGrant>>, KeyRefusal> {
        if let RememberedKey::Fresh(grant) = self.remembered(&digest) {
            return Ok(Some(grant));
        }
        let turn = self.turns.of(digest)?;
        let _turn = turn.begin().await?;
        let places = match self.remembered(&digest) {
            // Another request has read it during the wait.
            RememberedKey::Fresh(grant) => return Ok(Some(grant)),
            RememberedKey::Stale => &self.rereads,
            RememberedKey::Nothing => &self.first_reads,
        };
        let _place = places.take().await?;
        // Both before the read: what changes after it has begun may not be in it.
        let (epoch, read_at) = (self.epoch.load(Ordering::SeqCst), Instant::now());
        let Some(grant) = repo::find_grant(&db.watch, digest).await? else {
            self.known.remove(&digest);
            return Ok(None);
        };
        let grant = Arc::new(grant);
        let remembered = RememberedGrant {
            grant: grant.clone(),
            read_at,
            epoch,
        };
        self.known.insert(digest, remembered);
        Ok(Some(grant))
    }

    /// True for a key that was read lately, even if it must be read again.
    pub fn has(&self, digest: &Sha256Digest) -> bool {
        self.known.contains_key(digest)
    }

    /// Makes every key be read again before it is used again.
    pub fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn remembered(&self, digest: &Sha256Digest) -> RememberedKey {
        match self.known.get(digest) {
            None => RememberedKey::Nothing,
            Some(known) => {
                let is_current = known.epoch == self.epoch.load(Ordering::SeqCst);
                if is_current && known.read_at.elapsed() < REREAD_AFTER {
                    RememberedKey::Fresh(known.grant)
                } else {
                    RememberedKey::Stale
                }
            }
        }
    }
}
