//! Rows as lines of a feed. Formatted by hand, so that a benchmark does not wait for its input.

use chrono::{DateTime, Datelike, Timelike};
use uuid::fmt::Hyphenated;

use super::{Flaw, Row};

/// The first line of a feed.
pub const HEADER: &str =
    "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier\n";

pub fn push_line(out: &mut Vec<u8>, row: &Row, flaw: Option<Flaw>) {
    let mut event = [0; Hyphenated::LENGTH];
    out.extend_from_slice(row.event_id.hyphenated().encode_lower(&mut event).as_bytes());
    out.push(b',');
    if flaw != Some(Flaw::BlankMerchant) {
        push_merchant(out, row.merchant);
    }
    out.push(b',');
    match flaw {
        Some(Flaw::BlankTime) => {}
        Some(Flaw::BadTime) => out.extend_from_slice(b"NOT-A-DATE"),
        _ => push_time(out, row.seconds),
    }
    for word in [row.product, row.event_type] {
        out.push(b',');
        out.extend_from_slice(word.as_bytes());
    }
    out.push(b',');
    match flaw {
        Some(Flaw::BadAmount) => out.extend_from_slice(b"INVALID"),
        _ => push_amount(out, row.cents),
    }
    for word in [row.status, row.channel, row.region, row.tier] {
        out.push(b',');
        out.extend_from_slice(word.as_bytes());
    }
    out.push(b'\n');
}

fn push_merchant(out: &mut Vec<u8>, merchant: u32) {
    out.extend_from_slice(b"MRC-");
    push_number(out, merchant.into(), 6);
}

fn push_time(out: &mut Vec<u8>, seconds: i64) {
    let time = DateTime::from_timestamp(seconds, 0).expect("a feed's time is one");
    push_number(out, u64::from(time.year().unsigned_abs()), 4);
    for (mark, number) in [
        (b'-', time.month()),
        (b'-', time.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ] {
        out.push(mark);
        push_number(out, number.into(), 2);
    }
}

/// As programs print amounts that they hold as floats: one decimal at least, two at most.
fn push_amount(out: &mut Vec<u8>, cents: i64) {
    let cents = cents.unsigned_abs();
    push_number(out, cents / 100, 1);
    out.push(b'.');
    if cents.is_multiple_of(10) {
        push_number(out, cents / 10 % 10, 1);
    } else {
        push_number(out, cents % 100, 2);
    }
}

/// A whole number, padded with zeros to a width.
fn push_number(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut start) = (number, digits.len());
    while rest > 0 {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
        rest /= 10;
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width)..]);
}
