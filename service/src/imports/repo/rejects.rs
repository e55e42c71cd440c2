//! The SQL of the rejected lines that are kept. They are written in the transaction that moves the checkpoint behind
//! them.

use entity::import_rejects;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement};

use super::signed;
use crate::db::{Fault, SqlDialect};
use crate::imports::kept::RejectedLine;
use crate::imports::lists::LineNumber;
use crate::page::PageRequest;
use crate::values::ImportId;

/// Writes lines, which are one parameter: a JSON array of line, reason and text.
pub const INSERT_ON_POSTGRES: &str = "
INSERT INTO import_rejects (import_id, line, reason, raw)
SELECT $1, (list.reject ->> 0)::bigint, list.reject ->> 1, list.reject ->> 2
FROM json_array_elements($2::json) AS list (reject)
ON CONFLICT DO NOTHING";
pub const INSERT_ON_SQLITE: &str = "
INSERT INTO import_rejects (import_id, line, reason, raw)
SELECT $1, list.value ->> 0, list.value ->> 1, list.value ->> 2
FROM json_each($2) AS list WHERE true
ON CONFLICT DO NOTHING";

const COPY: &str = "
INSERT INTO import_rejects (import_id, line, reason, raw)
SELECT $2, line, reason, raw FROM import_rejects WHERE import_id = $1
ON CONFLICT DO NOTHING";

/// Writes lines on either database.
pub async fn insert(db: &impl ConnectionTrait, import: ImportId, lines: &str) -> Result<(), Fault> {
    let sql = SqlDialect::of(db).choose(INSERT_ON_POSTGRES, INSERT_ON_SQLITE);
    let values = [import.into(), lines.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await?;
    Ok(())
}

/// Gives an import the lines of another one of the same content.
pub async fn copy(db: &impl ConnectionTrait, from: ImportId, to: ImportId) -> Result<(), Fault> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), COPY, [from.into(), to.into()]);
    db.execute_raw(statement).await?;
    Ok(())
}

/// The lines of an import behind a line, in the order of the file.
pub async fn list(
    db: &impl ConnectionTrait,
    import: ImportId,
    request: &PageRequest<LineNumber>,
) -> Result<Vec<RejectedLine>, Fault> {
    let rows = import_rejects::Entity::find()
        .filter(import_rejects::Column::ImportId.eq(import))
        .apply_if(request.after, |query, after| {
            query.filter(import_rejects::Column::Line.gt(signed(after.0)))
        })
        .order_by_asc(import_rejects::Column::Line)
        .limit(request.fetch())
        .all(db)
        .await?;
    let lines = rows.into_iter().map(|row| {
        let line = u64::try_from(row.line).map_err(|_| Fault::damaged("a line of an import"))?;
        Ok(RejectedLine {
            line,
            reason: row.reason,
            raw: row.raw,
        })
    });
    lines.collect()
}
