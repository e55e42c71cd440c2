//! When each API key was last used: noted in memory on the way of a request, and written later, at most once a minute a key.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use parking_lot::Mutex;

use super::grant::KeyGrant;
use crate::values::{ApiKeyId, Timestamp};

/// How exact the time of the last use is.
pub(super) const USE_STEP: TimeDelta = TimeDelta::minutes(1);
/// The most keys whose use waits to be written. Those beyond are noted at their next use.
const PENDING_MAX: usize = 4_096;
/// The most keys of one statement.
pub(super) const WRITE_MAX: usize = 500;

/// The keys whose last use is to be written.
#[derive(Default)]
pub(super) struct PendingUses(Mutex<BTreeSet<ApiKeyId>>);

impl PendingUses {
    /// Notes that a key is used, unless its last use was less than `USE_STEP` ago.
    pub fn note(&self, grant: &KeyGrant, now: Timestamp) {
        if grant.last_used_at.is_some_and(|last| now - last < USE_STEP) {
            return;
        }
        let mut pending = self.0.lock();
        if pending.len() < PENDING_MAX {
            pending.insert(grant.key);
        }
    }

    /// Takes at most `WRITE_MAX` keys, in the order of their ids.
    pub fn take(&self) -> Vec<ApiKeyId> {
        let mut pending = self.0.lock();
        let taken = std::iter::from_fn(|| pending.pop_first());
        taken.take(WRITE_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::actor::Permissions;
    use crate::values::{Role, UserId};

    fn grant(number: u128, last_used_at: Option<Timestamp>) -> KeyGrant {
        KeyGrant {
            key: ApiKeyId(Uuid::from_u128(number)),
            owner: UserId(Uuid::from_u128(1)),
            role: Role::Customer,
            is_live: true,
            scopes: Permissions::NONE,
            wallets: None,
            networks: None,
            ends_at: None,
            last_used_at,
        }
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let (uses, now) = (PendingUses::default(), DateTime::UNIX_EPOCH);
        uses.note(&grant(2, None), now);
        uses.note(&grant(2, None), now);
        uses.note(&grant(1, Some(now - TimeDelta::seconds(60))), now);
        uses.note(&grant(3, Some(now - TimeDelta::seconds(59))), now);
        assert_eq!(uses.take(), [1, 2].map(|number| ApiKeyId(Uuid::from_u128(number))));
        assert!(uses.take().is_empty());
    }

    #[test]
    fn only_so_many_wait_and_are_taken() {
        let uses = PendingUses::default();
        for number in 0..10_000 {
            uses.note(&grant(number, None), DateTime::UNIX_EPOCH);
        }
        let mut taken = 0;
        loop {
            let some = uses.take();
            assert!(some.len() <= WRITE_MAX);
            if some.is_empty() {
                break;
            }
            taken += some.len();
        }
        assert_eq!(taken, PENDING_MAX);
    }
}
