//! Checks wallets against their changes: who opened them and when, and the status that they have.

use super::dialect::{BooksDialect, SqlCheck};

pub(super) fn checks_of_wallets(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let (opening, is_of_opening) = (dialect.opening_text(), dialect.is_time_of("w.created_at", "w.id"));
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
                 lag(kind) OVER w AS kind_before FROM changes WHERE kind <> 5 \
                 WINDOW w AS (PARTITION BY subject ORDER BY id)) AS c \
                 LEFT JOIN wallets ON wallets.id = c.subject WHERE wallets.id IS NULL \
                 OR (c.kind = 1) <> (c.kind_before IS NULL) OR (c.kind <> 1 \
                 AND c.before <> CASE WHEN c.kind_before = 1 THEN 'ACTIVE' ELSE c.after_before END)"
            ),
        ),
        (
            "every wallet has the status that its last change has left",
            format!(
                "SELECT w.id AS id, {none} FROM wallets w LEFT JOIN (SELECT subject, after, \
                 row_number() OVER (PARTITION BY subject ORDER BY id DESC) AS place FROM changes \
                 WHERE kind IN (2, 3, 4)) AS l \
                 ON l.subject = w.id AND l.place = 1 WHERE w.status <> coalesce(l.after, 'ACTIVE')"
            ),
        ),
    ]
}
