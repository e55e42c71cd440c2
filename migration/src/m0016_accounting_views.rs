//! Views for accountants: accounts, journal, postings, a trial balance and daily totals, with the same names, columns and
//! meaning on both databases. `docs/sql.md` is their contract.
//!
//! A customer's wallet is a liability of the bank: what goes out of it is a debit, what comes in a credit. The same holds
//! for the bank's own wallets, so each transfer's debits equal its credits.
//!
//! A view names no schema and only tables of the ledger. No view can be written to: SQLite never writes through one, and
//! PostgreSQL only through a view of one table. Hence the join of `v_accounts` there, which its planner removes.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, run, units};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: &POSTGRES.replace("{KIND}", KIND).replace("{STATUS}", STATUS),
                sqlite: &sqlite(),
            },
        )
        .await
    }
}

const KIND: &str = "CASE t.kind WHEN 1 THEN 'TRANSFER' WHEN 2 THEN 'DEPOSIT' WHEN 3 THEN 'WITHDRAWAL' WHEN 4 THEN 'REVERSAL' \
                    WHEN 5 THEN 'HOLD' WHEN 6 THEN 'RELEASE' WHEN 7 THEN 'CAPTURE' END";

const STATUS: &str = "CASE t.status WHEN 1 THEN 'PENDING' WHEN 2 THEN 'COMPLETED' WHEN 3 THEN 'FAILED' END";

// Ids stay the tables' columns, so that a condition on them uses their indexes. All texts have the collation of SQLite: by their
// bytes, whatever the database's own is. Some languages sort `CH` after `H`, so `CHF` after `HUF`.
const POSTGRES: &str = r#"
CREATE VIEW v_accounts (
    account_id, owner_id, kind, method, currency, status, balance, held, available, opened_at, version, units
) AS
SELECT w.id, w.user_id, CASE WHEN w.method IS NULL THEN 'customer' ELSE 'system' END COLLATE "C", w.method::text COLLATE "C",
    w.currency::text COLLATE "C", w.status::text COLLATE "C", w.balance::numeric(18,4), w.held::numeric(18,4),
    (w.balance - w.held)::numeric(18,4), w.created_at, w.version::bigint, (w.balance * 10000)::bigint
FROM wallets AS w CROSS JOIN (SELECT 1) AS not_written_through;

CREATE VIEW v_journal (
    transfer_id, at, kind, status, failure_reason, debit_account_id, credit_account_id, amount, currency, method, parent_id,
    batch_id, description, asked_by, expires_at, remaining, units
) AS
SELECT t.id, t.created_at, {KIND} COLLATE "C", {STATUS} COLLATE "C", t.failure_reason COLLATE "C", t.source_wallet_id,
    t.destination_wallet_id, t.amount::numeric(18,4), t.currency COLLATE "C", t.method COLLATE "C", t.parent_id, t.batch_id,
    t.description COLLATE "C", t.created_by, t.expires_at, h.remaining::numeric(18,4), (t.amount * 10000)::bigint
FROM transfers AS t LEFT JOIN holds AS h ON h.id = t.id;

CREATE VIEW v_postings (
    transfer_id, account_id, at, kind, debit, credit, balance_after, currency, version, units
) AS
SELECT e.transfer_id, e.wallet_id, t.created_at, {KIND} COLLATE "C", CASE WHEN e.amount < 0 THEN -e.amount END::numeric(18,4),
    CASE WHEN e.amount > 0 THEN e.amount END::numeric(18,4), e.balance_after::numeric(18,4), t.currency COLLATE "C",
    e.version::bigint, (e.amount * 10000)::bigint
FROM entries AS e JOIN transfers AS t ON t.id = e.transfer_id;

CREATE VIEW v_trial_balance (currency, kind, method, accounts, debit, credit, balance) AS
SELECT w.currency::text COLLATE "C", CASE WHEN w.method IS NULL THEN 'customer' ELSE 'system' END COLLATE "C",
    w.method::text COLLATE "C", count(*),
    coalesce(sum(-w.balance) FILTER (WHERE w.balance < 0), 0)::numeric(38,4),
    coalesce(sum(w.balance) FILTER (WHERE w.balance > 0), 0)::numeric(38,4), sum(w.balance)::numeric(38,4)
FROM wallets AS w
GROUP BY w.currency, w.method;

CREATE VIEW v_daily (day, currency, kind, transfers, amount) AS
SELECT (t.created_at AT TIME ZONE 'UTC')::date, t.currency COLLATE "C", {KIND} COLLATE "C", count(*), sum(t.amount)::numeric(38,4)
FROM transfers AS t
WHERE t.status = 2 AND t.kind <> 6
GROUP BY (t.created_at AT TIME ZONE 'UTC')::date, t.currency, t.kind;
"#;

/// SQLite: `sum` fails above 64 bits, and a sum of many amounts may be larger. So sums have two parts: the units divided by
/// this number, and the remainder.
const PART: u32 = 1_000_000_000;

fn sqlite() -> String {
    let account_kind = "CASE WHEN w.method IS NULL THEN 'customer' ELSE 'system' END";
    let (balance, held, amount, entry) = (
        units("w.balance"),
        units("w.held"),
        units("t.amount"),
        units("e.amount"),
    );
    let (account, owner, transfer) = (id("w.id"), optional_id("w.user_id"), id("t.id"));
    let (parent, batch, asker) = (
        optional_id("t.parent_id"),
        optional_id("t.batch_id"),
        optional_id("t.created_by"),
    );
    let (source, destination) = (id("t.source_wallet_id"), id("t.destination_wallet_id"));
    let (posting, posted_to) = (id("e.transfer_id"), id("e.wallet_id"));
    let (opened_at, at, expires_at) = (time("w.created_at"), time("t.created_at"), time("t.expires_at"));
    let available = money(&format!("({balance} - {held})"));
    let trial_balance = trial_balance(account_kind);
    let (amounts, sum) = (parts(&amount, "amount"), amount_of_parts("amount_high", "amount_low"));
    format!(
        "
CREATE VIEW v_accounts (
    account_id, owner_id, kind, method, currency, status, balance, held, available, opened_at, version, units
) AS
SELECT {account}, {owner}, {account_kind}, w.method, w.currency, w.status, w.balance, w.held, {available}, {opened_at}, w.version,
    {balance}
FROM wallets AS w;

CREATE VIEW v_journal (
    transfer_id, at, kind, status, failure_reason, debit_account_id, credit_account_id, amount, currency, method, parent_id,
    batch_id, description, asked_by, expires_at, remaining, units
) AS
SELECT {transfer}, {at}, {KIND}, {STATUS}, t.failure_reason, {source}, {destination}, t.amount, t.currency, t.method, {parent},
    {batch}, t.description, {asker}, {expires_at}, h.remaining, {amount}
FROM transfers AS t LEFT JOIN holds AS h ON h.id = t.id;

CREATE VIEW v_postings (
    transfer_id, account_id, at, kind, debit, credit, balance_after, currency, version, units
) AS
SELECT {posting}, {posted_to}, {at}, {KIND}, CASE WHEN {entry} < 0 THEN substr(e.amount, 2) END,
    CASE WHEN {entry} > 0 THEN e.amount END, e.balance_after, t.currency, e.version, {entry}
FROM entries AS e JOIN transfers AS t ON t.id = e.transfer_id;

{trial_balance}

CREATE VIEW v_daily (day, currency, kind, transfers, amount) AS
SELECT day, currency, kind, transfers, {sum}
FROM (
    SELECT substr(t.created_at, 1, 10) AS day, t.currency AS currency, {KIND} AS kind, count(*) AS transfers, {amounts}
    FROM transfers AS t
    WHERE t.status = 2 AND t.kind <> 6
    GROUP BY substr(t.created_at, 1, 10), t.currency, t.kind
);
"
    )
}

/// The debits and the credits of a group are separate sums, each in two parts. The balance is their difference: the amount
/// first, then its sign before it.
fn trial_balance(account_kind: &str) -> String {
    let balance = units("w.balance");
    let debits = parts(&format!("CASE WHEN {balance} < 0 THEN -{balance} ELSE 0 END"), "debit");
    let credits = parts(&format!("CASE WHEN {balance} > 0 THEN {balance} ELSE 0 END"), "credit");
    let (debit, credit) = (
        amount_of_parts("debit_high", "debit_low"),
        amount_of_parts("credit_high", "credit_low"),
    );
    let difference = amount_of_parts(
        "abs(high) - (sign * low < 0)",
        &format!("(sign * low + {PART}) % {PART}"),
    );
    format!(
        "
CREATE VIEW v_trial_balance (currency, kind, method, accounts, debit, credit, balance) AS
SELECT currency, kind, method, accounts, {debit}, {credit}, CASE WHEN sign < 0 THEN '-' ELSE '' END || {difference}
FROM (
    SELECT *, CASE WHEN high < 0 OR (high = 0 AND low < 0) THEN -1 ELSE 1 END AS sign
    FROM (
        SELECT *, credit_high - debit_high AS high, credit_low - debit_low AS low
        FROM (
            SELECT w.currency AS currency, {account_kind} AS kind, w.method AS method, count(*) AS accounts, {debits}, {credits}
            FROM wallets AS w
            GROUP BY w.currency, w.method
        )
    )
);"
    )
}

/// SQLite: the sum of numbers of units that are at least zero, as the columns NAME_high and NAME_low.
fn parts(units: &str, name: &str) -> String {
    let (high, low) = (format!("sum(({units}) / {PART})"), format!("sum(({units}) % {PART})"));
    format!("{high} + {low} / {PART} AS {name}_high, {low} % {PART} AS {name}_low")
}

/// SQLite: an amount of at least zero as text, from its two parts.
fn amount_of_parts(high: &str, low: &str) -> String {
    format!(
        "CASE WHEN {high} > 0 THEN ({high}) || printf('%05d', ({low}) / 10000) ELSE ({low}) / 10000 END \
         || printf('.%04d', ({low}) % 10000)"
    )
}

/// SQLite: a number of units as the text of an amount.
fn money(units: &str) -> String {
    format!(
        "CASE WHEN {units} < 0 THEN '-' ELSE '' END || (abs({units}) / 10000) || printf('.%04d', abs({units}) % 10000)"
    )
}

/// SQLite: an id as lower-case text with hyphens.
fn id(column: &str) -> String {
    let part = |from: u8, count: u8| format!("substr(lower(hex({column})), {from}, {count})");
    [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ")
}

/// SQLite: the same for a column that may be null, of which `hex` makes an empty text.
fn optional_id(column: &str) -> String {
    format!("CASE WHEN {column} IS NOT NULL THEN {} END", id(column))
}

/// SQLite: a time with six decimals. The stored text has as many as the time needs, in groups of three, and ends in
/// `+00:00`.
fn time(column: &str) -> String {
    format!(
        "substr({column}, 1, 19) || '.' || substr(substr({column}, 21, max(length({column}) - 26, 0)) || '000000', 1, 6) || 'Z'"
    )
}
