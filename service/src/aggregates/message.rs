//! The text of a message: a block's totals, a line each. Any other text is rejected. Pure.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Day;
use super::totals::{Key, PaymentKind, Source, Sum, Totals};
use crate::values::{Currency, ImportId, Method};

/// A block of an import, on its way to the hot store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The import that the block is of.
    pub import: ImportId,
    /// Blocks are counted from 0.
    pub block: u64,
    /// What the block's rows come to.
    pub totals: Totals,
}

/// What every message begins with; another format must have another word.
const HEAD: &str = "block1";

/// Bytes of the digest. A short one is enough: it guards against accidents, not against forgery.
const DIGEST_BYTES: usize = 8;

/// The most amounts in one sum of a message: far more than a block has rows, and few enough that every sum fits into
/// its parts.
const COUNT_MAX: u64 = 1_000_000_000;

impl Message {
    /// Writes the message.
    #[must_use]
    pub fn encode(&self) -> String {
        format!(
            "{HEAD} {} {}\n{}",
            self.import.0.simple(),
            self.block,
            encode_totals(&self.totals)
        )
    }

    /// The digest of its totals.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(&self.totals)
    }

    /// Reads a message; `None` for any other text.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        let [HEAD, import, block] = head.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Self {
            import: ImportId(import.parse().ok()?),
            block: block.parse().ok()?,
            totals: decode_totals(body)?,
        })
    }
}

/// The digest of totals, as hexadecimal digits: it shows that a block was read with other totals than before.
#[must_use]
pub fn digest_of(totals: &Totals) -> String {
    let digest = Sha256::digest(encode_totals(totals));
    digest.iter().take(DIGEST_BYTES).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A line for each sum: `day source currency kind method units count`.
#[must_use]
pub fn encode_totals(totals: &Totals) -> String {
    let mut text = String::new();
    for (key, sum) in totals.iter() {
        let Key {
            currency,
            day,
            kind,
            method,
            source,
        } = key;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{day} {} {currency} {} {method} {} {}",
            source.word(),
            kind.word(),
            sum.units,
            sum.count
        );
    }
    text
}

/// Reads such lines back; `None` when one of them is anything else.
#[must_use]
pub fn decode_totals(text: &str) -> Option<Totals> {
    text.lines().map(decode_line).collect()
}

fn decode_line(line: &str) -> Option<(Key, Sum)> {
    let [day, source, currency, kind, method, units, count] = line.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let sum = Sum {
        units: units.parse().ok().filter(|units| *units >= 0)?,
        count: count.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count))?,
    };
    sum.parts()?;
    Some((decode_key(day, &[source, currency, kind, method])?, sum))
}

/// Reads a key from a day and its other parts, which are source, currency, kind and method; `None` when one is not
/// valid.
#[must_use]
pub fn decode_key(day: &str, parts: &[&str]) -> Option<Key> {
    let [source, currency, kind, method] = parts else {
        return None;
    };
    Some(Key {
        currency: Currency::from_code(currency)?,
        day: Day::parse(day)?,
        kind: PaymentKind::from_word(kind)?,
        method: Method::try_new(*method)?,
        source: Source::from_word(source)?,
    })
}
