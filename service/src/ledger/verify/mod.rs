//! Proves the books in one snapshot: every balance again from its entries, every currency to zero, no gap and no orphan.

mod journal;

use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use self::journal::journal_is_whole;
use crate::db::{Db, Fault};

/// Offenders that a check names; it may have more.
pub(super) const OFFENDERS_MAX: usize = 100;

/// What was looked at and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    pub wallets: u64,
    pub transfers: u64,
    pub entries: u64,
    pub currencies: u64,
    pub checks: Vec<Check>,
}

/// One thing that must hold, and what breaks it.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must hold, as a sentence.
    pub claim: &'static str,
    /// Ids, or currencies, that break it; at most a hundred.
    pub offenders: Vec<String>,
}

impl Report {
    /// True when nothing breaks anything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.offenders.is_empty())
    }
}

/// Runs every check in one snapshot, beside a running bank.
pub async fn verify(db: &Db) -> Result<Report, Fault> {
    let tx = db.snapshot().await?;
    let report = verify_in(&tx).await?;
    tx.rollback().await?;
    Ok(report)
}

/// Runs every check in a snapshot that the caller has taken.
pub async fn verify_in(tx: &DatabaseTransaction) -> Result<Report, Fault> {
    let dialect = Dialect(tx.get_database_backend());
    let mut checks = Vec::new();
    for (claim, sql) in dialect.checks() {
        checks.push(Check {
            claim,
            offenders: offenders(tx, sql).await?,
        });
    }
    checks.push(currencies_sum_to_zero(tx, dialect).await?);
    checks.push(journal_is_whole(tx).await?);
    Ok(Report {
        wallets: count(tx, "SELECT count(*) AS n FROM wallets").await?,
        transfers: count(tx, "SELECT count(*) AS n FROM transfers").await?,
        entries: count(tx, "SELECT count(*) AS n FROM entries").await?,
        currencies: count(tx, "SELECT count(DISTINCT currency) AS n FROM wallets").await?,
        checks,
    })
}

async fn offenders(tx: &DatabaseTransaction, sql: String) -> Result<Vec<String>, Fault> {
    let limited = format!("{sql} LIMIT {OFFENDERS_MAX}");
    let rows = tx
        .query_all_raw(Statement::from_string(tx.get_database_backend(), limited))
        .await?;
    rows.iter()
        .map(|row| {
            let id: Uuid = row.try_get("", "id")?;
            let version: Option<i64> = row.try_get("", "version")?;
            Ok(version.map_or_else(|| id.to_string(), |version| format!("{id} version {version}")))
        })
        .collect()
}

async fn count(tx: &DatabaseTransaction, sql: &str) -> Result<u64, Fault> {
    let row = tx
        .query_one_raw(Statement::from_string(tx.get_database_backend(), sql))
        .await?;
    let number: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(number.unsigned_abs())
}

/// Sums in two halves: SQLite's own sum overflows after ten full wallets.
async fn currencies_sum_to_zero(tx: &DatabaseTransaction, dialect: Dialect) -> Result<Check, Fault> {
    let units = dialect.units("balance");
    let sql = format!(
        "SELECT currency, CAST(sum({units} / {HALF}) AS bigint) AS high, CAST(sum({units} % {HALF}) AS bigint) AS low \
         FROM wallets GROUP BY currency ORDER BY currency"
    );
    let mut offenders = Vec::new();
    for row in tx
        .query_all_raw(Statement::from_string(tx.get_database_backend(), sql))
        .await?
    {
        let (high, low): (i64, i64) = (row.try_get("", "high")?, row.try_get("", "low")?);
        let sum = i128::from(high) * i128::from(HALF) + i128::from(low);
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

const HALF: i64 = 1_000_000_000;

#[derive(Clone, Copy)]
struct Dialect(DbBackend);

impl Dialect {
    /// A money column in ten-thousandths.
    fn units(self, column: &str) -> String {
        match self.0 {
            DbBackend::Postgres => format!("({column} * 10000)::bigint"),
            _ => format!("CAST(replace({column}, '.', '') AS INTEGER)"),
        }
    }

    /// Claims, each with a query for what breaks it: `id`, and `version` where an entry is meant.
    fn checks(self) -> Vec<(&'static str, String)> {
        let none = match self.0 {
            DbBackend::Postgres => "NULL::bigint AS version",
            _ => "NULL AS version",
        };
        let (balance, held) = (self.units("w.balance"), self.units("w.held"));
        let (amount, after) = (self.units("amount"), self.units("balance_after"));
        let (entry_amount, transfer_amount) = (self.units("e.amount"), self.units("t.amount"));
        let last_after = self.units("e.balance_after");
        vec![
            (
                "every balance and version is the last entry's",
                format!(
                    "SELECT w.id AS id, {none} FROM wallets w \
                     LEFT JOIN (SELECT wallet_id, max(version) AS version FROM entries GROUP BY wallet_id) l \
                     ON l.wallet_id = w.id LEFT JOIN entries e ON e.wallet_id = l.wallet_id AND e.version = l.version \
                     WHERE w.version <> coalesce(l.version, 0) OR {balance} <> coalesce({last_after}, 0)"
                ),
            ),
            (
                "a wallet's versions grow by one along its transfers' ids, and each balance is the one before plus the amount",
                format!(
                    "SELECT wallet_id AS id, version FROM (SELECT wallet_id, version, {amount} AS amount, \
                     {after} AS after, lag(version) OVER w AS version_before, lag({after}) OVER w AS before \
                     FROM entries WINDOW w AS (PARTITION BY wallet_id ORDER BY transfer_id)) AS chain \
                     WHERE version <> coalesce(version_before, 0) + 1 OR after <> coalesce(before, 0) + amount"
                ),
            ),
            (
                "every completed transfer has its two entries, and no other transfer has any",
                format!(
                    "SELECT t.id AS id, {none} FROM transfers t LEFT JOIN entries e ON e.transfer_id = t.id \
                     GROUP BY t.id, t.status HAVING (t.status = 2 AND NOT (count(e.wallet_id) = 2 \
                     AND sum(CASE WHEN e.wallet_id = t.source_wallet_id AND {entry_amount} = -{transfer_amount} \
                     THEN 1 ELSE 0 END) = 1 \
                     AND sum(CASE WHEN e.wallet_id = t.destination_wallet_id AND {entry_amount} = {transfer_amount} \
                     THEN 1 ELSE 0 END) = 1)) OR (t.status <> 2 AND count(e.wallet_id) <> 0)"
                ),
            ),
            (
                "every entry has its transfer and its wallet",
                "SELECT e.wallet_id AS id, e.version AS version FROM entries e \
                 LEFT JOIN transfers t ON t.id = e.transfer_id LEFT JOIN wallets w ON w.id = e.wallet_id \
                 WHERE t.id IS NULL OR w.id IS NULL"
                    .to_owned(),
            ),
            (
                "every transfer has its wallets, and a completed one is in their currency",
                format!(
                    "SELECT t.id AS id, {none} FROM transfers t LEFT JOIN wallets s ON s.id = t.source_wallet_id \
                     LEFT JOIN wallets d ON d.id = t.destination_wallet_id WHERE s.id IS NULL OR d.id IS NULL \
                     OR (t.status = 2 AND (s.currency <> t.currency OR d.currency <> t.currency))"
                ),
            ),
            (
                "what is held is what pending transfers claim",
                format!(
                    "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN (SELECT source_wallet_id, sum({amount}) AS held \
                     FROM transfers WHERE status = 1 GROUP BY source_wallet_id) p ON p.source_wallet_id = w.id \
                     WHERE {held} <> coalesce(p.held, 0)"
                ),
            ),
        ]
    }
}
