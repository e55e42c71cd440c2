//! Emptying columns of many rows, a page at a time: other writers go on between two pages, and after a crash the same sweep
//! goes on where rows are left.

use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use serde_json::json;

use super::{Db, Fault, SqlDialect};

/// The most rows that are looked at, and emptied, at once.
const PAGE_MAX: usize = 5_000;
/// The same on SQLite, where an update keeps every other writer out.
const SQLITE_PAGE_MAX: usize = 1_000;

/// Rows that are found by one index, and what is emptied of them. All parts are SQL, in which `$1` is the key.
pub(crate) struct Sweep {
    /// The table of the index, its first column, and the one behind it, which has the ids of the rows.
    pub index: (&'static str, &'static str, &'static str),
    /// More conditions, those of a partial index among them: each begins with ` AND `.
    pub also: String,
    /// What the first column is.
    pub key: Uuid,
    /// The table of the rows, whose own column is `id`. In the conditions it is `t`.
    pub table: &'static str,
    /// Whether a row has something that is to be emptied.
    pub is_left: String,
    /// The assignments that empty a row.
    pub emptied: &'static str,
}

impl Db {
    /// Empties the next rows after an id, at most some thousands, and gives the last id that was looked at; `None` when no
    /// more rows follow. Writes nothing where nothing is left.
    pub(crate) async fn sweep(&self, sweep: &Sweep, after: Option<Uuid>) -> Result<Option<Uuid>, Fault> {
        let page_max = if SqlDialect::new(self.backend()).is_postgres() {
            PAGE_MAX
        } else {
            SQLITE_PAGE_MAX
        };
        let rows = self.read.query_all_raw(self.next_rows(sweep, after, page_max)).await?;
        let rows: Result<Vec<(Uuid, bool)>, DbErr> = rows
            .iter()
            .map(|row| Ok((row.try_get("", "id")?, row.try_get("", "is_left")?)))
            .collect();
        let rows = rows?;
        let left = rows.iter().filter(|(_, is_left)| *is_left);
        let left: Vec<String> = left.map(|(id, _)| id.simple().to_string()).collect();
        if !left.is_empty() {
            let update = self.update(sweep, &left);
            let work = self.transaction(move |tx| {
                Box::pin(async move {
                    tx.execute_raw(update).await?;
                    Ok::<_, Fault>(())
                })
            });
            work.await?;
        }
        let last = rows.last().map(|(id, _)| *id);
        Ok(last.filter(|_| rows.len() == page_max))
    }

    /// The ids are bounded before they are joined, so that no plan reads more rows than a page. The bounds and the order are
    /// those of the index, as in `IndexRange`: by the order of ids alone PostgreSQL may go through the whole table.
    fn next_rows(&self, sweep: &Sweep, after: Option<Uuid>, page_max: usize) -> Statement {
        let Sweep {
            index: (found_in, key, id),
            also,
            table,
            is_left,
            ..
        } = sweep;
        let mut values: Vec<Value> = vec![sweep.key.into()];
        let from = match after {
            Some(after) => {
                values.push(Uuid::from_u128(after.as_u128().saturating_add(1)).into());
                format!("({key}, {id}) >= ($1, $2)")
            }
            None => format!("{key} >= $1"),
        };
        let sql = format!(
            "SELECT r.id AS id, coalesce({is_left}, false) AS is_left \
             FROM (SELECT {id} AS id FROM {found_in} WHERE {key} IS NOT NULL AND {from} AND {key} <= $1{also} \
             ORDER BY {key}, {id} LIMIT {page_max}) AS r \
             LEFT JOIN {table} AS t ON t.id = r.id ORDER BY r.id"
        );
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    /// The ids are one parameter, so that the text of the statement does not depend on their number.
    fn update(&self, sweep: &Sweep, ids: &[String]) -> Statement {
        let among = SqlDialect::new(self.backend()).choose(
            "SELECT json_array_elements_text($1::json)::uuid",
            "SELECT unhex(value) FROM json_each($1)",
        );
        let Sweep { table, emptied, .. } = sweep;
        let sql = format!("UPDATE {table} SET {emptied} WHERE id IN ({among})");
        let values: [Value; 1] = [json!(ids).to_string().into()];
        Statement::from_sql_and_values(self.backend(), sql, values)
    }
}
