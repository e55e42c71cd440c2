//! Digests that show whether two requests are the same: of the caller's key, and of the operation with its parsed
//! values.

use sha2::{Digest as _, Sha256};

use super::request::{Metadata, NewBatch, NewCapture, NewDestination, NewPayment, NewReversal, NewTransfer};
use crate::ledger::{AskedAmount, Direction, HoldTerms};
use crate::values::{Digest, Money, TransferId};
use uuid::Uuid;

/// Digest of a key and its scope, so that equal keys of two users differ, and of a user and their API keys.
pub(super) fn of_key(scope: Uuid, key: &str) -> Digest {
    RequestHash(Sha256::new()).bytes(scope.as_bytes()).text(key).digest()
}

pub(super) fn of_transfer(new: &NewTransfer) -> Digest {
    RequestHash::of("TRANSFER").transfer(new).digest()
}

/// The method's system wallet is not part of it, since it may be opened between two sends of the same request.
pub(super) fn of_payment(direction: Direction, new: &NewPayment) -> Digest {
    let name = match direction {
        Direction::In => "DEPOSIT",
        Direction::Out => "WITHDRAWAL",
    };
    RequestHash::of(name)
        .bytes(new.wallet.0.as_bytes())
        .amount(new.amount)
        .text(new.method.as_str())
        .optional(new.description.as_deref())
        .optional(new.metadata.as_ref().map(Metadata::canonical))
        .terms(new.hold)
        .digest()
}

pub(super) fn of_capture(new: &NewCapture) -> Digest {
    RequestHash::of("CAPTURE")
        .bytes(new.hold.0.as_bytes())
        .asked(new.amount)
        .bytes(&[u8::from(new.is_final)])
        .digest()
}

pub(super) fn of_void(hold: TransferId) -> Digest {
    RequestHash::of("RELEASE").bytes(hold.0.as_bytes()).digest()
}

pub(super) fn of_reversal(new: &NewReversal) -> Digest {
    RequestHash::of("REVERSAL")
        .bytes(new.original.0.as_bytes())
        .asked(new.amount)
        .optional(new.description.as_deref())
        .digest()
}

pub(super) fn of_batch(new: &NewBatch) -> Digest {
    let parts = RequestHash::of("BATCH").bytes(&[u8::from(new.is_atomic)]);
    new.transfers.iter().fold(parts, RequestHash::transfer).digest()
}

/// Hashes each part with its length before it, so that two different lists of parts never give the same bytes.
struct RequestHash(Sha256);

impl RequestHash {
    fn of(operation: &str) -> Self {
        Self(Sha256::new()).text(operation)
    }

    fn bytes(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    fn text(self, part: &str) -> Self {
        self.bytes(part.as_bytes())
    }

    /// Distinguishes an absent text from an empty one.
    fn optional(self, text: Option<&str>) -> Self {
        match text {
            None => self.text(""),
            Some(text) => self.text(&format!("+{text}")),
        }
    }

    /// A missing amount gets a value that differs from every amount.
    fn amount(self, amount: Option<Money>) -> Self {
        self.bytes(&amount.map_or(i64::MIN, Money::units).to_be_bytes())
    }

    fn asked(self, amount: AskedAmount) -> Self {
        match amount {
            AskedAmount::Rest => self.text("rest"),
            AskedAmount::Exactly(amount) => self.amount(amount),
        }
    }

    fn terms(self, terms: Option<HoldTerms>) -> Self {
        match terms {
            None => self.text(""),
            Some(terms) => self.bytes(&terms.expires_in.num_seconds().to_be_bytes()),
        }
    }

    fn transfer(self, new: &NewTransfer) -> Self {
        let parts = self.bytes(new.source.0.as_bytes());
        let parts = match &new.destination {
            NewDestination::Wallet(id) => parts.bytes(id.0.as_bytes()),
            NewDestination::Email(email) => parts.text(email.as_str()),
        };
        parts
            .amount(new.amount)
            .optional(new.description.as_deref())
            .optional(new.metadata.as_ref().map(Metadata::canonical))
            .terms(new.hold)
    }

    fn digest(self) -> Digest {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0.finalize()[..16]);
        Digest(bytes)
    }
}
