//! Failed sign-ins, by account and by address, with delays that grow.
//!
//! An attacker who keeps guessing takes every try of an account away from its owner, but the delay never passes the
//! slowest quota's period: the owner's next try is at most a quarter of an hour away.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::counts::Throttle;
use super::places::{SignInPlace, SignInPlaces};
use super::quota::ThrottleQuota;
use super::{ThrottleKey, TooMany};

/// Failures of one account: five at once, then one in 30 s; after 20 one in 3 minutes; after 100 one in 14.4 minutes,
/// which is 100 a day.
const OF_ACCOUNT: [ThrottleQuota; 3] = [
    ThrottleQuota::new(5, Duration::from_secs(30)),
    ThrottleQuota::new(20, Duration::from_secs(180)),
    ThrottleQuota::new(100, Duration::from_secs(864)),
];

/// Failures from one address, which a whole office may share: 50 at once, then one in 6 s; after 500 one a minute.
const OF_ADDRESS: [ThrottleQuota; 2] = [
    ThrottleQuota::new(50, Duration::from_secs(6)),
    ThrottleQuota::new(500, Duration::from_secs(60)),
];

/// Counts failed sign-ins, and lets few of an account run at a time.
#[derive(Clone)]
pub struct SignIns {
    by_account: Arc<Throttle>,
    by_address: Arc<Throttle>,
    places: SignInPlaces,
}

/// Why a sign-in may not try its password. Nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// Answered when too many have failed.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Answered while others of the account are under way.
    #[error("too many sign-ins of this account at a time")]
    Overloaded,
}

/// A sign-in that may try its password. Say how it ended; one that is dropped counts as failed if it was counted when it
/// began.
#[must_use]
pub struct SignInAttempt {
    sign_ins: SignIns,
    account: ThrottleKey,
    address: Option<ThrottleKey>,
    /// While failures are remembered, a try is counted when it begins, so that many at once are not more than the quota.
    is_counted: bool,
    place: SignInPlace,
}

impl SignIns {
    pub(super) fn new(throttle: &impl Fn(&'static str, &[ThrottleQuota]) -> Throttle) -> Self {
        Self {
            by_account: Arc::new(throttle("sign-ins:account", &OF_ACCOUNT)),
            by_address: Arc::new(throttle("sign-ins:address", &OF_ADDRESS)),
            places: SignInPlaces::default(),
        }
    }

    /// Refuses a sign-in that follows too many failures, or comes while others of the account are under way, before anything
    /// is hashed. An account is counted whether it exists or not: otherwise the answer would tell.
    pub async fn begin(&self, account: ThrottleKey, address: Option<IpAddr>) -> Result<SignInAttempt, SignInRefusal> {
        let address = address.map(ThrottleKey::address);
        if let Some(address) = address {
            self.by_address.look(address).await?;
        }
        let is_counted = self.by_account.take_if_used(account).await?;
        // After the throttle, so that an attacker who is refused by it takes no place of the owner's.
        let Some(place) = self.places.take(account) else {
            if is_counted {
                self.by_account.give_back(account).await;
            }
            return Err(SignInRefusal::Overloaded);
        };
        Ok(SignInAttempt {
            sign_ins: self.clone(),
            account,
            address,
            is_counted,
            place,
        })
    }

    /// Refuses a one-time token from an address from which too many sign-ins have failed: trying tokens is guessing too.
    pub(in crate::identity) async fn look_at(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        match address {
            Some(address) => self.by_address.look(ThrottleKey::address(address)).await,
            None => Ok(()),
        }
    }

    /// Counts a wrong one-time token as a failed sign-in from its address.
    pub(in crate::identity) async fn count_failure_at(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.by_address.count_failure(ThrottleKey::address(address)).await;
        }
    }
}

impl SignInAttempt {
    /// The password was wrong, or there is no such account.
    pub async fn failed(self) {
        let sign_ins = &self.sign_ins;
        if !self.is_counted {
            sign_ins.by_account.count_failure(self.account).await;
        }
        if let Some(address) = self.address {
            sign_ins.by_address.count_failure(address).await;
        }
    }

    /// It succeeded, or the password was not looked at: it does not count. Keep the place while more is hashed.
    pub async fn forget(self) -> SignInPlace {
        if self.is_counted {
            self.sign_ins.by_account.give_back(self.account).await;
        }
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::identity::throttle::Throttles;

    fn sign_ins() -> SignIns {
        let clock: Arc<dyn crate::clock::Clock> = Arc::new(SystemClock);
        Throttles::new(0, &clock, None).sign_ins
    }

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[tokio::test]
    async fn failures_are_throttled_and_successes_are_not() {
        let (sign_ins, ana) = (sign_ins(), ThrottleKey::account("ana@example.com"));
        for _ in 0..50 {
            sign_ins.begin(ana, None).await.expect("it passes").forget().await;
        }
        for _ in 0..5 {
            sign_ins.begin(ana, None).await.expect("it passes").failed().await;
        }
        match sign_ins.begin(ana, None).await.err().expect("it is one too many") {
            SignInRefusal::TooMany(refused) => assert!((1..=30).contains(&refused.retry_after_s), "{refused}"),
            SignInRefusal::Overloaded => panic!("no other is under way"),
        }
        let ben = ThrottleKey::account("ben@example.com");
        sign_ins
            .begin(ben, None)
            .await
            .expect("others may go on")
            .forget()
            .await;
    }

    #[tokio::test]
    async fn many_tries_at_once_are_no_way_around_after_the_first_failures() {
        let (sign_ins, ana) = (sign_ins(), ThrottleKey::account("ana@example.com"));
        sign_ins.begin(ana, None).await.expect("it passes").failed().await;
        let first = sign_ins.begin(ana, None).await.expect("it passes");
        let second = sign_ins.begin(ana, None).await.expect("it passes");
        for _ in 0..10 {
            let refused = sign_ins.begin(ana, None).await.err();
            assert_eq!(refused, Some(SignInRefusal::Overloaded), "it takes no try");
        }
        first.failed().await;
        second.failed().await;
        let last = [
            sign_ins.begin(ana, None).await.expect("two are left"),
            sign_ins.begin(ana, None).await.expect("one is left"),
        ];
        let refused = sign_ins.begin(ana, None).await.err();
        assert!(matches!(refused, Some(SignInRefusal::TooMany(_))), "{refused:?}");
        for attempt in last {
            attempt.failed().await;
        }
        let refused = sign_ins.begin(ana, None).await.err();
        assert!(matches!(refused, Some(SignInRefusal::TooMany(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_success_gives_its_try_back_and_keeps_its_place_as_long_as_asked() {
        let (sign_ins, ana) = (sign_ins(), ThrottleKey::account("ana@example.com"));
        for _ in 0..4 {
            sign_ins.begin(ana, None).await.expect("it passes").failed().await;
        }
        let place = sign_ins.begin(ana, None).await.expect("it passes").forget().await;
        let other = sign_ins.begin(ana, None).await.expect("its try was given back");
        drop(other.forget().await);
        let other = sign_ins
            .begin(ana, None)
            .await
            .expect("its place is free")
            .forget()
            .await;
        assert_eq!(sign_ins.begin(ana, None).await.err(), Some(SignInRefusal::Overloaded));
        drop((place, other));
        let last = sign_ins.begin(ana, None).await.expect("both places are free");
        last.failed().await;
        let refused = sign_ins.begin(ana, None).await.err();
        assert!(matches!(refused, Some(SignInRefusal::TooMany(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn an_address_is_throttled_over_all_accounts() {
        let sign_ins = sign_ins();
        let account = |number: usize| ThrottleKey::account(&format!("user{number}@example.com"));
        for number in 0..50 {
            let attempt = sign_ins.begin(account(number), address("192.0.2.1")).await;
            attempt.expect("it passes").failed().await;
        }
        assert!(sign_ins.begin(account(50), address("192.0.2.1")).await.is_err());
        let elsewhere = sign_ins.begin(account(50), address("192.0.2.2")).await;
        elsewhere.expect("another address passes").forget().await;
    }
}
