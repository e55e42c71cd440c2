//! Parsing rows of feeds: any bytes give a row or a reason to skip it, and every spelling of a value gives that value.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta};
use csv::ByteRecord;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use service::imports::Parsed;
use service::merchants::{self, Activity, ActivityLayout, COLUMNS};
use service::values::{ActivityStatus, Channel, Product, Timestamp};

use crate::cases::{Met, UNITS_MAX, hold, text_of, units};

const GOOD: [&str; 10] = [
    "8a380d57-6b3d-40e1-b505-aeb1d462cac3",
    "MRC-000001",
    "2024-01-31T23:59:59",
    "POS",
    "CARD_TRANSACTION",
    "1000.00",
    "SUCCESS",
    "APP",
    "LAGOS",
    "VERIFIED",
];

const EVENT: usize = 0;
const MERCHANT: usize = 1;
const TIME: usize = 2;
const PRODUCT: usize = 3;
const EVENT_TYPE: usize = 4;
const AMOUNT: usize = 5;
const STATUS: usize = 6;
const CHANNEL: usize = 7;

fn layout() -> ActivityLayout {
    ActivityLayout::of(&ByteRecord::from(COLUMNS.to_vec())).expect("these are the columns")
}

/// Parses a good row with one field changed.
fn with(column: usize, value: impl AsRef<[u8]>) -> Parsed<Activity> {
    let mut fields: Vec<&[u8]> = GOOD.iter().map(|field| field.as_bytes()).collect();
    fields[column] = value.as_ref();
    merchants::parse(&layout(), &ByteRecord::from(fields))
}

fn read(column: usize, value: impl AsRef<[u8]>) -> Result<(Activity, bool), TestCaseError> {
    match with(column, value) {
        Parsed::Row { row, coerced } => Ok((row, coerced)),
        Parsed::Skipped(reason) => Err(TestCaseError::fail(reason)),
    }
}

/// Bytes that resemble the columns' values.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let near = "[ 0-9a-fA-F.eE+:TZ_{}-]{0,40}".prop_map(String::into_bytes);
    let good = select(GOOD.to_vec()).prop_map(|field| field.as_bytes().to_vec());
    let broken = (select(GOOD.to_vec()), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(good, at, byte)| {
        let mut bytes = good.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![3 => good, 2 => broken, 1 => near, 1 => vec(any::<u8>(), 0..200), 1 => Just(Vec::new())]
}

#[test]
fn any_fields_are_a_row_or_a_reason() {
    let met = Met::default();
    let layout = layout();
    let record = prop_oneof![
        1 => vec(field(), 0..13),
        // One wrong field, so that every check is reached.
        3 => (0..10_usize, field()).prop_map(|(column, field)| {
            let mut fields: Vec<Vec<u8>> = GOOD.iter().map(|good| good.as_bytes().to_vec()).collect();
            fields[column] = field;
            fields
        }),
    ];
    hold(file!(), &record, |fields| {
        match merchants::parse(&layout, &ByteRecord::from(fields)) {
            Parsed::Row { row, coerced } => {
                met.count("row");
                prop_assert!(!row.merchant_id().trim().is_empty());
                prop_assert!(row.merchant_id().len() <= merchants::MERCHANT_BYTES_MAX);
                for text in [row.merchant_id(), row.event_type(), row.region(), row.merchant_tier()] {
                    prop_assert!(!text.contains('\0'));
                }
                prop_assert!(!coerced || row.amount.units() == 0);
            }
            Parsed::Skipped(reason) => met.count(reason),
        }
        Ok(())
    });
    met.expect_all(&[
        "row",
        "bad_event_id",
        "blank_timestamp",
        "bad_timestamp",
        "unknown_product",
        "unknown_status",
    ]);
}

#[test]
fn an_amount_is_read_as_it_is_written_and_rounded_half_away_from_zero() {
    let decimals = prop_oneof![Just(String::new()), "[0-9]{1,12}", "[05]{0,3}[0-9]"];
    hold(file!(), &(units(), decimals, 0..4_usize), |(units, more, style)| {
        let text = match style {
            0 => format!("{}{more}", text_of(units.into())),
            1 => format!(" {}{more} ", text_of(units.into())),
            // The same number written with an exponent, positive or negative.
            2 => format!("{}.{more}e-4", units),
            _ => format!("{}{more}E+2", text_of_scaled(units)),
        };
        let up = more.as_bytes().first().is_some_and(|digit| *digit >= b'5');
        let away_from_zero = if units < 0 { -1 } else { 1 };
        let expected = units + if up { away_from_zero } else { 0 };
        let (row, coerced) = read(AMOUNT, &text)?;
        if expected.unsigned_abs() > UNITS_MAX.unsigned_abs() {
            prop_assert!(coerced && row.amount.units() == 0, "{}", text);
        } else {
            prop_assert_eq!((row.amount.units(), coerced), (expected, false), "{}", text);
        }
        Ok(())
    });
}

/// An amount in ten-thousandths, written in hundreds with six decimals.
fn text_of_scaled(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:07}", units.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - 6);
    format!("{sign}{whole}.{fraction}")
}

/// Microseconds of the years 1 to 9999, with room for any time zone at both ends.
fn times() -> impl Strategy<Value = Timestamp> {
    (-62_135_500_000_000_000_i64..253_402_200_000_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).expect("these years are known"))
}

#[test]
fn a_time_in_any_zone_is_read_as_the_same_moment() {
    let zone = -23 * 60 - 59..=23 * 60 + 59_i32;
    hold(file!(), &(times(), zone, 0..6_usize), |(time, minutes, style)| {
        let zone = FixedOffset::east_opt(minutes * 60).expect("less than a day");
        let local = time.with_timezone(&zone);
        let zoned = local.to_rfc3339_opts(SecondsFormat::Micros, false);
        let text = match style {
            0 => zoned,
            1 => zoned.replace('T', " "),
            2 => local.format("%Y-%m-%dt%H:%M:%S%.9f%z").to_string(),
            3 => local.format("%Y-%m-%d %H:%M:%S,%6f %:z").to_string(),
            4 => time.to_rfc3339_opts(SecondsFormat::Micros, true),
            _ => time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        };
        prop_assert_eq!(read(TIME, &text)?.0.occurred_at, time, "{}", text);
        let minute = time - TimeDelta::microseconds(time.timestamp_micros().rem_euclid(60_000_000));
        let text = minute.format("%Y-%m-%dT%H:%M").to_string();
        prop_assert_eq!(read(TIME, &text)?.0.occurred_at, minute, "{}", text);
        let day = time - TimeDelta::microseconds(time.timestamp_micros().rem_euclid(86_400_000_000));
        let text = day.format("%Y-%m-%d").to_string();
        prop_assert_eq!(read(TIME, &text)?.0.occurred_at, day, "{}", text);
        Ok(())
    });
}

#[test]
fn words_and_ids_are_read_in_any_case() {
    let value = (
        any::<u128>(),
        select(Product::ALL),
        select(ActivityStatus::ALL),
        select(Channel::ALL),
        any::<bool>(),
    );
    hold(file!(), &value, |(id, product, status, channel, upper)| {
        let id = uuid::Uuid::from_u128(id);
        let case = |word: &str| {
            if upper {
                word.to_owned()
            } else {
                format!("\t{}  ", word.to_lowercase())
            }
        };
        for text in [
            id.to_string(),
            id.simple().to_string(),
            id.braced().to_string(),
            id.urn().to_string(),
        ] {
            prop_assert_eq!(
                read(EVENT, text.to_uppercase().replace("URN:UUID", "urn:uuid"))?
                    .0
                    .event_id,
                id
            );
            prop_assert_eq!(read(EVENT, text)?.0.event_id, id);
        }
        prop_assert_eq!(read(PRODUCT, case(product.as_str()))?.0.product, product);
        prop_assert_eq!(read(STATUS, case(status.as_str()))?.0.status, status);
        prop_assert_eq!(read(CHANNEL, case(channel.as_str()))?.0.channel, Some(channel));
        Ok(())
    });
}

#[test]
fn texts_are_kept() {
    let text = "[^\\s\0\u{85}\u{a0}]{1,16}";
    hold(file!(), &(text, text), |(merchant, event_type)| {
        let (row, _) = read(MERCHANT, format!("  {merchant} "))?;
        prop_assert_eq!(row.merchant_id(), merchant);
        let (row, _) = read(EVENT_TYPE, format!("{event_type}\t"))?;
        prop_assert_eq!(row.event_type(), event_type);
        Ok(())
    });
}
