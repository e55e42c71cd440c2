//! A timestamp as feeds write it: ISO 8601 with or without a zone, turned into UTC.

use chrono::{DateTime, NaiveDate, TimeDelta};

use crate::values::Timestamp;

/// Reads `YYYY-MM-DD`, which is midnight, or the same followed by `T` or a space and `HH:MM[:SS[.fraction]]`. After a
/// time a zone may follow, with or without a space before it: `Z`, `+HH`, `+HHMM` or `+HH:MM`, with either sign;
/// without a zone it is UTC. A leap second is the last microsecond of its minute; a fraction is cut at microseconds.
/// Years 1 to 9999 in UTC.
pub(super) fn read(text: &[u8]) -> Option<Timestamp> {
    let mut text = Cursor(text);
    let date = date(&mut text)?;
    let (mut seconds, mut micros) = (0, 0);
    if !text.0.is_empty() {
        text.one_of(b"Tt ")?;
        (seconds, micros) = time_of_day(&mut text)?;
        if text.one_of(b" ").is_some() && text.0.is_empty() {
            return None;
        }
        seconds -= zone(&mut text)?;
    }
    if !text.0.is_empty() {
        return None;
    }
    let midnight = DateTime::from_timestamp(i64::from(date.to_epoch_days()) * SECONDS_OF_DAY, 0)?;
    let time = midnight.checked_add_signed(TimeDelta::seconds(seconds) + TimeDelta::microseconds(micros))?;
    is_in_range(time).then_some(time)
}

const SECONDS_OF_DAY: i64 = 86_400;

fn date(text: &mut Cursor<'_>) -> Option<NaiveDate> {
    let year = text.digits(4)?;
    text.one_of(b"-")?;
    let month = text.digits(2)?;
    text.one_of(b"-")?;
    let day = text.digits(2)?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// Seconds and microseconds since midnight.
fn time_of_day(text: &mut Cursor<'_>) -> Option<(i64, i64)> {
    let hour = text.digits(2)?;
    text.one_of(b":")?;
    let minute = text.digits(2)?;
    let (mut second, mut micros) = (0, 0);
    if text.one_of(b":").is_some() {
        second = text.digits(2)?;
        if text.one_of(b".,").is_some() {
            micros = fraction(text)?;
        }
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if second == 60 {
        (second, micros) = (59, 999_999);
    }
    Some((i64::from(hour * 3_600 + minute * 60 + second), micros))
}

/// The first six digits of a fraction as microseconds; further digits are dropped.
fn fraction(text: &mut Cursor<'_>) -> Option<i64> {
    const DIGITS: usize = 6;
    let length = text.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (digits, rest) = text.0.split_at(length);
    text.0 = rest;
    let micros = digits
        .iter()
        .map(|byte| i64::from(byte - b'0'))
        .chain(std::iter::repeat(0))
        .take(DIGITS)
        .fold(0, |micros, digit| micros * 10 + digit);
    Some(micros)
}

/// Seconds east of UTC.
fn zone(text: &mut Cursor<'_>) -> Option<i64> {
    if text.0.is_empty() || text.one_of(b"Zz").is_some() {
        return Some(0);
    }
    let sign = if text.one_of(b"+-")? == b'-' { -1 } else { 1 };
    let hours = text.digits(2)?;
    let mut minutes = 0;
    if !text.0.is_empty() {
        // The colon may be left out.
        let _ = text.one_of(b":");
        minutes = text.digits(2)?;
    }
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 3_600 + minutes * 60))
}

/// Years are stored as four digits.
fn is_in_range(time: Timestamp) -> bool {
    use chrono::Datelike;
    (1..=9_999).contains(&time.year())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let mut number = 0;
        for byte in digits {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number * 10 + u32::from(byte - b'0');
        }
        self.0 = rest;
        Some(number)
    }

    /// Takes one of these bytes, if one of them is next.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !bytes.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    #[test]
    fn every_form_is_read_and_turned_into_utc() {
        for (text, utc) in [
            ("2024-01-31T23:59:59", "2024-01-31T23:59:59.000000Z"),
            ("2024-01-31 23:59", "2024-01-31T23:59:00.000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("2024-01-31t23:59:59.5z", "2024-01-31T23:59:59.500000Z"),
            ("2024-01-31T23:59:59,1234567899", "2024-01-31T23:59:59.123456Z"),
            ("2024-01-31T23:59:59.999999999Z", "2024-01-31T23:59:59.999999Z"),
            ("2024-01-31T23:59:59-01:00", "2024-02-01T00:59:59.000000Z"),
            ("2024-02-01T00:30:00+0100", "2024-01-31T23:30:00.000000Z"),
            ("2024-02-01 00:30:00 +05:45", "2024-01-31T18:45:00.000000Z"),
            ("2024-02-01T00:30+14", "2024-01-31T10:30:00.000000Z"),
            ("2023-12-31T23:59:60Z", "2023-12-31T23:59:59.999999Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59", "9999-12-31T23:59:59.000000Z"),
        ] {
            let time = read(text.as_bytes()).unwrap_or_else(|| panic!("{text} is not read"));
            assert_eq!(time.to_rfc3339_opts(SecondsFormat::Micros, true), utc, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "NOT-A-DATE",
            "2024",
            "2024-01",
            "2024-13-01",
            "2023-02-29",
            "2024-1-1",
            "20240101",
            "01/02/2024",
            "1704067200",
            "2024-01-01T",
            "2024-01-01T24:00:00",
            "2024-01-01T10",
            "2024-01-01T10:60",
            "2024-01-01T10:00:61",
            "2024-01-01T10:00:00.",
            "2024-01-01T10:00:00 ",
            "2024-01-01T10:00:00 UTC",
            "2024-01-01T10:00:00+1",
            "2024-01-01T10:00:00+24:00",
            "2024-01-01T10:00:00+01:60",
            "2024-01-01T10:00:00+01:00x",
            "2024-01-01Z",
            "-2024-01-01",
            "0000-01-01",
            "0001-01-01T00:00+01",
            "9999-12-31T23:59:59-01",
            "2024-01-01T10:00:0\u{664}",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
