//! History that the schema keeps as it was written.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};

use super::{Books, TIME};

on_every_backend!(
    entries_are_never_changed_or_deleted,
    finished_transfers_are_never_changed_or_deleted,
    a_pending_transfer_may_be_finished_but_not_deleted,
    history_is_not_truncated,
    a_transfer_says_what_became_of_it,
    a_refused_transfer_keeps_no_text,
);

async fn entries_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for columns in [
        "amount = '1.0000'",
        "balance_after = '1.0000'",
        "version = 9",
        "created_at = created_at",
    ] {
        books.refuses(&format!("UPDATE entries SET {columns}")).await;
    }
    books
        .refuses(&format!(
            "DELETE FROM entries WHERE wallet_id = {}",
            books.id(books.ana)
        ))
        .await;
    books.takes("UPDATE entries SET version = 9 WHERE version = 1000").await;
}

async fn finished_transfers_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for columns in [
        "amount = '1.0000'",
        "status = 1",
        "description = 'x'",
        "idempotency_key = NULL",
    ] {
        books
            .refuses(&format!("UPDATE transfers SET {columns} WHERE id = {}", books.paid))
            .await;
    }
    books
        .refuses(&format!("DELETE FROM transfers WHERE id = {}", books.paid))
        .await;
    let failed = books.insert_transfer(&[
        ("status", "3"),
        ("failure_reason", "'wallet_frozen'"),
        ("completed_at", "NULL"),
    ]);
    books.takes(&failed).await;
    books
        .refuses(&format!(
            "{failed}; UPDATE transfers SET status = 2, failure_reason = NULL WHERE status = 3"
        ))
        .await;
    books
        .refuses(&format!("{failed}; DELETE FROM transfers WHERE status = 3"))
        .await;
}

async fn a_pending_transfer_may_be_finished_but_not_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let pending = books.insert_transfer(&[("status", "1"), ("completed_at", "NULL")]);
    books
        .takes(&format!(
            "{pending}; UPDATE transfers SET status = 2, completed_at = {TIME} WHERE status = 1"
        ))
        .await;
    books
        .refuses(&format!("{pending}; DELETE FROM transfers WHERE status = 1"))
        .await;
    for columns in [
        "amount = '2.0000'",
        "kind = 2",
        "currency = 'EUR'",
        "source_wallet_id = source_wallet_id",
        "request_digest = NULL, idempotency_key = NULL",
    ] {
        books
            .refuses(&format!("{pending}; UPDATE transfers SET {columns} WHERE status = 1"))
            .await;
    }
}

async fn history_is_not_truncated(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    if books.bank.backend == Backend::Postgres {
        books.refuses("TRUNCATE entries").await;
        books.refuses("TRUNCATE transfers").await;
        books
            .refuses("TRUNCATE users, wallets, transfers, entries CASCADE")
            .await;
    }
    books.refuses("DELETE FROM entries").await;
    books.refuses("DELETE FROM transfers").await;
}

async fn a_transfer_says_what_became_of_it(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let (ana, nil) = (books.id(books.ana), "NULL");
    books.takes(&books.insert_transfer(&[])).await;
    books.refuses(&books.insert_transfer(&[("completed_at", nil)])).await;
    books
        .refuses(&books.insert_transfer(&[("failure_reason", "'wallet_frozen'")]))
        .await;
    books.refuses(&books.insert_transfer(&[("status", "3")])).await;
    books.refuses(&books.insert_transfer(&[("status", "0")])).await;
    books.refuses(&books.insert_transfer(&[("status", "4")])).await;
    books.refuses(&books.insert_transfer(&[("kind", "0")])).await;
    books.refuses(&books.insert_transfer(&[("kind", "5")])).await;
    books
        .refuses(&books.insert_transfer(&[("destination_wallet_id", &ana)]))
        .await;
}

async fn a_refused_transfer_keeps_no_text(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let failed = [
        ("status", "3"),
        ("failure_reason", "'wallet_frozen'"),
        ("completed_at", "NULL"),
    ];
    books.takes(&books.insert_transfer(&failed)).await;
    for text in [("description", "'x'"), ("metadata", "'{}'")] {
        let with_text: Vec<_> = failed.into_iter().chain([text]).collect();
        books.refuses(&books.insert_transfer(&with_text)).await;
        books.takes(&books.insert_transfer(&[text])).await;
    }
}
