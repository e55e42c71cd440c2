//! Reads bytes from their beginning, in the notation of `digests`. Pure.

use uuid::Uuid;

use crate::values::{Money, Sha256Digest, Timestamp};

/// The last microsecond of the year 9999, after which the text of a time is longer.
const MICROS_MAX: i64 = 253_402_300_799_999_999;

/// The time of these microseconds since 1970; `None` unless it is in the years 1970 to 9999, whose texts all have one
/// length.
pub(crate) fn time_of_micros(micros: i64) -> Option<Timestamp> {
    let is_in_range = (0..=MICROS_MAX).contains(&micros);
    is_in_range.then(|| Timestamp::from_timestamp_micros(micros)).flatten()
}

/// The bytes that are not read yet. Each method takes a value off their beginning; `None` if none stands there.
pub(super) struct ByteReader<'a>(&'a [u8]);

impl<'a> ByteReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        self.array().map(i64::from_be_bytes).and_then(time_of_micros)
    }

    pub fn amount(&mut self) -> Option<Money> {
        self.array().map(i64::from_be_bytes).and_then(Money::from_units)
    }

    pub fn digest(&mut self) -> Option<Sha256Digest> {
        self.array().map(Sha256Digest)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    pub fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }
}
