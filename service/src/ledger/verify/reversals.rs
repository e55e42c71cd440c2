//! Checks reversals against the transfers that they take back.

use super::dialect::{BooksDialect, SqlCheck};

pub(super) fn checks_of_reversals(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let (amount, reversed) = (dialect.units("t.amount"), dialect.total(&dialect.units("r.amount")));
    vec![
        (
            "every reversal is of a transfer that moved money, the other way round",
            format!(
                "SELECT r.id AS id, {none} FROM transfers r LEFT JOIN transfers t ON t.id = r.parent_id \
                 AND t.id < r.id AND t.status = 2 AND t.kind IN (1, 2, 3, 7) \
                 AND t.source_wallet_id = r.destination_wallet_id \
                 AND t.destination_wallet_id = r.source_wallet_id AND t.currency = r.currency \
                 WHERE r.kind <> 1 AND r.kind = 4 AND t.id IS NULL"
            ),
        ),
        (
            "no transfer is reversed by more than its amount",
            format!(
                "SELECT t.id AS id, {none} FROM (SELECT r.parent_id, {reversed} AS reversed FROM transfers r \
                 WHERE r.kind <> 1 AND r.kind = 4 AND r.status = 2 GROUP BY r.parent_id) AS s \
                 JOIN transfers t ON t.id = s.parent_id WHERE s.reversed > {amount}"
            ),
        ),
    ]
}
