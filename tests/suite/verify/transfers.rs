//! Forged, deleted and orphaned transfers.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};

use super::{Books, CHAIN, CHANGES, ENTRIES, JOURNAL, OPENED, PENDING, TWO, WALLETS, ZERO, entry};

on_every_backend!(
    a_deleted_transfer_is_found,
    a_deleted_transfer_with_its_entries_is_found,
    a_changed_transfer_is_found,
    a_changed_time_is_found,
    changed_texts_are_found_and_erased_ones_are_fine,
    a_transfer_without_entries_is_found,
    a_failed_transfer_with_entries_is_found,
    an_orphan_is_found,
    a_forged_currency_is_found,
    a_pending_transfer_that_is_no_hold_is_found,
);

async fn a_deleted_transfer_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "DELETE FROM transfers WHERE id = {}",
        books.transfer(books.five)
    )];
    let expected = vec![
        (ENTRIES, entry(books.ana, 3)),
        (ENTRIES, entry(books.ben, 2)),
        books.gone(books.five).await,
    ];
    books.after(&sql, expected).await;
}

async fn a_deleted_transfer_with_its_entries_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let ten = books.transfer(books.ten);
    let sql = [
        format!("DELETE FROM entries WHERE transfer_id = {ten}"),
        format!("DELETE FROM transfers WHERE id = {ten}"),
    ];
    let expected = vec![
        (CHAIN, entry(books.ana, 3)),
        (CHAIN, entry(books.ben, 2)),
        books.gone(books.ten).await,
    ];
    books.after(&sql, expected).await;
}

async fn a_changed_transfer_is_found(bank: Arc<TestBank>) {
    for change in [
        "amount = '10.0001'",
        "source_wallet_id = destination_wallet_id, destination_wallet_id = source_wallet_id",
    ] {
        let books = Books::of(bank.backend).await;
        let sql = [format!(
            "UPDATE transfers SET {change} WHERE id = {}",
            books.transfer(books.ten)
        )];
        let expected = vec![(TWO, books.ten.to_string()), books.changed(books.ten).await];
        books.after(&sql, expected).await;
    }
}

async fn a_changed_time_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE transfers SET created_at = '2026-01-05T03:33:59+00:00' WHERE id = {}",
        books.transfer(books.ten)
    )];
    let expected = vec![books.changed(books.ten).await];
    books.after(&sql, expected).await;
}

async fn changed_texts_are_found_and_erased_ones_are_fine(bank: Arc<TestBank>) {
    for (columns, is_fine) in [
        ("description = 'lunch'", false),
        ("metadata = NULL", false),
        ("description = NULL, metadata = NULL, texts_salt = NULL", true),
    ] {
        let books = Books::of(bank.backend).await;
        let paid = books.pay_with_texts().await;
        let row = books.row_of(paid).await;
        let sql = [format!(
            "UPDATE transfers SET {columns} WHERE id = {}",
            books.transfer(paid)
        )];
        let offence = format!("row {row}: transfer {paid} has other texts than those of its digest");
        let expected = if is_fine { Vec::new() } else { vec![(JOURNAL, offence)] };
        books.after(&sql, expected).await;
    }
}

async fn a_transfer_without_entries_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let id = uuid::Uuid::max();
    let sql = [format!(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, created_at) \
         SELECT {}, kind, status, source_wallet_id, destination_wallet_id, amount, currency, created_at \
         FROM transfers WHERE id = {}",
        books.bank.literal(id),
        books.transfer(books.ten),
    )];
    books.after(&sql, vec![(TWO, id.to_string()), Books::beyond()]).await;
}

async fn a_failed_transfer_with_entries_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let ten = books.transfer(books.ten);
    let sql = [format!(
        "UPDATE transfers SET status = 3, failure_reason = 'wallet_frozen' WHERE id = {ten}"
    )];
    let expected = vec![(TWO, books.ten.to_string()), books.changed(books.ten).await];
    books.after(&sql, expected).await;
}

async fn an_orphan_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!("DELETE FROM wallets WHERE id = {}", books.id(books.ben))];
    let operator = books.bank.operator_actor().await;
    let report = books.bank.services.transfers.list(
        &operator,
        service::transfers::TransferFilter::default(),
        service::page::PageRequest { limit: 10, after: None },
    );
    let mut transfers = report.await.expect("transfers can be listed").items;
    transfers.retain(|transfer| transfer.transfer.destination == books.ben);
    assert_eq!(transfers.len(), 3, "two that were completed and one that failed");
    let mut expected: Vec<_> = transfers
        .iter()
        .map(|transfer| (WALLETS, transfer.transfer.id.to_string()))
        .collect();
    expected.extend([(ENTRIES, entry(books.ben, 1)), (ENTRIES, entry(books.ben, 2))]);
    expected.push((ZERO, "USD is off by -150000 ten-thousandths".to_owned()));
    expected.push((CHANGES, books.ben.to_string()));
    books.after(&sql, expected).await;
}

async fn a_forged_currency_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE transfers SET currency = 'EUR' WHERE id = {}",
        books.transfer(books.ten)
    )];
    let expected = vec![(WALLETS, books.ten.to_string()), books.changed(books.ten).await];
    books.after(&sql, expected).await;
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE wallets SET currency = 'EUR' WHERE id = {}",
        books.id(books.ben)
    )];
    let mut broken = Vec::new();
    for transfer in [books.ten, books.five] {
        broken.push((WALLETS, transfer.to_string()));
    }
    broken.push((ZERO, "EUR is off by 150000 ten-thousandths".to_owned()));
    broken.push((ZERO, "USD is off by -150000 ten-thousandths".to_owned()));
    broken.push((OPENED, books.ben.to_string()));
    books.after(&sql, broken).await;
}

async fn a_pending_transfer_that_is_no_hold_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let id = uuid::Uuid::max();
    let sql = [format!(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, created_at) \
         SELECT {}, kind, 1, source_wallet_id, destination_wallet_id, amount, currency, created_at \
         FROM transfers WHERE id = {}",
        books.bank.literal(id),
        books.transfer(books.ten),
    )];
    books
        .after(&sql, vec![(PENDING, id.to_string()), Books::beyond()])
        .await;
}
