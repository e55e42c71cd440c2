//! Proves a receipt, or a head, with nothing but the bank's public keys. Pure.

use ed25519_dalek::{Signature, VerifyingKey};

use super::document::{Receipt, SignedHead};
use super::fault::ReceiptFault;
use super::kind::DocumentKind;
use super::trusted::TrustedKeys;
use crate::journal::{leaf_digest, root_along};

/// Proves that the receipt's transfer stands in the journal of the bank that has these keys.
///
/// The checks, in this order: it is a receipt in the one spelling of the format; its public bytes decode, and equal its
/// transfer; the path leads from the leaf to the commit's root; the head's digest is that of the commit; the head's key
/// is trusted; its signature is right.
pub fn check_receipt(text: &str, keys: &TrustedKeys) -> Result<Receipt, ReceiptFault> {
    let receipt = Receipt::parse(text)?;
    let leaf = leaf_digest(&receipt.public, receipt.sealed);
    if root_along(leaf, &receipt.path) != receipt.commit.root {
        return Err(ReceiptFault::Path);
    }
    if receipt.digest() != receipt.head.digest {
        return Err(ReceiptFault::Digest);
    }
    check_head(&receipt.head, keys)?;
    Ok(receipt)
}

/// Proves a head that is given alone, or in a receipt, which is proved as a whole then.
pub fn check_head_in(text: &str, keys: &TrustedKeys) -> Result<SignedHead, ReceiptFault> {
    if DocumentKind::of(text) == Some(DocumentKind::Receipt) {
        return check_receipt(text, keys).map(|receipt| receipt.head);
    }
    let head = SignedHead::parse(text)?;
    check_head(&head, keys)?;
    Ok(head)
}

/// Proves that one of these keys has signed the head. A retired key counts: its older signatures stay valid.
pub fn check_head(head: &SignedHead, keys: &TrustedKeys) -> Result<(), ReceiptFault> {
    let key = keys.find(&head.key_id).ok_or_else(|| ReceiptFault::UntrustedKey {
        key_id: head.key_id.clone(),
    })?;
    let public = VerifyingKey::from_bytes(&key.public).map_err(|_| ReceiptFault::Signature)?;
    let signature = Signature::from_bytes(&head.signature);
    // `verify_strict` accepts one encoding of a signature, and refuses points of small order, for which every person can
    // make signatures.
    let verified = public.verify_strict(&head.signed_bytes(), &signature);
    verified.map_err(|_| ReceiptFault::Signature)
}

#[cfg(test)]
mod tests;
