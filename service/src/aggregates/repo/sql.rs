//! The statements that the two dialects do not share.

use crate::db::SqlDialect;
use crate::feed::{IS_PAYMENT, PAYMENT_KIND};

/// The statements in a connection's dialect.
#[derive(Clone, Copy)]
pub(super) struct TotalsDialect(pub SqlDialect);

/// The columns of a row of sums.
pub(super) const COLUMNS: &str = "day, source, currency, kind, method, units_high, units_low, count";
/// What a row without a sum has in these columns.
const NO_SUM: &str = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL";
const KEY: &str = "currency, day, kind, method, source";

/// The one row of state. Its columns are named, since a newer release may add one while this one runs.
pub(super) const READ_STATE: &str = "SELECT bank, mark_number, mark_digest, newest_day, epoch, version, rebuilds, \
    rebuilt_at FROM aggregates_state WHERE id = 1";

impl TotalsDialect {
    /// Adds sums, given as JSON, to those of a table. In the order of the key, so that two writers cannot deadlock.
    pub fn add(self, table: &str) -> String {
        let lines = self.0.choose(
            "SELECT day, source, currency, kind, method, units_high, units_low, count FROM json_to_recordset($1::json) \
             AS line (day date, source smallint, currency text, kind smallint, method text, units_high bigint, \
             units_low bigint, count bigint) ORDER BY currency, day, kind, method, source",
            "SELECT value ->> 'day', value ->> 'source', value ->> 'currency', value ->> 'kind', value ->> 'method', \
             value ->> 'units_high', value ->> 'units_low', value ->> 'count' FROM json_each($1) WHERE true",
        );
        format!("INSERT INTO {table} ({COLUMNS}) {lines} {}", Self::or_add_to(table))
    }

    fn or_add_to(table: &str) -> String {
        format!(
            "ON CONFLICT ({KEY}) DO UPDATE SET units_high = {table}.units_high + excluded.units_high, \
             units_low = {table}.units_low + excluded.units_low, count = {table}.count + excluded.count"
        )
    }

    /// Moves at most `$2` sums of days before `$1` from hot to cold: one statement on PostgreSQL; on SQLite two, under
    /// the write lock, that choose the same rows.
    pub fn move_cold(self) -> Vec<String> {
        let chosen = format!("SELECT {KEY} FROM hot_totals WHERE day < $1 ORDER BY {KEY} LIMIT $2");
        let or_add = Self::or_add_to("cold_totals");
        if self.0.is_postgres() {
            return vec![format!(
                "WITH moved AS (DELETE FROM hot_totals WHERE ({KEY}) IN ({chosen} FOR UPDATE) RETURNING {COLUMNS}) \
                 INSERT INTO cold_totals ({COLUMNS}) SELECT {COLUMNS} FROM moved ORDER BY {KEY} {or_add}"
            )];
        }
        vec![
            format!(
                "INSERT INTO cold_totals ({COLUMNS}) SELECT {COLUMNS} FROM hot_totals WHERE ({KEY}) IN ({chosen}) {or_add}"
            ),
            format!("DELETE FROM hot_totals WHERE ({KEY}) IN ({chosen})"),
        ]
    }

    /// The completed deposits and withdrawals after the id `$1`. The condition `IS_PAYMENT` includes that of the
    /// partial index, so that the index is used.
    pub fn payments_after(self) -> String {
        let sums = self.sums("t.amount", "t.created_at", "t.currency", "t.method");
        format!(
            "{sums} FROM transfers t WHERE {IS_PAYMENT} AND t.status = 2 AND t.id > $1 \
             GROUP BY 1, 3, 4, 5"
        )
    }

    /// The ledger's deposits and withdrawals up to and including the id `$1`, from the entries of the bank's own
    /// wallets, where each has exactly one. Reversals are neither.
    pub fn ledger(self) -> String {
        let amount = self.0.choose("abs(e.amount)", "replace(e.amount, '-', '')");
        let sums = self.sums(amount, "t.created_at", "w.currency", "w.method");
        format!(
            "{sums} FROM wallets w JOIN entries e ON e.wallet_id = w.id JOIN transfers t ON t.id = e.transfer_id \
             WHERE w.method IS NOT NULL AND {IS_PAYMENT} AND e.transfer_id <= $1 GROUP BY 1, 3, 4, 5"
        )
    }

    /// `SELECT` of the bank's own sums; the caller groups by the columns 1, 3, 4 and 5.
    fn sums(self, amount: &str, time: &str, currency: &str, method: &str) -> String {
        let (day, sum) = (self.0.day_of(time), self.0.sum_of_units(amount));
        let source = self.0.choose("1::smallint", "1");
        format!(
            "SELECT {day} AS day, {source} AS source, {currency} AS currency, CAST({PAYMENT_KIND} AS smallint) AS kind, {method} AS method, \
             {sum}, count(*) AS count"
        )
    }

    /// The sums of the currency `$1` from day `$2` to day `$3` in both tables, a row each. In columns of their own,
    /// without a sum: a row for each of the names `$4` that is archived, and one for the epoch. One snapshot, one round
    /// trip.
    pub fn daily(self) -> String {
        let none = self.0.null("text");
        let sums = |table| {
            format!(
                "SELECT {COLUMNS}, {none} AS archived, {none} AS epoch FROM {table} \
                 WHERE currency = $1 AND day BETWEEN $2 AND $3"
            )
        };
        format!(
            "{} UNION ALL {} \
             UNION ALL SELECT {NO_SUM}, generation, NULL FROM archived_generations WHERE generation IN ({}) \
             UNION ALL SELECT {NO_SUM}, NULL, epoch FROM aggregates_state WHERE epoch IS NOT NULL",
            sums("cold_totals"),
            sums("hot_totals"),
            self.0.texts_of_json("$4"),
        )
    }

    /// Stores the names `$1` as archived at `$2`, and returns those that were not stored before.
    pub fn archive(self) -> String {
        let names = self.0.choose(
            "SELECT value, $2 FROM json_array_elements_text($1::json) AS list (value) ORDER BY value",
            "SELECT value, $2 FROM json_each($1) WHERE true",
        );
        format!(
            "INSERT INTO archived_generations (generation, archived_at) {names} \
             ON CONFLICT (generation) DO NOTHING RETURNING generation"
        )
    }

    /// The one row of state, locked against other writers until the transaction ends.
    pub fn lock_state(self) -> String {
        // On SQLite the transaction holds the write lock already.
        format!("{READ_STATE}{}", if self.0.is_postgres() { " FOR UPDATE" } else { "" })
    }
}
