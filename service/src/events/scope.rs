//! Whose events a caller may see, and which of them are asked for. Pure.

use std::sync::Arc;

use super::kinds::EventTypes;
use crate::actor::{Actor, Permission};
use crate::clock::{id_floor, time_of_id};
use crate::values::{RecordId, TransferId, UserId, WalletId};

/// Who looks. Which wallets a user has is looked up for each page, since the user may open some at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventScope {
    /// A caller who sees every event.
    All,
    /// An API key of the staff that is limited to some wallets, of any owner.
    Only(Arc<[WalletId]>),
    /// A user who sees the events of their own wallets.
    Own {
        /// The user.
        user: UserId,
        /// Of an API key, the only wallets that it may use; `None` if no list narrows them.
        only: Option<Arc<[WalletId]>>,
    },
}

/// Which events are asked for, of those that the caller may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these types; `None` for all.
    pub types: Option<EventTypes>,
    /// Only events of these wallets; `None` for every wallet that the caller may see.
    pub wallets: Option<Vec<WalletId>>,
    /// Only those of this transfer, and of its captures, releases and reversals; `None` for all.
    pub transfer: Option<TransferId>,
}

impl EventScope {
    /// What an actor may see: all with `events:read`, otherwise their own wallets', as far as they may use these.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        match (actor.may(Permission::EventsRead), &actor.wallets) {
            (true, None) => Self::All,
            (true, Some(only)) => Self::Only(only.clone()),
            (false, only) => Self::Own {
                user: actor.user,
                only: only.clone(),
            },
        }
    }

    /// The user whose wallets must be looked up.
    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::All | Self::Only(_) => None,
            Self::Own { user, .. } => Some(*user),
        }
    }

    /// True if the caller sees the events of others too.
    pub(super) fn is_of_staff(&self) -> bool {
        match self {
            Self::All | Self::Only(_) => true,
            Self::Own { .. } => false,
        }
    }

    /// What a cursor of this caller names when everything through a record was looked at: that record where the caller sees
    /// every event, otherwise the beginning of its microsecond, since the record may be of others. Records are at least a
    /// microsecond apart, so no record lies in between. It is never before `told`: the last event that the caller has, or
    /// the cursor that they came with.
    pub(super) fn place_of(&self, through: RecordId, told: RecordId) -> RecordId {
        match self {
            Self::All => through,
            Self::Only(_) | Self::Own { .. } => beginning_of(through).max(told),
        }
    }
}

/// The first id that a record of the same microsecond could have.
fn beginning_of(record: RecordId) -> RecordId {
    // An id that holds no time of ours may be before the first id of its time.
    RecordId(id_floor(time_of_id(record.0)).min(record.0))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::actor::Permissions;
    use crate::clock::id_at;
    use crate::values::{ApiKeyId, Role, Timestamp};

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const KEY: ApiKeyId = ApiKeyId(Uuid::from_u128(2));

    #[test]
    fn staff_see_all_and_customers_their_own() {
        let own = EventScope::Own { user: ANA, only: None };
        for (role, expected) in [
            (Role::Customer, &own),
            (Role::Support, &EventScope::All),
            (Role::Operator, &EventScope::All),
            (Role::Auditor, &EventScope::All),
            (Role::Admin, &EventScope::All),
        ] {
            assert_eq!(EventScope::of(&Actor::new(ANA, role)), *expected, "{role}");
        }
    }

    #[test]
    fn a_limited_key_sees_its_wallets_only() {
        let only: Arc<[WalletId]> = [WalletId(Uuid::from_u128(11))].into();
        let of = |scopes: &[Permission]| {
            let scopes = Permissions::from_iter(scopes.iter().copied());
            EventScope::of(&Actor::with_key((ANA, Role::Operator), KEY, scopes, Some(only.clone())))
        };
        let all = of(&[Permission::TransfersRead, Permission::EventsRead]);
        assert_eq!(all, EventScope::Only(only.clone()));
        let own = EventScope::Own {
            user: ANA,
            only: Some(only.clone()),
        };
        assert_eq!(of(&[Permission::TransfersRead]), own);
    }

    /// Two hundred records, a microsecond apart where they follow each other closely, and whether each is of the caller.
    fn journal(own: impl Fn(usize) -> bool) -> Vec<(RecordId, bool)> {
        let mut at = Timestamp::from_timestamp_micros(1_700_000_000_000_000).expect("this is a time");
        let mut records = Vec::new();
        for number in 0..200 {
            at += TimeDelta::microseconds(if number % 7 == 0 { 1_000 } else { 1 });
            records.push((RecordId(id_at(at)), own(number)));
        }
        records
    }

    /// The records of the caller after a cursor, of the next `width` records, and the cursor behind them.
    fn page(
        (scope, journal): (&EventScope, &[(RecordId, bool)]),
        after: RecordId,
        width: usize,
    ) -> (Vec<RecordId>, RecordId) {
        let looked: Vec<_> = journal.iter().filter(|(id, _)| *id > after).take(width).collect();
        let own: Vec<RecordId> = looked.iter().filter(|(_, own)| *own).map(|(id, _)| *id).collect();
        let through = looked.last().map_or(journal[journal.len() - 1].0, |(id, _)| *id);
        let told = own.last().copied().unwrap_or(after);
        (own, scope.place_of(through, told))
    }

    #[test]
    fn no_cursor_of_a_customer_names_a_record_of_others_and_pages_miss_nothing() {
        let scope = EventScope::Own { user: ANA, only: None };
        let owners: [fn(usize) -> bool; 5] = [|_| false, |_| true, |n| n % 2 == 0, |n| n % 37 == 3, |n| n == 199];
        for own in owners {
            let journal = journal(own);
            let expected: Vec<RecordId> = journal.iter().filter(|(_, own)| *own).map(|(id, _)| *id).collect();
            for width in [2, 3, 50, 200] {
                let (mut shown, mut after) = (Vec::new(), RecordId::BELOW_ALL);
                for _ in 0..220 {
                    let (some, next) = page((&scope, &journal), after, width);
                    shown.extend(some);
                    assert!(next >= after, "a cursor goes back");
                    assert!(!journal.contains(&(next, false)), "a cursor names a record of others");
                    after = next;
                }
                assert_eq!(shown, expected, "{width}");
                let (more, end) = page((&scope, &journal), after, width);
                assert!(more.is_empty() && end == after);
            }
        }
    }

    #[test]
    fn a_caller_who_sees_all_gets_the_record_and_others_never_less_than_they_have() {
        let own = EventScope::Own { user: ANA, only: None };
        let [(first, _), (second, _)] = [journal(|_| true)[0], journal(|_| true)[1]];
        assert_eq!(EventScope::All.place_of(first, second), first);
        assert_eq!(own.place_of(first, first), first);
        assert_eq!(own.place_of(first, second), second);
        let between = own.place_of(second, first);
        assert!(between > first && between < second);
        assert_eq!(
            own.place_of(RecordId::BELOW_ALL, RecordId::BELOW_ALL),
            RecordId::BELOW_ALL
        );
    }
}
