//! Throttles: how often a sign-in may fail, a person register or ask for a mail, or a caller ask, and how many sign-ins
//! of an account may run at a time.
//!
//! Each counts by the generic cell rate algorithm (GCRA): a caller has so many tries at once, and gets one back after
//! each period. Where Redis is configured all replicas count together; while it is out of reach, and without it, each
//! process counts alone. Who is counted is a digest: no address and no e-mail stands in memory or in Redis.

mod counts;
mod memory;
mod places;
mod quota;
mod shared;
mod sign_ins;

pub use self::places::SignInPlace;
pub use self::sign_ins::{SignInAttempt, SignInRefusal, SignIns};

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::counts::Throttle;
use self::quota::ThrottleQuota;
use self::shared::SharedCounts;
use super::Email;
use crate::clock::Clock;
use crate::redis::Redis;

/// Registrations from one address: ten at once, and one a minute.
const REGISTRATIONS: [ThrottleQuota; 1] = [ThrottleQuota::new(10, Duration::from_secs(60))];

/// Mails to one address, whether it is a user's or not: three at once, and one in ten minutes.
const MAILS_TO: [ThrottleQuota; 1] = [ThrottleQuota::new(3, Duration::from_secs(600))];

/// Mails that one caller asks for: 20 at once, and one in 30 s. A whole office may share an address.
const MAILS_BY: [ThrottleQuota; 1] = [ThrottleQuota::new(20, Duration::from_secs(30))];

/// All throttles of a bank.
pub struct Throttles {
    /// Failed sign-ins and wrong one-time tokens. This one is never off.
    pub sign_ins: SignIns,
    /// Mails that callers ask for. This one is never off.
    pub mails: AskedMails,
    /// Registrations by address.
    pub registrations: Registrations,
    /// Requests by caller.
    pub callers: CallerLimit,
}

/// Whose tries are counted: the first half of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThrottleKey([u8; 16]);

/// Answered when the tries are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; the next one in {retry_after_s} s")]
pub struct TooMany {
    /// Seconds until the next try may pass; at least 1.
    pub retry_after_s: u32,
}

/// What a caller has left of the general limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerBudget {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests that may follow at once.
    pub left: u32,
    /// Seconds until there is one more.
    pub more_in_s: u32,
    /// `Some` when this request is one too many.
    pub refused: Option<TooMany>,
}

/// Registrations by address; off without a general limit.
pub struct Registrations(Option<Throttle>);

/// Mails that callers ask for, by the address that they go to and by who asks.
pub struct AskedMails {
    to: Throttle,
    by: Throttle,
}

/// The general limit of requests by caller; off at 0 requests a minute.
pub struct CallerLimit {
    per_minute: u32,
    throttle: Option<Throttle>,
}

impl Throttles {
    /// With 0 requests a minute only failed sign-ins and asked mails are counted.
    #[must_use]
    pub fn new(per_minute: u32, clock: &Arc<dyn Clock>, redis: Option<Redis>) -> Self {
        let shared = redis.map(|redis| Arc::new(SharedCounts::new(redis)));
        let throttle = |name, quotas: &[ThrottleQuota]| Throttle::new(name, quotas, clock, shared.clone());
        let unless_off = |name, quotas: &[ThrottleQuota]| (per_minute > 0).then(|| throttle(name, quotas));
        Self {
            sign_ins: SignIns::new(&throttle),
            mails: AskedMails {
                to: throttle("mails:to", &MAILS_TO),
                by: throttle("mails:by", &MAILS_BY),
            },
            registrations: Registrations(unless_off("registrations", &REGISTRATIONS)),
            callers: CallerLimit {
                per_minute,
                throttle: unless_off("callers", &[ThrottleQuota::per_minute(per_minute)]),
            },
        }
    }
}

impl Registrations {
    /// Counts a registration, or refuses it. One whose address is unknown is not counted.
    pub async fn count(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        match (&self.0, address) {
            (Some(throttle), Some(address)) => throttle.take(ThrottleKey::address(address)).await,
            (None, _) | (_, None) => Ok(()),
        }
    }
}

impl AskedMails {
    /// Counts a mail, or refuses it. `asker` is a user or a client's address; a client whose address is unknown is not
    /// counted.
    pub(super) async fn count(&self, asker: Option<ThrottleKey>, to: &Email) -> Result<(), TooMany> {
        if let Some(asker) = asker {
            self.by.take(asker).await?;
        }
        self.to.take(ThrottleKey::account(to.as_str())).await
    }
}

impl CallerLimit {
    /// False when every caller may ask as often as they like.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.throttle.is_some()
    }

    /// True when a request of this caller would be one too many now. Counts nothing.
    pub async fn refuses(&self, caller: ThrottleKey) -> bool {
        match &self.throttle {
            Some(throttle) => throttle.look(caller).await.is_err(),
            None => false,
        }
    }

    /// Counts a request. `None` when the limit is off.
    pub async fn count(&self, caller: ThrottleKey) -> Option<CallerBudget> {
        let counted = self.throttle.as_ref()?.count_request(caller).await;
        Some(CallerBudget {
            per_minute: self.per_minute,
            left: counted.left,
            more_in_s: seconds(counted.more_in),
            refused: counted.refused(),
        })
    }
}

impl ThrottleKey {
    /// An account, whether it exists or not, by the address that a sign-in names. An address has one spelling here only
    /// where `Email` has given it its form.
    #[must_use]
    pub fn account(email: &str) -> Self {
        Self::of(b"account", email.as_bytes())
    }

    /// A user who has signed in, and the user's API keys: otherwise each new key would have tries of its own.
    #[must_use]
    pub fn user(id: Uuid) -> Self {
        Self::of(b"user", id.as_bytes())
    }

    /// A client's address. A client with IPv6 usually has a whole /64 network: all of it counts as one.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of(b"address", &address.octets()),
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
                Self::of(b"address", &network.octets())
            }
        }
    }

    /// The kind stands first, so that a user and an address never share their tries.
    fn of(kind: &[u8], value: &[u8]) -> Self {
        let digest = Sha256::new_with_prefix(kind)
            .chain_update([0])
            .chain_update(value)
            .finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// Whole seconds, rounded up, at least one.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_kinds_differ_and_a_network_is_one_key() {
        let address = |text: &str| ThrottleKey::address(text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        let id = Uuid::from_u128(0xc000_0201 << 96);
        assert_ne!(ThrottleKey::user(id), address("c000:201::"), "the same bytes");
        assert_ne!(
            ThrottleKey::account("a@example.com"),
            ThrottleKey::account("b@example.com")
        );
    }

    #[test]
    fn waits_are_rounded_up_to_seconds() {
        for (millis, expected) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (864_000, 864)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
