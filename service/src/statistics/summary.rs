//! Count, sum, smallest and largest of a set of amounts, and the merge of two sets. Nothing is ever subtracted.

use super::amount::WindowAmount;

/// Count, sum, smallest and largest of some amounts, in units of 10^-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSummary {
    pub count: u64,
    pub sum: i128,
    pub min: i128,
    pub max: i128,
}

/// Units of an amount that make one unit of an average, which has four decimals.
const UNITS_PER_AVERAGE: i128 = 1_000_000;

impl WindowSummary {
    /// The summary of no amounts.
    pub const EMPTY: Self = Self {
        count: 0,
        sum: 0,
        min: i128::MAX,
        max: i128::MIN,
    };

    /// The summary of one amount.
    #[must_use]
    pub const fn of(amount: WindowAmount) -> Self {
        let units = amount.units();
        Self {
            count: 1,
            sum: units,
            min: units,
            max: units,
        }
    }

    /// Adds the summary of another set. A sum would leave its range after 17 thousand million of the largest amounts.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Sum, average, largest, smallest and count, all zero when there is nothing.
    #[must_use]
    pub fn figures(&self) -> Figures {
        if self.count == 0 {
            return Figures::default();
        }
        Figures {
            sum: self.sum,
            avg: rounded_half_up(self.sum, i128::from(self.count) * UNITS_PER_AVERAGE),
            max: self.max,
            min: self.min,
            count: self.count,
        }
    }
}

/// The figures of a window; all zero when it has no amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The sum, in units of 10^-10.
    pub sum: i128,
    /// The average, in units of 10^-4, halves rounded away from zero.
    pub avg: i128,
    /// The largest amount, in units of 10^-10.
    pub max: i128,
    /// The smallest amount, in units of 10^-10.
    pub min: i128,
    /// How many amounts there are.
    pub count: u64,
}

/// The quotient, halves rounded away from zero (half up in bookkeeping), so that a refund mirrors its payment.
fn rounded_half_up(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() {
        quotient + dividend.signum()
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average(sum: i128, count: u64) -> i128 {
        let summary = WindowSummary {
            count,
            sum,
            min: 0,
            max: 0,
        };
        summary.figures().avg
    }

    #[test]
    fn averages_round_half_away_from_zero_at_four_decimals() {
        // 0.0001 / 3, 0.0002 / 3, and exactly half of the last decimal.
        assert_eq!((average(1_000_000, 3), average(2_000_000, 3)), (0, 1));
        assert_eq!((average(500_000, 1), average(-500_000, 1)), (1, -1));
        assert_eq!((average(499_999, 1), average(-499_999, 1)), (0, 0));
        assert_eq!((average(-1_500_000, 1), average(1_499_999, 1)), (-2, 1));
    }

    #[test]
    fn nothing_is_all_zeros() {
        assert_eq!(WindowSummary::EMPTY.figures(), Figures::default());
    }
}
