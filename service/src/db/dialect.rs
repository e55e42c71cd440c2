//! The SQL expressions that PostgreSQL and SQLite spell differently, for every statement of the bank.

use sea_orm::{ConnectionTrait, DbBackend};

/// The SQL dialect of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlDialect(DbBackend);

/// A sum of many amounts may not fit into 64 bits, the size of a `bigint` and of SQLite's `sum`. So a sum is stored and
/// selected in two parts: its units divided by this number, and the remainder.
const PART: i128 = 1_000_000_000;

impl SqlDialect {
    /// The dialect of a connection or a transaction.
    pub fn of(db: &impl ConnectionTrait) -> Self {
        Self(db.get_database_backend())
    }

    /// The dialect of a database.
    #[must_use]
    pub const fn new(backend: DbBackend) -> Self {
        Self(backend)
    }

    /// True for PostgreSQL.
    #[must_use]
    pub fn is_postgres(self) -> bool {
        self.0 == DbBackend::Postgres
    }

    /// The text for this dialect.
    #[must_use]
    pub fn choose<'t>(self, postgres: &'t str, sqlite: &'t str) -> &'t str {
        if self.is_postgres() { postgres } else { sqlite }
    }

    /// A money column in ten-thousandths.
    #[must_use]
    pub fn units(self, money: &str) -> String {
        if self.is_postgres() {
            format!("({money} * 10000)::bigint")
        } else {
            format!("CAST(replace({money}, '.', '') AS INTEGER)")
        }
    }

    /// The sum of a money column as the columns `units_high` and `units_low`, to be put together by `units_of_parts`.
    #[must_use]
    pub fn sum_of_units(self, money: &str) -> String {
        let units = self.units(money);
        format!(
            "CAST(sum({units} / {PART}) AS bigint) AS units_high, CAST(sum({units} % {PART}) AS bigint) AS units_low"
        )
    }

    /// The day of a time, in UTC.
    #[must_use]
    pub fn day_of(self, time: &str) -> String {
        if self.is_postgres() {
            format!("({time} AT TIME ZONE 'UTC')::date")
        } else {
            format!("substr({time}, 1, 10)")
        }
    }

    /// Whether a time is finite. Only PostgreSQL can store an infinite one, on which the driver panics.
    #[must_use]
    pub fn is_finite(self, time: &str) -> String {
        if self.is_postgres() {
            format!("isfinite({time})")
        } else {
            "true".to_owned()
        }
    }

    /// NULL of a type, which PostgreSQL needs in the first SELECT of a UNION.
    #[must_use]
    pub fn null(self, postgres_type: &str) -> String {
        if self.is_postgres() {
            format!("NULL::{postgres_type}")
        } else {
            "NULL".to_owned()
        }
    }

    /// The texts of a JSON array as rows of one column.
    #[must_use]
    pub fn texts_of_json(self, parameter: &str) -> String {
        if self.is_postgres() {
            format!("SELECT json_array_elements_text({parameter}::json)")
        } else {
            format!("SELECT value FROM json_each({parameter})")
        }
    }
}

/// The two parts in which a number of units is stored; `None` where they do not fit.
#[must_use]
pub fn parts_of_units(units: i128) -> Option<(i64, i64)> {
    let (high, low) = (units.div_euclid(PART), units.rem_euclid(PART));
    Some((high.try_into().ok()?, low.try_into().ok()?))
}

/// The number of units that is stored in two parts.
#[must_use]
pub fn units_of_parts(high: i64, low: i64) -> i128 {
    i128::from(high) * PART + i128::from(low)
}

/// Bytes as lower-case hexadecimal digits, for SQLite's `unhex`. A table of digits is faster than formatting, and a
/// transfer has a dozen of these.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(nibble)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_back_from_their_parts() {
        for units in [
            0,
            1,
            -1,
            PART - 1,
            PART,
            -PART,
            i128::from(i64::MAX) * 40,
            i128::from(i64::MIN) * 40,
        ] {
            let (high, low) = parts_of_units(units).expect("they fit");
            assert!((0..PART).contains(&i128::from(low)));
            assert_eq!(units_of_parts(high, low), units);
        }
        assert_eq!(parts_of_units(i128::MAX), None);
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 9, 10, 255]), "00090aff");
    }
}
