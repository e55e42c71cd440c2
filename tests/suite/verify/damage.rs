//! Rows that our code cannot have written are named, and the proof goes on after them.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};

use super::{Books, JOURNAL, LAST, TWO, found};

on_every_backend!(
    an_unknown_reason_is_found,
    an_unknown_kind_is_found,
    a_key_of_another_length_is_found,
    a_digest_of_another_length_is_found,
    what_comes_after_a_damaged_row_is_still_compared,
    a_lost_identity_is_found,
);

impl Books {
    /// Lets the tables accept values that a CHECK would refuse.
    async fn without_checks_of(&self, domain: &str) {
        self.bank
            .execute(&match self.bank.backend {
                Backend::Postgres => format!("ALTER DOMAIN {domain} DROP CONSTRAINT {domain}_check"),
                Backend::Sqlite => "PRAGMA ignore_check_constraints = on".to_owned(),
            })
            .await;
    }

    fn bytes(&self, hex: &str) -> String {
        match self.bank.backend {
            Backend::Postgres => format!("'\\x{hex}'"),
            Backend::Sqlite => format!("x'{hex}'"),
        }
    }

    /// The proof's finding for a transfer that cannot be read.
    async fn unreadable_ten(&self) -> (&'static str, String) {
        let row = self.row_of(self.ten).await;
        (
            JOURNAL,
            format!("row {row}: transfer {} cannot be read as one", self.ten),
        )
    }
}

fn unreadable(row: i64) -> (&'static str, String) {
    (JOURNAL, format!("row {row}: cannot be read as one"))
}

async fn an_unknown_reason_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let ten = books.transfer(books.ten);
    let sql = [format!(
        "UPDATE transfers SET status = 3, failure_reason = 'bored' WHERE id = {ten}"
    )];
    let expected = vec![(TWO, books.ten.to_string()), books.unreadable_ten().await];
    books.after(&sql, expected).await;
}

async fn an_unknown_kind_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.without_checks_of("transfer_kind").await;
    let sql = [format!(
        "UPDATE transfers SET kind = 99 WHERE id = {}",
        books.transfer(books.ten)
    )];
    let expected = vec![books.unreadable_ten().await];
    books.after(&sql, expected).await;
}

async fn a_key_of_another_length_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let key = books.bytes("010203");
    let sql = [format!(
        "UPDATE transfers SET idempotency_key = {key}, request_digest = {key} WHERE id = {}",
        books.transfer(books.ten)
    )];
    let expected = vec![books.unreadable_ten().await];
    books.after(&sql, expected).await;
}

/// The row after it then has no valid digest to be compared with.
async fn a_digest_of_another_length_is_found(bank: Arc<TestBank>) {
    for column in ["digest", "root"] {
        let books = Books::of(bank.backend).await;
        books.without_checks_of("sha256_digest").await;
        let row = books.row_of(books.ten).await;
        let sql = [format!(
            "UPDATE journal SET {column} = {} WHERE number = {row}",
            books.bytes("010203")
        )];
        books.after(&sql, vec![unreadable(row)]).await;
    }
}

async fn what_comes_after_a_damaged_row_is_still_compared(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.without_checks_of("sha256_digest").await;
    let row = books.row_of(books.ten).await;
    let sql = [
        format!(
            "UPDATE journal SET digest = {} WHERE number = {row}",
            books.bytes("010203")
        ),
        format!(
            "UPDATE transfers SET api_key_id = {} WHERE id = {}",
            books.transfer(books.ten),
            books.transfer(books.five)
        ),
    ];
    let expected = vec![unreadable(row), books.changed(books.five).await];
    books.after(&sql, expected).await;
}

async fn a_lost_identity_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let wallet = books.id(books.ana);
    if bank.backend == Backend::Postgres {
        books.bank.execute("ALTER TABLE ledger DISABLE TRIGGER USER").await;
    }
    let sql = [
        "DELETE FROM ledger".to_owned(),
        format!("UPDATE wallets SET version = 4 WHERE id = {wallet}"),
    ];
    let lost = "the ledger's identity is missing, and nothing can be checked without it".to_owned();
    let expected = vec![(JOURNAL, lost), (LAST, books.ana.to_string())];
    books.after(&sql, expected).await;
}

/// Only PostgreSQL has such a time; its driver panics on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_without_an_end_is_found() {
    let books = Books::of(Backend::Postgres).await;
    let row = books.row_of(books.five).await;
    for sql in [
        format!(
            "UPDATE transfers SET created_at = 'infinity' WHERE id = {}",
            books.transfer(books.ten)
        ),
        format!("UPDATE journal SET at = '-infinity' WHERE number = {row}"),
    ] {
        books.bank.execute(&sql).await;
    }
    let mut expected = vec![books.unreadable_ten().await, unreadable(row)];
    expected.sort();
    let mut found = found(&books.bank).await;
    found.sort();
    assert_eq!(found, expected);
    books.bank.close().await;
}

/// Only SQLite can be made to store a malformed id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_another_length_is_found() {
    let books = Books::of(Backend::Sqlite).await;
    books.without_checks_of("transfer_kind").await;
    let row = books.row_of(books.ten).await;
    let ten = books.transfer(books.ten);
    let sql = [
        format!("UPDATE entries SET transfer_id = substr(transfer_id, 1, 15) WHERE transfer_id = {ten}"),
        format!("UPDATE transfers SET id = substr(id, 1, 15) WHERE id = {ten}"),
    ];
    let mut short = books.ten.0.simple().to_string();
    short.truncate(30);
    let expected = vec![(JOURNAL, format!("row {row}: transfer {short} cannot be read as one"))];
    books.after(&sql, expected).await;
}
