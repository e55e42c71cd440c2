//! Parses one record of an activity feed, or says why it is skipped. A record may have any bytes.
//!
//! A row is skipped for the first of these reasons, in this order: `bad_event_id`, `blank_merchant`, `bad_merchant`,
//! `blank_timestamp`, `bad_timestamp`, `unknown_product`, `unknown_status`, `amount_not_finite`. An unreadable amount
//! becomes zero and is counted; an unknown channel becomes `None`.

mod amount;
mod time;

use std::borrow::Cow;
use std::str;

use csv::ByteRecord;
use uuid::Uuid;

use self::amount::ActivityAmount;
use crate::imports::{HeaderProblem, Parsed, SkipReason, columns};
use crate::values::{ActivityStatus, Channel, KycStep, Money, Product, Timestamp};

/// Something that a merchant did. Its texts share one allocation, since millions of rows are parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Identifies the event: a second row with the same id is a duplicate.
    pub event_id: Uuid,
    /// When it happened, in UTC.
    pub occurred_at: Timestamp,
    /// With four decimals; zero where it could not be read.
    pub amount: Money,
    /// The product that it concerns.
    pub product: Product,
    /// How it ended.
    pub status: ActivityStatus,
    /// The channel that the merchant used; `None` where the file names none or an unknown one.
    pub channel: Option<Channel>,
    texts: Box<str>,
    /// Where merchant, event type and region end in `texts`; the tier ends with them.
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

/// Bytes of the longest merchant id. A row with a longer one is skipped: a key must not be cut.
pub const MERCHANT_BYTES_MAX: usize = 128;
/// Bytes of event type, region and tier that are stored; the rest is cut.
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

/// A field without Unicode white space around it.
fn trimmed(field: &[u8]) -> &[u8] {
    // A fast path: nearly every field is ASCII, and then only its first and its last byte are checked.
    let field = field.trim_ascii();
    let may_be_space = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii() || *byte == VERTICAL_TAB);
    if may_be_space(field.first()) || may_be_space(field.last()) {
        str::from_utf8(field).map_or(field, |text| text.trim().as_bytes())
    } else {
        field
    }
}

/// White space of Unicode that `trim_ascii` does not remove.
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

/// Joins the merchant's id and the three other texts, and answers where the first three of the four end.
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

/// A field as a database can store it: text without NUL, cut at `TEXT_BYTES_MAX`, without white space at the cut.
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
    /// The merchant that did it.
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

    /// The step of the KYC funnel that this is, whether it succeeded or not; `None` for any other activity.
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
mod tests;
