//! Receipts that were tampered with: in every member, in every byte, and under keys that are not trusted.

mod edits;
mod kinds;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use ed25519_dalek::{Signature, SigningKey, Verifier};
use harness::{TestBank, on_every_backend};
use serde_json::Value;
use service::Services;
use service::clock::Clock;
use service::identity::Actor;
use service::journal::head_bytes;
use service::receipts::{
    JournalPublicKey, Receipt, TrustedKeys, check_receipt, retire_journal_key, rotate_journal_keys,
};
use service::values::{Timestamp, TransferId};

use self::edits::{forgeries_of, reversed};
use self::kinds::transfers_of_every_kind;
use super::keys_of;

on_every_backend!(
    a_receipt_with_another_member_is_refused,
    a_receipt_with_another_byte_is_refused,
    the_order_of_members_and_whitespace_are_free,
    a_receipt_is_proved_by_its_own_key_only,
    each_receipt_needs_the_key_of_its_time,
);

/// The receipts of which every byte is flipped.
const FLIPPED: usize = 100;
/// What is flipped of a byte: the last bit, the case of a letter, and the first bit, which makes the bytes invalid UTF-8.
const FLIPS: [u8; 3] = [0x01, 0x20, 0x80];
/// S of a signature of the sample receipt's head by the key of `[7; 32]`. With the neutral element as R the equation of
/// Ed25519 is true. Only the owner of the key could make such a signature.
const SMALL_ORDER_S: &str = "372ad489f7bfd731c837d54b8398d5fe6c18cfcd957b566795d2d7140ec7870b";

/// The receipt of a transfer, as JSON without whitespace.
async fn text_of(services: &Services, operator: &Actor, transfer: TransferId) -> String {
    let receipt = services.receipts.receipt(operator, transfer).await;
    receipt.expect("the journal proves it").to_json().to_string()
}

async fn texts_of(services: &Services, operator: &Actor, transfers: &[TransferId]) -> Vec<String> {
    let mut texts = Vec::new();
    for transfer in transfers {
        texts.push(text_of(services, operator, *transfer).await);
    }
    texts
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a receipt is JSON")
}

/// One receipt of each kind and status, and one of a commit with many transfers.
fn one_of_each(documents: &[Value]) -> Vec<&Value> {
    let mut seen = BTreeSet::new();
    let what = |document: &Value| {
        let transfer = &document["transfer"];
        let is_alone = document["path"].as_array().is_none_or(Vec::is_empty);
        format!("{} {} {is_alone}", transfer["kind"], transfer["status"])
    };
    let new = documents.iter().filter(|document| seen.insert(what(document)));
    new.collect()
}

async fn a_receipt_with_another_member_is_refused(bank: Arc<TestBank>) {
    let (operator, transfers) = transfers_of_every_kind(&bank).await;
    let texts = texts_of(&bank.services, &operator, &transfers).await;
    let documents: Vec<Value> = texts.iter().map(|text| parsed(text)).collect();
    let (keys, mut forged) = (keys_of(&bank.services), 0);
    let forged_ones = one_of_each(&documents);
    assert!(forged_ones.len() >= 9, "{}", forged_ones.len());
    for document in forged_ones {
        assert!(check_receipt(&document.to_string(), &keys).is_ok(), "{document}");
        for (what, text) in forgeries_of(document, &documents) {
            assert!(check_receipt(&text, &keys).is_err(), "{what} was accepted: {text}");
            forged += 1;
        }
    }
    println!("{:?}: {forged} receipts with another member are refused", bank.backend);
    assert!(forged > 2_000, "{forged}");
}

async fn a_receipt_with_another_byte_is_refused(bank: Arc<TestBank>) {
    let (operator, transfers) = transfers_of_every_kind(&bank).await;
    let newest = transfers.get(..FLIPPED).expect("there are as many");
    let texts = texts_of(&bank.services, &operator, newest).await;
    let keys = Arc::new(keys_of(&bank.services));
    let mut halves = Vec::new();
    for half in texts.chunks(FLIPPED / 2) {
        let (half, keys) = (half.to_vec(), keys.clone());
        halves.push(tokio::task::spawn_blocking(move || refused_flips(&half, &keys)));
    }
    let mut refused = 0;
    for half in halves {
        refused += half.await.expect("no flipped receipt is accepted");
    }
    println!("{:?}: {refused} receipts with another byte are refused", bank.backend);
}

/// Flips each byte of each receipt, and fails unless each of these is refused. Gives how many there were.
fn refused_flips(texts: &[String], keys: &TrustedKeys) -> usize {
    let mut refused = 0;
    for text in texts {
        assert!(text.is_ascii() && check_receipt(text, keys).is_ok(), "{text}");
        let mut bytes = text.clone().into_bytes();
        for at in 0..bytes.len() {
            for flip in FLIPS {
                bytes[at] ^= flip;
                // As the program reads a file.
                let forged = String::from_utf8_lossy(&bytes);
                let checked = check_receipt(&forged, keys);
                assert!(checked.is_err(), "byte {at} by {flip:#x}: {forged}");
                bytes[at] ^= flip;
                refused += 1;
            }
        }
    }
    refused
}

async fn the_order_of_members_and_whitespace_are_free(bank: Arc<TestBank>) {
    let (operator, transfers) = transfers_of_every_kind(&bank).await;
    let keys = keys_of(&bank.services);
    for text in texts_of(&bank.services, &operator, &transfers).await {
        let document = parsed(&text);
        let pretty = serde_json::to_string_pretty(&document).expect("a value is JSON");
        let other_order = reversed(&document);
        assert_eq!(other_order, document);
        for text in [format!("\n{pretty}\t"), other_order.to_string()] {
            let checked = check_receipt(&text, &keys);
            let checked = checked.unwrap_or_else(|fault| panic!("{fault}: {text}"));
            assert_eq!(checked.to_json(), document);
        }
    }
}

async fn a_receipt_is_proved_by_its_own_key_only(bank: Arc<TestBank>) {
    let (operator, transfers) = transfers_of_every_kind(&bank).await;
    let text = text_of(&bank.services, &operator, transfers[0]).await;
    let signer = bank.services.receipts.public_keys().remove(0);
    let other = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
    let same_kid = JournalPublicKey {
        public: other,
        ..signer.clone()
    };
    let other_kid = JournalPublicKey {
        kid: "0123456789abcdef".to_owned(),
        ..signer.clone()
    };
    let is_proved = |keys: Vec<JournalPublicKey>| check_receipt(&text, &TrustedKeys::of(keys)).is_ok();
    assert!(is_proved(vec![signer.clone()]));
    for keys in [
        Vec::new(),
        vec![same_kid.clone()],
        vec![other_kid.clone()],
        vec![same_kid, other_kid],
    ] {
        assert!(!is_proved(keys.clone()), "{keys:?}");
    }
}

/// One receipt of before and one of after a rotation, and after the first key was retired: each needs its own key, and both are
/// published.
async fn each_receipt_needs_the_key_of_its_time(bank: Arc<TestBank>) {
    let (operator, transfers) = transfers_of_every_kind(&bank).await;
    let (receipts, file) = (&bank.services.receipts, &bank.config.journal_key_file);
    let before = text_of(&bank.services, &operator, transfers[0]).await;
    let old = receipts.public_keys().remove(0);
    rotate_journal_keys(file, bank.clock.now()).expect("a key can be made");
    bank.advance(TimeDelta::seconds(61)).await;
    assert!(receipts.reload_keys().expect("the key file can be read"));
    let after = text_of(&bank.services, &operator, transfers[0]).await;
    retire_journal_key(file, &old.kid, bank.clock.now()).expect("there is a newer key");
    assert!(receipts.reload_keys().expect("the key file can be read"));
    let published = receipts.public_keys();
    let is_proved =
        |text: &str, keys: &[JournalPublicKey]| check_receipt(text, &TrustedKeys::of(keys.to_vec())).is_ok();
    assert_eq!(published.len(), 2, "a retired key stays");
    assert!(is_proved(&before, &published) && is_proved(&after, &published));
    let new: Vec<JournalPublicKey> = published.into_iter().filter(|key| key.kid != old.kid).collect();
    assert!(!is_proved(&before, &new) && is_proved(&after, &new));
    let old = [old];
    assert!(is_proved(&before, &old) && !is_proved(&after, &old));
}

#[test]
fn a_signature_with_an_r_of_small_order_is_refused() {
    let mut document = parsed(include_str!("../../../samples/receipt.json"));
    let neutral = format!("01{}", "00".repeat(31));
    document["head"]["signature"] = Value::from(format!("{neutral}{SMALL_ORDER_S}"));
    let text = document.to_string();
    let head = Receipt::parse(&text).expect("it is a receipt").head;
    let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
    let bytes = head_bytes(head.ledger, head.number, head.digest, head.transfers, head.at);
    let verified = key.verify(&bytes, &Signature::from_bytes(&head.signature));
    assert!(verified.is_ok(), "the equation is true");
    let keys = TrustedKeys::of(vec![JournalPublicKey {
        kid: head.key_id,
        public: key.to_bytes(),
        created_at: Timestamp::UNIX_EPOCH,
        retired_at: None,
    }]);
    let fault = check_receipt(&text, &keys).expect_err("R is of small order");
    assert!(fault.to_string().contains("signature"), "{fault}");
}
