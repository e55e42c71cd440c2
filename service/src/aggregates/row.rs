//! Rows of a transactions file: `timestamp,type,payment_method,amount,sleep_ms`. Pure.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use csv::ByteRecord;

use super::Day;
use super::totals::{Key, PaymentKind, Source, Sum, Totals};
use crate::imports::{HeaderProblem, SkipReason, columns};
use crate::values::{Currency, Method, Money, Timestamp};

/// A deposit or withdrawal of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// The day in UTC.
    pub day: Day,
    /// Deposit or withdrawal.
    pub kind: PaymentKind,
    /// The payment method's name.
    pub method: Method,
    /// Above 0, with four decimals.
    pub amount: Money,
    /// How long a replay waits before this row, in milliseconds.
    pub sleep_ms: u32,
}

/// Where the columns of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLayout {
    timestamp: usize,
    kind: usize,
    method: usize,
    amount: usize,
    /// `None` where the file has no such column: only a replay needs it.
    sleep_ms: Option<usize>,
}

/// How far a timestamp may be ahead of the clock: clocks and time zones differ, but one row from the year 9999 would
/// make every day cold.
const AHEAD_MAX: TimeDelta = TimeDelta::days(1);

/// The longest wait before one row; a longer one in a file is cut to it.
const SLEEP_MS_MAX: u32 = 60_000;

impl TransactionLayout {
    /// Finds the columns.
    pub fn of(header: &ByteRecord) -> Result<Self, HeaderProblem> {
        let [timestamp, kind, method, amount] = columns(header, ["timestamp", "type", "payment_method", "amount"])?;
        Ok(Self {
            timestamp,
            kind,
            method,
            amount,
            sleep_ms: columns(header, ["sleep_ms"]).ok().map(|[column]| column),
        })
    }
}

/// Parses a row. The first wrong column is the reason, in the documented order: timestamp, type, payment method,
/// amount.
pub fn parse(layout: &TransactionLayout, record: &ByteRecord, now: Timestamp) -> Result<TransactionRow, SkipReason> {
    let field = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).unwrap_or_default();
    let time = timestamp(field(layout.timestamp)).ok_or("invalid_timestamp")?;
    if time > now + AHEAD_MAX {
        return Err("timestamp_in_future");
    }
    let kind = PaymentKind::from_word(field(layout.kind)).ok_or("invalid_type")?;
    let method = Method::try_new(field(layout.method).to_ascii_lowercase()).ok_or("invalid_payment_method")?;
    let amount = Money::parse_unsigned(field(layout.amount))
        .ok()
        .filter(|amount| *amount > Money::ZERO)
        .ok_or("invalid_amount")?;
    let sleep_ms = layout.sleep_ms.and_then(|column| field(column).parse().ok());
    Ok(TransactionRow {
        day: Day::of(time),
        kind,
        method,
        amount,
        sleep_ms: sleep_ms.unwrap_or(0).min(SLEEP_MS_MAX),
    })
}

/// Reads RFC 3339, or the same without a zone, which is UTC; years 0001 to 9999.
fn timestamp(text: &str) -> Option<Timestamp> {
    let has_year = text.len() > 4 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && !text.starts_with("0000");
    if !has_year {
        return None;
    }
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let time = zoned.or_else(|| naive(text).map(|time| time.and_utc()))?;
    // A zone may have moved it out of the years 0001 to 9999, which the stores hold.
    let first: DateTime<Utc> = DateTime::from_timestamp(FIRST_SECOND, 0)?;
    let behind_last: DateTime<Utc> = DateTime::from_timestamp(SECOND_BEHIND_LAST, 0)?;
    (first <= time && time < behind_last).then_some(time)
}

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 10000-01-01T00:00:00Z.
const SECOND_BEHIND_LAST: i64 = 253_402_300_800;

fn naive(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// The totals of rows.
#[must_use]
pub fn totals_of(rows: &[TransactionRow], currency: Currency) -> Totals {
    rows.iter()
        .map(|row| {
            let key = Key {
                currency,
                day: row.day,
                kind: row.kind,
                method: row.method.clone(),
                source: Source::Imported,
            };
            (key, Sum::one(row.amount))
        })
        .collect()
}
