//! Rows that must be unique, and rows that others refer to.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};

use super::{Books, TIME, insert};

on_every_backend!(
    a_wallet_is_a_customers_or_a_methods_and_one_per_currency,
    addresses_are_unique,
    keys_are_unique,
    rows_refer_to_rows_that_are_there,
);

async fn a_wallet_is_a_customers_or_a_methods_and_one_per_currency(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    books.takes(&books.insert_wallet(&[])).await;
    books.refuses(&books.insert_wallet(&[("currency", "'USD'")])).await;
    books.refuses(&books.insert_wallet(&[("method", "'visa'")])).await;
    books.refuses(&books.insert_wallet(&[("user_id", "NULL")])).await;
    books
        .takes(&books.insert_wallet(&[("user_id", "NULL"), ("method", "'visa'")]))
        .await;
    books
        .refuses(&books.insert_wallet(&[("user_id", "NULL"), ("method", "'visa'"), ("currency", "'USD'")]))
        .await;
    for method in [
        "''",
        "'Visa'",
        "'vi sa'",
        "'vi-sa'",
        "'abcdefghijklmnopqrstuvwxyz0123456'",
    ] {
        books
            .refuses(&books.insert_wallet(&[("user_id", "NULL"), ("method", method)]))
            .await;
    }
    for currency in ["'eur'", "'EURO'", "''"] {
        books.refuses(&books.insert_wallet(&[("currency", currency)])).await;
    }
    books.refuses(&books.insert_wallet(&[("status", "'OPEN'")])).await;
    for status in ["'FROZEN'", "'CLOSED'"] {
        let system = [("user_id", "NULL"), ("method", "'visa'"), ("status", status)];
        books.refuses(&books.insert_wallet(&system)).await;
        books.takes(&books.insert_wallet(&[("status", status)])).await;
    }
    books.refuses(&books.insert_wallet(&[("version", "-1")])).await;
}

async fn addresses_are_unique(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let id = books.bank.literal(uuid::Uuid::from_u128(9));
    let user = |email: &str, role: &str| {
        insert(
            "users",
            &[
                ("id", id.as_str()),
                ("email", email),
                ("full_name", "'Ana'"),
                ("name_key", "'ana'"),
                ("password_hash", "'x'"),
                ("role", role),
                ("status", "'active'"),
                ("created_at", TIME),
                ("updated_at", TIME),
            ],
        )
    };
    books.refuses(&user("'ana@example.com'", "'customer'")).await;
    books.takes(&user("'ana2@example.com'", "'customer'")).await;
    books.refuses(&user("'ana2@example.com'", "'root'")).await;
    if books.bank.backend == Backend::Postgres {
        books.refuses(&user("'Ana@example.com'", "'customer'")).await;
    }
}

async fn keys_are_unique(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let (key, other) = match books.bank.backend {
        Backend::Postgres => (r"'\x01'", r"'\x02'"),
        Backend::Sqlite => ("x'01'", "x'02'"),
    };
    let (first, second) = (
        books.bank.literal(uuid::Uuid::from_u128(21)),
        books.bank.literal(uuid::Uuid::from_u128(22)),
    );
    let of =
        |id: &str, key: &str| books.insert_transfer(&[("id", id), ("idempotency_key", key), ("request_digest", key)]);
    books
        .takes(&format!("{}; {}", of(&first, key), of(&second, other)))
        .await;
    books
        .refuses(&format!("{}; {}", of(&first, key), of(&second, key)))
        .await;
    // Erasing the texts also erases the request's digest; the key stays used up.
    books.takes(&books.insert_transfer(&[("idempotency_key", key)])).await;
    books.refuses(&books.insert_transfer(&[("request_digest", key)])).await;
}

async fn rows_refer_to_rows_that_are_there(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let nobody = books.bank.literal(uuid::Uuid::from_u128(1));
    books.refuses(&books.insert_wallet(&[("user_id", &nobody)])).await;
    books
        .refuses(&format!("DELETE FROM users WHERE id = {}", books.anas_user))
        .await;
    // On PostgreSQL the commit path has no foreign keys; `verify` finds orphans there.
    if books.bank.backend == Backend::Sqlite {
        books
            .refuses(&books.insert_transfer(&[("source_wallet_id", &nobody)]))
            .await;
        books
            .refuses(&books.insert_transfer(&[("destination_wallet_id", &nobody)]))
            .await;
        books.refuses(&books.insert_entry(&[("wallet_id", &nobody)])).await;
        books.refuses(&books.insert_entry(&[("transfer_id", &nobody)])).await;
        books
            .refuses(&format!("DELETE FROM wallets WHERE id = {}", books.id(books.ana)))
            .await;
    }
}
