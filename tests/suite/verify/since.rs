//! The proof of a part of the journal and of everything else.

use std::sync::Arc;

use harness::{Backend, TestBank, journal, on_every_backend};
use sea_orm::{ConnectionTrait, Statement};
use service::ledger::{VerifyError, VerifyProgress, verify_extension, verify_since};
use service::values::Sha256Digest;
use uuid::Uuid;

use super::journal::not_digested;
use super::{Books, JOURNAL, LAST, broken, sorted};

on_every_backend!(
    rows_up_to_the_start_are_taken_as_they_are,
    balances_are_recomputed_as_a_whole_whatever_the_start,
    what_was_written_past_the_journal_is_found_whatever_the_start,
    the_report_tells_which_rows_were_checked,
    a_start_that_is_no_row_is_refused,
    a_start_that_was_removed_is_found,
    a_raised_last_id_of_the_start_hides_nothing,
    a_transfer_without_entries_has_its_wallets_whatever_the_start,
    what_was_changed_before_a_noted_head_is_found,
    another_digest_than_the_noted_one_is_found,
    transactions_of_one_snapshot_may_wait_for_each_other,
);

impl Books {
    async fn found_since(&self, since: i64) -> Vec<(&'static str, String)> {
        let report = verify_since(&self.bank.db, since).await;
        sorted(broken(report.expect("the books can be read")))
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
    // The row itself has no digest of its content: what it says of its records cannot be relied on.
    assert_eq!(books.found_since(row).await, [not_digested(row)]);
    for since in row + 1..=books.head().await {
        assert_eq!(
            books.found_since(since).await,
            Vec::<(&str, String)>::new(),
            "since {since}"
        );
    }
    books.bank.close().await;
}

async fn a_raised_last_id_of_the_start_hides_nothing(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let head = books.head().await;
    let highest = books.bank.literal(Uuid::max());
    let sql = format!("UPDATE journal SET last_id = {highest} WHERE number = {head}");
    books.bank.execute(&sql).await;
    assert_eq!(books.found_since(head).await, [not_digested(head)]);
    books.bank.close().await;
}

async fn a_transfer_without_entries_has_its_wallets_whatever_the_start(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let nowhere = books.bank.literal(Uuid::from_u128(1));
    let sql = format!("UPDATE transfers SET source_wallet_id = {nowhere} WHERE status = 3");
    books.bank.execute(&sql).await;
    let found = books.found_since(books.head().await).await;
    let claims: Vec<&str> = found.iter().map(|(claim, _)| *claim).collect();
    assert_eq!(
        claims,
        ["every transfer has its wallets, and one that was not refused is in their currency"]
    );
    books.bank.close().await;
}

async fn what_was_changed_before_a_noted_head_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let head = journal::head(&books.bank.db.write).await;
    let noted = (head.number, head.digest);
    let progress = VerifyProgress::default();
    let extension = || verify_extension(&books.bank.db, noted, &progress);
    let clean = extension().await.expect("the journal can be read");
    assert_eq!(clean.check.offenders, Vec::<String>::new());
    assert!(clean.has_row);
    let row = books.row_of(books.ten).await;
    books
        .bank
        .execute(&format!("DELETE FROM journal WHERE number = {row}"))
        .await;
    let gap = extension().await.expect("the journal can be read").check;
    assert!(
        gap.offenders.contains(&format!("rows {row} to {row} are missing")),
        "{gap:?}"
    );
    books.bank.close().await;
}

async fn another_digest_than_the_noted_one_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let number = books.head().await;
    let noted = (number, Sha256Digest([7; 32]));
    let walked = verify_extension(&books.bank.db, noted, &VerifyProgress::default()).await;
    let walked = walked.expect("the journal can be read");
    assert_eq!((walked.has_row, walked.check.offenders), (false, Vec::new()));
    books.bank.close().await;
}

/// Else a ledger of which one reading takes half a minute longer than the other cannot be proved.
async fn transactions_of_one_snapshot_may_wait_for_each_other(bank: Arc<TestBank>) {
    let first = bank.db.snapshot().await.expect("a transaction can begin");
    let second = bank.db.share_snapshot(&first).await.expect("a transaction can begin");
    assert_eq!(second.is_some(), bank.backend == Backend::Postgres);
    for tx in second.iter().flat_map(|second| [&first, second]) {
        let query = Statement::from_string(
            tx.get_database_backend(),
            "SELECT current_setting('idle_in_transaction_session_timeout') || current_setting('statement_timeout') AS limits",
        );
        let row = tx.query_one_raw(query).await.expect("settings can be read");
        let limits: String = row.expect("there is a row").try_get("", "limits").expect("a text");
        assert_eq!(limits, "00");
    }
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
