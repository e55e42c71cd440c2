//! The public bytes of a transfer: one function writes them, whether a leaf is made or a receipt is checked, and
//! another reads them back. Pure.

use super::reader::ByteReader;
use super::{number_of_kind, number_of_status};
use crate::journal::digests::Bytes;
use crate::values::{
    BatchId, Currency, Method, Money, Sha256Digest, Timestamp, TransferId, TransferKind, TransferStatus, UserId,
    WalletId,
};

/// The first byte, which tells a transfer from a change.
const TRANSFER: u8 = b'T';

/// What the public bytes say, in their order.
pub(super) struct PublicFields<'a> {
    pub id: TransferId,
    pub created_at: Timestamp,
    pub kind: TransferKind,
    pub status: TransferStatus,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub currency: Currency,
    pub method: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub parent: Option<TransferId>,
    pub batch: Option<BatchId>,
    pub created_by: Option<UserId>,
    pub expires_at: Option<Timestamp>,
    pub released: Option<Money>,
    pub texts: Option<Sha256Digest>,
}

impl PublicFields<'_> {
    pub fn bytes(&self) -> Bytes {
        let mut bytes = Bytes::with_capacity(192);
        bytes
            .raw(&[TRANSFER])
            .id(self.id.0)
            .time(self.created_at)
            .raw(&[number_of_kind(self.kind), number_of_status(self.status)])
            .id(self.source.0)
            .id(self.destination.0)
            .amount(self.amount)
            .text(self.currency.code())
            .optional(self.method, Bytes::text)
            .optional(self.reason, Bytes::text)
            .optional(self.parent, |bytes, parent| bytes.id(parent.0))
            .optional(self.batch, |bytes, batch| bytes.id(batch.0))
            .optional(self.created_by, |bytes, user| bytes.id(user.0))
            .optional(self.expires_at, Bytes::time)
            .optional(self.released, Bytes::amount)
            .optional(self.texts, |bytes, digest| bytes.raw(&digest.0));
        bytes
    }
}

/// A transfer as the public bytes of its leaf say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicTransfer {
    /// The transfer's id.
    pub id: TransferId,
    /// When it was decided.
    pub created_at: Timestamp,
    /// What it is for.
    pub kind: TransferKind,
    /// Whether the money moved; a hold is PENDING for good here.
    pub status: TransferStatus,
    /// The wallet that pays.
    pub source: WalletId,
    /// The wallet that receives.
    pub destination: WalletId,
    /// Above zero.
    pub amount: Money,
    /// The source's currency.
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal.
    pub method: Option<Method>,
    /// Why it was refused, as it is stored: letters a-z, digits, `_` and `/`.
    pub reason: Option<String>,
    /// The hold of a capture or release, or the transfer that a reversal takes back.
    pub parent: Option<TransferId>,
    /// The batch of the request.
    pub batch: Option<BatchId>,
    /// The user who asked for it, if another than the source's owner did.
    pub created_by: Option<UserId>,
    /// When a hold ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What a release, or the final capture of a hold, gave back.
    pub released: Option<Money>,
    /// Digest of description and metadata; `None` without texts.
    pub texts: Option<Sha256Digest>,
}

impl PublicTransfer {
    /// Reads the public bytes of a transfer's leaf; `None` unless they are exactly those of one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = ByteReader::new(bytes);
        if reader.byte()? != TRANSFER {
            return None;
        }
        let transfer = Self {
            id: reader.id().map(TransferId)?,
            created_at: reader.time()?,
            kind: reader.byte().and_then(kind_of_number)?,
            status: reader.byte().and_then(status_of_number)?,
            source: reader.id().map(WalletId)?,
            destination: reader.id().map(WalletId)?,
            amount: reader.amount()?,
            currency: reader.text().and_then(Currency::from_code)?,
            method: reader.optional(|reader| reader.text().and_then(Method::try_new))?,
            reason: reader.optional(|reader| reader.text().and_then(reason_of_text))?,
            parent: reader.optional(|reader| reader.id().map(TransferId))?,
            batch: reader.optional(|reader| reader.id().map(BatchId))?,
            created_by: reader.optional(|reader| reader.id().map(UserId))?,
            expires_at: reader.optional(ByteReader::time)?,
            released: reader.optional(ByteReader::amount)?,
            texts: reader.optional(ByteReader::digest)?,
        };
        // Refuses bytes that follow, and any value that could be written in two ways.
        (transfer.encode() == bytes).then_some(transfer)
    }

    /// The public bytes of the transfer's leaf.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let fields = PublicFields {
            id: self.id,
            created_at: self.created_at,
            kind: self.kind,
            status: self.status,
            source: self.source,
            destination: self.destination,
            amount: self.amount,
            currency: self.currency,
            method: self.method.as_ref().map(Method::as_str),
            reason: self.reason.as_deref(),
            parent: self.parent,
            batch: self.batch,
            created_by: self.created_by,
            expires_at: self.expires_at,
            released: self.released,
            texts: self.texts,
        };
        fields.bytes().into_inner()
    }
}

fn kind_of_number(number: u8) -> Option<TransferKind> {
    let mut kinds = TransferKind::ALL.iter().copied();
    kinds.find(|kind| number_of_kind(*kind) == number)
}

fn status_of_number(number: u8) -> Option<TransferStatus> {
    let mut statuses = TransferStatus::ALL.iter().copied();
    statuses.find(|status| number_of_status(*status) == number)
}

fn reason_of_text(text: &str) -> Option<String> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'/');
    (!text.is_empty() && text.bytes().all(is_letter)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn time(micros: i64) -> Timestamp {
        Timestamp::from_timestamp_micros(micros).expect("a time")
    }

    /// Without anything that only some transfers have.
    fn plain(kind: TransferKind, status: TransferStatus) -> PublicTransfer {
        PublicTransfer {
            id: TransferId(id(1)),
            created_at: time(1_700_000_000_654_321),
            kind,
            status,
            source: WalletId(id(2)),
            destination: WalletId(id(3)),
            amount: Money::from_units(123_456).expect("an amount"),
            currency: Currency::from_code("EUR").expect("a currency"),
            method: None,
            reason: None,
            parent: None,
            batch: None,
            created_by: None,
            expires_at: None,
            released: None,
            texts: None,
        }
    }

    /// With everything, although no transfer has all of it.
    fn full() -> PublicTransfer {
        PublicTransfer {
            method: Method::try_new("visa"),
            reason: Some("limit_exceeded/per_day_amount".to_owned()),
            parent: Some(TransferId(id(4))),
            batch: Some(BatchId(id(5))),
            created_by: Some(UserId(id(6))),
            expires_at: Some(time(1_700_604_800_654_321)),
            released: Some(Money::ZERO),
            texts: Some(Sha256Digest([7; 32])),
            ..plain(TransferKind::Capture, TransferStatus::Completed)
        }
    }

    /// The bytes with others in the place of a part, which stands in them once.
    fn replaced(bytes: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
        let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(part)).collect();
        assert_eq!(places.len(), 1, "the part stands there once");
        [&bytes[..places[0]], by, &bytes[places[0] + part.len()..]].concat()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for kind in TransferKind::ALL {
            for status in TransferStatus::ALL {
                let transfer = plain(*kind, *status);
                assert_eq!(PublicTransfer::decode(&transfer.encode()), Some(transfer));
            }
        }
        assert_eq!(PublicTransfer::decode(&full().encode()), Some(full()));
    }

    #[test]
    fn bytes_that_are_cut_off_or_prolonged_are_refused() {
        for transfer in [plain(TransferKind::Transfer, TransferStatus::Completed), full()] {
            let bytes = transfer.encode();
            for length in 0..bytes.len() {
                assert_eq!(PublicTransfer::decode(&bytes[..length]), None, "{length} bytes");
            }
            for more in [0, 1, b'T'] {
                let longer = [&bytes[..], &[more]].concat();
                assert_eq!(PublicTransfer::decode(&longer), None, "{more} follows");
            }
        }
    }

    #[test]
    fn values_that_no_transfer_has_are_refused() {
        let bytes = full().encode();
        let time_bytes = 1_700_000_000_654_321_i64.to_be_bytes();
        let amount = 123_456_i64.to_be_bytes();
        let cases: [(&str, &[u8], &[u8]); 9] = [
            ("a currency of lower-case letters", b"EUR", b"eur"),
            ("a currency that does not exist", b"EUR", b"AAA"),
            ("a method in capitals", b"visa", b"Visa"),
            ("a reason with a blank", b"limit_", b"limit "),
            ("a reason with a byte that is not UTF-8", b"limit_", b"limit\xff"),
            ("an amount beyond the range", &amount, &i64::MAX.to_be_bytes()),
            ("a time before 1970", &time_bytes, &(-1_i64).to_be_bytes()),
            (
                "a time after 9999",
                &time_bytes,
                &253_402_300_800_000_000_i64.to_be_bytes(),
            ),
            (
                "a byte 2 before the method",
                &[1, 4, b'v', b'i', b's', b'a'],
                &[2, 4, b'v', b'i', b's', b'a'],
            ),
        ];
        for (what, part, by) in cases {
            assert_eq!(PublicTransfer::decode(&replaced(&bytes, part, by)), None, "{what}");
        }
        for (place, number) in [(0, b'C'), (25, 0), (25, 8), (26, 0), (26, 4)] {
            let mut changed = bytes.clone();
            changed[place] = number;
            assert_eq!(PublicTransfer::decode(&changed), None, "{number} at {place}");
        }
    }
}
