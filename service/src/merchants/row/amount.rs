//! An amount as feeds write it, read digit by digit.

use crate::values::Money;

/// What the field of an amount holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActivityAmount {
    Read(Money),
    /// Blank, not a number, or outside DECIMAL(18,4).
    Unreadable,
    /// NaN or infinite.
    NotFinite,
}

/// Reads `[+-]digits[.digits][e[+-]digits]`, with digits on at least one side of the point: the format of decimal
/// libraries, exponents included. More than four decimals are rounded, half away from zero.
pub(super) fn read(field: &[u8]) -> ActivityAmount {
    let (negative, unsigned) = match field {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if is_not_finite(unsigned) {
        return ActivityAmount::NotFinite;
    }
    let units = Decimal::split(unsigned).and_then(|decimal| decimal.units());
    match units.and_then(|units| Money::from_units(if negative { -units } else { units })) {
        Some(money) => ActivityAmount::Read(money),
        None => ActivityAmount::Unreadable,
    }
}

fn is_not_finite(unsigned: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"nan", b"snan", b"inf", b"infinity"];
    // A fast path: nearly every amount begins with a digit.
    !unsigned.first().is_some_and(u8::is_ascii_digit) && words.iter().any(|word| word.eq_ignore_ascii_case(unsigned))
}

/// `whole.fraction * 10^exponent`, all digits.
struct Decimal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// Beyond this an exponent makes any number zero or too large, since a record has fewer digits.
const EXPONENT_MAX: i64 = 1 << 32;

impl<'a> Decimal<'a> {
    fn split(unsigned: &'a [u8]) -> Option<Self> {
        let (number, exponent) = match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match number.iter().position(|byte| *byte == b'.') {
            Some(at) => (&number[..at], &number[at + 1..]),
            None => (number, &number[..0]),
        };
        let is_number =
            whole.len() + fraction.len() > 0 && [whole, fraction].into_iter().flatten().all(u8::is_ascii_digit);
        is_number.then_some(Self {
            whole,
            fraction,
            exponent,
        })
    }

    /// Ten-thousandths, rounded; `None` when there are more than an `i64` holds.
    fn units(&self) -> Option<i64> {
        // The number of digits before the point, once the point has moved right by the exponent and by the four
        // decimals of a ten-thousandth.
        let whole = self.whole.len() as i64 + self.exponent + DECIMALS;
        let mut units: i64 = 0;
        let mut position = 0;
        for digit in self
            .whole
            .iter()
            .chain(self.fraction)
            .map(|byte| i64::from(byte - b'0'))
        {
            if position == whole {
                return units.checked_add(i64::from(digit >= 5));
            }
            if position > whole {
                return Some(0);
            }
            units = units.checked_mul(10)?.checked_add(digit)?;
            position += 1;
        }
        while position < whole && units != 0 {
            units = units.checked_mul(10)?;
            position += 1;
        }
        Some(units)
    }
}

const DECIMALS: i64 = 4;

fn exponent(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |size, digit| {
        (size * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX)
    });
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, money) in [
            ("1000.00", "1000.0000"),
            ("0", "0.0000"),
            ("-0", "0.0000"),
            ("+12.5", "12.5000"),
            (".5", "0.5000"),
            ("5.", "5.0000"),
            ("-7.25", "-7.2500"),
            ("0000000000000000000000001.5", "1.5000"),
            ("99999999999999.9999", "99999999999999.9999"),
            ("-99999999999999.9999", "-99999999999999.9999"),
            ("1e3", "1000.0000"),
            ("1.5E-2", "0.0150"),
            ("12.5e+1", "125.0000"),
            ("0e999999999999999999999", "0.0000"),
            ("1e-999999999999999999999", "0.0000"),
            ("9999999999999999999999e-20", "100.0000"),
        ] {
            assert_eq!(
                read(text.as_bytes()),
                ActivityAmount::Read(money.parse().expect("is money")),
                "{text}"
            );
        }
    }

    #[test]
    fn more_than_four_decimals_round_half_away_from_zero() {
        for (text, money) in [
            ("0.00004", "0.0000"),
            ("0.00005", "0.0001"),
            ("-0.00005", "-0.0001"),
            ("0.000049999999999999999999999999", "0.0000"),
            ("1.23455", "1.2346"),
            ("-1.23454999", "-1.2345"),
            ("5e-5", "0.0001"),
            ("5e-6", "0.0000"),
            ("99999999999999.99994", "99999999999999.9999"),
        ] {
            assert_eq!(
                read(text.as_bytes()),
                ActivityAmount::Read(money.parse().expect("is money")),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_amount_is_unreadable() {
        for text in [
            "",
            "INVALID",
            ".",
            "-",
            "+-1",
            "1.2.3",
            "1,000.00",
            "1 000",
            "$5",
            "0x10",
            "1_000",
            "e5",
            "1e",
            "1e+",
            "1e5.0",
            "nano",
            "100000000000000",
            "99999999999999.99995",
            "-1e99",
            "1e999999999999",
            "٣",
        ] {
            assert_eq!(read(text.as_bytes()), ActivityAmount::Unreadable, "{text}");
        }
    }

    #[test]
    fn nan_and_infinity_are_not_finite() {
        for text in ["NaN", "nan", "-nan", "sNaN", "inf", "+Inf", "-INFINITY"] {
            assert_eq!(read(text.as_bytes()), ActivityAmount::NotFinite, "{text}");
        }
    }
}
