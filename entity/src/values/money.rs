//! Exact money: DECIMAL(18,4) as ten-thousandths in an `i64`, never as a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable, Value};
use serde::{Serialize, Serializer};

use super::damaged;

/// An amount of at most 14 digits before the point and 4 after it, of either sign, in ten-thousandths.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is not money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount of at most 14 digits before the point and 4 after it")]
pub struct MoneyError;

impl Money {
    /// The amount zero.
    pub const ZERO: Self = Self(0);
    /// 99 999 999 999 999.9999, the largest amount; its negative is the smallest.
    pub const MAX: Self = Self(UNITS_MAX);

    /// Takes ten-thousandths; `None` beyond ±`MAX`.
    #[must_use]
    pub const fn from_units(units: i64) -> Option<Self> {
        if units.unsigned_abs() <= UNITS_MAX as u64 {
            Some(Self(units))
        } else {
            None
        }
    }

    /// The amount in ten-thousandths.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Reads what a caller may send as an amount: `(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?`.
    pub fn parse_unsigned(text: &str) -> Result<Self, MoneyError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || whole.len() > WHOLE_DIGITS_MAX || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(MoneyError);
        }
        let mut units: i64 = whole.parse().map_err(|_| MoneyError)?;
        units *= UNITS_PER_ONE;
        if let Some(fraction) = fraction {
            if !digits(fraction) || fraction.len() > SCALE {
                return Err(MoneyError);
            }
            let padded: i64 = format!("{fraction:0<SCALE$}").parse().map_err(|_| MoneyError)?;
            units += padded;
        }
        Ok(Self(units))
    }

    /// Reads an amount as SQLite stores it: with four decimals, and zero without a sign. No other spelling is one, since
    /// SQL takes the digits of the text as ten-thousandths.
    fn from_canonical(text: &str) -> Option<Self> {
        let point = text.len().checked_sub(SCALE + 1)?;
        let is_canonical = text.as_bytes()[point] == b'.' && text != "-0.0000";
        text.parse().ok().filter(|_| is_canonical)
    }

    /// The sum; `None` when it leaves ±`MAX`.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_units(self.0 + other.0)
    }

    /// The difference; `None` when it leaves ±`MAX`.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        Self::from_units(self.0 - other.0)
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(-self.0)
    }

    /// The amount as the database driver's decimal, always with four decimals.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, SCALE as u32)
    }

    /// Takes a decimal of any scale; `None` when it has more than four decimals or leaves ±`MAX`.
    #[must_use]
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        let mut scaled = decimal;
        scaled.rescale(SCALE as u32);
        if scaled != decimal {
            return None;
        }
        scaled.mantissa().try_into().ok().and_then(Self::from_units)
    }
}

const SCALE: usize = 4;
const WHOLE_DIGITS_MAX: usize = 14;
const UNITS_PER_ONE: i64 = 10_000;
const UNITS_MAX: i64 = 999_999_999_999_999_999;

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let per_one = UNITS_PER_ONE.unsigned_abs();
        write!(f, "{sign}{}.{:04}", units / per_one, units % per_one)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads an amount with an optional minus sign.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.strip_prefix('-') {
            Some(unsigned) => Self::parse_unsigned(unsigned).map(Self::negated),
            None => Self::parse_unsigned(text),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Self {
        Value::Decimal(Some(money.to_decimal()))
    }
}

impl ValueType for Money {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let decimal = <Decimal as ValueType>::try_from(value)?;
        Money::from_decimal(decimal).ok_or(ValueTypeErr)
    }

    fn type_name() -> String {
        "Money".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Decimal
    }

    fn column_type() -> ColumnType {
        ColumnType::Decimal(Some((18, 4)))
    }
}

impl Nullable for Money {
    fn null() -> Value {
        Value::Decimal(None)
    }
}

impl TryGetable for Money {
    /// Reads NUMERIC on PostgreSQL and canonical text on SQLite, where sea-orm would read a decimal through a float.
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let money = if row.try_as_sqlite_row().is_some() {
            Self::from_canonical(&String::try_get_by(row, index)?)
        } else {
            Money::from_decimal(Decimal::try_get_by(row, index)?)
        };
        money.ok_or_else(|| damaged("Money"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_has_one_spelling() {
        for (text, units) in [("12.5000", 125_000), ("-0.0001", -1), ("0.0000", 0)] {
            assert_eq!(Money::from_canonical(text).map(Money::units), Some(units), "{text}");
        }
        for text in [
            "12.5", "12", "12.50000", "-0.0000", "01.0000", ".0000", "1,0000", "é.0000", "",
        ] {
            assert_eq!(Money::from_canonical(text), None, "{text}");
        }
    }
}
