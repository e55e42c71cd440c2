//! Sums of money, which can be larger than any amount.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use crate::values::Money;

/// A sum of amounts, in ten-thousandths: exact for more rows than any database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volume(i128);

/// The text is not a sum with four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sum with four decimals")]
pub struct VolumeError;

const PER_ONE: u128 = 10_000;
/// SQLite keeps a volume as `high * LOW_END + low`, since its integers hold 18 digits.
pub(super) const LOW_END: i128 = 1_000_000_000_000_000_000;

impl Volume {
    /// The ten-thousandths.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The hundredths, rounded half away from zero.
    #[must_use]
    pub const fn cents(self) -> i128 {
        let half = if self.0 < 0 { -50 } else { 50 };
        (self.0 + half) / 100
    }

    /// The two integers that SQLite keeps; the second is never negative.
    pub(super) fn halves(self) -> (i64, i64) {
        // Both fit into an `i64`: a volume has fewer than 36 digits, and the remainder of a division by `LOW_END` fewer
        // than 19.
        (self.0.div_euclid(LOW_END) as i64, self.0.rem_euclid(LOW_END) as i64)
    }

    pub(super) fn from_halves(high: i64, low: i64) -> Self {
        Self(i128::from(high) * LOW_END + i128::from(low))
    }
}

impl AddAssign<Money> for Volume {
    fn add_assign(&mut self, amount: Money) {
        self.0 += i128::from(amount.units());
    }
}

impl Add for Volume {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:04}", units / PER_ONE, units % PER_ONE)
    }
}

impl FromStr for Volume {
    type Err = VolumeError;

    /// Reads what `Display` writes, and what PostgreSQL writes of a NUMERIC(38,4).
    fn from_str(text: &str) -> Result<Self, VolumeError> {
        let (whole, fraction) = text.split_once('.').ok_or(VolumeError)?;
        if fraction.len() != 4 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VolumeError);
        }
        format!("{whole}{fraction}").parse().map(Self).map_err(|_| VolumeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(units: i128) -> Volume {
        Volume(units)
    }

    #[test]
    fn text_and_halves_come_back_as_they_were() {
        for units in [
            0,
            1,
            -1,
            9_999,
            -12_345,
            LOW_END,
            -LOW_END,
            LOW_END - 1,
            -LOW_END - 1,
            10_i128.pow(33),
        ] {
            let volume = volume(units);
            assert_eq!(volume.to_string().parse(), Ok(volume));
            let (high, low) = volume.halves();
            assert!(low >= 0);
            assert_eq!(Volume::from_halves(high, low), volume);
        }
        assert_eq!(volume(-12_345).to_string(), "-1.2345");
    }

    #[test]
    fn cents_round_half_away_from_zero() {
        for (units, cents) in [
            (49, 0),
            (50, 1),
            (149, 1),
            (150, 2),
            (-49, 0),
            (-50, -1),
            (-150, -2),
            (301_765_521_300, 3_017_655_213),
        ] {
            assert_eq!(volume(units).cents(), cents, "{units}");
        }
    }
}
