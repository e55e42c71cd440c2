//! Forged balances and entries.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};

use super::{Books, CHAIN, HELD, LAST, TWO, ZERO, entry};

on_every_backend!(
    a_changed_balance_is_found,
    money_moved_past_the_ledger_is_found,
    a_changed_version_is_found,
    a_missing_last_entry_is_found,
    a_missing_entry_in_the_middle_is_found,
    a_version_gap_is_found,
    a_changed_entry_is_found,
    a_third_entry_is_found,
    money_from_nowhere_is_found,
    a_hold_without_a_transfer_is_found,
);

async fn a_changed_balance_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE wallets SET balance = '85.0001' WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![
        (LAST, books.ana.to_string()),
        (ZERO, "USD is off by 1 ten-thousandths".to_owned()),
    ];
    books.after(&sql, expected).await;
}

async fn money_moved_past_the_ledger_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [
        format!(
            "UPDATE wallets SET balance = '84.0000' WHERE id = {}",
            books.id(books.ana)
        ),
        format!(
            "UPDATE wallets SET balance = '16.0000' WHERE id = {}",
            books.id(books.ben)
        ),
    ];
    let expected = vec![(LAST, books.ana.to_string()), (LAST, books.ben.to_string())];
    books.after(&sql, expected).await;
}

async fn a_changed_version_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE wallets SET version = 4 WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![(LAST, books.ana.to_string())];
    books.after(&sql, expected).await;
}

async fn a_missing_last_entry_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "DELETE FROM entries WHERE wallet_id = {} AND version = 2",
        books.id(books.ben)
    )];
    let expected = vec![(LAST, books.ben.to_string()), (TWO, books.five.to_string())];
    books.after(&sql, expected).await;
}

async fn a_missing_entry_in_the_middle_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "DELETE FROM entries WHERE wallet_id = {} AND version = 2",
        books.id(books.ana)
    )];
    let expected = vec![(CHAIN, entry(books.ana, 3)), (TWO, books.ten.to_string())];
    books.after(&sql, expected).await;
}

async fn a_version_gap_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [
        format!(
            "UPDATE entries SET version = 4 WHERE wallet_id = {} AND version = 3",
            books.id(books.ana)
        ),
        format!("UPDATE wallets SET version = 4 WHERE id = {}", books.id(books.ana)),
    ];
    let expected = vec![(CHAIN, entry(books.ana, 4))];
    books.after(&sql, expected).await;
}

async fn a_changed_entry_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE entries SET amount = '9.0000' WHERE wallet_id = {} AND version = 1",
        books.id(books.ben)
    )];
    let expected = vec![(CHAIN, entry(books.ben, 1)), (TWO, books.ten.to_string())];
    books.after(&sql, expected).await;
}

async fn a_third_entry_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    // The wallet and its chain agree; only the transfer has one entry too many, and money comes from nowhere.
    let (visa, five) = (
        "(SELECT id FROM wallets WHERE method = 'visa')",
        books.transfer(books.five),
    );
    let sql = [
        format!(
            "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after) \
             VALUES ({visa}, 2, {five}, '5.0000', '-95.0000')"
        ),
        format!(
            "UPDATE wallets SET version = 2, balance = '-95.0000', \
             updated_at = (SELECT created_at FROM transfers WHERE id = {five}) WHERE id = {visa}"
        ),
    ];
    let expected = vec![
        (TWO, books.five.to_string()),
        (ZERO, "USD is off by 50000 ten-thousandths".to_owned()),
    ];
    books.after(&sql, expected).await;
}

async fn money_from_nowhere_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    // Three columns agree with each other, so only the sum is wrong.
    let visa = "(SELECT id FROM wallets WHERE method = 'visa')";
    let sql = [
        format!("UPDATE entries SET amount = '-99.0000', balance_after = '-99.0000' WHERE wallet_id = {visa}"),
        "UPDATE wallets SET balance = '-99.0000' WHERE method = 'visa'".to_owned(),
    ];
    let operator = books.bank.operator_actor().await;
    let deposit = books.bank.services.transfers.list(
        &operator,
        service::transfers::TransferFilter {
            kind: Some(service::values::TransferKind::Deposit),
            ..service::transfers::TransferFilter::default()
        },
        service::page::PageRequest { limit: 1, after: None },
    );
    let deposit = deposit.await.expect("transfers can be listed").items[0].transfer.id;
    let expected = vec![
        (TWO, deposit.to_string()),
        (ZERO, "USD is off by 10000 ten-thousandths".to_owned()),
    ];
    books.after(&sql, expected).await;
}

async fn a_hold_without_a_transfer_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = [format!(
        "UPDATE wallets SET held = '0.0001' WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![(HELD, books.ana.to_string())];
    books.after(&sql, expected).await;
}
