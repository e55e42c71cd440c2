//! Reversals that cannot have been made, and batches whose outcomes are not those of their transfers.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::transfers::{Asking, NewBatch};
use service::values::{BatchId, TransferId};
use uuid::Uuid;

use super::{Books, REVERSAL_LINES};
use crate::life::reverse;
use crate::requests::new_transfer;

on_every_backend!(
    a_reversal_of_nothing_is_found,
    more_than_was_moved_is_found,
    lost_outcomes_of_a_batch_are_found,
    changed_outcomes_of_a_batch_are_found,
    a_transfer_that_left_its_batch_is_found,
    outcomes_without_a_batch_are_found,
);

const REVERSALS: &str = "every reversal is of a transfer that moved money, the other way round";
const REVERSED: &str = "no transfer is reversed by more than its amount";
const BATCHED: &str = "every transfer of a batch has the outcomes of that batch kept";
pub(super) const OUTCOMES: &str = "every batch keeps the outcomes of its transfers, in their order";

impl Books {
    pub(super) async fn reverse(&self, original: TransferId, amount: &str) -> TransferId {
        let operator = self.bank.operator_actor().await;
        let reversed = reverse(&self.bank.services, &operator, original, Some(amount)).await;
        reversed.expect("ben has it").transfer.transfer.id
    }

    /// Ana pays ben twice in one request, and once too much.
    pub(super) async fn batch(&self) -> (BatchId, [TransferId; 3]) {
        let transfers = ["1", "2", "1000"].map(|amount| new_transfer(self.ana, self.ben, amount));
        let new = NewBatch {
            is_atomic: false,
            transfers: transfers.into(),
        };
        let made = self.bank.services.transfers.batch(Asking::by(&self.anas), new).await;
        let made = made.expect("a batch has outcomes");
        let recorded = made.items.iter().map(|item| match item {
            Ok(shown) => shown.transfer.id,
            Err(service::transfers::TransferError::Failed {
                transfer: Some(transfer),
                ..
            }) => *transfer,
            Err(other) => panic!("{other:?}"),
        });
        let recorded: Vec<TransferId> = recorded.collect();
        (made.id, recorded.try_into().expect("there are three"))
    }

    fn batch_literal(&self, batch: BatchId) -> String {
        self.bank.literal(batch.0)
    }
}

async fn a_reversal_of_nothing_is_found(bank: Arc<TestBank>) {
    let refused = "(SELECT id FROM transfers WHERE status = 3)";
    let deposit = "(SELECT id FROM transfers WHERE kind = 2)";
    for original in ["NULL", "id", refused, deposit] {
        let books = Books::of(bank.backend).await;
        let reversal = books.reverse(books.ten, "4").await;
        let sql = [format!(
            "UPDATE transfers SET parent_id = {original} WHERE id = {}",
            books.transfer(reversal)
        )];
        let expected = vec![
            (REVERSALS, reversal.to_string()),
            (REVERSAL_LINES, reversal.to_string()),
            books.changed(reversal).await,
        ];
        books.after(&sql, expected).await;
    }
}

async fn more_than_was_moved_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.reverse(books.ten, "6").await;
    let five = books.reverse(books.five, "5").await;
    let sql = [format!(
        "UPDATE transfers SET parent_id = {} WHERE id = {}",
        books.transfer(books.ten),
        books.transfer(five)
    )];
    let expected = vec![
        (REVERSED, books.ten.to_string()),
        (REVERSAL_LINES, five.to_string()),
        books.changed(five).await,
    ];
    books.after(&sql, expected).await;
}

async fn lost_outcomes_of_a_batch_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (batch, transfers) = books.batch().await;
    let sql = [format!("DELETE FROM batches WHERE id = {}", books.batch_literal(batch))];
    let expected = transfers.map(|transfer| (BATCHED, transfer.to_string()));
    books.after(&sql, expected.into()).await;
}

async fn changed_outcomes_of_a_batch_are_found(bank: Arc<TestBank>) {
    for change in 0..5 {
        let books = Books::of(bank.backend).await;
        let (batch, [one, two, three]) = books.batch().await;
        let results = match change {
            0 => "nonsense".to_owned(),
            1 => r#"{"items":[]}"#.to_owned(),
            2 => format!(r#"{{"items":["{two}","{one}","{three}"]}}"#),
            3 => format!(r#"{{"items":["{one}","{two}","{three}","{}"]}}"#, books.ten),
            _ => format!(r#"{{"index":2,"item":"{three}"}}"#),
        };
        let sql = [format!(
            "UPDATE batches SET results = '{results}' WHERE id = {}",
            books.batch_literal(batch)
        )];
        books.after(&sql, vec![(OUTCOMES, batch.to_string())]).await;
    }
}

async fn a_transfer_that_left_its_batch_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let (batch, [_, two, _]) = books.batch().await;
    let sql = [format!(
        "UPDATE transfers SET batch_id = NULL WHERE id = {}",
        books.transfer(two)
    )];
    let expected = vec![(OUTCOMES, batch.to_string()), books.changed(two).await];
    books.after(&sql, expected).await;
}

async fn outcomes_without_a_batch_are_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.batch().await;
    let unknown = BatchId(Uuid::max());
    let sql = [format!(
        "INSERT INTO batches (id, results) VALUES ({}, '{{\"items\":[\"same_wallet\"]}}')",
        books.batch_literal(unknown)
    )];
    books.after(&sql, vec![(OUTCOMES, unknown.to_string())]).await;
}
