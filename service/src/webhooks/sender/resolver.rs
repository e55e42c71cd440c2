//! How the names of receivers are looked up. Each connection goes to one of the addresses that were checked here: no second
//! look-up could give others.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::AddressPolicy;
use crate::values::UserId;
use crate::webhooks::server_limits::KeyedLimits;

/// The most look-ups at once. Each takes a thread until the system gives up, even if no request waits for it any more.
const LOOK_UPS_MAX: usize = 64;
/// The most of them for one owner of endpoints, whose names may have servers that never answer.
const LOOK_UPS_OF_OWNER_MAX: usize = 4;
/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

tokio::task_local! {
    /// For whom a request looks names up. The HTTP client passes on only the name.
    static OWNER: UserId;
}

/// Sends a request for an owner: the names that it looks up count as the owner's.
pub(in crate::webhooks) async fn for_owner<T>(owner: UserId, sent: impl Future<Output = T>) -> T {
    OWNER.scope(owner, sent).await
}

/// The addresses of a name, once they are found.
pub type LookUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up. It decides nothing: which addresses may be connected to is the sender's matter.
pub trait NameResolver: Send + Sync + 'static {
    /// All addresses of a name.
    fn look_up(&self, name: &str) -> LookUp;
}

/// The resolver of the operating system: its files and its servers.
pub struct SystemResolver {
    free: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(LOOK_UPS_MAX)),
        }
    }
}

impl NameResolver for SystemResolver {
    fn look_up(&self, name: &str) -> LookUp {
        let (free, name) = (self.free.clone(), name.to_owned());
        Box::pin(async move {
            let permit = free.acquire_owned().await.map_err(io::Error::other)?;
            let found = spawn_blocking(move || {
                let found = (name.as_str(), 0).to_socket_addrs();
                drop(permit);
                found.map(|found| found.map(|address| address.ip()).collect::<Vec<IpAddr>>())
            });
            found.await.map_err(io::Error::other)?
        })
    }
}

/// Gives the HTTP client the addresses of a name, if all of them are allowed.
pub(super) struct CheckedResolver {
    policy: AddressPolicy,
    resolver: Arc<dyn NameResolver>,
    of_owner: Arc<KeyedLimits<Option<UserId>>>,
}

impl CheckedResolver {
    pub fn new(policy: AddressPolicy, resolver: Arc<dyn NameResolver>) -> Self {
        Self {
            policy,
            resolver,
            of_owner: Arc::new(KeyedLimits::new(LOOK_UPS_OF_OWNER_MAX)),
        }
    }
}

/// Answered when a name has no address, or one that is not allowed.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address that is allowed")]
struct RefusedName;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, look_up) = (self.policy, self.resolver.look_up(name.as_str()));
        // Requests without an owner share the places of one.
        let owner = OWNER.try_with(|owner| *owner).ok();
        let of_owner = self.of_owner.clone();
        Box::pin(async move {
            let permit = of_owner.take(owner).await;
            // On its own: the system goes on with a look-up, and the permit is taken, after its request has ended.
            let found = tokio::spawn(async move {
                let _permit = permit;
                look_up.await
            });
            let found = found.await??;
            if !policy.admits_all(&found) {
                return Err(RefusedName.into());
            }
            // The client puts the port of the URL in the place of 0.
            let addresses = found
                .into_iter()
                .take(ADDRESSES_MAX)
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use uuid::Uuid;

    use super::*;

    /// Counts the look-ups that have begun, and answers none.
    struct SilentNames(Arc<AtomicUsize>);

    impl NameResolver for SilentNames {
        fn look_up(&self, _: &str) -> LookUp {
            let begun = self.0.clone();
            Box::pin(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                pending().await
            })
        }
    }

    #[tokio::test]
    async fn an_owner_whose_names_hang_leaves_places_to_others() {
        let begun = Arc::new(AtomicUsize::new(0));
        let resolver = CheckedResolver::new(AddressPolicy::PublicOnly, Arc::new(SilentNames(begun.clone())));
        let owners = [1; LOOK_UPS_OF_OWNER_MAX + 3].into_iter().chain([2]);
        for owner in owners {
            let given_up = async {
                let name = "hangs.example".parse().expect("it is a name");
                timeout(Duration::ZERO, resolver.resolve(name)).await.is_err()
            };
            assert!(for_owner(UserId(Uuid::from_u128(owner)), given_up).await);
        }
        for _ in 0..10 {
            yield_now().await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), LOOK_UPS_OF_OWNER_MAX + 1);
    }
}
