//! Digests that show whether two requests are the same: of the caller's key, and of the operation with its parsed
//! values.

use sha2::{Digest as _, Sha256};

use super::request::{Metadata, NewTransfer};
use crate::ledger::Payment;
use crate::values::{Digest, Money, TransferKind, UserId};

/// Digest of a user and their key, so that equal keys of two users differ.
pub(super) fn of_key(user: UserId, key: &str) -> Digest {
    digest(&[user.0.as_bytes(), key.as_bytes()])
}

pub(super) fn of_transfer(new: &NewTransfer) -> Digest {
    let amount = units(new.amount);
    let metadata = new.metadata.as_ref().map(Metadata::canonical);
    digest(&[
        TransferKind::Transfer.as_str().as_bytes(),
        new.source.0.as_bytes(),
        new.destination.0.as_bytes(),
        &amount,
        optional(new.description.as_deref()).as_bytes(),
        optional(metadata).as_bytes(),
    ])
}

/// The method's system wallet is not part of it, since it may be opened between two sends of the same request.
pub(super) fn of_payment(payment: &Payment) -> Digest {
    digest(&[
        payment.kind().as_str().as_bytes(),
        payment.wallet.0.as_bytes(),
        &units(payment.amount),
        payment.method.as_str().as_bytes(),
    ])
}

/// A missing amount gets a value that differs from every amount.
fn units(amount: Option<Money>) -> [u8; 8] {
    amount.map_or(i64::MIN, Money::units).to_be_bytes()
}

/// Distinguishes an absent text from an empty one.
fn optional(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("+{text}"))
}

/// Hashes each part with its length before it, so that two different lists of parts never give the same bytes.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Digest(bytes)
}
