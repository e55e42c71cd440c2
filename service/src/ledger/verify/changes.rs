//! Checks what each change says of its wallet at that time against the records before it.

use super::dialect::{BooksDialect, SqlCheck};

pub(super) fn checks_of_changes(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let (balance, after) = (dialect.units("c.balance"), dialect.units("e.balance_after"));
    let last_entry = "FROM entries e WHERE e.wallet_id = c.subject AND e.transfer_id < c.id \
                      ORDER BY e.transfer_id DESC LIMIT 1";
    let last_change = |kinds: &str| {
        format!(
            "(SELECT p.after FROM changes p WHERE p.subject = c.subject AND p.kind IN ({kinds}) AND p.id <= c.id \
             ORDER BY p.id DESC LIMIT 1)"
        )
    };
    let (status, limits) = (last_change("2, 3, 4"), last_change("5"));
    let (held, held_before) = (dialect.units("c.held"), held_before(dialect));
    vec![
        (
            "every change has the balance and version that its wallet had then, and the status and limits that it left",
            format!(
                "SELECT c.id AS id, {none} FROM changes c \
                 WHERE c.version <> coalesce((SELECT e.version {last_entry}), 0) \
                 OR {balance} <> coalesce((SELECT {after} {last_entry}), 0) \
                 OR c.status <> coalesce({status}, 'ACTIVE') OR c.limits <> coalesce({limits}, '{{}}')"
            ),
        ),
        (
            "every change has what the open holds of its wallet had claimed then",
            format!(
                "SELECT c.id AS id, {none} FROM changes c \
                 WHERE {held} <> CASE WHEN c.kind = 1 THEN 0 ELSE coalesce({held_before}, 0) END"
            ),
        ),
    ]
}

/// What remained of the holds of the wallet of `changes c` just before the change.
fn held_before(dialect: BooksDialect) -> String {
    let (amount, taken, released) = (
        dialect.units("h.amount"),
        dialect.units("p.amount"),
        dialect.units("p.released"),
    );
    let given = format!(
        "SELECT sum(CASE WHEN p.kind = 7 THEN {taken} ELSE 0 END + coalesce({released}, 0)) FROM transfers p \
         WHERE p.parent_id IS NOT NULL AND p.parent_id = h.id AND p.status = 2 AND p.kind IN (6, 7) AND p.id < c.id"
    );
    format!(
        "(SELECT sum({amount} - coalesce(({given}), 0)) FROM transfers h WHERE h.source_wallet_id = c.subject \
         AND h.kind IN (5, 6) AND h.status <> 3 AND h.kind = 5 AND h.id < c.id)"
    )
}
