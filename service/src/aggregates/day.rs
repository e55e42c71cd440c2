//! Days, and which of them are hot. Pure.

use std::fmt;

use chrono::{Days, Months, NaiveDate};

use crate::values::Timestamp;

/// A day in UTC. As text it sorts as the calendar does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

/// Days from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    from: Day,
    to: Day,
}

/// Why two days are no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The last day is before the first.
    #[error("the range ends before it begins")]
    EndsBeforeItBegins,
    /// More days than one answer covers.
    #[error("a range ends at most 10 years after its beginning")]
    TooLong,
}

/// A day is hot that ends less than this many days before the newest timestamp.
const HOT_DAYS: u64 = 7;

const FIRST: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(first) => first,
    None => NaiveDate::MIN,
};

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(time.date_naive())
    }

    /// Reads `YYYY-MM-DD`, years 0001 to 9999; `None` when it is another shape or no day of the calendar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        (is_plain && text > "0001").then_some(Self(date))
    }

    /// The day as the calendar's own type.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.0
    }

    /// The first hot day when this is the day of the virtual clock, which is the newest timestamp seen: the day of the
    /// moment 7 days before. Days before it are cold. The clock's day is enough, since 7 days before a moment the time
    /// of day is the same.
    #[must_use]
    pub fn first_hot(self) -> Self {
        let day = self.0.checked_sub_days(Days::new(HOT_DAYS)).unwrap_or(FIRST);
        // Before the year 1 the text of a day has another shape.
        Self(day.max(FIRST))
    }
}

impl From<NaiveDate> for Day {
    fn from(date: NaiveDate) -> Self {
        Self(date)
    }
}

impl DayRange {
    /// The longest range: ten years.
    pub const MONTHS_MAX: u32 = 120;

    /// Takes the first and the last day.
    pub fn try_new(from: Day, to: Day) -> Result<Self, RangeError> {
        if from > to {
            return Err(RangeError::EndsBeforeItBegins);
        }
        let last = from.0.checked_add_months(Months::new(Self::MONTHS_MAX));
        if last.is_some_and(|last| to.0 > last) {
            return Err(RangeError::TooLong);
        }
        Ok(Self { from, to })
    }

    /// Every possible day.
    pub(super) fn all() -> Self {
        let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
        Self {
            from: Day(FIRST),
            to: Day(last),
        }
    }

    /// The first day.
    #[must_use]
    pub fn from(&self) -> Day {
        self.from
    }

    /// The last day.
    #[must_use]
    pub fn to(&self) -> Day {
        self.to
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a test's day is one")
    }

    #[test]
    fn days_have_one_shape() {
        for text in [
            "2026-1-5",
            "2026-01-32",
            "2025-02-29",
            "20260105",
            "+026-01-05",
            "0000-01-01",
            "",
            "2026-01-05 ",
        ] {
            assert_eq!(Day::parse(text), None, "{text:?}");
        }
        assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
        assert_eq!(day("0001-01-01").to_string(), "0001-01-01");
    }

    #[test]
    fn the_day_that_the_last_seven_days_begin_in_is_hot() {
        assert_eq!(day("2026-01-08").first_hot(), day("2026-01-01"));
        assert_eq!(day("2024-03-05").first_hot(), day("2024-02-27"));
        assert_eq!(day("0001-01-03").first_hot(), day("0001-01-01"));
    }

    #[test]
    fn ten_years_are_a_range_and_a_day_more_is_none() {
        let range = |from, to| DayRange::try_new(day(from), day(to));
        assert!(range("2020-01-01", "2030-01-01").is_ok());
        assert_eq!(range("2020-01-01", "2030-01-02"), Err(RangeError::TooLong));
        assert_eq!(range("2026-01-02", "2026-01-01"), Err(RangeError::EndsBeforeItBegins));
        assert!(range("2026-01-01", "2026-01-01").is_ok());
    }
}
