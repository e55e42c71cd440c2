//! Who may ask the database for an API key now: one request for each key, so many keys at a time, and so many that wait.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::error::KeyRefusal;
use crate::db::Fault;
use crate::values::Sha256Digest;

/// How long a request waits for its turn, and then for a place.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The most requests at a time with one key that is not at hand.
const SAME_KEY_MAX: usize = 4_096;

/// Places to read a key, and to wait for one of them.
pub(super) struct ReadPlaces {
    free: Semaphore,
    waiting: Semaphore,
}

impl ReadPlaces {
    pub fn new(reading_max: usize, waiting_max: usize) -> Self {
        Self {
            free: Semaphore::new(reading_max),
            waiting: Semaphore::new(waiting_max),
        }
    }

    /// A place; refused at once where too many wait for one already.
    pub async fn take(&self) -> Result<SemaphorePermit<'_>, KeyRefusal> {
        if let Ok(place) = self.free.try_acquire() {
            return Ok(place);
        }
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return Err(KeyRefusal::Overloaded);
        };
        let Ok(place) = timeout(WAIT_MAX, self.free.acquire()).await else {
            return Err(KeyRefusal::Overloaded);
        };
        Ok(place.map_err(Fault::broken)?)
    }
}

/// The turns of requests with the same key. They need one place: the others usually find what the first one has read.
#[derive(Default)]
pub(super) struct KeyTurns(Mutex<HashMap<Sha256Digest, SameKey>>);

#[derive(Default)]
struct SameKey {
    requests: usize,
    turn: Arc<AsyncMutex<()>>,
}

/// A request that waits for its turn, or has it.
pub(super) struct KeyTurn<'a> {
    turns: &'a KeyTurns,
    digest: Sha256Digest,
    turn: Arc<AsyncMutex<()>>,
}

impl KeyTurns {
    /// Stands in line for a key.
    pub fn of(&self, digest: Sha256Digest) -> Result<KeyTurn<'_>, KeyRefusal> {
        let mut all = self.0.lock();
        let same_key = all.entry(digest).or_default();
        if same_key.requests == SAME_KEY_MAX {
            return Err(KeyRefusal::Overloaded);
        }
        same_key.requests += 1;
        Ok(KeyTurn {
            turns: self,
            digest,
            turn: same_key.turn.clone(),
        })
    }
}

impl KeyTurn<'_> {
    /// Waits for the turn, which lasts as long as the guard.
    pub async fn begin(&self) -> Result<MutexGuard<'_, ()>, KeyRefusal> {
        let begun = timeout(WAIT_MAX, self.turn.lock()).await;
        begun.map_err(|_| KeyRefusal::Overloaded)
    }
}

impl Drop for KeyTurn<'_> {
    fn drop(&mut self) {
        let mut all = self.turns.0.lock();
        if let Entry::Occupied(mut same_key) = all.entry(self.digest) {
            same_key.get_mut().requests -= 1;
            if same_key.get().requests == 0 {
                same_key.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Sha256Digest = Sha256Digest([1; 32]);
    const OTHER: Sha256Digest = Sha256Digest([2; 32]);

    #[tokio::test]
    async fn whoever_finds_no_place_to_wait_is_refused_at_once() {
        let places = ReadPlaces::new(1, 1);
        let first = places.take().await.expect("a place is free");
        let second = async { places.take().await.map(drop) };
        let third = async {
            let refused = places.take().await.err();
            drop(first);
            refused
        };
        let (second, third) = tokio::join!(biased; second, third);
        assert!(matches!(third, Some(KeyRefusal::Overloaded)), "{third:?}");
        second.expect("it had waited");
    }

    #[tokio::test]
    async fn requests_with_one_key_take_turns_and_leave_nothing_behind() {
        let turns = KeyTurns::default();
        let of = |digest| turns.of(digest).expect("few requests are in line");
        let (first, second, other) = (of(ONE), of(ONE), of(OTHER));
        let begun = first.begin().await.expect("it is the first");
        drop(other.begin().await.expect("another key has turns of its own"));
        assert!(timeout(Duration::ZERO, second.begin()).await.is_err(), "it waits");
        drop(begun);
        drop(second.begin().await.expect("it is the next"));
        drop((first, second, other));
        assert!(turns.0.lock().is_empty());
    }
}
