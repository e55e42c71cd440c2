//! Finds the wallet of a person whom a caller names by an e-mail address. Unknown addresses are throttled, so that the bank
//! is no directory of its customers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::TransferError;
use super::request::NewDestination;
use crate::actor::Actor;
use crate::db::Db;
use crate::identity::user_with;
use crate::ledger::Destination;
use crate::values::{UserId, WalletId};
use crate::wallets::{WalletError, Wallets};

/// How many unknown addresses a caller may name at once, and how long one more takes.
const MISSES_MAX: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
const MISS_EVERY: Duration = Duration::from_secs(30);
/// Beyond this many callers, those whose last unknown address was long ago are forgotten.
const CALLERS_MAX: usize = 10_000;

/// The look-up of payees.
#[derive(Clone)]
pub(super) struct Payees {
    db: Db,
    wallets: Wallets,
    misses: Arc<DefaultKeyedRateLimiter<UserId>>,
}

impl Payees {
    pub fn new(db: Db, wallets: Wallets) -> Self {
        let quota = Quota::with_period(MISS_EVERY).map(|quota| quota.allow_burst(MISSES_MAX));
        Self {
            db,
            wallets,
            misses: Arc::new(RateLimiter::keyed(quota.expect("the period is not zero"))),
        }
    }

    /// The wallet that a caller names: by its id, or by the e-mail address of the person who has it, in the currency of
    /// `source`.
    pub async fn find(
        &self,
        actor: Actor,
        source: WalletId,
        destination: &NewDestination,
    ) -> Result<Destination, TransferError> {
        let email = match destination {
            NewDestination::Wallet(id) => return Ok(Destination::Wallet(*id)),
            NewDestination::Email(email) => email,
        };
        let currency = match self.wallets.get(actor, source).await {
            Ok(wallet) => wallet.currency,
            // The ledger refuses the source before it looks at the destination.
            Err(WalletError::NotFound) => return Ok(Destination::Payee(None)),
            Err(error) => return Err(error.into()),
        };
        let payee = user_with(&self.db.read, email).await?;
        let found = match payee {
            Some(payee) => self.wallets.of_user(payee, currency).await?,
            None => None,
        };
        if found.is_none() {
            self.note_miss(actor)?;
        }
        Ok(Destination::Payee(found))
    }

    fn note_miss(&self, actor: Actor) -> Result<(), TransferError> {
        if self.misses.len() > CALLERS_MAX {
            self.misses.retain_recent();
        }
        let not_until = match self.misses.check_key(&actor.user) {
            Ok(()) => return Ok(()),
            Err(not_until) => not_until,
        };
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        Err(TransferError::TooManyLookups {
            retry_after_s: u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX),
        })
    }
}
