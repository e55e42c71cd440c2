//! The schema protects history from changes.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};

use super::Books;

on_every_backend!(
    entries_are_never_changed_or_deleted,
    transfers_are_never_changed_or_deleted,
    history_is_not_truncated,
    a_transfer_says_what_became_of_it,
    a_refused_transfer_keeps_no_text,
    texts_can_be_erased_and_nothing_else,
    changes_are_never_changed_or_deleted,
);

async fn entries_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for columns in [
        "amount = '1.0000'",
        "balance_after = '1.0000'",
        "version = 9",
        "transfer_id = transfer_id",
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

async fn transfers_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for columns in [
        "amount = '1.0000'",
        "status = 1",
        "description = 'x'",
        "currency = 'EUR'",
    ] {
        books
            .refuses(&format!("UPDATE transfers SET {columns} WHERE id = {}", books.paid))
            .await;
    }
    books
        .refuses(&format!("DELETE FROM transfers WHERE id = {}", books.paid))
        .await;
    let failed = books.insert_transfer(&[("status", "3"), ("failure_reason", "'wallet_frozen'")]);
    let pending = books.insert_transfer(&[("status", "1")]);
    for (row, status, change) in [
        (failed, 3, "status = 2, failure_reason = NULL"),
        (pending.clone(), 1, "status = 2"),
        (pending, 1, "source_wallet_id = destination_wallet_id"),
    ] {
        books.takes(&row).await;
        for statement in [
            format!("UPDATE transfers SET {change} WHERE status = {status}"),
            format!("DELETE FROM transfers WHERE status = {status}"),
        ] {
            books.refuses(&format!("{row}; {statement}")).await;
        }
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
    let ana = books.id(books.ana);
    books.takes(&books.insert_transfer(&[])).await;
    books
        .refuses(&books.insert_transfer(&[("failure_reason", "'wallet_frozen'")]))
        .await;
    books.refuses(&books.insert_transfer(&[("status", "3")])).await;
    books.refuses(&books.insert_transfer(&[("status", "0")])).await;
    books.refuses(&books.insert_transfer(&[("status", "4")])).await;
    books.refuses(&books.insert_transfer(&[("kind", "0")])).await;
    books.refuses(&books.insert_transfer(&[("kind", "8")])).await;
    books
        .refuses(&books.insert_transfer(&[("destination_wallet_id", &ana)]))
        .await;
}

async fn a_refused_transfer_keeps_no_text(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let failed = [("status", "3"), ("failure_reason", "'wallet_frozen'")];
    books.takes(&books.insert_transfer(&failed)).await;
    let (digest, salt) = (books.bytes(32), books.bytes(16));
    let seal = [("texts_digest", &*digest), ("texts_salt", &*salt)];
    for text in [("description", "'x'"), ("metadata", "'{}'")] {
        let with_text: Vec<_> = failed.into_iter().chain(seal).chain([text]).collect();
        books.refuses(&books.insert_transfer(&with_text)).await;
        let completed: Vec<_> = seal.into_iter().chain([text]).collect();
        books.takes(&books.insert_transfer(&completed)).await;
        // A text without its digest could not be proved, and a digest without its salt could be guessed.
        for part in seal {
            books.refuses(&books.insert_transfer(&[text, part])).await;
        }
    }
}

async fn texts_can_be_erased_and_nothing_else(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let (key, digest, salt) = (books.bytes(15), books.bytes(32), books.bytes(16));
    let row = books.insert_transfer(&[
        ("id", &books.id_of(77)),
        ("description", "'x'"),
        ("metadata", "'{}'"),
        ("idempotency_key", &key),
        ("request_digest", &key),
        ("texts_digest", &digest),
        ("texts_salt", &salt),
    ]);
    let update = |columns: &str| format!("{row}; UPDATE transfers SET {columns} WHERE id = {}", books.id_of(77));
    let erasure = "description = NULL, metadata = NULL, texts_salt = NULL, request_digest = NULL";
    books.takes(&update(erasure)).await;
    for columns in [
        "description = NULL".to_owned(),
        "description = NULL, metadata = NULL".to_owned(),
        "description = NULL, metadata = NULL, texts_salt = NULL".to_owned(),
        "description = 'y'".to_owned(),
        format!("{erasure}, texts_digest = NULL"),
        format!("{erasure}, idempotency_key = NULL"),
        format!("{erasure}, amount = '2.0000'"),
        format!("{erasure}, created_by = {}", books.id_of(78)),
        format!("{erasure}, parent_id = {}", books.id_of(78)),
    ] {
        books.refuses(&update(&columns)).await;
    }
}

async fn changes_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let another = books.bank.literal(uuid::Uuid::max());
    let (subject, created_by) = (format!("subject = {another}"), format!("created_by = {another}"));
    let request = format!("request_id = {}", books.bytes(16));
    for columns in [
        "after = 'x'",
        "before = 'x'",
        "kind = 2",
        "balance = '1.0000'",
        "held = '1.0000'",
        "version = 7",
        "status = 'FROZEN'",
        "limits = 'x'",
        "request_id = NULL, limits = 'x'",
        &subject,
        &created_by,
        &request,
    ] {
        books.refuses(&format!("UPDATE changes SET {columns}")).await;
    }
    books.takes("UPDATE changes SET request_id = NULL").await;
    books.refuses("DELETE FROM changes").await;
    if books.bank.backend == Backend::Postgres {
        books.refuses("TRUNCATE changes").await;
    }
}
