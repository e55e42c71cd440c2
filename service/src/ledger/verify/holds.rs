//! Checks holds: what is kept of each is computed again from its captures and its release, which are written once. The
//! `released` of a RELEASE is its amount; that of a CAPTURE is what the end of its hold gave back, if it ended it.

use super::dialect::{BooksDialect, SqlCheck};

pub(super) fn checks_of_holds(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let held = dialect.units("w.held");
    let remaining = dialect.total(&dialect.units("h.remaining"));
    vec![
        (
            "what is held on a wallet is what remains of its holds",
            format!(
                "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN (SELECT h.wallet_id, {remaining} AS held \
                 FROM holds h WHERE h.\"end\" IS NULL GROUP BY h.wallet_id) AS o ON o.wallet_id = w.id \
                 WHERE {held} <> coalesce(o.held, 0)"
            ),
        ),
        (
            "what is kept of a hold is what its captures and its release have left",
            kept_holds(dialect),
        ),
        (
            "only a hold that was made has its state kept",
            format!(
                "SELECT h.id AS id, {none} FROM holds h LEFT JOIN transfers t ON t.id = h.id \
                 AND t.kind = 5 AND t.status <> 3 WHERE t.id IS NULL"
            ),
        ),
        (
            "every capture and release is of a hold with its wallets, in time",
            parts_of_holds(dialect),
        ),
        (
            "captures and the release of a hold never take more than it, and nothing comes after what has ended it",
            taken_of_holds(dialect),
        ),
    ]
}

/// What captures have taken of each hold and what was given back, how many records have ended it and when, when it was
/// released, and when the last of all these was made.
fn parts(dialect: BooksDialect) -> String {
    let (amount, released) = (dialect.units("p.amount"), dialect.units("p.released"));
    let captured = dialect.total(&format!("CASE WHEN p.kind = 7 THEN {amount} ELSE 0 END"));
    let released = dialect.total(&format!("coalesce({released}, 0)"));
    format!(
        "SELECT p.parent_id, {captured} AS captured, {released} AS released, count(p.released) AS ends, \
         max(CASE WHEN p.released IS NOT NULL THEN p.created_at END) AS ended_at, \
         max(CASE WHEN p.kind = 6 THEN p.created_at END) AS released_at, max(p.created_at) AS last_at \
         FROM transfers p WHERE p.parent_id IS NOT NULL AND p.kind IN (6, 7) AND p.status = 2 GROUP BY p.parent_id"
    )
}

const GONE: &str = "coalesce(p.captured, 0) + coalesce(p.released, 0)";

/// Holds whose kept state is not what follows from their parts. A release that was written when the time had run out
/// says that the hold expired; an earlier one, that it was voided.
fn kept_holds(dialect: BooksDialect) -> String {
    let (none, parts) = (dialect.no_version(), parts(dialect));
    let (amount, remaining, captured) = (
        dialect.units("t.amount"),
        dialect.units("h.remaining"),
        dialect.units("h.captured"),
    );
    let left = format!("CASE WHEN {amount} > {GONE} THEN {amount} - ({GONE}) ELSE 0 END");
    let end = format!(
        "CASE WHEN {amount} > {GONE} THEN NULL WHEN p.released_at IS NULL THEN 1 \
         WHEN p.released_at >= t.expires_at THEN 3 ELSE 2 END"
    );
    let ended_at = format!(
        "CASE WHEN {amount} > {GONE} THEN NULL WHEN p.released_at >= t.expires_at THEN t.expires_at \
         ELSE p.last_at END"
    );
    format!(
        "SELECT t.id AS id, {none} FROM transfers t LEFT JOIN holds h ON h.id = t.id \
         LEFT JOIN ({parts}) AS p ON p.parent_id = t.id WHERE t.kind <> 1 AND t.kind = 5 AND t.status <> 3 \
         AND (h.id IS NULL OR t.status <> 1 OR h.wallet_id <> t.source_wallet_id \
         OR h.expires_at IS DISTINCT FROM t.expires_at OR {captured} <> coalesce(p.captured, 0) \
         OR {remaining} <> {left} OR h.\"end\" IS DISTINCT FROM ({end}) OR h.ended_at IS DISTINCT FROM ({ended_at}))"
    )
}

/// Captures and releases without an open hold that has their wallets. Once its time has run out there is only the
/// release without an asker. An earlier release may lack its asker too: an operator who owns the source.
fn parts_of_holds(dialect: BooksDialect) -> String {
    let none = dialect.no_version();
    format!(
        "SELECT p.id AS id, {none} FROM transfers p LEFT JOIN transfers t ON t.id = p.parent_id AND t.id < p.id \
         AND t.kind = 5 AND t.status <> 3 AND t.source_wallet_id = p.source_wallet_id \
         AND t.destination_wallet_id = p.destination_wallet_id AND t.currency = p.currency \
         WHERE p.kind <> 1 AND p.kind IN (6, 7) AND (t.id IS NULL \
         OR (p.created_at >= t.expires_at AND (p.kind = 7 OR p.created_by IS NOT NULL)) \
         OR (p.kind = 6 AND (p.status <> 2 OR p.released IS NULL OR p.released <> p.amount)) \
         OR (p.kind = 7 AND p.status = 3 AND p.released IS NOT NULL))"
    )
}

/// Holds of which more was taken than there was, that were not ended as a whole, or that something came after.
fn taken_of_holds(dialect: BooksDialect) -> String {
    let (none, parts) = (dialect.no_version(), parts(dialect));
    let amount = dialect.units("t.amount");
    format!(
        "SELECT t.id AS id, {none} FROM ({parts}) AS p JOIN transfers t ON t.id = p.parent_id AND t.kind = 5 \
         WHERE {GONE} > {amount} OR p.ends > 1 OR (p.ends = 1 AND ({GONE} < {amount} OR p.ended_at < p.last_at))"
    )
}
