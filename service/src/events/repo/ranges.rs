//! The ranges of indexes that contain a list of events.
//!
//! What moved money is found through the entries of its wallets, holds and releases through partial indexes by either
//! side, refusals through partial indexes by source and by the user who asked, changes by their wallet. Each index ends in
//! the id, so a range is read oldest first from any id on, and no further than a page needs.

use sea_orm::Value;

use super::super::kinds::EventType;
use super::super::sight::Sight;
use crate::db::SqlDialect;
use crate::values::{TransferId, TransferKind, UserId, WalletId};

/// Where the records of a list are found.
pub(in crate::events) enum EventSource {
    /// Among all records.
    Journal,
    /// In ranges of indexes, which may have other records too.
    Ranges {
        ranges: Vec<IdRange>,
        /// A transfer that is in none of the ranges.
        also: Option<TransferId>,
    },
}

/// The ids of an index that has the key, if there is one, and then the id.
pub(in crate::events) struct IdRange {
    table: &'static str,
    /// `None` for the primary key. SQLite is told to take it.
    index: Option<&'static str>,
    /// The column of the id.
    id: &'static str,
    /// The column before it, with the value that the records have.
    key: Option<(&'static str, Value)>,
    /// The condition of a partial index, as in the schema: a generic plan cannot use the index for a parameter.
    condition: Option<&'static str>,
}

const IS_HELD: &str = "kind IN (5, 6) AND status <> 3";
const IS_REFUSED: &str = "status = 3";

/// The events of what moved money, in which each wallet has an entry.
const MOVED: [EventType; 5] = [
    EventType::TransferCompleted,
    EventType::HoldCaptured,
    EventType::DepositCompleted,
    EventType::WithdrawalCompleted,
    EventType::ReversalCompleted,
];
const HELD: [EventType; 3] = [EventType::HoldCreated, EventType::HoldReleased, EventType::HoldExpired];
const CHANGED: [EventType; 5] = [
    EventType::WalletOpened,
    EventType::WalletFrozen,
    EventType::WalletUnfrozen,
    EventType::WalletClosed,
    EventType::WalletLimitsChanged,
];
/// The events of each kind of transfer but TRANSFER, which has no index: most transfers are of that kind.
const OF_KINDS: [(TransferKind, &[EventType]); 6] = [
    (TransferKind::Deposit, &[EventType::DepositCompleted]),
    (TransferKind::Withdrawal, &[EventType::WithdrawalCompleted]),
    (TransferKind::Reversal, &[EventType::ReversalCompleted]),
    (TransferKind::Hold, &[EventType::HoldCreated]),
    (
        TransferKind::Release,
        &[EventType::HoldReleased, EventType::HoldExpired],
    ),
    (TransferKind::Capture, &[EventType::HoldCaptured]),
];

impl EventSource {
    /// Where the events are that a caller sees.
    pub fn of(sight: &Sight) -> Self {
        if let Some(transfer) = sight.transfer() {
            return Self::Ranges {
                ranges: vec![IdRange::by_parent(transfer)],
                also: Some(transfer),
            };
        }
        let ranges = match sight.wallets() {
            None if sight.wants(&[EventType::TransferCompleted]) => return Self::Journal,
            None => of_types(sight),
            Some(wallets) => {
                let each = wallets.iter().flat_map(|wallet| of_wallet(sight, *wallet));
                let asker = sight.asker().filter(|_| sight.wants(&[EventType::TransferFailed]));
                each.chain(asker.map(IdRange::refused_to)).collect()
            }
        };
        Self::Ranges { ranges, also: None }
    }
}

/// The ranges of the whole bank that have some types of events.
fn of_types(sight: &Sight) -> Vec<IdRange> {
    let of_kinds = OF_KINDS.into_iter().filter(|(_, types)| sight.wants(types));
    let mut ranges: Vec<IdRange> = of_kinds.map(|(kind, _)| IdRange::of_kind(kind)).collect();
    if sight.wants(&[EventType::TransferFailed]) {
        ranges.push(IdRange::transfers(Some("transfers_refused"), None, IS_REFUSED));
    }
    if sight.wants(&CHANGED) {
        ranges.push(IdRange::changes(None, None));
    }
    ranges
}

/// The ranges of a wallet.
fn of_wallet(sight: &Sight, wallet: WalletId) -> Vec<IdRange> {
    let by = |column: &'static str| Some((column, Value::from(wallet)));
    let mut ranges = Vec::new();
    if sight.wants(&MOVED) {
        ranges.push(IdRange {
            table: "entries",
            index: None,
            id: "transfer_id",
            key: by("wallet_id"),
            condition: None,
        });
    }
    if sight.wants(&HELD) {
        let (source, destination) = (by("source_wallet_id"), by("destination_wallet_id"));
        ranges.push(IdRange::transfers(Some("transfers_held_by_source"), source, IS_HELD));
        ranges.push(IdRange::transfers(
            Some("transfers_held_by_destination"),
            destination,
            IS_HELD,
        ));
    }
    if sight.wants(&[EventType::TransferFailed]) {
        let source = by("source_wallet_id");
        ranges.push(IdRange::transfers(
            Some("transfers_refused_by_source"),
            source,
            IS_REFUSED,
        ));
    }
    if sight.wants(&CHANGED) {
        ranges.push(IdRange::changes(Some("changes_by_subject"), by("subject")));
    }
    ranges
}

impl IdRange {
    fn transfers(index: Option<&'static str>, key: Option<(&'static str, Value)>, condition: &'static str) -> Self {
        Self {
            table: "transfers",
            index,
            id: "id",
            key,
            condition: Some(condition),
        }
    }

    fn changes(index: Option<&'static str>, key: Option<(&'static str, Value)>) -> Self {
        Self {
            table: "changes",
            index,
            id: "id",
            key,
            condition: None,
        }
    }

    fn by_parent(parent: TransferId) -> Self {
        let key = Some(("parent_id", parent.into()));
        Self::transfers(Some("transfers_by_parent"), key, "parent_id IS NOT NULL")
    }

    fn refused_to(asker: UserId) -> Self {
        let key = Some(("created_by", asker.into()));
        let condition = "status = 3 AND created_by IS NOT NULL";
        Self::transfers(Some("transfers_refused_by_asker"), key, condition)
    }

    fn of_kind(kind: TransferKind) -> Self {
        Self::transfers(Some("transfers_payments"), Some(("kind", kind.into())), "kind <> 1")
    }

    /// The first ids of the range from `$1` through `$2`, oldest first. Adds the value of its key to those of the statement.
    ///
    /// The bounds and the order are those of the key and the id, which only this index has, as in `db::IndexRange`: with `=`
    /// and the order of ids alone, PostgreSQL may walk the primary key instead. `count` stands in the text, since PostgreSQL
    /// takes a parameter for a tenth of all rows.
    pub fn first(&self, dialect: SqlDialect, count: u64, values: &mut Vec<Value>) -> String {
        let Self { id, .. } = self;
        let table = match self.index {
            Some(index) if !dialect.is_postgres() => format!("{} INDEXED BY {index}", self.table),
            _ => self.table.to_owned(),
        };
        let condition = self
            .condition
            .map_or_else(String::new, |condition| format!("{condition} AND "));
        let (bounds, order) = match &self.key {
            None => (format!("{id} >= $1 AND {id} <= $2"), (*id).to_owned()),
            Some((name, value)) => {
                values.push(value.clone());
                let key = values.len();
                let bounds = format!("({name}, {id}) >= (${key}, $1) AND ({name}, {id}) <= (${key}, $2)");
                (bounds, format!("{name}, {id}"))
            }
        };
        format!("SELECT {id} AS id FROM {table} WHERE {condition}{bounds} ORDER BY {order} LIMIT {count}")
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;
    use uuid::Uuid;

    use super::super::super::scope::{EventFilter, EventScope};
    use super::*;

    const WALLET: WalletId = WalletId(Uuid::from_u128(11));
    const USER: UserId = UserId(Uuid::from_u128(1));

    fn indexes(scope: &EventScope, filter: &EventFilter) -> Option<Vec<&'static str>> {
        match EventSource::of(&Sight::new(scope, vec![WALLET], filter)) {
            EventSource::Journal => None,
            EventSource::Ranges { ranges, .. } => {
                Some(ranges.iter().map(|range| range.index.unwrap_or(range.table)).collect())
            }
        }
    }

    fn of_types(types: &[EventType]) -> EventFilter {
        EventFilter {
            types: Some(types.iter().copied().collect()),
            ..EventFilter::default()
        }
    }

    #[test]
    fn a_list_is_found_in_the_ranges_that_have_its_types() {
        let own = EventScope::Own { user: USER, only: None };
        let whole = [
            "entries",
            "transfers_held_by_source",
            "transfers_held_by_destination",
            "transfers_refused_by_source",
            "changes_by_subject",
            "transfers_refused_by_asker",
        ];
        assert_eq!(indexes(&own, &EventFilter::default()).as_deref(), Some(&whole[..]));
        let held = indexes(&own, &of_types(&[EventType::HoldExpired]));
        assert_eq!(held.as_deref(), Some(&whole[1..3]));
        assert_eq!(indexes(&EventScope::All, &EventFilter::default()), None);
        assert_eq!(
            indexes(&EventScope::All, &of_types(&[EventType::TransferCompleted])),
            None
        );
        let rare = [
            EventType::DepositCompleted,
            EventType::TransferFailed,
            EventType::WalletFrozen,
        ];
        let rare = indexes(&EventScope::All, &of_types(&rare));
        assert_eq!(rare, Some(vec!["transfers_payments", "transfers_refused", "changes"]));
        assert_eq!(indexes(&EventScope::All, &of_types(&[])), Some(Vec::new()));
        let of_transfer = EventFilter {
            transfer: Some(TransferId(Uuid::from_u128(7))),
            ..EventFilter::default()
        };
        assert_eq!(indexes(&own, &of_transfer), Some(vec!["transfers_by_parent"]));
    }

    #[test]
    fn bounds_are_keys_of_the_index() {
        let first = |range: &IdRange, backend| {
            let mut values = vec![Value::from("first"), Value::from("last")];
            (range.first(SqlDialect::new(backend), 51, &mut values), values.len())
        };
        let refused = IdRange::refused_to(USER);
        assert_eq!(
            first(&refused, DbBackend::Postgres),
            (
                "SELECT id AS id FROM transfers WHERE status = 3 AND created_by IS NOT NULL AND \
                 (created_by, id) >= ($3, $1) AND (created_by, id) <= ($3, $2) ORDER BY created_by, id LIMIT 51"
                    .to_owned(),
                3
            )
        );
        assert_eq!(
            first(&IdRange::changes(None, None), DbBackend::Sqlite),
            (
                "SELECT id AS id FROM changes WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT 51".to_owned(),
                2
            )
        );
        let (text, _) = first(&refused, DbBackend::Sqlite);
        assert!(
            text.contains("FROM transfers INDEXED BY transfers_refused_by_asker WHERE"),
            "{text}"
        );
    }
}
