//! Exact amounts of up to 18 digits before the point and 10 after it, either sign, read from the text of a JSON number.

use crate::values::Money;

/// An amount that is reported to the window, in units of 10^-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowAmount(i128);

/// Digits after the point that an amount may have.
pub const DECIMALS: u32 = 10;
/// Digits before the point that an amount may have.
const WHOLE_DIGITS_MAX: u32 = 18;
/// Digits that a timestamp in milliseconds may have; `i64` holds as many.
const TIMESTAMP_DIGITS_MAX: u32 = 18;
/// Units of an amount in one unit of money, which has four decimals.
const UNITS_PER_MONEY_UNIT: i128 = 1_000_000;

impl WindowAmount {
    /// The largest amount; its negative is the smallest.
    pub const MAX: Self = Self(10_i128.pow(WHOLE_DIGITS_MAX + DECIMALS) - 1);

    /// Takes units of 10^-10; `None` beyond ±`MAX`.
    #[must_use]
    pub const fn from_units(units: i128) -> Option<Self> {
        if units.unsigned_abs() <= Self::MAX.0.unsigned_abs() {
            Some(Self(units))
        } else {
            None
        }
    }

    /// The amount in units of 10^-10.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Reads the text of a JSON number, its exponent applied; `None` when it has too many digits on either side.
    #[must_use]
    pub fn from_json_number(text: &str) -> Option<Self> {
        scaled(text, WHOLE_DIGITS_MAX, DECIMALS).map(Self)
    }
}

impl From<Money> for WindowAmount {
    fn from(money: Money) -> Self {
        Self(i128::from(money.units()) * UNITS_PER_MONEY_UNIT)
    }
}

/// Reads the text of a JSON number as whole milliseconds; `None` when it has a fraction or too many digits.
#[must_use]
pub fn timestamp_from_json_number(text: &str) -> Option<i64> {
    scaled(text, TIMESTAMP_DIGITS_MAX, 0)?.try_into().ok()
}

/// The number times `10^decimals`, exactly; `None` when it has more digits before or after the point than allowed.
fn scaled(text: &str, whole_max: u32, decimals: u32) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (text, "0"),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return digits.bytes().next().map(|_| 0);
    }
    let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
    // No text that fits into a body has enough digits to bring an exponent beyond i64 back into range.
    let exponent: i64 = exponent.parse().ok()?;
    let power = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(trailing_zeros).ok()?)?;
    let length = i64::try_from(significant.len()).ok()?;
    if length.checked_add(power)? > i64::from(whole_max) || power < -i64::from(decimals) {
        return None;
    }
    let zeros = u32::try_from(power + i64::from(decimals)).ok()?;
    let units = significant
        .parse::<i128>()
        .ok()?
        .checked_mul(10_i128.checked_pow(zeros)?)?;
    Some(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_with_their_exponent() {
        for (text, units) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e999999", 0),
            ("12.3", 123_000_000_000),
            ("12.30", 123_000_000_000),
            ("-12.3", -123_000_000_000),
            ("1e2", 1_000_000_000_000),
            ("1E+2", 1_000_000_000_000),
            ("123e-12", 0),
            ("0.0000000001", 1),
            ("1e-10", 1),
            ("10e-11", 1),
            ("999999999999999999.9999999999", WindowAmount::MAX.units()),
            ("-999999999999999999.9999999999", -WindowAmount::MAX.units()),
            ("100000000000000000", 10_i128.pow(27)),
            ("0.00000000000000000001e20", 10_i128.pow(10)),
        ] {
            let read = WindowAmount::from_json_number(text).map(WindowAmount::units);
            let expected = (text != "123e-12").then_some(units);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn too_many_digits_are_no_amount() {
        for text in [
            "1000000000000000000",
            "1e18",
            "1e400",
            "1e-11",
            "-1e400",
            "0.00000000001",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1e9223372036854775807",
            "0.1e-9223372036854775808",
            "",
            "-",
        ] {
            assert_eq!(WindowAmount::from_json_number(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_whole_milliseconds() {
        for (text, at) in [
            ("1478192204000", Some(1_478_192_204_000)),
            ("-1", Some(-1)),
            ("1.478192204e12", Some(1_478_192_204_000)),
            ("1478192204000.0", Some(1_478_192_204_000)),
            ("1478192204000.5", None),
            ("1e400", None),
            ("0.1", None),
        ] {
            assert_eq!(timestamp_from_json_number(text), at, "{text}");
        }
    }
}
