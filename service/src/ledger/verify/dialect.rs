//! The SQL expressions of the checks that PostgreSQL and SQLite spell differently. None of them fails on damaged data.

use sea_orm::ConnectionTrait;

use crate::db::SqlDialect;

/// What must hold, as a sentence, and a query for what breaks it, which gives `id` and `version`.
pub(super) type SqlCheck = (&'static str, String);

/// The dialect of the checks.
#[derive(Clone, Copy)]
pub(super) struct BooksDialect(SqlDialect);

impl BooksDialect {
    pub fn of(db: &impl ConnectionTrait) -> Self {
        Self(SqlDialect::of(db))
    }

    /// A money column in ten-thousandths.
    pub fn units(self, money: &str) -> String {
        self.0.units(money)
    }

    /// The sum of a money column, as the columns of `SqlDialect::sum_of_units`.
    pub fn sum_of_units(self, money: &str) -> String {
        self.0.sum_of_units(money)
    }

    /// The sum of numbers of units. SQLite's `sum` fails where the sum does not fit into 64 bits. Its multiplication
    /// gives an inexact number there, which is above every amount.
    pub fn total(self, units: &str) -> String {
        if self.0.is_postgres() {
            format!("sum({units})")
        } else {
            format!("(sum(({units}) / 1000000000) * 1000000000 + sum(({units}) % 1000000000))")
        }
    }

    /// The column `version` of a check that names no entries.
    pub fn no_version(self) -> String {
        format!("{} AS version", self.0.null("bigint"))
    }

    /// Whether a column is the time, to the microsecond, that is in an id; see `clock::id_at`.
    pub fn is_time_of(self, column: &str, id: &str) -> String {
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

    /// The latest one of some ids. In place of a missing id comes the wallet's own, which is that of the change that
    /// opened it.
    pub fn latest(self, ids: &[&str]) -> String {
        let latest = self.0.choose("greatest", "max");
        let ids: Vec<String> = ids.iter().map(|id| format!("coalesce({id}, w.id)")).collect();
        format!("{latest}({})", ids.join(", "))
    }

    /// A bound for ids: above those of earlier UTC days, and below those of the day that is this many days after `day`.
    /// Days are counted from 1970-01-01; one that no id can hold is taken for the first or the last one.
    pub fn first_id_of_day(self, day: &str, days_later: u8) -> String {
        const MILLIS: i64 = 86_400_000;
        const LAST_DAY: i64 = ((1 << 48) - 1) / MILLIS - 1;
        if self.0.is_postgres() {
            let millis = format!("(least(greatest({day}, 0), {LAST_DAY})::bigint + {days_later}) * {MILLIS}");
            format!("(lpad(to_hex({millis}), 12, '0') || repeat('0', 20))::uuid")
        } else {
            let millis = format!("(min(max({day}, 0), {LAST_DAY}) + {days_later}) * {MILLIS}");
            format!("unhex(printf('%012X', {millis}) || '00000000000000000000')")
        }
    }

    /// The text `after` of the change that opened `wallets w`; see `journal::opening_text`.
    pub fn opening_text(self) -> String {
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
}
