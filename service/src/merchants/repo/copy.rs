//! Rows in PostgreSQL's binary COPY format, so that the server need not parse text.

use chrono::{DateTime, TimeDelta};
use sea_orm::ActiveEnum;

use crate::merchants::row::Activity;
use crate::values::{Money, Timestamp};

/// The columns in the order that `row` writes them.
pub(super) const COPY: &str = "COPY activities (event_id, occurred_at, amount, product, status, channel, merchant_id, event_type, \
    region, merchant_tier) FROM STDIN (FORMAT binary)";

/// Signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Minus one in place of a row's number of fields.
pub(super) const TRAILER: &[u8] = &[0xff, 0xff];

/// Writes one row.
pub(super) fn row(out: &mut Vec<u8>, activity: &Activity) {
    const FIELDS: u16 = 10;
    out.extend(FIELDS.to_be_bytes());
    field(out, activity.event_id.as_bytes());
    field(out, &time(activity.occurred_at).to_be_bytes());
    numeric(out, activity.amount);
    field(out, &activity.product.to_value().to_be_bytes());
    field(out, &activity.status.to_value().to_be_bytes());
    match &activity.channel {
        Some(channel) => field(out, &channel.to_value().to_be_bytes()),
        None => out.extend(NULL.to_be_bytes()),
    }
    for text in [
        activity.merchant_id(),
        activity.event_type(),
        activity.region(),
        activity.merchant_tier(),
    ] {
        field(out, text.as_bytes());
    }
}

const NULL: i32 = -1;

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    // A field has at most `MERCHANT_BYTES_MAX` bytes.
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

/// Microseconds since 2000.
fn time(time: Timestamp) -> i64 {
    const EPOCH: Timestamp = DateTime::from_timestamp_nanos(946_684_800_000_000_000);
    // Years 1 to 9999 fit, so that the other value is never used.
    (time - EPOCH)
        .num_microseconds()
        .unwrap_or(TimeDelta::MAX.num_milliseconds())
}

/// A digit of PostgreSQL's NUMERIC is four decimal digits, and money has four decimals, so the last digit is the whole
/// fraction.
fn numeric(out: &mut Vec<u8>, money: Money) {
    const BASE: u64 = 10_000;
    const DIGITS_MAX: usize = 5;
    const NEGATIVE: u16 = 0x4000;
    const SCALE: u16 = 4;
    let mut digits = [0_u16; DIGITS_MAX];
    let (mut rest, mut count) = (money.units().unsigned_abs(), 0);
    while rest > 0 {
        digits[DIGITS_MAX - 1 - count] = (rest % BASE) as u16;
        rest /= BASE;
        count += 1;
    }
    // Leading digits are never zero; trailing ones may be.
    let digits = &digits[DIGITS_MAX - count..];
    let (weight, sign) = (count as i16 - 2, if money.units() < 0 { NEGATIVE } else { 0 });
    out.extend((8 + 2 * count as u32).to_be_bytes());
    out.extend((count as u16).to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(SCALE.to_be_bytes());
    for digit in digits {
        out.extend(digit.to_be_bytes());
    }
}
