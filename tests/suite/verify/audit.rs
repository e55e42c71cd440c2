//! Lines of the audit log that are missing, that tell something else than what was done, or that stand alone.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::values::{ChangeKind, TransferId};
use uuid::Uuid;

use super::{Books, CHANGE_LINES, LINES, REVERSAL_LINES, found};

on_every_backend!(
    removed_lines_are_found,
    a_changed_line_of_a_freeze_is_found,
    a_changed_line_of_a_reversal_is_found,
    a_line_that_stands_alone_is_found,
    erased_details_are_fine,
);

impl Books {
    /// Freezes ben's wallet. Gives the id of the change.
    async fn frozen(&self) -> String {
        self.freeze(self.ben).await;
        self.change_of(self.ben, ChangeKind::Frozen).await
    }
}

fn set_line(columns: &str, action: &str) -> [String; 1] {
    [format!("UPDATE audit_lines SET {columns} WHERE action = '{action}'")]
}

async fn removed_lines_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let reversal = books.reverse(books.ten, "4").await;
    books.limit(Some("50"), None).await;
    let limited = books.change_of(books.ana, ChangeKind::Limited).await;
    let frozen = books.frozen().await;
    assert_eq!(found(&books.bank).await, []);
    let sql = ["DELETE FROM audit_lines".to_owned()];
    let expected = vec![
        (CHANGE_LINES, limited),
        (CHANGE_LINES, frozen),
        (REVERSAL_LINES, reversal.to_string()),
    ];
    books.after(&sql, expected).await;
}

async fn a_changed_line_of_a_freeze_is_found(bank: Arc<TestBank>) {
    for (columns, stands_alone) in [
        ("actor_id = NULL", false),
        ("actor_id = person_id", false),
        ("subject_id = actor_id", false),
        ("action = 'user.suspended'", false),
        ("action = 'wallet.unfrozen'", true),
        ("action = 'transfer.reversed'", true),
    ] {
        let books = Books::of(bank.backend).await;
        let frozen = books.frozen().await;
        let sql = set_line(columns, "wallet.frozen");
        let mut expected = vec![(CHANGE_LINES, frozen.clone())];
        expected.extend(stands_alone.then_some((LINES, frozen)));
        books.after(&sql, expected).await;
    }
}

async fn a_changed_line_of_a_reversal_is_found(bank: Arc<TestBank>) {
    for (columns, stands_alone) in [
        ("actor_id = NULL", false),
        ("actor_id = person_id", false),
        ("api_key_id = actor_id", false),
        ("subject_id = actor_id", false),
        ("action = 'wallet.frozen'", true),
    ] {
        let books = Books::of(bank.backend).await;
        let reversal = books.reverse(books.ten, "4").await.to_string();
        let sql = set_line(columns, "transfer.reversed");
        let mut expected = vec![(REVERSAL_LINES, reversal.clone())];
        expected.extend(stands_alone.then_some((LINES, reversal)));
        books.after(&sql, expected).await;
    }
}

/// A line about a change that was never made, and one that calls a transfer a reversal.
async fn a_line_that_stands_alone_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let never = TransferId(Uuid::max());
    let mut sql = Vec::new();
    for (id, action) in [(never, "wallet.closed"), (books.ten, "transfer.reversed")] {
        let id = books.transfer(id);
        sql.push(format!(
            "INSERT INTO audit_lines (id, at, action) VALUES ({id}, '2026-01-05T03:33:58+00:00', '{action}')"
        ));
    }
    let expected = vec![(LINES, never.to_string()), (LINES, books.ten.to_string())];
    books.after(&sql, expected).await;
}

async fn erased_details_are_fine(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.reverse(books.ten, "4").await;
    books.frozen().await;
    let sql = ["UPDATE audit_details SET \"before\" = NULL, \"after\" = NULL".to_owned()];
    books.after(&sql, Vec::new()).await;
}
