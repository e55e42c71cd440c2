//! Runs the checks that are one query each, which compare the tables of the books with each other, and counts the rows.
//! What changes, in `wallets` and `holds`, is compared with the rows that are written once.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use super::audit::checks_of_audit;
use super::batches::checks_of_batches;
use super::changes::checks_of_changes;
use super::dialect::{BooksDialect, SqlCheck};
use super::entries::{
    WALLETS_OF_TRANSFERS, checks_of_entries, checks_of_last_records, wallets_of_transfers_without_entries,
};
use super::holds::checks_of_holds;
use super::limits::checks_of_limits;
use super::reversals::checks_of_reversals;
use super::wallets::checks_of_wallets;
use super::{Check, OFFENDERS_MAX, id_bytes, id_text};
use crate::db::{Fault, units_of_parts};

/// How many rows there are.
pub(super) struct BookCounts {
    pub wallets: u64,
    pub transfers: u64,
    pub entries: u64,
    pub changes: u64,
    pub currencies: u64,
}

/// Counts the rows. Transfers and entries were counted when they were read, unless the journal is damaged.
pub(super) async fn count_rows(
    tx: &DatabaseTransaction,
    transfers: Option<u64>,
    entries: u64,
) -> Result<BookCounts, Fault> {
    Ok(BookCounts {
        wallets: count(tx, "SELECT count(*) AS n FROM wallets", []).await?,
        transfers: match transfers {
            Some(transfers) => transfers,
            None => count(tx, "SELECT count(*) AS n FROM transfers", []).await?,
        },
        entries,
        changes: count(tx, "SELECT count(*) AS n FROM changes", []).await?,
        currencies: count(tx, "SELECT count(DISTINCT currency) AS n FROM wallets", []).await?,
    })
}

/// The results of the checks that always run, without those of the entries that stand among them.
pub(super) struct BookChecks {
    before_entries: Vec<Check>,
    after_entries: Vec<Check>,
}

impl BookChecks {
    /// All checks, in the order in which they are reported.
    pub fn in_order(self, entries: Vec<Check>, last: [Check; 2]) -> Vec<Check> {
        let first = self.before_entries.into_iter().chain(entries);
        first.chain(self.after_entries).chain(last).collect()
    }
}

/// Runs every such check but those of the entries.
pub(super) async fn compare_books(tx: &DatabaseTransaction) -> Result<BookChecks, Fault> {
    let dialect = BooksDialect::of(tx);
    let wallets = [checks_of_wallets(dialect), checks_of_last_records(dialect)];
    let others = [
        checks_of_holds(dialect),
        checks_of_reversals(dialect),
        checks_of_batches(dialect),
        checks_of_limits(dialect),
        checks_of_changes(dialect),
        checks_of_audit(dialect),
    ];
    let before_entries = run_all(tx, wallets.into_iter().flatten()).await?;
    let mut after_entries = run_all(tx, others.into_iter().flatten()).await?;
    after_entries.push(currencies_sum_to_zero(tx, dialect).await?);
    Ok(BookChecks {
        before_entries,
        after_entries,
    })
}

/// The checks of the entries, of which `entry_proof` has proved that they hold. It has not read the wallets of transfers
/// without entries, so a query does.
pub(super) async fn proved_entries(tx: &DatabaseTransaction) -> Result<Vec<Check>, Fault> {
    let dialect = BooksDialect::of(tx);
    let mut checks = Vec::new();
    for (claim, _) in checks_of_entries(dialect) {
        let offenders = match claim {
            WALLETS_OF_TRANSFERS => offenders(tx, wallets_of_transfers_without_entries(dialect)).await?,
            _ => Vec::new(),
        };
        checks.push(Check { claim, offenders });
    }
    Ok(checks)
}

/// Runs the checks of the entries, which name what is wrong. They join and sort whole tables.
pub(super) async fn name_wrong_entries(tx: &DatabaseTransaction) -> Result<Vec<Check>, Fault> {
    run_all(tx, checks_of_entries(BooksDialect::of(tx)).into_iter()).await
}

async fn run_all(tx: &DatabaseTransaction, queries: impl Iterator<Item = SqlCheck>) -> Result<Vec<Check>, Fault> {
    let mut checks = Vec::new();
    for (claim, sql) in queries {
        let offenders = offenders(tx, sql).await?;
        checks.push(Check { claim, offenders });
    }
    Ok(checks)
}

async fn offenders(tx: &DatabaseTransaction, sql: String) -> Result<Vec<String>, Fault> {
    let limited = format!("{sql} LIMIT {OFFENDERS_MAX}");
    let rows = tx
        .query_all_raw(Statement::from_string(tx.get_database_backend(), limited))
        .await?;
    rows.iter()
        .map(|row| {
            let id = id_text(&id_bytes(row, "id")?);
            let version: Option<i64> = row.try_get("", "version")?;
            Ok(version.map_or_else(|| id.clone(), |version| format!("{id} version {version}")))
        })
        .collect()
}

/// The number that a query gives as `n`.
pub(super) async fn count<const N: usize>(
    tx: &DatabaseTransaction,
    sql: &str,
    values: [Value; N],
) -> Result<u64, Fault> {
    let query = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let row = tx.query_one_raw(query).await?;
    let number: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(number.unsigned_abs())
}

async fn currencies_sum_to_zero(tx: &DatabaseTransaction, dialect: BooksDialect) -> Result<Check, Fault> {
    let sum = dialect.sum_of_units("balance");
    let sql = format!("SELECT currency, {sum} FROM wallets GROUP BY currency ORDER BY currency");
    let mut offenders = Vec::new();
    for row in tx
        .query_all_raw(Statement::from_string(tx.get_database_backend(), sql))
        .await?
    {
        let sum = units_of_parts(row.try_get("", "units_high")?, row.try_get("", "units_low")?);
        if sum != 0 {
            let currency: String = row.try_get("", "currency")?;
            offenders.push(format!("{currency} is off by {sum} ten-thousandths"));
        }
    }
    Ok(Check {
        claim: "every currency sums to zero",
        offenders,
    })
}
