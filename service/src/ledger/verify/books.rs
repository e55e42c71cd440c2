//! Checks the tables of the books against each other: every balance is computed again from its entries, there is no gap
//! and no orphan.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use super::{Check, OFFENDERS_MAX, id_bytes, id_text};
use crate::db::{Fault, SqlDialect, units_of_parts};

/// How many rows there are.
pub(super) struct BookCounts {
    pub wallets: u64,
    pub transfers: u64,
    pub entries: u64,
    pub changes: u64,
    pub currencies: u64,
}

/// Counts the rows.
pub(super) async fn count_rows(tx: &DatabaseTransaction) -> Result<BookCounts, Fault> {
    Ok(BookCounts {
        wallets: count(tx, "SELECT count(*) AS n FROM wallets", []).await?,
        transfers: count(tx, "SELECT count(*) AS n FROM transfers", []).await?,
        entries: count(tx, "SELECT count(*) AS n FROM entries", []).await?,
        changes: count(tx, "SELECT count(*) AS n FROM changes", []).await?,
        currencies: count(tx, "SELECT count(DISTINCT currency) AS n FROM wallets", []).await?,
    })
}

/// Runs every check of the books.
pub(super) async fn books_are_right(tx: &DatabaseTransaction) -> Result<Vec<Check>, Fault> {
    let dialect = BooksDialect(SqlDialect::of(tx));
    let mut checks = Vec::new();
    for (claim, sql) in dialect.checks_of_wallets().into_iter().chain(dialect.checks()) {
        let offenders = offenders(tx, sql).await?;
        checks.push(Check { claim, offenders });
    }
    checks.push(currencies_sum_to_zero(tx, dialect).await?);
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
    let sum = dialect.0.sum_of_units("balance");
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

#[derive(Clone, Copy)]
struct BooksDialect(SqlDialect);

impl BooksDialect {
    /// Whether a column is the time, to the microsecond, that is in an id; see `clock::id_at`.
    fn is_time_of(self, column: &str, id: &str) -> String {
        if self.0.is_postgres() {
            let digits =
                |from: u8, count: u8| format!("('x' || substr(replace(({id})::text, '-', ''), {from}, {count}))");
            return format!(
                "({column} = timestamptz 'epoch' + ({}::bit(48)::bigint * 1000 + {}::bit(12)::integer / 4) \
                 * interval '1 microsecond')",
                digits(1, 12),
                digits(14, 3)
            );
        }
        // Without a fraction the text has 25 characters, with milliseconds 29 and with microseconds 32.
        let micros = format!(
            "(strftime('%s', {column}) * 1000000 + CASE length({column}) WHEN 25 THEN 0 \
             WHEN 29 THEN substr({column}, 21, 3) * 1000 ELSE substr({column}, 21, 6) END)"
        );
        let digits = |chance: u8| format!("printf('%012X%03X', {micros} / 1000, {micros} % 1000 * 4 + {chance})");
        let of_id = format!("substr(hex({id}), 1, 12) || substr(hex({id}), 14, 3)");
        format!("({of_id} BETWEEN {} AND {})", digits(0), digits(3))
    }

    /// The later one of two ids. In place of a missing id comes the wallet's own, which is that of the change that
    /// opened it.
    fn later(self, one: &str, other: &str) -> String {
        let later = self.0.choose("greatest", "max");
        format!("{later}(coalesce({one}, w.id), coalesce({other}, w.id))")
    }

    /// The text `after` of the change that opened a wallet; see `journal::opening_text`.
    fn opening_text(self) -> String {
        let owner = if self.0.is_postgres() {
            "w.user_id::text".to_owned()
        } else {
            let part = |from: u8, count: u8| format!("substr(lower(hex(w.user_id)), {from}, {count})");
            [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ")
        };
        format!(
            r#"'{{"currency":"' || w.currency || CASE WHEN w.user_id IS NOT NULL THEN '","owner":"' || {owner}
            ELSE '","method":"' || w.method END || '"}}'"#
        )
    }

    /// The column `version` of a check that names no entries.
    fn no_version(self) -> String {
        format!("{} AS version", self.0.null("bigint"))
    }

    /// Checks of wallets against their changes, in the form of `checks`.
    fn checks_of_wallets(self) -> Vec<(&'static str, String)> {
        let none = self.no_version();
        let (opening, is_of_opening) = (self.opening_text(), self.is_time_of("w.created_at", "w.id"));
        vec![
            (
                "every wallet was opened once, by a change that says whose, when and in which currency",
                format!(
                    "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN changes c ON c.subject = w.id AND c.kind = 1 \
                     GROUP BY w.id HAVING count(c.id) <> 1 OR min(c.after) <> {opening} OR NOT {is_of_opening}"
                ),
            ),
            (
                "every change has its wallet, and begins with the status that the one before has left",
                format!(
                    "SELECT c.subject AS id, {none} FROM (SELECT subject, kind, before, lag(after) OVER w AS after_before, \
                     lag(kind) OVER w AS kind_before FROM changes WINDOW w AS (PARTITION BY subject ORDER BY id)) AS c \
                     LEFT JOIN wallets ON wallets.id = c.subject WHERE wallets.id IS NULL \
                     OR (c.kind = 1) <> (c.kind_before IS NULL) OR (c.kind <> 1 \
                     AND c.before <> CASE WHEN c.kind_before = 1 THEN 'ACTIVE' ELSE c.after_before END)"
                ),
            ),
            (
                "every wallet has the status that its last change has left",
                format!(
                    "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN (SELECT subject, after, \
                     row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place FROM changes WHERE kind <> 1) AS l \
                     ON l.subject = w.id AND l.place = 1 WHERE w.status <> coalesce(l.after, 'ACTIVE')"
                ),
            ),
        ]
    }

    /// Claims, each with a query for what breaks it: `id`, and `version` if an entry breaks it. Everything in `wallets`
    /// is compared with the rows that are written once.
    fn checks(self) -> Vec<(&'static str, String)> {
        let none = self.no_version();
        let (balance, held) = (self.0.units("w.balance"), self.0.units("w.held"));
        let (amount, after) = (self.0.units("amount"), self.0.units("balance_after"));
        let (entry_amount, transfer_amount) = (self.0.units("e.amount"), self.0.units("t.amount"));
        let last_after = self.0.units("e.balance_after");
        let is_of_last = self.is_time_of("w.updated_at", &self.later("e.transfer_id", "c.id"));
        vec![
            (
                "every balance and version is the last entry's, and the last update its or the last change's",
                format!(
                    "SELECT w.id AS id, {none} FROM wallets w \
                     LEFT JOIN (SELECT wallet_id, max(version) AS version FROM entries GROUP BY wallet_id) l \
                     ON l.wallet_id = w.id LEFT JOIN entries e ON e.wallet_id = l.wallet_id AND e.version = l.version \
                     LEFT JOIN (SELECT subject, id, row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place \
                     FROM changes WHERE kind <> 1) c ON c.subject = w.id AND c.place = 1 \
                     WHERE w.version <> coalesce(l.version, 0) OR {balance} <> coalesce({last_after}, 0) OR NOT {is_of_last}"
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
