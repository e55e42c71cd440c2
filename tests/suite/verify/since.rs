//! The proof of a part of the journal and of everything else.

use std::sync::Arc;

use harness::{TestBank, journal, on_every_backend};
use service::ledger::{VerifyError, verify_since};
use uuid::Uuid;

use super::journal::not_digested;
use super::{Books, JOURNAL, LAST, sorted};

on_every_backend!(
    rows_up_to_the_start_are_taken_as_they_are,
    balances_are_recomputed_as_a_whole_whatever_the_start,
    what_was_written_past_the_journal_is_found_whatever_the_start,
    the_report_tells_which_rows_were_checked,
    a_start_that_is_no_row_is_refused,
    a_start_that_was_removed_is_found,
);

impl Books {
    async fn found_since(&self, since: i64) -> Vec<(&'static str, String)> {
        let report = verify_since(&self.bank.db, since).await.expect("the books can be read");
        let broken = report.checks.into_iter().flat_map(|check| {
            let claim = check.claim;
            check.offenders.into_iter().map(move |offender| (claim, offender))
        });
        sorted(broken.collect())
    }

    async fn head(&self) -> i64 {
        journal::head(&self.bank.db.write).await.number
    }
}

async fn rows_up_to_the_start_are_taken_as_they_are(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.ten).await;
    let sql = format!("UPDATE journal SET root = (SELECT root FROM journal WHERE number = 0) WHERE number = {row}");
    books.bank.execute(&sql).await;
    let broken = sorted(vec![books.changed(books.ten).await, not_digested(row)]);
    for since in 0..row {
        assert_eq!(books.found_since(since).await, broken, "since {since}");
    }
    for since in row..=books.head().await {
        assert_eq!(
            books.found_since(since).await,
            Vec::<(&str, String)>::new(),
            "since {since}"
        );
    }
    books.bank.close().await;
}

async fn balances_are_recomputed_as_a_whole_whatever_the_start(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = format!("UPDATE wallets SET version = 4 WHERE id = {}", books.id(books.ana));
    books.bank.execute(&sql).await;
    let head = books.head().await;
    assert_eq!(books.found_since(head).await, [(LAST, books.ana.to_string())]);
    books.bank.close().await;
}

async fn what_was_written_past_the_journal_is_found_whatever_the_start(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let sql = format!(
        "UPDATE transfers SET id = {} WHERE status = 3",
        books.bank.literal(Uuid::max())
    );
    books.bank.execute(&sql).await;
    let head = books.head().await;
    assert_eq!(books.found_since(head).await, [Books::beyond()]);
    books.bank.close().await;
}

async fn the_report_tells_which_rows_were_checked(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let head = journal::head(&books.bank.db.write).await;
    for since in [0, 1, head.number] {
        let report = verify_since(&books.bank.db, since).await;
        let span = report.expect("the books can be read").journal;
        assert_eq!(span.rows, (head.number - since).unsigned_abs());
        assert_eq!(span.start.expect("there is a start").number, since);
        let newest = span.head.expect("there is a head");
        assert_eq!((newest.number, newest.digest), (head.number, Some(head.digest)));
    }
    books.bank.close().await;
}

async fn a_start_that_is_no_row_is_refused(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let newest = books.head().await;
    for number in [-1, i64::MIN, newest + 1, i64::MAX] {
        let refused = verify_since(&books.bank.db, number).await;
        let Err(VerifyError::NoSuchRow { since, head }) = refused else {
            panic!("{number}: {refused:?}")
        };
        assert_eq!((since, head), (number, newest));
    }
    books.bank.close().await;
}

async fn a_start_that_was_removed_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let row = books.row_of(books.ten).await;
    books
        .bank
        .execute(&format!("DELETE FROM journal WHERE number = {row}"))
        .await;
    let gap = (JOURNAL, format!("rows {row} to {row} are missing"));
    assert!(books.found_since(row).await.contains(&gap));
    books.bank.close().await;
}
