//! Checks what is kept of callers' batches against their transfers. The outcomes are read a page of batches at a time,
//! and not compared by a query: JSON that is damaged would be a fault there.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use super::dialect::{BooksDialect, SqlCheck};
use super::{Check, OFFENDERS_MAX, id_bytes, id_text, id_value};
use crate::db::Fault;
use crate::ledger::types::{BatchResults, ItemResult};

/// Items of batches that are read at once, and kept in memory, if the next batches are as large as the last ones. A batch has
/// up to a thousand.
const ITEMS: usize = 4_000;
/// Batches that are read first, while their size is not known, and the most that are read at once.
const PAGES: [usize; 2] = [4, 500];

const CLAIM: &str = "every batch keeps the outcomes of its transfers, in their order";

pub(super) fn checks_of_batches(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    vec![(
        "every transfer of a batch has the outcomes of that batch kept",
        format!(
            "SELECT t.id AS id, {none} FROM transfers t LEFT JOIN batches b ON b.id = t.batch_id \
             WHERE t.batch_id IS NOT NULL AND b.id IS NULL"
        ),
    )]
}

/// A batch as it is stored, damaged or not.
struct StoredBatch {
    id: Vec<u8>,
    /// `None` if it is no text.
    results: Option<String>,
}

/// Reads all batches. The transfers that a batch names as recorded must be those that have its id, and at least one.
pub(super) async fn batches_keep_their_outcomes(tx: &DatabaseTransaction) -> Result<Check, Fault> {
    let mut offenders = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    let [mut size, most] = PAGES;
    loop {
        let page = batches_after(tx, after.as_deref(), size).await?;
        let Some(last) = page.last().map(|batch| batch.id.clone()) else {
            break;
        };
        let transfers = transfers_of(tx, &page[0].id, &last).await?;
        let items: usize = transfers.values().map(Vec::len).sum();
        size = (ITEMS * page.len() / items.max(1)).clamp(1, most);
        for batch in page {
            let made = transfers.get(&batch.id).map(Vec::as_slice).unwrap_or_default();
            if offenders.len() < OFFENDERS_MAX && !keeps_outcomes(batch.results.as_deref(), made) {
                offenders.push(id_text(&batch.id));
            }
        }
        after = Some(last);
    }
    Ok(Check {
        claim: CLAIM,
        offenders,
    })
}

async fn batches_after(tx: &DatabaseTransaction, after: Option<&[u8]>, size: usize) -> Result<Vec<StoredBatch>, Fault> {
    let size = size as i64;
    let backend = tx.get_database_backend();
    let query = match after {
        None => {
            let sql = "SELECT id, results FROM batches ORDER BY id LIMIT $1";
            Statement::from_sql_and_values(backend, sql, [size.into()])
        }
        Some(after) => {
            let sql = "SELECT id, results FROM batches WHERE id > $1 ORDER BY id LIMIT $2";
            Statement::from_sql_and_values(backend, sql, [id_value(backend, after), size.into()])
        }
    };
    let rows = tx.query_all_raw(query).await?;
    rows.iter()
        .map(|row| {
            Ok(StoredBatch {
                id: id_bytes(row, "id")?,
                results: row.try_get("", "results").ok(),
            })
        })
        .collect()
}

/// The ids of the transfers of batches from one id through another, in order.
async fn transfers_of(
    tx: &DatabaseTransaction,
    first: &[u8],
    last: &[u8],
) -> Result<HashMap<Vec<u8>, Vec<Vec<u8>>>, Fault> {
    let backend = tx.get_database_backend();
    let sql = "SELECT batch_id, id FROM transfers WHERE batch_id IS NOT NULL AND batch_id >= $1 AND batch_id <= $2 \
               ORDER BY batch_id, id";
    let range = [id_value(backend, first), id_value(backend, last)];
    let mut transfers: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    for row in tx
        .query_all_raw(Statement::from_sql_and_values(backend, sql, range))
        .await?
    {
        let batch = id_bytes(&row, "batch_id")?;
        transfers.entry(batch).or_default().push(id_bytes(&row, "id")?);
    }
    Ok(transfers)
}

/// Whether results name exactly these transfers as recorded. Items are decided in order, so their ids grow.
fn keeps_outcomes(results: Option<&str>, transfers: &[Vec<u8>]) -> bool {
    let items = match results.and_then(BatchResults::read) {
        None => return false,
        Some(BatchResults::Done { items }) => items,
        Some(BatchResults::Refused { item, .. }) => vec![item],
    };
    let recorded = items.iter().filter_map(|item| match item {
        ItemResult::Recorded(transfer) => Some(&transfer.0.as_bytes()[..]),
        ItemResult::Refused(_) => None,
    });
    !transfers.is_empty() && recorded.eq(transfers.iter().map(Vec::as_slice))
}
