//! Rows of every shape that a feed has: which are read, and which are skipped.

use super::*;

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

fn layout() -> ActivityLayout {
    ActivityLayout::of(&ByteRecord::from(COLUMNS.to_vec())).expect("these are the columns")
}

fn with<'a>(changes: &[(usize, &'a [u8])]) -> Parsed<Activity> {
    let mut fields: Vec<&'a [u8]> = GOOD.map(str::as_bytes).to_vec();
    for (column, value) in changes {
        fields[*column] = value;
    }
    parse(&layout(), &ByteRecord::from(fields))
}

#[track_caller]
fn row(changes: &[(usize, &[u8])]) -> (Activity, bool) {
    match with(changes) {
        Parsed::Row { row, coerced } => (row, coerced),
        Parsed::Skipped(reason) => panic!("skipped: {reason}"),
    }
}

#[test]
fn a_good_row_is_read_whole() {
    let (activity, coerced) = row(&[]);
    assert_eq!(activity.event_id.to_string(), GOOD[0]);
    assert_eq!(activity.occurred_at.to_rfc3339(), "2024-01-31T23:59:59+00:00");
    assert_eq!(activity.amount.to_string(), "1000.0000");
    assert_eq!(
        (activity.product, activity.status),
        (Product::Pos, ActivityStatus::Success)
    );
    assert_eq!(activity.channel, Some(Channel::App));
    let texts = [
        activity.merchant_id(),
        activity.event_type(),
        activity.region(),
        activity.merchant_tier(),
    ];
    assert_eq!(texts, ["MRC-000001", "CARD_TRANSACTION", "LAGOS", "VERIFIED"]);
    assert!(!coerced);
}

#[test]
fn the_first_reason_in_order_is_the_answer() {
    let long = [b'm'; MERCHANT_BYTES_MAX + 1];
    let wrong: [(usize, &[u8], &str); 8] = [
        (0, b"not-a-uuid", "bad_event_id"),
        (1, b"  ", "blank_merchant"),
        (1, &long, "bad_merchant"),
        (2, b"", "blank_timestamp"),
        (2, b"NOT-A-DATE", "bad_timestamp"),
        (3, b"LOANS", "unknown_product"),
        (6, b"DONE", "unknown_status"),
        (5, b"NaN", "amount_not_finite"),
    ];
    for (index, (column, value, reason)) in wrong.iter().enumerate() {
        // Every later check in the order would fail too; where two cases change one column, this case's value is used.
        let mut changes: Vec<(usize, &[u8])> = wrong[index..].iter().rev().map(|w| (w.0, w.1)).collect();
        changes.push((*column, value));
        assert_eq!(with(&changes), Parsed::Skipped(reason));
    }
}

#[test]
fn words_are_read_in_any_case_and_trimmed() {
    let (activity, _) = row(&[(3, b" kyc "), (4, b" tier_Upgrade"), (6, b"\tpending"), (7, b"ussd")]);
    assert_eq!(
        (activity.product, activity.status),
        (Product::Kyc, ActivityStatus::Pending)
    );
    assert_eq!(
        (activity.channel, activity.kyc_step()),
        (Some(Channel::Ussd), Some(KycStep::TierUpgrade))
    );
    assert_eq!(activity.event_type(), "tier_Upgrade");
}

#[test]
fn white_space_of_any_kind_around_a_field_is_none_of_it() {
    let plain = row(&[]);
    for space in ["\u{a0}", "\u{2003}", "\u{b}", "\u{85}", " \u{3000}\t"] {
        for (column, value) in GOOD.iter().enumerate() {
            let padded = format!("{space}{value}{space}");
            assert_eq!(row(&[(column, padded.as_bytes())]), plain, "{column} {space:?}");
        }
        assert_eq!(with(&[(1, space.as_bytes())]), Parsed::Skipped("blank_merchant"));
    }
    // Bytes that are not UTF-8 are not trimmed, and a text that is cut does not end with a space.
    let long = format!("{} y", "x".repeat(TEXT_BYTES_MAX - 1));
    let (activity, _) = row(&[(4, b"\xa0\xffa"), (8, long.as_bytes())]);
    assert_eq!(activity.event_type(), "\u{fffd}\u{fffd}a");
    assert_eq!(activity.region(), "x".repeat(TEXT_BYTES_MAX - 1));
}

#[test]
fn a_kyc_step_of_another_product_is_none() {
    assert_eq!(row(&[(4, b"TIER_UPGRADE")]).0.kyc_step(), None);
}

#[test]
fn an_unknown_channel_is_none_and_not_counted() {
    for channel in ["", "PIGEON"] {
        let (activity, coerced) = row(&[(7, channel.as_bytes())]);
        assert_eq!((activity.channel, coerced), (None, false));
    }
}

#[test]
fn amounts_that_are_none_become_zero_and_are_counted() {
    for amount in ["", "INVALID", "1,000.00", "100000000000000"] {
        let (activity, coerced) = row(&[(5, amount.as_bytes())]);
        assert_eq!((activity.amount, coerced), (Money::ZERO, true), "{amount}");
    }
}

#[test]
fn text_that_no_database_keeps_is_mended() {
    let long = [0xc3, 0xa9].repeat(40);
    let (activity, _) = row(&[(4, b"a\0b"), (8, b"\xff"), (9, &long)]);
    assert_eq!((activity.event_type(), activity.region()), ("a\u{fffd}b", "\u{fffd}"));
    assert_eq!(activity.merchant_tier(), "é".repeat(32));
}

#[test]
fn a_merchant_is_text_without_nul() {
    assert_eq!(with(&[(1, b"M\0")]), Parsed::Skipped("bad_merchant"));
    assert_eq!(with(&[(1, b"\xff")]), Parsed::Skipped("bad_merchant"));
    assert_eq!(with(&[(1, "\u{a0}".as_bytes())]), Parsed::Skipped("blank_merchant"));
}

#[test]
fn a_short_record_lacks_fields_and_a_long_one_has_more() {
    let short = ByteRecord::from(GOOD[..2].to_vec());
    assert_eq!(parse(&layout(), &short), Parsed::Skipped("blank_timestamp"));
    assert_eq!(parse(&layout(), &ByteRecord::new()), Parsed::Skipped("bad_event_id"));
    let mut long = GOOD.to_vec();
    long.push("more");
    assert!(matches!(parse(&layout(), &ByteRecord::from(long)), Parsed::Row { .. }));
}
