//! The SQL of following the journal.

use std::sync::LazyLock;

use entity::{journal, ledger};
use sea_orm::prelude::Uuid;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Statement,
};

use super::{Completed, FeedFilter, FoundRecords, Mark, counted_kind};
use crate::db::Fault;
use crate::values::{Currency, Method, Money, RecordId, Sha256Digest, Timestamp, TransferKind, TransferStatus};

/// The part of a journal's row that a follower needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    pub mark: Mark,
    pub last_id: RecordId,
    /// The bank's time of the commit; never before that of the row before.
    pub at: Timestamp,
    /// How many transfers it has, recorded refusals included.
    pub transfers: u64,
    /// How many changes of wallets it has.
    pub changes: u64,
}

/// Rows from a number on, in order: at most `limit`, and none beyond `through`.
pub async fn rows_from(
    db: &impl ConnectionTrait,
    number: i64,
    through: Option<i64>,
    limit: u64,
) -> Result<Vec<JournalRow>, Fault> {
    let rows = select()
        .filter(journal::Column::Number.gte(number))
        .apply_if(through, |query, through| {
            query.filter(journal::Column::Number.lte(through))
        })
        .order_by_asc(journal::Column::Number)
        .limit(limit);
    read(db, rows).await
}

/// The newest row.
pub async fn head(db: &impl ConnectionTrait) -> Result<JournalRow, Fault> {
    let rows = select().order_by_desc(journal::Column::Number).limit(1);
    first(read(db, rows).await?)
}

/// The ledger's own id.
pub async fn ledger_id(db: &impl ConnectionTrait) -> Result<Uuid, Fault> {
    let found = ledger::Entity::find()
        .select_only()
        .column(ledger::Column::Id)
        .into_tuple()
        .one(db);
    let found: Option<Uuid> = found.await?;
    found.ok_or_else(|| DbErr::RecordNotFound("the ledger has no row".to_owned()).into())
}

/// Sends a text to all who listen to a channel, on PostgreSQL.
pub async fn notify(db: &impl ConnectionTrait, channel: &str, text: &str) -> Result<(), Fault> {
    let values = [channel.into(), text.into()];
    let notify = Statement::from_sql_and_values(db.get_database_backend(), "SELECT pg_notify($1, $2)", values);
    db.execute_raw(notify).await?;
    Ok(())
}

/// The mark of a follower that has counted nothing; `None` if row 0 is missing.
pub async fn first_mark(db: &impl ConnectionTrait) -> Result<Option<Mark>, Fault> {
    let found = rows_from(db, 0, Some(0), 1).await?;
    Ok(found.first().map(|row| row.mark))
}

/// The greatest id up to a mark; `None` when the journal does not have the mark.
pub async fn last_id_of(db: &impl ConnectionTrait, mark: Mark) -> Result<Option<RecordId>, Fault> {
    let rows = rows_from(db, mark.number, Some(mark.number), 1).await?;
    let found = rows.into_iter().find(|row| row.mark == mark);
    Ok(found.map(|row| row.last_id))
}

/// False when the journal does not have the mark: the database went back to an earlier state.
pub async fn has_row(db: &impl ConnectionTrait, mark: Mark) -> Result<bool, Fault> {
    Ok(last_id_of(db, mark).await?.is_some())
}

fn select() -> sea_orm::Select<journal::Entity> {
    journal::Entity::find().select_only().columns([
        journal::Column::Number,
        journal::Column::Digest,
        journal::Column::LastId,
        journal::Column::At,
        journal::Column::Transfers,
        journal::Column::Changes,
    ])
}

async fn read(db: &impl ConnectionTrait, rows: sea_orm::Select<journal::Entity>) -> Result<Vec<JournalRow>, Fault> {
    let rows: Vec<(i64, Sha256Digest, RecordId, Timestamp, i32, i32)> = rows.into_tuple().all(db).await?;
    let rows = rows
        .into_iter()
        .map(|(number, digest, last_id, at, transfers, changes)| JournalRow {
            mark: Mark { number, digest },
            last_id,
            at,
            transfers: transfers.unsigned_abs().into(),
            changes: changes.unsigned_abs().into(),
        });
    Ok(rows.collect())
}

fn first(rows: Vec<JournalRow>) -> Result<JournalRow, Fault> {
    let first = rows.into_iter().next();
    first.ok_or_else(|| DbErr::RecordNotFound("the journal has no row".to_owned()).into())
}

#[derive(FromQueryResult)]
struct TransferRow {
    kind: TransferKind,
    status: TransferStatus,
    currency: Currency,
    amount: Money,
    method: Option<Method>,
    created_at: Timestamp,
}

/// The transfers after one id, up to and including another: how many there are, and the completed ones that the filter
/// admits.
pub async fn movements(
    db: &impl ConnectionTrait,
    filter: FeedFilter,
    after: RecordId,
    through: RecordId,
) -> Result<FoundRecords<Completed>, Fault> {
    let bounded = |sql: &str| {
        let bounds = [after.into(), through.into()];
        Statement::from_sql_and_values(db.get_database_backend(), sql, bounds)
    };
    let counted = match filter {
        FeedFilter::All => None,
        FeedFilter::Payments => db.query_one_raw(bounded(COUNT)).await?,
    };
    let rows = TransferRow::find_by_statement(bounded(match filter {
        FeedFilter::All => ALL,
        FeedFilter::Payments => &PAYMENTS,
    }));
    let rows = rows.all(db).await?;
    let transfers = match counted {
        None => rows.len() as u64,
        Some(counted) => counted.try_get::<i64>("", "n")?.unsigned_abs(),
    };
    let completed = rows.into_iter().filter(|row| row.status == TransferStatus::Completed);
    let completed = completed.filter_map(|row| {
        Some(Completed {
            kind: counted_kind(row.kind, row.method.as_ref())?,
            currency: row.currency,
            amount: row.amount,
            method: row.method,
            at: row.created_at,
        })
    });
    Ok(FoundRecords {
        transfers,
        changes: None,
        items: completed.collect(),
    })
}

const ALL: &str =
    "SELECT kind, status, currency, amount, method, created_at FROM transfers WHERE id > $1 AND id <= $2 ORDER BY id";

/// Deposits, withdrawals, and captures of held withdrawals, of `transfers t`. The kinds are written out, and `kind <> 1` as
/// the index has it: else neither database sees that `transfers_payments` serves.
pub(crate) const IS_PAYMENT: &str = "t.kind <> 1 AND t.kind IN (2, 3, 7) AND (t.kind <> 7 OR t.method IS NOT NULL)";

/// The kind that a payment of `transfers t` counts as; see `counted_kind`.
pub(crate) const PAYMENT_KIND: &str = "CASE t.kind WHEN 7 THEN 3 ELSE t.kind END";

static PAYMENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT kind, status, currency, amount, method, created_at FROM transfers t \
         WHERE {IS_PAYMENT} AND id > $1 AND id <= $2"
    )
});

const COUNT: &str = "SELECT count(*) AS n FROM transfers WHERE id > $1 AND id <= $2";
