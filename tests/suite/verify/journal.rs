//! Forged, removed and reordered rows of the journal.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};

use super::{Books, JOURNAL};

on_every_backend!(
    a_forged_digest_is_found,
    a_removed_row_is_found,
    two_rows_that_changed_places_are_found,
    a_private_field_that_was_changed_is_found,
);

async fn a_forged_digest_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.ten).await;
    let sql = [format!(
        "UPDATE journal SET digest = (SELECT digest FROM journal WHERE number = 0) WHERE number = {row}"
    )];
    let expected = vec![not_digested(row), not_digested(row + 1)];
    books.after(&sql, expected).await;
}

async fn a_removed_row_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.ten).await;
    let next = row + 1;
    let sql = [format!("DELETE FROM journal WHERE number = {row}")];
    let expected = vec![
        (JOURNAL, format!("rows {row} to {row} are missing")),
        (JOURNAL, format!("row {next}: counts 1 transfers, and there are 2")),
        not_digested(next),
    ];
    books.after(&sql, expected).await;
}

async fn two_rows_that_changed_places_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.ten).await;
    let next = row + 1;
    let sql = [
        format!("UPDATE journal SET number = 1000 WHERE number = {row}"),
        format!("UPDATE journal SET number = {row} WHERE number = {next}"),
        format!("UPDATE journal SET number = {next} WHERE number = 1000"),
    ];
    let expected = vec![
        (JOURNAL, format!("row {row}: counts 1 transfers, and there are 2")),
        not_digested(row),
        (
            JOURNAL,
            format!("row {next}: its ids or its time are before those of the row before"),
        ),
        (JOURNAL, format!("row {next}: counts 1 transfers, and there are 0")),
        not_digested(next),
        not_digested(next + 1),
    ];
    books.after(&sql, expected).await;
}

async fn a_private_field_that_was_changed_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.five).await + 1;
    let sql = ["UPDATE transfers SET available = '84.0000' WHERE status = 3".to_owned()];
    let expected = vec![(
        JOURNAL,
        format!("row {row}: its transfers and changes are not those that were committed"),
    )];
    books.after(&sql, expected).await;
}

pub fn not_digested(row: i64) -> (&'static str, String) {
    (
        JOURNAL,
        format!("row {row}: its digest is not that of its content and of the row before"),
    )
}
