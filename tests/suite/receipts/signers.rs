//! Heads, and the keys that sign them and receipts: what was signed before a rotation stays proved.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::Services;
use service::clock::Clock;
use service::receipts::{
    Receipt, SignedHead, TrustedKeys, check_head, check_receipt, retire_journal_key, rotate_journal_keys,
};

use super::{keys_of, proved};
use crate::life::LifeStage;

on_every_backend!(
    a_head_is_signed_and_moves_on,
    old_receipts_are_proved_after_a_rotation,
    old_receipts_are_proved_after_their_secret_was_deleted,
    replicas_with_other_keys_differ_in_the_signature_only,
    another_banks_keys_prove_nothing,
);

/// The newest head. Fails unless its document is proved by the keys that the process publishes.
async fn proved_head(services: &Services) -> SignedHead {
    let head = services.receipts.head().await.expect("the journal can be read");
    let read = SignedHead::parse(&head.to_json().to_string()).expect("it is a head");
    check_head(&read, &keys_of(services)).expect("the keys prove it");
    assert_eq!(read, head);
    head
}

fn without_signature(receipt: &Receipt) -> Receipt {
    let mut receipt = receipt.clone();
    receipt.head.signature = [0; 64];
    receipt.head.key_id.clear();
    receipt
}

/// Makes a new key, and waits until it signs.
async fn rotate(bank: &TestBank) {
    let rotated = rotate_journal_keys(&bank.config.journal_key_file, bank.clock.now());
    assert_eq!(rotated.expect("a key can be made").len(), 2);
    bank.advance(TimeDelta::seconds(61)).await;
}

async fn a_head_is_signed_and_moves_on(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = proved_head(&stage.services).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let after = proved_head(&stage.services).await;
    assert_eq!(after.ledger, before.ledger);
    assert!(after.number > before.number, "{after:?}");
    assert!(after.digest != before.digest && after.at >= before.at);
    assert_eq!(after.transfers, 1);
    // The newest receipt has the newest head.
    assert_eq!(proved(&stage.services, &stage.ana.0, paid).await.head, after);
}

async fn old_receipts_are_proved_after_a_rotation(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let old = proved(&stage.services, &stage.ana.0, paid).await;
    rotate(&bank).await;
    let receipts = &stage.services.receipts;
    assert!(receipts.reload_keys().expect("the key file can be read"));
    let new = proved(&stage.services, &stage.ana.0, paid).await;
    assert_ne!(new.head.key_id, old.head.key_id);
    assert_eq!(without_signature(&new), without_signature(&old));
    let retired = retire_journal_key(&bank.config.journal_key_file, &old.head.key_id, bank.clock.now());
    retired.expect("there is a newer key");
    assert!(receipts.reload_keys().expect("the key file can be read"));
    let document = old.to_json().to_string();
    assert_eq!(check_receipt(&document, &keys_of(&stage.services)), Ok(old));
}

async fn old_receipts_are_proved_after_their_secret_was_deleted(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (receipts, file) = (&stage.services.receipts, &bank.config.journal_key_file);
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let old = proved(&stage.services, &stage.ana.0, paid).await;
    rotate(&bank).await;
    // A minute after the second key has begun to sign, a rotation deletes the secret of the first.
    bank.advance(TimeDelta::seconds(61)).await;
    let rotated = rotate_journal_keys(file, bank.clock.now());
    assert_eq!(rotated.expect("a key can be made").len(), 3);
    let text = std::fs::read_to_string(file).expect("the key file can be read");
    assert_eq!(text.matches("\"secret\"").count(), 2, "three keys have two secrets");
    assert!(receipts.reload_keys().expect("the key file can be read"));
    let document = old.to_json().to_string();
    assert_eq!(check_receipt(&document, &keys_of(&stage.services)), Ok(old.clone()));
    let new = proved(&stage.services, &stage.ana.0, paid).await;
    assert_ne!(new.head.key_id, old.head.key_id);
    assert_eq!(without_signature(&new), without_signature(&old));
}

async fn replicas_with_other_keys_differ_in_the_signature_only(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    rotate(&bank).await;
    // This process has not read the file again; the replica has both keys.
    let here = proved(&stage.services, &stage.ben.0, paid).await;
    let replica = bank.replica().await;
    let there = proved(&replica, &stage.ben.0, paid).await;
    assert_ne!(there.head.key_id, here.head.key_id);
    assert_eq!(without_signature(&there), without_signature(&here));
    let document = here.to_json().to_string();
    assert_eq!(check_receipt(&document, &keys_of(&replica)), Ok(here));
}

async fn another_banks_keys_prove_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let document = proved(&stage.services, &stage.ana.0, paid).await.to_json().to_string();
    let other = bank
        .replica_with(|config| config.journal_key_file = config.data_dir.join("other.key"))
        .await;
    let others: TrustedKeys = keys_of(&other);
    assert!(check_receipt(&document, &others).is_err());
}
