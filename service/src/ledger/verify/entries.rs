//! Checks entries and transfers against each other and against the wallets: every balance and version is computed
//! again, there is no gap and no orphan. The queries over all entries name what is wrong; `entry_proof` proves the same claims in
//! one reading of each table, and where it does, these queries do not run.

use super::dialect::{BooksDialect, SqlCheck};

/// Wallets against their last entries.
pub(super) fn checks_of_last_records(dialect: BooksDialect) -> Vec<SqlCheck> {
    vec![(
        "every balance and version is the last entry's, and the last update is of the last record",
        last_records(dialect),
    )]
}

/// What `wallets_of` checks.
pub(super) const WALLETS_OF_TRANSFERS: &str =
    "every transfer has its wallets, and one that was not refused is in their currency";

/// Entries against transfers and wallets.
pub(super) fn checks_of_entries(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let (amount, after) = (dialect.units("amount"), dialect.units("balance_after"));
    let (entry_amount, transfer_amount) = (dialect.units("e.amount"), dialect.units("t.amount"));
    vec![
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
            "every transfer that moved money has its two entries, and no other transfer has any",
            format!(
                "SELECT t.id AS id, {none} FROM transfers t LEFT JOIN entries e ON e.transfer_id = t.id \
                 GROUP BY t.id, t.status, t.kind HAVING (t.status = 2 AND t.kind <> 6 AND NOT (count(e.wallet_id) = 2 \
                 AND sum(CASE WHEN e.wallet_id = t.source_wallet_id AND {entry_amount} = -{transfer_amount} \
                 THEN 1 ELSE 0 END) = 1 \
                 AND sum(CASE WHEN e.wallet_id = t.destination_wallet_id AND {entry_amount} = {transfer_amount} \
                 THEN 1 ELSE 0 END) = 1)) OR ((t.status <> 2 OR t.kind = 6) AND count(e.wallet_id) <> 0)"
            ),
        ),
        (
            "every entry has its transfer and its wallet",
            "SELECT e.wallet_id AS id, e.version AS version FROM entries e \
             LEFT JOIN transfers t ON t.id = e.transfer_id LEFT JOIN wallets w ON w.id = e.wallet_id \
             WHERE t.id IS NULL OR w.id IS NULL"
                .to_owned(),
        ),
        (WALLETS_OF_TRANSFERS, wallets_of(dialect, "transfers t")),
        (
            "only a hold is pending",
            format!("SELECT t.id AS id, {none} FROM transfers t WHERE t.status = 1 AND t.kind <> 5"),
        ),
    ]
}

/// Transfers without wallets in their currency, of a table or a subquery that is called `t`.
fn wallets_of(dialect: BooksDialect, transfers: &str) -> String {
    let none = dialect.no_version();
    format!(
        "SELECT t.id AS id, {none} FROM {transfers} LEFT JOIN wallets s ON s.id = t.source_wallet_id \
         LEFT JOIN wallets d ON d.id = t.destination_wallet_id WHERE s.id IS NULL OR d.id IS NULL \
         OR (t.status <> 3 AND (s.currency <> t.currency OR d.currency <> t.currency))"
    )
}

/// The same of those that have no entries: refused transfers, holds and releases. Each part has a partial index.
pub(super) fn wallets_of_transfers_without_entries(dialect: BooksDialect) -> String {
    const COLUMNS: &str = "id, status, source_wallet_id, destination_wallet_id, currency";
    let transfers = format!(
        "(SELECT {COLUMNS} FROM transfers WHERE status = 3 \
         UNION ALL SELECT {COLUMNS} FROM transfers WHERE kind IN (5, 6) AND status <> 3) AS t"
    );
    wallets_of(dialect, &transfers)
}

/// Wallets that are not as their last records have left them. A capture has entries; holds and releases have none, and
/// change their source only.
fn last_records(dialect: BooksDialect) -> String {
    let none = dialect.no_version();
    let (balance, last_after) = (dialect.units("w.balance"), dialect.units("e.balance_after"));
    let latest = dialect.latest(&["e.transfer_id", "c.id", "h.id"]);
    let is_of_last = dialect.is_time_of("w.updated_at", &latest);
    format!(
        "SELECT w.id AS id, {none} FROM wallets w \
         LEFT JOIN entries e ON e.wallet_id = w.id AND e.transfer_id = (SELECT l.transfer_id FROM entries l \
         WHERE l.wallet_id = w.id ORDER BY l.transfer_id DESC LIMIT 1) \
         LEFT JOIN (SELECT subject, id, row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place \
         FROM changes WHERE kind <> 1) c ON c.subject = w.id AND c.place = 1 \
         LEFT JOIN (SELECT source_wallet_id, id, row_number() OVER (PARTITION BY source_wallet_id \
         ORDER BY id DESC) AS place FROM transfers WHERE kind IN (5, 6) AND status <> 3) h \
         ON h.source_wallet_id = w.id AND h.place = 1 \
         WHERE w.version <> coalesce(e.version, 0) OR {balance} <> coalesce({last_after}, 0) OR NOT {is_of_last}"
    )
}
