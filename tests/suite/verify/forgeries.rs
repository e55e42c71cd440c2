//! Forgeries after which the tables of the books still agree with each other: only the journal shows them.

use std::sync::Arc;

use harness::{TestBank, journal, on_every_backend};
use service::values::{RecordId, Sha256Digest};

use super::journal::not_digested;
use super::{Books, JOURNAL};

on_every_backend!(
    two_transfers_that_changed_places_are_found,
    a_forged_commit_is_found,
    a_forged_commit_with_a_right_digest_and_no_transfers_is_found,
    a_removed_birth_is_found,
    a_transfer_before_all_others_is_found,
);

/// Ids, entries, versions and balances are all rewritten, as if the five had been paid before the ten.
async fn two_transfers_that_changed_places_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (ten, five) = (books.transfer(books.ten), books.transfer(books.five));
    let other = books.bank.literal(uuid::Uuid::from_u128(1));
    let (ana, ben) = (books.id(books.ana), books.id(books.ben));
    let mut sql = Vec::new();
    for (from, to) in [(&ten, &other), (&five, &ten), (&other, &five)] {
        sql.push(format!("UPDATE transfers SET id = {to} WHERE id = {from}"));
        sql.push(format!(
            "UPDATE entries SET transfer_id = {to} WHERE transfer_id = {from}"
        ));
    }
    for (wallet, transfer, version, after) in [
        (&ana, &ten, 2, "95.0000"),
        (&ana, &five, 3, "85.0000"),
        (&ben, &ten, 1, "5.0000"),
        (&ben, &five, 2, "15.0000"),
    ] {
        sql.push(format!(
            "UPDATE entries SET version = {version}, balance_after = '{after}' \
             WHERE wallet_id = {wallet} AND transfer_id = {transfer}"
        ));
    }
    let expected = vec![books.changed(books.ten).await, books.changed(books.five).await];
    books.after(&sql, expected).await;
}

async fn a_forged_commit_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let forged = journal::head(&books.bank.db.write).await.number + 1;
    let sql = [format!(
        "INSERT INTO journal (number, at, last_id, transfers, changes, root, digest) \
         SELECT number + 1, at, last_id, 0, 0, (SELECT root FROM journal WHERE number = 0), root \
         FROM journal WHERE number = {forged} - 1"
    )];
    books.after(&sql, vec![not_digested(forged)]).await;
}

async fn a_forged_commit_with_a_right_digest_and_no_transfers_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let leaves = [Sha256Digest([1; 32]), Sha256Digest([2; 32])];
    let forged = journal::forge(&books.bank.db.write, &leaves, RecordId(uuid::Uuid::max())).await;
    let expected = vec![(JOURNAL, format!("row {forged}: counts 2 transfers, and there are 0"))];
    books.after(&[], expected).await;
}

async fn a_removed_birth_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = ["DELETE FROM journal WHERE number = 0".to_owned()];
    books
        .after(&sql, vec![(JOURNAL, "rows 0 to 0 are missing".to_owned())])
        .await;
}

/// Its id is below the last id of row 0, where no two rows enclose it.
async fn a_transfer_before_all_others_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, created_at, \
         failure_reason) SELECT {}, kind, 3, source_wallet_id, destination_wallet_id, amount, currency, created_at, \
         'wallet_frozen' FROM transfers WHERE id = {}",
        books.bank.literal(uuid::Uuid::nil()),
        books.transfer(books.ten),
    )];
    let counted = books
        .bank
        .number("SELECT CAST(transfers AS bigint) AS n FROM journal WHERE number = 1")
        .await;
    let sentence = format!("row 1: counts {counted} transfers, and there are {}", counted + 1);
    let expected = vec![(JOURNAL, sentence)];
    books.after(&sql, expected).await;
}
