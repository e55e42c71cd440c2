//! The cursor of an event: its place in the journal of one ledger, as an opaque text. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::values::RecordId;

const TAG_BYTES: usize = 6;
const RECORD_BYTES: usize = 16;
/// 22 bytes are 30 characters, the last of which has two bits of the last byte.
const TEXT_LENGTH: usize = 30;

/// The beginning of a ledger's id, which distinguishes its cursors from those of other ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LedgerTag([u8; TAG_BYTES]);

impl LedgerTag {
    /// The tag of a ledger.
    pub(crate) fn of(ledger: Uuid) -> Self {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&ledger.as_bytes()[..TAG_BYTES]);
        Self(tag)
    }
}

/// A place in the journal: that of a record, after which the next event comes. It is the id of the record's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventCursor {
    ledger: LedgerTag,
    record: RecordId,
}

impl EventCursor {
    /// The cursor of a record.
    pub(crate) fn new(ledger: LedgerTag, record: RecordId) -> Self {
        Self { ledger, record }
    }

    /// Reads the text that `to_string` writes; `None` when it is not one. Which ledger it belongs to is not looked at.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, record) = bytes.split_at_checked(TAG_BYTES)?;
        Some(Self {
            ledger: LedgerTag(tag.try_into().ok()?),
            record: RecordId(Uuid::from_bytes(record.try_into().ok()?)),
        })
    }

    /// The record.
    pub(crate) fn record(&self) -> RecordId {
        self.record
    }

    /// The record, if the cursor is one of this ledger.
    pub(crate) fn record_in(&self, ledger: LedgerTag) -> Option<RecordId> {
        (self.ledger == ledger).then_some(self.record)
    }

    /// The cursor of another record of the same ledger.
    pub(crate) fn at(&self, record: RecordId) -> Self {
        Self::new(self.ledger, record)
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; TAG_BYTES + RECORD_BYTES];
        let (tag, record) = bytes.split_at_mut(TAG_BYTES);
        tag.copy_from_slice(&self.ledger.0);
        record.copy_from_slice(self.record.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Uuid = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for number in [0, 7, u128::MAX] {
            let cursor = EventCursor::new(LedgerTag::of(LEDGER), RecordId(Uuid::from_u128(number)));
            let text = cursor.to_string();
            assert_eq!(text.len(), TEXT_LENGTH);
            assert_eq!(EventCursor::parse(&text), Some(cursor));
        }
        let text = EventCursor::new(LedgerTag::of(LEDGER), RecordId(Uuid::from_u128(0))).to_string();
        let (most, _) = text.split_at(TEXT_LENGTH - 1);
        let wrong = [
            String::new(),
            most.to_owned(),
            format!("{text}A"),
            format!("{text}="),
            // Bits behind the last byte, which would make a second text of the same cursor.
            format!("{most}B"),
            format!("{most}+"),
            format!("{most}\u{e4}"),
            format!("{}\u{e4}", &text[..TEXT_LENGTH - 2]),
        ];
        for wrong in wrong {
            assert_eq!(EventCursor::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_cursor_belongs_to_one_ledger() {
        let record = RecordId(Uuid::from_u128(7));
        let cursor = EventCursor::new(LedgerTag::of(LEDGER), record);
        assert_eq!(cursor.record_in(LedgerTag::of(LEDGER)), Some(record));
        assert_eq!(cursor.record_in(LedgerTag::of(Uuid::from_u128(1))), None);
    }
}
