//! Lists of transfers, newest first, each answered from indexes with a bounded look.
//!
//! A look reads the newest ids of some ranges of indexes, then the transfers with these ids that the filter admits. The
//! first looks are short, since most pages are full by then; all looks of a page together are bounded. `ranges` has the
//! ranges, `conditions` the filter.

mod conditions;
mod ranges;

use entity::transfers;
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{CommonTableExpression, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait,
};

use self::ranges::{ID, Span};
use super::shown;
use crate::db::Fault;
use crate::ledger::{Transfer, transfer_of};
use crate::page::{Page, PageRequest};
use crate::transfers::TransferFilter;
use crate::transfers::shown::{Showing, ShownTransfer};
use crate::values::{TransferId, UserId, WalletId};

/// Whose transfers a list shows.
pub(in crate::transfers) enum Scope {
    /// Those of the whole bank.
    Bank,
    /// Those of some wallets, of any owner. Refusals are listed under their source only.
    Wallets(Vec<WalletId>),
    /// Those of a customer's wallets, and the refusals of what the customer asked for.
    Customer {
        /// The customer.
        user: UserId,
        /// All their wallets, or the one that is asked for.
        wallets: Vec<WalletId>,
        /// True if one wallet is asked for.
        is_one: bool,
    },
}

impl Scope {
    /// The wallets whose transfers it shows; none for the whole bank.
    pub fn wallets(&self) -> &[WalletId] {
        match self {
            Self::Bank => &[],
            Self::Wallets(wallets) | Self::Customer { wallets, .. } => wallets,
        }
    }
}

/// The most entries of indexes that are looked at for one page. A page that reaches it may have less than its limit.
const SCAN_MAX: u64 = 10_000;
/// How many ids the first look of a filtered list takes at least. Each further look takes ten times as many.
const FILTERED_LOOK_MIN: u64 = 100;
const LOOK_GROWTH: u64 = 10;
/// The most ranges that one statement merges; SQLite allows at most 500 parts in a union.
const MERGED_MAX: usize = 400;

/// Transfers, newest first, as they are shown. A page costs the same wherever in the list it is.
pub(in crate::transfers) async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    filter: &TransferFilter,
    request: &PageRequest<TransferId>,
    showing: Showing<'_>,
) -> Result<Page<ShownTransfer, TransferId>, Fault> {
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let is_admitted = conditions::is_admitted(scope, filter, showing.now);
    let mut span = Span::of(filter, request);
    let (mut found, mut reached) = (Vec::new(), None);
    for count in looks(first_look(filter, request), span.ranges(scope, filter).len()) {
        let look = Look {
            is_admitted: &is_admitted,
            count,
            wanted: request.fetch() - found.len() as u64,
        };
        let seen = look.at(db, &span.ranges(scope, filter)).await?;
        found.extend(seen.admitted);
        reached = seen.reached;
        if reached.is_none() || found.len() >= limit {
            break;
        }
        span.below = reached;
    }
    let next = if found.len() > limit {
        found.truncate(limit);
        found.last().map(|last| last.id)
    } else {
        reached
    };
    let mut items = shown(db, found, showing.now, showing.viewer).await?;
    // A hold may have ended since the look.
    items.retain(|transfer| filter.status.is_none_or(|status| transfer.status() == status));
    Ok(Page { items, next })
}

/// How many ids the first look takes: where the ranges have nothing else in them, those of the page.
fn first_look(filter: &TransferFilter, request: &PageRequest<TransferId>) -> u64 {
    let is_filtered =
        filter.status.is_some() || filter.kind.is_some() || filter.batch.is_some() || filter.parent.is_some();
    if is_filtered {
        Ord::max(request.fetch(), FILTERED_LOOK_MIN)
    } else {
        request.fetch()
    }
}

/// How many ids of each range the looks of one page take, one look after the other.
fn looks(first: u64, ranges: usize) -> impl Iterator<Item = u64> {
    let mut rest = Ord::max(SCAN_MAX / Ord::max(ranges as u64, 1), 1);
    let mut count = first;
    std::iter::from_fn(move || {
        let next = Ord::min(count, rest);
        rest -= next;
        count = count.saturating_mul(LOOK_GROWTH);
        (next > 0).then_some(next)
    })
}

/// One look at the newest part of some ranges.
struct Look<'a> {
    is_admitted: &'a Expr,
    /// How many of the newest ids are looked at.
    count: u64,
    /// How many admitted transfers are wanted, at least two.
    wanted: u64,
}

/// What a look has seen.
#[derive(Default)]
struct Seen {
    /// Admitted transfers, newest first.
    admitted: Vec<Transfer>,
    /// Everything down to this id was seen; `None` if that is everything there is.
    reached: Option<TransferId>,
}

impl Look<'_> {
    async fn at(&self, db: &impl ConnectionTrait, ranges: &[SelectStatement]) -> Result<Seen, Fault> {
        let mut all = Seen::default();
        for some in ranges.chunks(MERGED_MAX) {
            let part = self.seen(&db.query_all(&self.statement(db.get_database_backend(), some)).await?)?;
            all.admitted.extend(part.admitted);
            all.reached = Ord::max(all.reached, part.reached);
        }
        // A transfer between two wallets of one customer may be in two parts.
        all.admitted
            .sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.id));
        all.admitted.dedup_by_key(|transfer| transfer.id);
        // Below that id another part may have transfers that were not seen.
        all.admitted
            .retain(|transfer| all.reached.is_none_or(|reached| transfer.id >= reached));
        Ok(all)
    }

    fn seen(&self, rows: &[QueryResult]) -> Result<Seen, Fault> {
        let mut seen = Seen::default();
        if let Some(first) = rows.first() {
            seen.reached = first.try_get("", REACHED)?;
        }
        let mut last = None;
        for row in rows {
            let transfer = transfer_of(transfers::Model::from_query_result(row, "")?)?;
            last = Some(transfer.id);
            let is_admitted: Option<bool> = row.try_get("", ADMITTED)?;
            if is_admitted == Some(true) {
                seen.admitted.push(transfer);
            }
        }
        if rows.len() as u64 == self.wanted {
            seen.reached = last;
        }
        Ok(seen)
    }

    /// The admitted ones among the newest transfers of some ranges. The last transfer that is looked at comes along, admitted
    /// or not, so that a look that admits nothing still says how far it came.
    fn statement(&self, backend: DbBackend, ranges: &[SelectStatement]) -> SelectStatement {
        let newest = CommonTableExpression::new()
            .table_name(NEWEST)
            .query(merged(ranges, self.count))
            .materialized(true)
            .to_owned();
        let ids = Query::select().column(ID).from(NEWEST).to_owned();
        let last = ids
            .clone()
            .order_by(ID, Order::Desc)
            .offset(self.count - 1)
            .limit(1)
            .to_owned();
        let id = || Expr::col((transfers::Entity, transfers::Column::Id));
        let is_among = match backend {
            // As an array: PostgreSQL may join an `IN` by reading the whole table.
            DbBackend::Postgres => id().eq(PgFunc::any(Expr::cust_with_expr("ARRAY($1)", ids))),
            _ => transfers::Column::Id.in_subquery(ids),
        };
        let is_wanted = Condition::any()
            .add(self.is_admitted.clone())
            .add(id().eq(last.clone()));
        let mut found = transfers::Entity::find()
            .expr_as(self.is_admitted.clone(), ADMITTED)
            .expr_as(last, REACHED)
            .filter(is_among)
            .filter(is_wanted)
            .order_by_desc(transfers::Column::Id)
            .limit(self.wanted)
            .into_query();
        found.with_cte(newest);
        found
    }
}

const NEWEST: &str = "newest";
const ADMITTED: &str = "admitted";
const REACHED: &str = "reached";

/// The newest ids of some ranges, at most `count`; at most `count` are read from each range.
fn merged(ranges: &[SelectStatement], count: u64) -> SelectStatement {
    let mut each = ranges.iter().map(|range| {
        let limited = range.clone().limit(count).to_owned();
        Query::select().column(ID).from_subquery(limited, "range").to_owned()
    });
    let mut all = each.next().expect("a look has at least one range");
    // The union is distinct: a transfer between two wallets of one customer is in both ranges.
    for range in each {
        all.union(UnionType::Distinct, range);
    }
    Query::select()
        .column(ID)
        .from_subquery(all, "merged")
        .order_by(ID, Order::Desc)
        .limit(count)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_of_a_page_are_bounded_together() {
        for ranges in [0, 1, 5, 13, 720, 50_000] {
            for first in [2, 51, 100, 501] {
                let all: Vec<u64> = looks(first, ranges).collect();
                let entries = all.iter().sum::<u64>() * ranges as u64;
                assert!(
                    entries <= Ord::max(SCAN_MAX, ranges as u64),
                    "{first}, {ranges}: {all:?}"
                );
                assert!(!all.is_empty() && all.len() < 6, "{first}, {ranges}: {all:?}");
            }
        }
        assert_eq!(looks(100, 1).collect::<Vec<_>>(), [100, 1_000, 8_900]);
    }
}
