//! Amounts and balances that the schema refuses.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};

use super::Books;

on_every_backend!(
    a_customers_balance_is_never_negative,
    what_is_held_is_covered_by_the_balance,
    amounts_are_numbers_in_range_and_in_one_form,
    a_transfers_amount_is_positive_and_an_entrys_is_not_zero,
    a_closed_wallet_is_empty,
);

async fn a_customers_balance_is_never_negative(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    books.refuses(&books.set("balance = '-0.0001'")).await;
    books.takes(&books.set("balance = '0.0000'")).await;
    books
        .takes("UPDATE wallets SET balance = '-99999999999999.9999' WHERE method = 'visa'")
        .await;
}

async fn what_is_held_is_covered_by_the_balance(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    books.refuses(&books.set("held = '10.0001'")).await;
    books.refuses(&books.set("held = '-0.0001'")).await;
    books.takes(&books.set("held = '10.0000'")).await;
    books.refuses(&books.set("held = '5.0000', balance = '4.9999'")).await;
    books
        .refuses("UPDATE wallets SET held = '-0.0001' WHERE method = 'visa'")
        .await;
}

async fn amounts_are_numbers_in_range_and_in_one_form(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let mut bad = vec!["'NaN'", "'100000000000000.0000'", "'-100000000000000.0000'", "NULL"];
    if books.bank.backend == Backend::Sqlite {
        // Numbers that `Money` would write differently: sums and comparisons rely on one form.
        bad.extend([
            "'1'",
            "'1.0'",
            "'1.00000'",
            "'01.0000'",
            "'00.0001'",
            "'.0001'",
            "'-0.0000'",
            "'+1.0000'",
            "' 1.0000'",
            "'1.0000 '",
            "'1e0'",
            "'1_0.0000'",
            "'1.000a'",
            "'1..0000'",
            "'1.0.000'",
            "''",
            "'abc'",
            "x'31'",
        ]);
    } else {
        bad.extend(["'Infinity'", "'-Infinity'"]);
    }
    for amount in bad {
        books.refuses(&books.set(&format!("balance = {amount}"))).await;
        books.refuses(&books.set(&format!("held = {amount}"))).await;
        books.refuses(&books.insert_transfer(&[("amount", amount)])).await;
        books.refuses(&books.insert_entry(&[("amount", amount)])).await;
        books.refuses(&books.insert_entry(&[("balance_after", amount)])).await;
    }
    for amount in ["'0.0001'", "'99999999999999.9999'", "'12345678901234.5678'"] {
        books.takes(&books.set(&format!("balance = {amount}"))).await;
        books.takes(&books.insert_transfer(&[("amount", amount)])).await;
        books
            .takes(&books.insert_entry(&[("amount", amount), ("balance_after", amount)]))
            .await;
    }
    books
        .takes(&books.insert_entry(&[("amount", "'-99999999999999.9999'"), ("balance_after", "'-0.0001'")]))
        .await;
}

async fn a_transfers_amount_is_positive_and_an_entrys_is_not_zero(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for amount in ["'0.0000'", "'-1.0000'"] {
        books.refuses(&books.insert_transfer(&[("amount", amount)])).await;
    }
    books.refuses(&books.insert_entry(&[("amount", "'0.0000'")])).await;
    books.refuses(&books.insert_entry(&[("version", "0")])).await;
    books
        .refuses(&books.insert_entry(&[("wallet_id", &books.id(books.ana))]))
        .await;
    books.takes(&books.insert_entry(&[])).await;
}

async fn a_closed_wallet_is_empty(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    books.refuses(&books.set("status = 'CLOSED'")).await;
    books.takes(&books.set("status = 'CLOSED', balance = '0.0000'")).await;
    books.takes(&books.set("status = 'FROZEN'")).await;
}
