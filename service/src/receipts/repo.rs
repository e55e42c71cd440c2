//! The SQL of receipts: the group commit that has a transfer, and the leaves of that commit. What is read here is written
//! once, so the statements need no transaction.

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::commit::{FoundCommit, StoredLeaves};
use crate::db::{Fault, SqlDialect};
use crate::journal::{ChainRow, ChangeLeaf, Salt};
use crate::ledger::{leaf_columns, leaf_of_transfer, times_are_finite, transfer_in};
use crate::values::{RecordId, Sha256Digest};

/// The commit of the record with this id; `None` if no row of the journal has it, or the rows around it are missing.
pub(super) async fn commit_of(db: &impl ConnectionTrait, id: RecordId) -> Result<Option<FoundCommit>, Fault> {
    let sql = binary_search_sql(SqlDialect::of(db));
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()]);
    let found = db.query_one_raw(query).await?;
    found.as_ref().map(read_commit).transpose()
}

/// Ids grow along the journal, and no index has them, so the row is found by binary search over the primary key: each step
/// looks one row up by its number, about twenty of a million. The search ends without an answer where a row is missing.
fn binary_search_sql(dialect: SqlDialect) -> String {
    let is_finite = dialect.is_finite("made.at");
    // CROSS JOIN: SQLite keeps the order of the tables, and so looks the journal up by number.
    format!(
        "WITH RECURSIVE span (low, high) AS ( \
             SELECT CAST(0 AS bigint), (SELECT max(number) FROM journal) \
             UNION ALL \
             SELECT CASE WHEN middle.last_id < $1 THEN middle.number ELSE span.low END, \
                 CASE WHEN middle.last_id < $1 THEN span.high ELSE middle.number END \
             FROM span CROSS JOIN journal AS middle \
             WHERE span.high - span.low > 1 AND middle.number = (span.low + span.high) / 2 \
         ) \
         SELECT made.number, made.at, made.last_id, made.transfers, made.changes, made.root, made.digest, \
             previous.digest, previous.last_id \
         FROM span CROSS JOIN journal AS made CROSS JOIN journal AS previous \
         WHERE span.high - span.low = 1 AND made.number = span.high AND previous.number = span.low \
             AND previous.last_id < $1 AND made.last_id >= $1 AND {is_finite}"
    )
}

/// A row of the search, by the positions of its columns.
fn read_commit(row: &QueryResult) -> Result<FoundCommit, Fault> {
    let (transfers, changes): (i32, i32) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    Ok(FoundCommit {
        row: ChainRow {
            number: row.try_get_by_index(0)?,
            at: row.try_get_by_index(1)?,
            last_id: row.try_get_by_index(2)?,
            transfers: transfers.unsigned_abs(),
            changes: changes.unsigned_abs(),
            root: row.try_get_by_index(5)?,
        },
        digest: row.try_get_by_index(6)?,
        previous_digest: row.try_get_by_index(7)?,
        previous_id: row.try_get_by_index(8)?,
    })
}

/// The leaves of the transfers and changes of a commit, each in the order of ids: all of them, or one more than the row
/// counts. Changes are read only where the row counts some.
pub(super) async fn leaves_of(
    db: &impl ConnectionTrait,
    commit: &FoundCommit,
    salt: &Salt,
) -> Result<StoredLeaves, Fault> {
    let dialect = SqlDialect::of(db);
    let transfers = rows_in(db, &transfers_sql(dialect), commit, commit.row.transfers).await?;
    let changes = match commit.row.changes {
        0 => Vec::new(),
        counted => rows_in(db, CHANGES, commit, counted).await?,
    };
    let transfers = transfers.iter().map(|row| transfer_leaf(row, salt));
    let changes = changes.iter().map(|row| change_leaf(row, salt));
    Ok(StoredLeaves {
        transfers: transfers.collect::<Result<_, _>>()?,
        changes: changes.collect::<Result<_, _>>()?,
    })
}

async fn rows_in(
    db: &impl ConnectionTrait,
    sql: &str,
    commit: &FoundCommit,
    counted: u32,
) -> Result<Vec<QueryResult>, Fault> {
    let values = [
        commit.previous_id.into(),
        commit.row.last_id.into(),
        (i64::from(counted) + 1).into(),
    ];
    let query = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.query_all_raw(query).await?)
}

/// A row with an infinite time, on which the driver panics, is left out, and is missing in the count.
fn transfers_sql(dialect: SqlDialect) -> String {
    let (columns, is_finite) = (leaf_columns(), times_are_finite(dialect));
    format!("SELECT {columns} FROM transfers WHERE id > $1 AND id <= $2 AND {is_finite} ORDER BY id LIMIT $3")
}

fn transfer_leaf(row: &QueryResult, salt: &Salt) -> Result<(RecordId, Sha256Digest), Fault> {
    let transfer = transfer_in(row)?;
    Ok((transfer.id.into(), leaf_of_transfer(&transfer, salt)))
}

/// The columns of a change that enter its leaf, in the order in which `change_leaf` reads them.
const CHANGES: &str = "SELECT id, kind, subject, created_by, before, after FROM changes \
    WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";

fn change_leaf(row: &QueryResult, salt: &Salt) -> Result<(RecordId, Sha256Digest), Fault> {
    let (before, after): (Option<String>, String) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
    let leaf = ChangeLeaf {
        id: row.try_get_by_index(0)?,
        kind: row.try_get_by_index(1)?,
        subject: row.try_get_by_index(2)?,
        created_by: row.try_get_by_index(3)?,
        before: before.as_deref(),
        after: &after,
    };
    Ok((leaf.id.into(), leaf.digest(salt)))
}
