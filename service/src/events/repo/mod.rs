//! The SQL of reading events: the ids of the records that a list may have. The ledger reads the records.

mod ranges;

pub(super) use ranges::{EventSource, IdRange};

use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::db::{Fault, SqlDialect};
use crate::values::RecordId;

/// The most ranges that one statement merges; SQLite allows at most 500 parts in a union.
const MERGED_MAX: usize = 400;

/// Which ids are looked at: those after one, through another.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdSpan {
    pub after: RecordId,
    pub through: RecordId,
}

/// The first ids of some ranges together, oldest first and each once: at most `count`, and at most `count` are read from
/// each range.
pub(super) async fn first_ids(
    db: &impl ConnectionTrait,
    ranges: &[IdRange],
    span: IdSpan,
    count: u64,
) -> Result<Vec<RecordId>, Fault> {
    let mut ids: Vec<RecordId> = Vec::new();
    for some in ranges.chunks(MERGED_MAX) {
        let rows = db.query_all_raw(statement(db, some, span, count)).await?;
        for row in &rows {
            ids.push(row.try_get("", "id")?);
        }
    }
    // A transfer between two wallets of one customer may be in two chunks.
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(ids)
}

/// The union is distinct: a transfer between two wallets of one customer is in the ranges of both.
fn statement(db: &impl ConnectionTrait, ranges: &[IdRange], span: IdSpan, count: u64) -> Statement {
    let dialect = SqlDialect::of(db);
    let first = Uuid::from_u128(span.after.0.as_u128().saturating_add(1));
    let mut values: Vec<Value> = vec![first.into(), span.through.into()];
    let parts = ranges.iter().map(|range| {
        let ids = range.first(dialect, count, &mut values);
        format!("SELECT id FROM ({ids}) AS part")
    });
    let parts = parts.collect::<Vec<String>>().join(" UNION ");
    let sql = format!("SELECT id FROM ({parts}) AS merged ORDER BY id LIMIT {count}");
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}
