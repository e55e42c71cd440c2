//! Checks the limits of wallets: they are those of the last change, and what counts against them is what went out on
//! the counted day.
//!
//! The counted day is that of the last outflow, or, if nothing went out since, the one on which a wallet without limits
//! got some. Transfers, withdrawals and holds count on the UTC day on which they were decided, unless refused.
//! What a hold of that day gave back on that day counts no more, and one that gave back all of it is no transfer. An
//! amount counter stops at `Money::MAX`, so it is compared only if no more than that went out.

use super::dialect::{BooksDialect, SqlCheck};

pub(super) fn checks_of_limits(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let limits = limits_text();
    vec![
        (
            "every wallet has the limits that its last change of limits has set, and counters if there are any",
            format!(
                "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN (SELECT subject, after, \
                 row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place FROM changes WHERE kind = 5) AS l \
                 ON l.subject = w.id AND l.place = 1 WHERE {limits} <> coalesce(l.after, '{{}}') \
                 OR (w.counted_day IS NULL) <> ({limits} = '{{}}') \
                 OR (w.counted_day IS NULL) <> (w.counted_amount IS NULL) \
                 OR (w.counted_day IS NULL) <> (w.counted_transfers IS NULL)"
            ),
        ),
        (
            "every change of limits has its wallet, and begins with the limits that the one before has set",
            format!(
                "SELECT c.subject AS id, {none} FROM (SELECT subject, before, lag(after) OVER w AS after_before \
                 FROM changes WHERE kind = 5 WINDOW w AS (PARTITION BY subject ORDER BY id)) AS c \
                 LEFT JOIN wallets ON wallets.id = c.subject WHERE wallets.id IS NULL \
                 OR c.before <> coalesce(c.after_before, '{{}}')"
            ),
        ),
        (
            "what counts against a wallet's limits is what went out on the counted day, and nothing went out later",
            counters(dialect),
        ),
    ]
}

/// The limits of `wallets w` as `WalletLimits::as_text` writes them.
fn limits_text() -> String {
    let member = |name: &str, mark: &str| {
        let value = format!("'{mark}' || CAST(w.limit_{name} AS text) || '{mark}'");
        format!("CASE WHEN w.limit_{name} IS NULL THEN '' ELSE ',\"{name}\":' || {value} END")
    };
    let members = [
        member("per_transfer", "\""),
        member("per_day_amount", "\""),
        member("per_day_count", ""),
    ];
    // Without the first comma.
    format!("('{{' || substr({}, 2) || '}}')", members.join(" || "))
}

/// The latest change by which a wallet without limits got some.
const BEGINNINGS: &str = "SELECT subject, id, row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place \
                          FROM changes WHERE kind = 5 AND before = '{}'";

/// The greatest amount in units.
const UNITS_MAX: i64 = 999_999_999_999_999_999;

/// Wallets with limits whose counters are not what went out. An outflow on a later day than the counted one is an
/// offence; so is a counted day after the one on which the limits began, without an outflow.
fn counters(dialect: BooksDialect) -> String {
    let none = dialect.no_version();
    let begin = dialect.first_id_of_day("w.counted_day", 0);
    let total = |units: &str| dialect.total(&format!("CASE WHEN is_later = 0 THEN {units} ELSE 0 END"));
    let (net, gross) = (
        total("units"),
        dialect.total("CASE WHEN is_later = 0 AND units > 0 THEN units ELSE 0 END"),
    );
    let (counted, outflows) = (dialect.units("w.counted_amount"), outflows(dialect));
    format!(
        "SELECT w.id AS id, {none} FROM wallets w \
         LEFT JOIN (SELECT wallet, {net} AS net, {gross} AS gross, sum(is_later) AS later, \
         sum(CASE WHEN is_later = 0 THEN transfers ELSE 0 END) AS transfers FROM ({outflows}) AS parts \
         GROUP BY wallet) AS gone ON gone.wallet = w.id \
         LEFT JOIN ({BEGINNINGS}) AS c ON c.subject = w.id AND c.place = 1 \
         WHERE w.counted_day IS NOT NULL AND (coalesce(gone.later, 0) > 0 \
         OR (coalesce(gone.gross, 0) = 0 AND c.id < {begin}) \
         OR w.counted_transfers <> coalesce(gone.transfers, 0) \
         OR (coalesce(gone.gross, 0) <= {UNITS_MAX} AND {counted} <> coalesce(gone.net, 0)))"
    )
}

/// What went out of wallets with limits since the counted day began, and what holds have given back on that day. Only
/// these wallets' entries and holds are read: transfers and withdrawals by their entries, holds by their own index.
/// SQLite joins in the order of CROSS JOIN.
fn outflows(dialect: BooksDialect) -> String {
    let (begin, end) = (
        dialect.first_id_of_day("w.counted_day", 0),
        dialect.first_id_of_day("w.counted_day", 1),
    );
    let (amount, released) = (dialect.units("t.amount"), dialect.units("p.released"));
    let holds = format!(
        "w.counted_day IS NOT NULL AND t.source_wallet_id = w.id AND t.id >= {begin} \
         AND t.kind IN (5, 6) AND t.status <> 3 AND t.kind = 5"
    );
    format!(
        "SELECT w.id AS wallet, {amount} AS units, 1 AS transfers, \
         CASE WHEN t.id >= {end} THEN 1 ELSE 0 END AS is_later \
         FROM wallets w CROSS JOIN entries e CROSS JOIN transfers t WHERE w.counted_day IS NOT NULL \
         AND e.wallet_id = w.id AND e.transfer_id >= {begin} AND t.id = e.transfer_id AND t.source_wallet_id = w.id \
         AND t.kind IN (1, 3) \
         UNION ALL SELECT w.id, {amount}, 1, CASE WHEN t.id >= {end} THEN 1 ELSE 0 END \
         FROM wallets w CROSS JOIN transfers t WHERE {holds} \
         UNION ALL SELECT w.id, -{released}, CASE WHEN p.kind = 6 AND p.released = t.amount THEN -1 ELSE 0 END, 0 \
         FROM wallets w CROSS JOIN transfers t CROSS JOIN transfers p WHERE {holds} AND t.id < {end} \
         AND p.parent_id = t.id AND p.parent_id IS NOT NULL AND p.status = 2 AND p.released IS NOT NULL \
         AND p.id < {end}"
    )
}
