//! Months in UTC.

use std::fmt;

use chrono::Datelike;

use crate::values::Timestamp;

/// A month of a year, such as 2024-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month that a time falls into in UTC.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(time.year() * 100 + time.month() as i32)
    }

    /// Year and month as one number: 202401.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Reads such a number back; `None` when it is not a month of the years 1 to 9999.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        let fits = (1..=9_999).contains(&(number / 100)) && (1..=12).contains(&(number % 100));
        fits.then_some(Self(number))
    }

    /// Reads what `Display` writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        Self::from_number(year.parse::<i32>().ok()?.checked_mul(100)? + month.parse::<i32>().ok()?)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_as_it_is_written() {
        for number in [202_401, 199_912, 101, 999_912] {
            let month = Month::from_number(number).expect("this is a month");
            assert_eq!(Month::from_text(&month.to_string()), Some(month));
        }
        assert_eq!(
            Month::from_number(202_400)
                .or(Month::from_number(202_413))
                .or(Month::from_text("2024")),
            None
        );
    }
}
