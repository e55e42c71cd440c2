//! Receipts: an honest one is proved, and nothing else is; paths lead to their own root; the public bytes of a transfer
//! say exactly one transfer.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use service::journal::{PublicTransfer, TransferLeaf, merkle_root, path_of, root_along};
use service::receipts::{ReceiptFault, SignedHead, check_head, check_receipt};

use crate::cases::hold;
use crate::receipt_case::{commit_case, digest, public_transfer};

/// The pointers of all members that hold a value, and not an object or a list.
fn pointers(value: &Value, pointer: &str) -> Vec<String> {
    let below = |name: &str, value: &Value| pointers(value, &format!("{pointer}/{name}"));
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, value)| below(&index.to_string(), value))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![pointer.to_owned()],
    }
}

/// Another value of the same kind where there is one: one letter or digit differs.
fn other_value(value: &Value, place: Index) -> Value {
    match value {
        Value::String(text) => {
            let mut bytes = text.clone().into_bytes();
            let at = place.index(bytes.len());
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            json!(String::from_utf8_lossy(&bytes))
        }
        Value::Number(number) => json!(number.as_u64().unwrap_or_default() ^ 1),
        Value::Null => json!("0"),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Value::Null,
    }
}

#[test]
fn an_honest_receipt_is_proved() {
    hold(file!(), &commit_case(), |case| {
        let receipt = case.receipt();
        let compact = receipt.to_json().to_string();
        prop_assert_eq!(check_receipt(&compact, &case.keys()), Ok(receipt.clone()));
        let pretty = format!("{:#}", receipt.to_json());
        prop_assert_eq!(check_receipt(&pretty, &case.keys()), Ok(receipt.clone()));
        let head = SignedHead::parse(&receipt.head.to_json().to_string());
        prop_assert_eq!(&head, &Ok(receipt.head));
        prop_assert_eq!(head.and_then(|head| check_head(&head, &case.keys())), Ok(()));
        Ok(())
    });
}

#[test]
fn a_receipt_with_another_value_is_refused() {
    let drawn = (commit_case(), any::<Index>(), any::<Index>());
    hold(file!(), &drawn, |(case, member, place)| {
        let mut document = case.receipt().to_json();
        let all = pointers(&document, "");
        let pointer = &all[member.index(all.len())];
        let value = document.pointer_mut(pointer);
        let value = value.ok_or_else(|| TestCaseError::fail(pointer.clone()))?;
        *value = other_value(value, place);
        let checked = check_receipt(&document.to_string(), &case.keys());
        prop_assert!(checked.is_err(), "{pointer} of {document}");
        Ok(())
    });
}

#[test]
fn a_receipt_with_a_flipped_bit_is_refused() {
    let drawn = (commit_case(), any::<Index>(), 0..8_u8);
    hold(file!(), &drawn, |(case, place, bit)| {
        let mut bytes = case.receipt().to_json().to_string().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(check_receipt(&text, &case.keys()).is_err(), "{text}");
        Ok(())
    });
}

#[test]
fn a_receipt_that_another_key_has_signed_is_refused() {
    let drawn = (commit_case(), any::<[u8; 32]>());
    hold(file!(), &drawn, |(case, secret)| {
        let forged = case.receipt_signed_with(secret);
        prop_assume!(forged != case.receipt());
        let checked = check_receipt(&forged.to_json().to_string(), &case.keys());
        prop_assert_eq!(checked, Err(ReceiptFault::Signature));
        Ok(())
    });
}

#[test]
fn the_parts_of_two_receipts_prove_nothing_together() {
    let drawn = (commit_case(), commit_case(), any::<Index>());
    hold(file!(), &drawn, |(case, other, part)| {
        let (mut mixed, others) = (case.receipt().to_json(), other.receipt().to_json());
        let part = *part.get(&["transfer", "leaf", "path", "commit", "head"]);
        prop_assume!(mixed[part] != others[part]);
        mixed[part] = others[part].clone();
        prop_assert!(check_receipt(&mixed.to_string(), &case.keys()).is_err(), "{part}");
        Ok(())
    });
}

#[test]
fn a_path_leads_from_its_own_leaf_to_the_root() {
    let drawn = (vec(digest(), 1..200), any::<Index>(), digest());
    hold(file!(), &drawn, |(leaves, index, other)| {
        let index = index.index(leaves.len());
        let (leaf, root, path) = (leaves[index], merkle_root(&leaves), path_of(&leaves, index));
        prop_assert_eq!(root_along(leaf, &path), root);
        prop_assert!(path.len() <= 8, "{} steps for {} leaves", path.len(), leaves.len());
        prop_assume!(other != leaf);
        prop_assert_ne!(root_along(other, &path), root);
        for step in 0..path.len() {
            let mut changed = path.clone();
            changed[step].digest = other;
            prop_assert!(changed == path || root_along(leaf, &changed) != root);
            changed.remove(step);
            prop_assert_ne!(root_along(leaf, &changed), root);
        }
        Ok(())
    });
}

#[test]
fn the_public_bytes_say_one_transfer() {
    let drawn = (public_transfer(), any::<Index>(), any::<u8>());
    hold(file!(), &drawn, |(transfer, place, byte)| {
        let bytes = transfer.encode();
        prop_assert_eq!(PublicTransfer::decode(&bytes), Some(transfer.clone()));
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] = byte;
        if let Some(read) = PublicTransfer::decode(&changed) {
            prop_assert_eq!(read.encode(), &changed[..]);
            prop_assert_eq!(read == transfer, changed == bytes);
        }
        let cut = place.index(bytes.len());
        prop_assert_eq!(PublicTransfer::decode(&bytes[..cut]), None);
        prop_assert_eq!(PublicTransfer::decode(&[&bytes[..], &[byte]].concat()), None);
        Ok(())
    });
}

#[test]
fn a_leaf_copies_each_public_field() {
    hold(file!(), &public_transfer(), |transfer| {
        let leaf = TransferLeaf {
            id: transfer.id,
            created_at: transfer.created_at,
            kind: transfer.kind,
            status: transfer.status,
            source: transfer.source,
            destination: transfer.destination,
            amount: transfer.amount,
            currency: transfer.currency,
            method: transfer.method.as_ref(),
            reason: transfer.reason.as_deref(),
            parent: transfer.parent,
            batch: transfer.batch,
            created_by: transfer.created_by,
            expires_at: transfer.expires_at,
            released: transfer.released,
            texts: transfer.texts,
            key: None,
            api_key: None,
            available: None,
        };
        prop_assert_eq!(leaf.public_bytes(), transfer.encode());
        Ok(())
    });
}
