//! How many webhooks are sent at once: to one server, of one owner, and in all. A server that hangs delays what goes to it,
//! and no owner takes the connections of the others, or of payments.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::url::HookUrl;
use crate::values::UserId;

/// The most requests at once to one server (host and port).
const PER_SERVER_MAX: usize = 32;
/// The most of them for one owner of endpoints, so that an owner whose endpoint hangs leaves room for others.
const PER_OWNER_MAX: usize = 8;
/// The most requests at once of one owner, to any servers.
const OF_OWNER_MAX: usize = 32;
/// The most requests at once of this process. Each takes a descriptor, which callers and the database need too.
const OF_PROCESS_MAX: usize = 512;

/// Limits the requests to each server that webhooks are being sent to. Cloning clones a handle.
#[derive(Clone)]
pub(super) struct ServerLimits {
    of_server: Arc<KeyedLimits<String>>,
    of_owner_there: Arc<KeyedLimits<(UserId, String)>>,
    of_owner: Arc<KeyedLimits<UserId>>,
    of_process: Arc<Semaphore>,
}

/// The right to send one request to a server, until it is dropped.
pub(super) struct ServerPermit {
    _of_owner_there: KeyedPermit<(UserId, String)>,
    _of_owner: KeyedPermit<UserId>,
    _of_server: KeyedPermit<String>,
    _of_process: OwnedSemaphorePermit,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            of_server: Arc::new(KeyedLimits::new(PER_SERVER_MAX)),
            of_owner_there: Arc::new(KeyedLimits::new(PER_OWNER_MAX)),
            of_owner: Arc::new(KeyedLimits::new(OF_OWNER_MAX)),
            of_process: Arc::new(Semaphore::new(OF_PROCESS_MAX)),
        }
    }
}

impl ServerLimits {
    /// Waits until a request may be sent to the server of a URL, in the order of the calls. May be cancelled.
    pub async fn permit(&self, owner: UserId, url: &HookUrl) -> ServerPermit {
        let server = url.server();
        // From what the fewest share to what all share: a request that waits for its owner must not hold one of the server's,
        // and one that waits for a server that hangs must not hold one of its owner's.
        let of_owner_there = self.of_owner_there.take((owner, server.clone())).await;
        let of_owner = self.of_owner.take(owner).await;
        let of_server = self.of_server.take(server).await;
        let of_process = self.of_process.clone().acquire_owned().await;
        ServerPermit {
            _of_owner_there: of_owner_there,
            _of_owner: of_owner,
            _of_server: of_server,
            _of_process: of_process.expect("the semaphore is never closed"),
        }
    }
}

/// So many permits for each key. A key that is not in use takes no memory.
pub(super) struct KeyedLimits<K> {
    max: usize,
    in_use: Mutex<HashMap<K, KeyLimit>>,
}

struct KeyLimit {
    free: Arc<Semaphore>,
    /// The requests that have a permit, and those that wait for one.
    users: usize,
}

/// A permit, or the wait for one. The last user of a key removes it.
pub(super) struct KeyedPermit<K: Clone + Eq + Hash> {
    permit: Option<OwnedSemaphorePermit>,
    limits: Arc<KeyedLimits<K>>,
    key: K,
}

impl<K: Clone + Eq + Hash> KeyedLimits<K> {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            in_use: Mutex::default(),
        }
    }

    /// Waits for a permit of a key, in the order of the calls. May be cancelled.
    pub async fn take(self: &Arc<Self>, key: K) -> KeyedPermit<K> {
        let free = self.begin_use(key.clone());
        let mut keyed = KeyedPermit {
            permit: None,
            limits: self.clone(),
            key,
        };
        // Until then it only counts as a user: dropping the future ends this use.
        keyed.permit = Some(free.acquire_owned().await.expect("the semaphore is never closed"));
        keyed
    }

    /// A permit of a key; `None` if there is none now.
    pub fn try_take(self: &Arc<Self>, key: K) -> Option<KeyedPermit<K>> {
        let free = self.begin_use(key.clone());
        let permit = free.try_acquire_owned().ok();
        let keyed = KeyedPermit {
            permit,
            limits: self.clone(),
            key,
        };
        keyed.permit.is_some().then_some(keyed)
    }

    fn begin_use(&self, key: K) -> Arc<Semaphore> {
        let mut in_use = self.in_use.lock();
        let of_key = in_use.entry(key).or_insert_with(|| KeyLimit {
            free: Arc::new(Semaphore::new(self.max)),
            users: 0,
        });
        of_key.users += 1;
        of_key.free.clone()
    }

    fn end_use(&self, key: &K) {
        let mut in_use = self.in_use.lock();
        if let Some(of_key) = in_use.get_mut(key) {
            of_key.users -= 1;
            if of_key.users == 0 {
                in_use.remove(key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for KeyedPermit<K> {
    fn drop(&mut self) {
        // Before the use ends: a new user of a removed key would find all permits free.
        self.permit = None;
        self.limits.end_use(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;
    use crate::webhooks::addresses::AddressPolicy;

    fn url(text: &str) -> HookUrl {
        HookUrl::parse(text, AddressPolicy::PublicOnly).expect("it is a URL")
    }

    fn owner(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    async fn has_room(limits: &ServerLimits, owner: UserId, url: &HookUrl) -> bool {
        timeout(Duration::ZERO, limits.permit(owner, url)).await.is_ok()
    }

    #[tokio::test]
    async fn an_owner_takes_their_own_permits_and_leaves_the_others() {
        let (limits, one, other) = (
            ServerLimits::default(),
            url("https://one.example/a"),
            url("https://other.example/"),
        );
        let mut permits = Vec::new();
        for _ in 0..PER_OWNER_MAX {
            permits.push(limits.permit(owner(1), &one).await);
        }
        assert!(!has_room(&limits, owner(1), &url("https://ONE.example/b")).await);
        assert!(has_room(&limits, owner(1), &other).await);
        assert!(has_room(&limits, owner(2), &one).await);
        permits.pop();
        assert!(has_room(&limits, owner(1), &one).await);
    }

    #[tokio::test]
    async fn a_server_has_a_bound_for_all_owners() {
        let (limits, one) = (ServerLimits::default(), url("https://one.example/"));
        let mut permits = Vec::new();
        for number in 0..PER_SERVER_MAX as u128 {
            permits.push(limits.permit(owner(number), &one).await);
        }
        assert!(!has_room(&limits, owner(1_000), &one).await);
        assert!(has_room(&limits, owner(1_000), &url("https://one.example:8443/")).await);
        permits.pop();
        assert!(has_room(&limits, owner(1_000), &one).await);
    }

    #[tokio::test]
    async fn an_owner_has_a_bound_for_all_servers() {
        let limits = ServerLimits::default();
        let mut permits = Vec::new();
        for number in 0..OF_OWNER_MAX {
            let server = url(&format!("https://server{}.example/", number / PER_OWNER_MAX));
            permits.push(limits.permit(owner(1), &server).await);
        }
        let next = url("https://next.example/");
        assert!(!has_room(&limits, owner(1), &next).await);
        assert!(has_room(&limits, owner(2), &next).await);
        permits.pop();
        assert!(has_room(&limits, owner(1), &next).await);
    }

    #[tokio::test]
    async fn requests_that_wait_for_a_server_leave_their_owner_room() {
        let (limits, hangs) = (ServerLimits::default(), url("https://hangs.example/"));
        let mut permits = Vec::new();
        for _ in 0..PER_OWNER_MAX {
            permits.push(limits.permit(owner(1), &hangs).await);
        }
        let waiting = (0..OF_OWNER_MAX).map(|_| Box::pin(limits.permit(owner(1), &hangs)));
        let mut waiting: Vec<_> = waiting.collect();
        for one in &mut waiting {
            assert!(timeout(Duration::ZERO, one).await.is_err());
        }
        assert!(has_room(&limits, owner(1), &url("https://other.example/")).await);
    }

    #[test]
    fn a_permit_that_is_not_there_is_not_waited_for() {
        let limits = Arc::new(KeyedLimits::new(2));
        let permits = [limits.try_take(1), limits.try_take(1)];
        assert!(permits.iter().all(Option::is_some));
        assert!(limits.try_take(1).is_none() && limits.try_take(2).is_some());
        drop(permits);
        assert!(limits.in_use.lock().is_empty());
    }

    #[tokio::test]
    async fn servers_that_are_not_in_use_are_forgotten() {
        let (limits, one) = (ServerLimits::default(), url("https://one.example/"));
        let mut permits = Vec::new();
        for _ in 0..PER_OWNER_MAX {
            permits.push(limits.permit(owner(1), &one).await);
        }
        // One that waits and is cancelled leaves nothing behind.
        assert!(!has_room(&limits, owner(1), &one).await);
        assert_eq!(
            (
                limits.of_server.in_use.lock().len(),
                limits.of_owner.in_use.lock().len(),
                limits.of_owner_there.in_use.lock().len()
            ),
            (1, 1, 1)
        );
        drop(permits);
        assert!(limits.of_server.in_use.lock().is_empty() && limits.of_owner.in_use.lock().is_empty());
        assert!(limits.of_owner_there.in_use.lock().is_empty());
    }
}
