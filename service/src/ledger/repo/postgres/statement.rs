//! The text of the one statement that writes a group commit: the turn, the journal's row, and everything that depends
//! on it. In the text `head` is the new row. In turn the transaction holds row 0 already: SKIP LOCKED does not skip its
//! own lock. The function `florin_stale` comes from the migration `m0009_journal`.
//!
//! PostgreSQL runs the parts of a WITH when the main SELECT needs them, not in the order of the text. So the journal's
//! row reads from the turn, everything that is written beside it reads from the journal's row, and the SELECT asks for
//! that row first.

use std::sync::LazyLock;

use super::BANK_TIME;

/// Parts that only some commits have; the others neither send nor read them.
#[derive(Clone, Copy)]
pub struct Parts {
    /// Wallets that were opened or changed their status.
    pub changes: bool,
    /// Transfers that a user other than the source's owner or an API key asked for, or that have texts.
    pub notes: bool,
    /// Transfers that belong to a batch, refer to another one, or are holds.
    pub links: bool,
    /// Holds that begin or change, and the outcomes of callers' batches.
    pub holds: bool,
    /// Wallets with limits that change.
    pub limits: bool,
    /// Lines of the audit log.
    pub audit: bool,
}

impl Parts {
    /// The statement; `write::bound` binds its parameters in the order of their numbers.
    pub fn statement(self) -> &'static str {
        static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| (0..64).map(|number| text(Parts::of(number))).collect());
        let bits = [
            self.changes,
            self.notes,
            self.links,
            self.holds,
            self.limits,
            self.audit,
        ];
        let number = bits.iter().rev().fold(0, |number, bit| number * 2 + usize::from(*bit));
        &TEXTS[number]
    }

    /// The parts whose bits are set in a number.
    fn of(number: usize) -> Self {
        let has = |bit: usize| number >> bit & 1 == 1;
        Self {
            changes: has(0),
            notes: has(1),
            links: has(2),
            holds: has(3),
            limits: has(4),
            audit: has(5),
        }
    }
}

/// A column's name, and the type of the elements of the array that is bound for it.
type ArrayColumn = (&'static str, &'static str);

/// The number of parameters of the journal's row: number and digest of the row before, last id, transfers, changes,
/// time, root, digest, and whether the time only follows the head.
const OF_JOURNAL: usize = 9;

const UPDATED: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("version", "bigint"),
    ("status", "text"),
    ("held", "numeric"),
    ("balance_before", "numeric"),
    ("balance", "numeric"),
    ("version_after", "bigint"),
    ("updated_at", "timestamptz"),
];
/// One more column of `UPDATED`, for commits that change a status.
const STATUS_AFTER: ArrayColumn = ("status_after", "text");
/// One more column of `UPDATED`, for commits that change a hold.
const HELD_AFTER: ArrayColumn = ("held_after", "numeric");
/// More columns of `UPDATED`, for commits that change a wallet with limits.
const LIMITS: &[ArrayColumn] = &[
    ("limit_per_transfer", "numeric"),
    ("limit_per_day_amount", "numeric"),
    ("limit_per_day_count", "bigint"),
    ("counted_day", "integer"),
    ("counted_amount", "numeric"),
    ("counted_transfers", "bigint"),
];

const CONFIRMED: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("version", "bigint"),
    ("status", "text"),
    ("held", "numeric"),
    ("balance", "numeric"),
];

const TRANSFERS: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("kind", "smallint"),
    ("status", "smallint"),
    ("source_wallet_id", "uuid"),
    ("destination_wallet_id", "uuid"),
    ("amount", "numeric"),
    ("currency", "text"),
    ("method", "text"),
    ("failure_reason", "text"),
    ("available", "numeric"),
    ("request_id", "bytea"),
    ("idempotency_key", "bytea"),
    ("request_digest", "bytea"),
    ("created_at", "timestamptz"),
];
const NOTES: &[ArrayColumn] = &[
    ("description", "text"),
    ("metadata", "text"),
    ("created_by", "uuid"),
    ("api_key_id", "uuid"),
    ("texts_digest", "bytea"),
    ("texts_salt", "bytea"),
];

const LINKS: &[ArrayColumn] = &[
    ("parent_id", "uuid"),
    ("batch_id", "uuid"),
    ("released", "numeric"),
    ("expires_at", "timestamptz"),
];

const BEGUN_HOLDS: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("wallet_id", "uuid"),
    ("remaining", "numeric"),
    ("captured", "numeric"),
    ("expires_at", "timestamptz"),
    (r#""end""#, "smallint"),
    ("ended_at", "timestamptz"),
];

const CHANGED_HOLDS: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("remaining_before", "numeric"),
    ("captured_before", "numeric"),
    ("remaining", "numeric"),
    ("captured", "numeric"),
    ("how", "smallint"),
    ("ended_at", "timestamptz"),
];

const BATCHES: &[ArrayColumn] = &[("id", "uuid"), ("results", "text")];

const ENTRIES: &[ArrayColumn] = &[
    ("wallet_id", "uuid"),
    ("transfer_id", "uuid"),
    ("version", "bigint"),
    ("amount", "numeric"),
    ("balance_after", "numeric"),
];

const CHANGES: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("kind", "smallint"),
    ("subject", "uuid"),
    ("created_by", "uuid"),
    ("request_id", "bytea"),
    ("before", "text"),
    ("after", "text"),
    ("balance", "numeric"),
    ("held", "numeric"),
    ("version", "bigint"),
    ("status", "text"),
    ("limits", "text"),
];

const AUDIT_LINES: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("at", "timestamptz"),
    ("action", "text"),
    ("actor_id", "uuid"),
    ("api_key_id", "uuid"),
    ("subject_kind", "text"),
    ("subject_id", "uuid"),
    ("person_id", "uuid"),
];

/// Without the digest of an address, which only failed sign-ins have.
const AUDIT_DETAILS: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("address", "text"),
    ("user_agent", "text"),
    ("request_id", "text"),
    ("before", "text"),
    ("after", "text"),
];

const OPENED: &[ArrayColumn] = &[
    ("id", "uuid"),
    ("user_id", "uuid"),
    ("method", "text"),
    ("currency", "text"),
    ("balance", "numeric"),
    ("held", "numeric"),
    ("status", "text"),
    ("version", "bigint"),
    ("created_at", "timestamptz"),
    ("updated_at", "timestamptz"),
];

// The wallets come sorted by id and are updated in that order. A wallet counts as unchanged when everything that a
// decision rests on is as it was: an entry changes the version, a freeze the status, a hold what is held. The balance
// is compared too: a database that lost its newest commits may reach the same version again with another balance.
//
// A time is accepted if it is at most two seconds ahead of the database's clock, or if it only follows the head: a
// database whose clock was ahead for a while must not stop the bank once it is right again.
//
// PostgreSQL evaluates the conditions of a CASE in order, and each sub-select when it is first needed. So the journal's
// row is written first.
fn text(parts: Parts) -> String {
    let mut arrays = Arrays { last: OF_JOURNAL };
    let new_status = if parts.changes { ", status = c.status_after" } else { "" };
    let mut more_of_wallets = if parts.changes { vec![STATUS_AFTER] } else { Vec::new() };
    if parts.limits {
        more_of_wallets.extend(LIMITS);
    }
    if parts.holds {
        more_of_wallets.push(HELD_AFTER);
    }
    let new_held = if parts.holds { ", held = c.held_after" } else { "" };
    let new_limits = if parts.limits { set_of_limits() } else { String::new() };
    let (updated, updated_count) = arrays.rows(UPDATED, &more_of_wallets);
    let (confirmed, confirmed_count) = arrays.rows(CONFIRMED, &[]);
    let mut more_of_transfers = if parts.notes { NOTES.to_vec() } else { Vec::new() };
    if parts.links {
        more_of_transfers.extend(LINKS);
    }
    let mut inserts = vec![
        arrays.insert("transfers", TRANSFERS, &more_of_transfers),
        arrays.insert("entries", ENTRIES, &[]),
    ];
    if parts.changes {
        inserts.push(arrays.insert("changes", CHANGES, &[]));
        inserts.push(arrays.insert("wallets", OPENED, &[]));
    }
    let mut holds_are_as_read = String::new();
    if parts.holds {
        inserts.push(arrays.insert("holds", BEGUN_HOLDS, &[]));
        inserts.push(arrays.insert("batches", BATCHES, &[]));
        let (changed, count) = arrays.rows(CHANGED_HOLDS, &[]);
        inserts.push(change_of_holds(&changed));
        holds_are_as_read = format!("\n        OR (SELECT count(*) FROM changed_holds) <> {count}");
    }
    if parts.audit {
        inserts.push(arrays.insert("audit_lines", AUDIT_LINES, &[]));
        inserts.push(arrays.insert("audit_details", AUDIT_DETAILS, &[]));
    }
    let inserts = inserts.concat();
    format!(
        "
WITH clock AS ({BANK_TIME}
), turn AS (SELECT number FROM journal WHERE number = 0 FOR UPDATE SKIP LOCKED
), head AS (
    INSERT INTO journal (number, last_id, transfers, changes, at, root, digest)
    SELECT $1 + 1, $3, $4, $5, $6, $7, $8 FROM turn
    WHERE EXISTS (SELECT 1 FROM journal WHERE number = $1 AND digest = $2)
        AND NOT EXISTS (SELECT 1 FROM journal WHERE number = $1 + 1)
        AND ($9 OR $6 <= (SELECT time FROM clock) + interval '2 seconds')
    RETURNING number
), updated AS (
    UPDATE wallets w SET balance = c.balance, version = c.version_after, updated_at = c.updated_at{new_status}{new_held}{new_limits}
    FROM ({updated}) AS c
    WHERE w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance_before
    RETURNING 1
), confirmed AS (
    SELECT 1 FROM ({confirmed}) AS c
    JOIN wallets w ON w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance
){inserts}
SELECT CASE
    WHEN (SELECT count(*) FROM head) <> 1 THEN florin_stale('the journal', 'FL001')
    WHEN (SELECT count(*) FROM updated) <> {updated_count}
        OR (SELECT count(*) FROM confirmed) <> {confirmed_count}{holds_are_as_read} THEN florin_stale('a wallet', 'FL002')
END, (SELECT time FROM clock) AS time"
    )
}

fn set_of_limits() -> String {
    LIMITS.iter().map(|(name, _)| format!(", {name} = c.{name}")).collect()
}

fn change_of_holds(changed: &str) -> String {
    format!(
        r#", changed_holds AS (
    UPDATE holds h SET remaining = c.remaining, captured = c.captured, "end" = c.how, ended_at = c.ended_at
    FROM ({changed}) AS c
    WHERE h.id = c.id AND h.remaining = c.remaining_before AND h.captured = c.captured_before AND h."end" IS NULL
    RETURNING 1
)"#
    )
}

/// Numbers the parameters: each column gets the next one, an array of its values.
struct Arrays {
    last: usize,
}

impl Arrays {
    /// A SELECT of these rows, which is empty unless the journal's row was written, and the expected number of rows.
    ///
    /// Each array is unnested by itself in the SELECT: one `unnest` of all arrays stores the values of each before it
    /// makes the first row, which takes three times as long.
    fn rows(&mut self, columns: &[ArrayColumn], more: &[ArrayColumn]) -> (String, String) {
        let count = format!("cardinality(${}::{}[])", self.last + 1, columns[0].1);
        let values = columns.iter().chain(more).map(|(name, array)| {
            self.last += 1;
            format!("unnest(${}::{array}[]) AS {name}", self.last)
        });
        let values = values.collect::<Vec<_>>().join(", ");
        (format!("SELECT {values} FROM head"), count)
    }

    fn insert(&mut self, table: &str, columns: &[ArrayColumn], more: &[ArrayColumn]) -> String {
        let names: Vec<&str> = columns.iter().chain(more).map(|(name, _)| *name).collect();
        let (rows, _) = self.rows(columns, more);
        format!(
            ", new_{table} AS (
    INSERT INTO {table} ({})
    {rows}
)",
            names.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commits_with_lines_name_the_audit_log() {
        for number in 0..32 {
            let (without, with) = (Parts::of(number).statement(), Parts::of(number + 32).statement());
            assert!(!without.contains("audit") && with.contains("INSERT INTO audit_lines"));
            let arrays = |statement: &str| statement.matches("::").count();
            assert_eq!(arrays(with), arrays(without) + AUDIT_LINES.len() + AUDIT_DETAILS.len());
        }
    }
}
