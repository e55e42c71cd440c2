//! The SQL of reading transfers.
//!
//! A wallet's completed transfers are found through its entries, refused ones through a partial index by source.
//! Transfers have no other index by wallet, since each would cost the commit path a fifth of its speed.

use entity::{entries, transfers, wallets};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait, IntoTableRef, Order, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value,
};

use super::TransferFilter;
use crate::clock::id_floor;
use crate::db::Fault;
use crate::ledger::{Transfer, transfer_of};
use crate::page::{Page, PageRequest};
use crate::values::{Timestamp, TransferId, TransferKind, TransferStatus, UserId, WalletId};

pub(super) async fn find(db: &impl ConnectionTrait, id: TransferId) -> Result<Option<Transfer>, Fault> {
    transfers::Entity::find_by_id(id)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

/// A transfer that the owner of these wallets may see. One statement on one table, so that another customer's transfer
/// takes as long as one that does not exist.
pub(super) async fn find_of(
    db: &impl ConnectionTrait,
    own: &[WalletId],
    id: TransferId,
) -> Result<Option<Transfer>, Fault> {
    let is_own = |side: transfers::Column| side.is_in(own.iter().copied());
    let is_shown = Condition::any().add(is_own(transfers::Column::SourceWalletId)).add(
        Condition::all()
            .add(is_own(transfers::Column::DestinationWalletId))
            .add(transfers::Column::Status.ne(TransferStatus::Failed)),
    );
    transfers::Entity::find_by_id(id)
        .filter(is_shown)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

pub(super) async fn wallets_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
    let owned = wallets::Entity::find()
        .filter(wallets::Column::UserId.eq(user))
        .all(db)
        .await?;
    Ok(owned.into_iter().map(|wallet| wallet.id).collect())
}

/// Where a list takes its transfers from.
pub(super) enum Scope {
    /// The whole bank.
    Bank,
    /// These wallets.
    Wallets(Vec<WalletId>),
}

/// Transfers, newest first. A page reads only the rows that it shows; where no index serves the filter, it reads at
/// most [`SCAN_MAX`].
pub(super) async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    filter: &TransferFilter,
    request: &PageRequest<TransferId>,
) -> Result<Page<Transfer, TransferId>, Fault> {
    let span = Span::of(filter, request);
    let (scan, rows) = match scope {
        Scope::Bank => {
            let (of, is_exact) = of_bank(filter);
            let scan = if is_exact { request.fetch() } else { SCAN_MAX };
            let range = transfers::Entity::find().filter(span.within(transfers::Column::Id, of));
            let found = range.order_by_desc(transfers::Column::Id).limit(scan).all(db).await?;
            (scan, found.into_iter().map(transfer_of).collect::<Result<_, _>>()?)
        }
        Scope::Wallets(wallets) => {
            let scan = if filter.kind.is_none() {
                request.fetch()
            } else {
                SCAN_MAX
            };
            let mut rows = Vec::new();
            for some in wallets.chunks(WALLETS_MAX) {
                rows.extend(newest(db, span.of_wallets(some, filter), scan).await?);
            }
            (scan, rows)
        }
    };
    Ok(page(rows, scan, filter, request.limit))
}

/// The most rows that are read for one page where no index serves the filter. A page that reaches it may be short.
const SCAN_MAX: u64 = 1_000;
/// The most wallets whose ranges one statement merges; SQLite allows at most 500 parts in a union.
const WALLETS_MAX: usize = 100;

/// The range of an index that contains a list of the whole bank, and whether the list shows all of the range.
fn of_bank(filter: &TransferFilter) -> (Condition, bool) {
    use transfers::Column::{Kind, Status};
    match (filter.status, filter.kind) {
        (Some(status), kind) if status != TransferStatus::Completed => {
            let unfinished = is_not(Status, TransferStatus::Completed).and(Status.eq(status));
            (unfinished.into(), kind.is_none())
        }
        (status, Some(kind)) if kind != TransferKind::Transfer => {
            let rare = is_not(Kind, TransferKind::Transfer).and(Kind.eq(kind));
            (rare.into(), status.is_none())
        }
        (status, kind) => (Condition::all(), status.is_none() && kind.is_none()),
    }
}

/// The condition of a partial index, with its value written out: a generic plan cannot use the index for a parameter.
fn is_not(column: transfers::Column, value: impl Into<Value>) -> Expr {
    Expr::col(column).ne(Expr::Constant(value.into()))
}

/// The ids that a page may show. Ids carry their creation time, so a time is a bound on them.
struct Span {
    below: Option<TransferId>,
    from: Option<TransferId>,
}

impl Span {
    fn of(filter: &TransferFilter, request: &PageRequest<TransferId>) -> Self {
        let floor = |time: Timestamp| TransferId(id_floor(time));
        let to = filter.to.map(floor);
        Self {
            below: [request.after, to].into_iter().flatten().min(),
            from: filter.from.map(floor),
        }
    }

    /// Completed transfers are found through a wallet's entries, refused ones through their source.
    fn of_wallets(&self, wallets: &[WalletId], filter: &TransferFilter) -> Vec<SelectStatement> {
        let mut ranges = Vec::new();
        for wallet in wallets {
            if filter.status.is_none_or(|status| status == TransferStatus::Completed) {
                let of_wallet = entries::Column::WalletId.eq(*wallet);
                ranges.push(self.range(entries::Entity, entries::Column::TransferId, of_wallet.into()));
            }
            if filter.status != Some(TransferStatus::Completed) {
                let unfinished = is_not(transfers::Column::Status, TransferStatus::Completed);
                let of_source = unfinished.and(transfers::Column::SourceWalletId.eq(*wallet));
                ranges.push(self.range(transfers::Entity, transfers::Column::Id, of_source.into()));
            }
        }
        ranges
    }

    /// The ids of one index, newest first.
    fn range(&self, table: impl IntoTableRef, id: impl ColumnTrait, of: Condition) -> SelectStatement {
        Query::select()
            .expr_as(Expr::col(id), ID)
            .from(table)
            .cond_where(self.within(id, of))
            .order_by(id, Order::Desc)
            .to_owned()
    }

    fn within(&self, id: impl ColumnTrait, of: Condition) -> Condition {
        let below = self.below.map(|below| id.lt(below));
        let from = self.from.map(|from| id.gte(from));
        of.add_option(below).add_option(from)
    }
}

const ID: &str = "id";

/// The newest transfers in some ranges of ids, at most `count` of them; at most `count` ids are read from each range.
async fn newest(db: &impl ConnectionTrait, ranges: Vec<SelectStatement>, count: u64) -> Result<Vec<Transfer>, Fault> {
    let mut each = ranges.into_iter().map(|mut range| {
        let limited = range.limit(count).to_owned();
        Query::select().column(ID).from_subquery(limited, "range").to_owned()
    });
    // The union is distinct: a transfer between two wallets of one customer is in both ranges.
    let Some(mut merged) = each.next() else {
        return Ok(Vec::new());
    };
    for range in each {
        merged.union(UnionType::Distinct, range);
    }
    let ids = Query::select()
        .column(ID)
        .from_subquery(merged, "merged")
        .order_by(ID, Order::Desc)
        .limit(count)
        .to_owned();
    let is_one = match db.get_database_backend() {
        // As an array: PostgreSQL may join an `IN` by reading the whole table.
        DbBackend::Postgres => Expr::col(transfers::Column::Id).eq(PgFunc::any(Expr::cust_with_expr("ARRAY($1)", ids))),
        _ => transfers::Column::Id.in_subquery(ids),
    };
    let found = transfers::Entity::find()
        .filter(is_one)
        .order_by_desc(transfers::Column::Id)
        .all(db)
        .await?;
    found.into_iter().map(transfer_of).collect()
}

/// Makes a page of the rows that were read. When the filter leaves fewer rows than the limit, the next page begins
/// after the last row read.
fn page(mut rows: Vec<Transfer>, scan: u64, filter: &TransferFilter, limit: u64) -> Page<Transfer, TransferId> {
    let (scan, limit) = (rows_of(scan), rows_of(limit));
    rows.sort_unstable_by_key(|transfer| std::cmp::Reverse(transfer.id));
    rows.dedup_by_key(|transfer| transfer.id);
    rows.truncate(scan);
    let reached = rows.last().filter(|_| rows.len() == scan).map(|last| last.id);
    rows.retain(|transfer| {
        filter.kind.is_none_or(|kind| transfer.kind == kind)
            && filter.status.is_none_or(|status| transfer.status == status)
    });
    let next = if rows.len() > limit {
        rows.get(limit - 1).map(|last| last.id)
    } else {
        reached
    };
    rows.truncate(limit);
    Page { items: rows, next }
}

fn rows_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
