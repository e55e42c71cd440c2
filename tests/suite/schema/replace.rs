//! SQLite: REPLACE cannot change rows that are written only once.

use std::sync::Arc;

use harness::TestBank;

use super::Books;

mod sqlite {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_replaces_what_was_written_once() {
        harness::run(harness::Backend::Sqlite, super::nothing_replaces_what_was_written_once).await;
    }
}

/// SQLite's REPLACE removes the conflicting row without running the delete triggers, unless the connection has enabled
/// this. The connection of another program has not.
async fn nothing_replaces_what_was_written_once(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    let (fresh, other) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8));
    let (fresh, other) = (books.bank.literal(fresh), books.bank.literal(other));
    let (ana, paid) = (books.id(books.ana), books.paid.clone());
    let keyed = |id: &str, status: &str, key: &str| {
        books.insert_transfer(&[
            ("id", id),
            ("status", status),
            ("idempotency_key", key),
            ("request_digest", key),
        ])
    };
    let finished = keyed(&fresh, "2", "x'01'");
    let pending = keyed(&other, "1", "x'02'");
    let twice = [
        // By the primary key, and by the other unique key.
        (String::new(), books.insert_transfer(&[("id", &paid)])),
        (finished.clone(), keyed(&other, "2", "x'01'")),
        (pending.clone(), keyed(&fresh, "2", "x'02'")),
        (
            String::new(),
            books.insert_entry(&[("wallet_id", &ana), ("transfer_id", &paid)]),
        ),
    ];
    for recursive in ["off", "on"] {
        books
            .bank
            .execute(&format!("PRAGMA recursive_triggers = {recursive}"))
            .await;
        for (before, again) in &twice {
            for verb in ["REPLACE", "INSERT OR REPLACE", "INSERT OR ABORT", "INSERT OR IGNORE"] {
                let again = again.replacen("INSERT", verb, 1);
                books.refuses(&format!("{before}; {again}")).await;
            }
            let upsert = format!("{before}; {again} ON CONFLICT DO UPDATE SET amount = excluded.amount");
            books.refuses(&upsert).await;
        }
        for change in [
            format!("id = {fresh}"),
            "idempotency_key = x'01', request_digest = x'01'".to_owned(),
        ] {
            let update = format!("UPDATE OR REPLACE transfers SET {change} WHERE status = 1");
            books.refuses(&format!("{finished}; {pending}; {update}")).await;
        }
        books
            .refuses(&format!(
                "UPDATE OR REPLACE entries SET wallet_id = {ana} WHERE transfer_id = {paid}"
            ))
            .await;
    }
    // A row that collides with nothing is inserted, whichever verb is used.
    for verb in ["REPLACE", "INSERT OR IGNORE"] {
        books.takes(&finished.replacen("INSERT", verb, 1)).await;
        books.takes(&books.insert_entry(&[]).replacen("INSERT", verb, 1)).await;
    }
}
