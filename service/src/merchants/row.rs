//! One line of an activity feed: what makes it an activity, and why it is left out. Any bytes may come.
//!
//! A row is skipped for the first of these reasons, in this order: `bad_event_id`, `blank_merchant`, `bad_merchant`,
//! `blank_timestamp`, `bad_timestamp`, `unknown_product`, `unknown_status`, `amount_not_finite`. An amount that is no
//! amount becomes zero and is counted; a channel that we do not know becomes none.

mod amount;
mod time;

use std::borrow::Cow;
use std::str;

use csv::ByteRecord;
use uuid::Uuid;

use self::amount::ActivityAmount;
use crate::imports::{HeaderProblem, Parsed, SkipReason, columns};
use crate::values::{ActivityStatus, Channel, KycStep, Money, Product, Timestamp};

/// Something that a merchant did. Its texts lie in one piece of memory, since millions of rows pass through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub event_id: Uuid,
    pub occurred_at: Timestamp,
    pub amount: Money,
    pub product: Product,
    pub status: ActivityStatus,
    pub channel: Option<Channel>,
    texts: Box<str>,
    /// Where merchant, event type and region end; the tier ends with the texts.
    ends: [u16; 3],
}

/// Where each column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityLayout([usize; 10]);

/// The header's names, in the order of `ActivityLayout`.
pub const COLUMNS: [&str; 10] = [
    "event_id",
    "merchant_id",
    "event_timestamp",
    "product",
    "event_type",
    "amount",
    "status",
    "channel",
    "region",
    "merchant_tier",
];

impl ActivityLayout {
    /// Finds the columns by their names.
    pub fn of(header: &ByteRecord) -> Result<Self, HeaderProblem> {
        columns(header, COLUMNS).map(Self)
    }
}

/// Bytes of the longest merchant id: it is a key, so a longer one is no id.
pub const MERCHANT_BYTES_MAX: usize = 128;
/// Bytes of event type, region and tier that are kept.
pub const TEXT_BYTES_MAX: usize = 64;

/// Reads a row. A field that the record lacks is blank.
#[must_use]
pub fn parse(layout: &ActivityLayout, record: &ByteRecord) -> Parsed<Activity> {
    match read(layout, record) {
        Ok((row, coerced)) => Parsed::Row { row, coerced },
        Err(reason) => Parsed::Skipped(reason),
    }
}

fn read(layout: &ActivityLayout, record: &ByteRecord) -> Result<(Activity, bool), SkipReason> {
    let field = |column: usize| trimmed(record.get(layout.0[column]).unwrap_or_default());
    let event_id = Uuid::try_parse_ascii(field(0)).map_err(|_| "bad_event_id")?;
    let merchant = merchant(field(1))?;
    let occurred_at = timestamp(field(2))?;
    let product = word(field(3), Product::ALL, Product::as_str).ok_or("unknown_product")?;
    let status = word(field(6), ActivityStatus::ALL, ActivityStatus::as_str).ok_or("unknown_status")?;
    let (amount, coerced) = match amount::read(field(5)) {
        ActivityAmount::Read(amount) => (amount, false),
        ActivityAmount::Unreadable => (Money::ZERO, true),
        ActivityAmount::NotFinite => return Err("amount_not_finite"),
    };
    let channel = word(field(7), Channel::ALL, Channel::as_str);
    let (texts, ends) = joined(merchant, [field(4), field(8), field(9)]);
    let activity = Activity {
        event_id,
        occurred_at,
        amount,
        product,
        status,
        channel,
        texts,
        ends,
    };
    Ok((activity, coerced))
}

/// A field without the white space of Unicode around it.
fn trimmed(field: &[u8]) -> &[u8] {
    // Nearly every field is ASCII and has none: those cost two looks at a byte each.
    let field = field.trim_ascii();
    let may_be_space = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii() || *byte == VERTICAL_TAB);
    if may_be_space(field.first()) || may_be_space(field.last()) {
        str::from_utf8(field).map_or(field, |text| text.trim().as_bytes())
    } else {
        field
    }
}

/// White space of Unicode, and none of `trim_ascii`.
const VERTICAL_TAB: u8 = 0x0b;

fn merchant(field: &[u8]) -> Result<&str, SkipReason> {
    let id = str::from_utf8(field).map_err(|_| "bad_merchant")?;
    if id.is_empty() {
        Err("blank_merchant")
    } else if id.len() > MERCHANT_BYTES_MAX || id.contains('\0') {
        Err("bad_merchant")
    } else {
        Ok(id)
    }
}

fn timestamp(field: &[u8]) -> Result<Timestamp, SkipReason> {
    if field.is_empty() {
        return Err("blank_timestamp");
    }
    time::read(field).ok_or("bad_timestamp")
}

/// Finds a word in its list, in any case.
fn word<T: Copy>(field: &[u8], all: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
    all.iter()
        .copied()
        .find(|value| name(*value).as_bytes().eq_ignore_ascii_case(field))
}

/// Joins the merchant and the texts that are kept as they come.
fn joined(merchant: &str, fields: [&[u8]; 3]) -> (Box<str>, [u16; 3]) {
    let texts = fields.map(kept);
    let length = merchant.len() + texts.iter().map(|text| text.len()).sum::<usize>();
    let mut all = String::with_capacity(length);
    all.push_str(merchant);
    let mut ends = [0; 3];
    for (end, text) in ends.iter_mut().zip(&texts) {
        *end = all.len() as u16;
        all.push_str(text);
    }
    (all.into_boxed_str(), ends)
}

/// What a database can keep of a field: text without NUL, cut at `TEXT_BYTES_MAX`, and without white space where it is cut.
fn kept(field: &[u8]) -> Cow<'_, str> {
    if field.len() <= TEXT_BYTES_MAX
        && !field.contains(&0)
        && let Ok(text) = str::from_utf8(field)
    {
        return Cow::Borrowed(text);
    }
    let text = String::from_utf8_lossy(field).replace('\0', "\u{fffd}");
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    Cow::Owned(text[..end].trim().to_owned())
}

impl Activity {
    /// Who did it.
    #[must_use]
    pub fn merchant_id(&self) -> &str {
        self.text(0, self.ends[0])
    }

    /// What exactly was done, as the feed says it.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.text(self.ends[0], self.ends[1])
    }

    /// Where, as the feed says it.
    #[must_use]
    pub fn region(&self) -> &str {
        self.text(self.ends[1], self.ends[2])
    }

    /// The merchant's tier, as the feed says it.
    #[must_use]
    pub fn merchant_tier(&self) -> &str {
        &self.texts[usize::from(self.ends[2])..]
    }

    /// The step of the KYC funnel that this is, whether it succeeded or not.
    #[must_use]
    pub fn kyc_step(&self) -> Option<KycStep> {
        match self.product {
            Product::Kyc => word(self.event_type().as_bytes(), KycStep::ALL, KycStep::as_str),
            Product::Pos
            | Product::Airtime
            | Product::Bills
            | Product::CardPayment
            | Product::Savings
            | Product::Moniebook => None,
        }
    }

    fn text(&self, from: u16, to: u16) -> &str {
        &self.texts[usize::from(from)..usize::from(to)]
    }
}

#[cfg(test)]
mod tests {
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
            // All that comes later in the order is wrong too; the earlier value of a column wins.
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
        // What is no text keeps what it has, and what is cut does not end with a blank.
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
}
