//! Reads records in the journal's order: transfers with how a released hold ended, and changes with their wallets.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use entity::{changes, transfers};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, IdenStatic, Iterable, QueryResult, Statement, Value};
use serde_json::json;

use super::rows::transfer_of;
use crate::clock::time_of_id;
use crate::db::{Fault, SqlDialect};
use crate::ledger::records::{Record, RecordedChange, RecordedTransfer};
use crate::ledger::types::{ChangedState, Transfer, Wallet, WalletChange, WalletLimits};
use crate::values::{HoldEnd, Money, RecordId, TransferId, TransferKind, Version, WalletStatus};

/// The records after one id, up to and including another, in order: all of them, or the first ones.
pub(crate) async fn records_in(
    db: &impl ConnectionTrait,
    after: RecordId,
    through: RecordId,
    limit: Option<u64>,
) -> Result<Vec<Record>, Fault> {
    let limited = limit.map_or_else(String::new, |limit| format!(" ORDER BY t.id LIMIT {limit}"));
    let range = "WHERE t.id > $1 AND t.id <= $2";
    let values = || -> Vec<Value> { vec![after.into(), through.into()] };
    let mut records = read(db, &format!("{range}{limited}"), values).await?;
    if let Some(limit) = limit {
        records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(records)
}

/// The records with these ids, in order. An id without a record is left out.
pub(crate) async fn records_by_id(db: &impl ConnectionTrait, ids: &[RecordId]) -> Result<Vec<Record>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let backend = db.get_database_backend();
    read(db, among(backend), || vec![ids_value(backend, ids)]).await
}

/// The condition that an id is one of `ids_value`.
fn among(backend: DbBackend) -> &'static str {
    SqlDialect::new(backend).choose(
        "WHERE t.id = ANY ($1)",
        "WHERE t.id IN (SELECT unhex(value) FROM json_each($1))",
    )
}

/// The ids are one parameter, so that the text of the statement does not depend on their number.
fn ids_value(backend: DbBackend, ids: &[RecordId]) -> Value {
    match backend {
        DbBackend::Postgres => {
            let ids = ids.iter().map(|id| Value::from(id.0)).collect();
            Value::Array(ArrayType::Uuid, Some(Box::new(ids)))
        }
        _ => {
            let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
            json!(ids).to_string().into()
        }
    }
}

/// Reads both tables by a condition on `t.id`, and merges them.
async fn read(
    db: &impl ConnectionTrait,
    condition: &str,
    values: impl Fn() -> Vec<Value>,
) -> Result<Vec<Record>, Fault> {
    let backend = db.get_database_backend();
    let of = |select: &str| Statement::from_sql_and_values(backend, format!("{select} {condition}"), values());
    let rows = db.query_all_raw(of(&TRANSFERS)).await?;
    let transfers = rows.iter().map(transfer).collect::<Result<Vec<_>, _>>()?;
    let mut records = with_ends_of_holds(db, transfers).await?;
    let rows = db.query_all_raw(of(&CHANGES)).await?;
    for row in &rows {
        records.push(change(row)?);
    }
    records.sort_unstable_by_key(Record::id);
    Ok(records)
}

/// The columns of a table by the alias `t`.
fn columns<C: IdenStatic + Iterable>() -> String {
    let names = C::iter().map(|column| format!("t.\"{0}\" AS \"{0}\"", column.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

static TRANSFERS: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM transfers t", columns::<transfers::Column>()));

/// What a wallet is besides its state never changes.
static CHANGES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, w.user_id, w.method, w.currency, w.created_at FROM changes t \
         JOIN wallets w ON w.id = t.subject",
        columns::<changes::Column>()
    )
});

fn transfer(row: &QueryResult) -> Result<Transfer, Fault> {
    transfer_of(transfers::Model::from_query_result(row, "")?)
}

/// The transfers as records, each RELEASE with how its hold ended. A hold that was released does not change any more.
async fn with_ends_of_holds(db: &impl ConnectionTrait, transfers: Vec<Transfer>) -> Result<Vec<Record>, Fault> {
    let released = |transfer: &Transfer| transfer.parent.filter(|_| transfer.kind == TransferKind::Release);
    let holds: Vec<RecordId> = transfers.iter().filter_map(released).map(RecordId::from).collect();
    let mut ends: HashMap<TransferId, HoldEnd> = HashMap::new();
    if !holds.is_empty() {
        let backend = db.get_database_backend();
        let sql = format!("SELECT t.id, t.\"end\" FROM holds t {}", among(backend));
        let read = Statement::from_sql_and_values(backend, sql, [ids_value(backend, &holds)]);
        for row in db.query_all_raw(read).await? {
            if let Some(end) = row.try_get("", "end")? {
                ends.insert(row.try_get("", "id")?, end);
            }
        }
    }
    let records = transfers.into_iter().map(|transfer| {
        Record::Transfer(RecordedTransfer {
            hold_end: released(&transfer).and_then(|hold| ends.get(&hold).copied()),
            transfer: Arc::new(transfer),
        })
    });
    Ok(records.collect())
}

fn change(row: &QueryResult) -> Result<Record, Fault> {
    let change = change_of(changes::Model::from_query_result(row, "")?)?;
    let created_at = row.try_get("", "created_at")?;
    let begun = Wallet {
        id: change.subject,
        owner: row.try_get("", "user_id")?,
        method: row.try_get("", "method")?,
        currency: row.try_get("", "currency")?,
        balance: Money::ZERO,
        held: Money::ZERO,
        status: WalletStatus::Active,
        version: Version::default(),
        created_at,
        updated_at: created_at,
        limits: None,
    };
    Ok(Record::Change(Arc::new(RecordedChange {
        wallet: change.applied_to(&begun, time_of_id(change.id.0)),
        change,
    })))
}

/// A stored row as a change. Limits that are no such text make the row a damaged one.
pub(crate) fn change_of(model: changes::Model) -> Result<WalletChange, Fault> {
    let limits = WalletLimits::from_text(&model.limits);
    let limits = limits.ok_or_else(|| Fault::damaged(&format!("the limits {:?}", model.limits)))?;
    Ok(WalletChange {
        id: model.id,
        kind: model.kind,
        subject: model.subject,
        created_by: model.created_by,
        request_id: model.request_id,
        before: model.before,
        after: model.after,
        state: ChangedState {
            balance: model.balance,
            held: model.held,
            version: model.version,
            status: model.status,
            limits,
        },
    })
}
