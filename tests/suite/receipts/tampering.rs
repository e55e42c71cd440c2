//! What a person with the database's password has changed gets no receipt.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::Services;
use service::receipts::{ProofMismatch, ReceiptError};
use service::transfers::{Asking, NewBatch, TransferError};
use service::values::TransferId;

use super::proved;
use crate::life::LifeStage;
use crate::requests::new_transfer;

on_every_backend!(
    a_changed_transfer_is_not_proved,
    a_changed_transfer_is_not_proved_from_remembered_leaves,
    a_transfer_among_changed_ones_is_not_proved,
    a_forged_row_of_the_journal_proves_nothing,
    a_forged_row_refuses_only_what_rests_on_it,
    a_missing_row_of_the_journal_proves_nothing,
);

/// A bank of its own, whose books are not proved at the end.
struct Forged {
    bank: Arc<TestBank>,
    stage: LifeStage,
    /// A replica that remembers no leaves. It was started while the books were right.
    replica: Arc<Services>,
}

impl Forged {
    async fn of(bank: &TestBank) -> Self {
        let bank = Arc::new(TestBank::open(bank.backend).await);
        let stage = LifeStage::set(&bank).await;
        let replica = bank.replica().await;
        bank.unlock_history().await;
        Self { bank, stage, replica }
    }

    async fn pay(&self, amount: &str) -> TransferId {
        let paid = self.stage.pay(amount).await;
        paid.expect("there is enough").transfer.transfer.id
    }

    /// Three transfers of one commit.
    async fn pay_together(&self) -> Vec<TransferId> {
        let batch = NewBatch {
            is_atomic: true,
            transfers: vec![new_transfer(self.stage.ana.1, self.stage.ben.1, "1"); 3],
        };
        let asking = Asking::by(&self.stage.ana.0);
        let made = self.stage.services.transfers.batch(asking, batch).await;
        let items = made.expect("there is enough").items;
        items.iter().flatten().map(|shown| shown.transfer.id).collect()
    }

    /// The number of the row of a transfer's commit.
    async fn row_of(&self, id: TransferId) -> i64 {
        let id = self.bank.literal(id.0);
        let sql = format!("SELECT min(number) AS n FROM journal WHERE last_id >= {id}");
        self.bank.number(&sql).await
    }

    /// Why a process gives the operator no receipt.
    async fn gap(&self, services: &Services, id: TransferId) -> ProofMismatch {
        match services.receipts.receipt(&self.stage.operator, id).await {
            Err(ReceiptError::NotProved(gap)) => gap,
            other => panic!("{other:?}"),
        }
    }

    /// Changes the row of a transfer's commit. Gives the row's number.
    async fn change_row_of(&self, id: TransferId, set: &str) -> i64 {
        let number = self.row_of(id).await;
        let sql = format!("UPDATE journal SET {set} WHERE number = {number}");
        self.bank.execute(&sql).await;
        number
    }

    async fn change(&self, id: TransferId, set: &str) {
        let id = self.bank.literal(id.0);
        let sql = format!("UPDATE transfers SET {set} WHERE id = {id}");
        self.bank.execute(&sql).await;
    }
}

async fn a_changed_transfer_is_not_proved(bank: Arc<TestBank>) {
    let forged = Forged::of(&bank).await;
    for set in [
        "amount = '2.0000'",
        "created_by = id",
        "batch_id = id",
        "released = '1.0000'",
    ] {
        let paid = forged.pay("1").await;
        forged.change(paid, set).await;
        let number = forged.row_of(paid).await;
        assert_eq!(
            forged.gap(&forged.replica, paid).await,
            ProofMismatch::Root { number },
            "{set}"
        );
    }
    let refused = forged.stage.pay("1000").await;
    let Err(TransferError::Failed { transfer: Some(id), .. }) = refused else {
        panic!("no recorded refusal: {refused:?}")
    };
    forged.change(id, "available = '3.0000'").await;
    let number = forged.row_of(id).await;
    assert_eq!(forged.gap(&forged.replica, id).await, ProofMismatch::Root { number });
    forged.bank.close().await;
}

async fn a_changed_transfer_is_not_proved_from_remembered_leaves(bank: Arc<TestBank>) {
    let forged = Forged::of(&bank).await;
    let services = &forged.stage.services;
    let paid = forged.pay("1").await;
    proved(services, &forged.stage.operator, paid).await;
    forged.change(paid, "amount = '2.0000'").await;
    let number = forged.row_of(paid).await;
    let expected = ProofMismatch::OtherLeaf { number, transfer: paid };
    assert_eq!(forged.gap(services, paid).await, expected);
    forged.bank.close().await;
}

async fn a_transfer_among_changed_ones_is_not_proved(bank: Arc<TestBank>) {
    let forged = Forged::of(&bank).await;
    let (changed, removed) = (forged.pay_together().await, forged.pay_together().await);
    forged.change(changed[2], "amount = '2.0000'").await;
    let removed_id = forged.bank.literal(removed[2].0);
    let sql = format!("DELETE FROM transfers WHERE id = {removed_id}");
    forged.bank.execute(&sql).await;
    let number = forged.row_of(changed[0]).await;
    assert_eq!(
        forged.gap(&forged.replica, changed[0]).await,
        ProofMismatch::Root { number }
    );
    let number = forged.row_of(removed[0]).await;
    let expected = ProofMismatch::Count {
        number,
        table: "transfers",
        counted: 3,
        found: 2,
    };
    assert_eq!(forged.gap(&forged.replica, removed[0]).await, expected);
    forged.bank.close().await;
}

/// What is changed of a row of the journal; the digest first.
const ROW_CHANGES: [&str; 4] = [
    "digest = (SELECT digest FROM journal WHERE number = 0)",
    "root = (SELECT root FROM journal WHERE number = 0)",
    "transfers = 2",
    "changes = 1",
];

async fn a_forged_row_of_the_journal_proves_nothing(bank: Arc<TestBank>) {
    for set in ROW_CHANGES {
        let forged = Forged::of(&bank).await;
        let paid = forged.pay("1").await;
        let number = forged.change_row_of(paid, set).await;
        assert_eq!(
            forged.gap(&forged.replica, paid).await,
            ProofMismatch::Digest { number },
            "{set}"
        );
        forged.bank.close().await;
    }
}

async fn a_forged_row_refuses_only_what_rests_on_it(bank: Arc<TestBank>) {
    for set in ROW_CHANGES {
        let forged = Forged::of(&bank).await;
        let (before, paid, next) = (forged.pay("1").await, forged.pay("1").await, forged.pay("2").await);
        forged.change_row_of(paid, set).await;
        let (services, operator) = (&forged.stage.services, &forged.stage.operator);
        proved(services, operator, before).await;
        if set == ROW_CHANGES[0] {
            // The next row has the digest of the one before in its own.
            let number = forged.row_of(next).await;
            assert_eq!(forged.gap(services, next).await, ProofMismatch::Digest { number });
        } else {
            proved(services, operator, next).await;
        }
        forged.bank.close().await;
    }
}

async fn a_missing_row_of_the_journal_proves_nothing(bank: Arc<TestBank>) {
    let forged = Forged::of(&bank).await;
    let paid = forged.pay("1").await;
    for _ in 0..5 {
        forged.pay("1").await;
    }
    let number = forged.row_of(paid).await;
    let sql = format!("DELETE FROM journal WHERE number = {number}");
    forged.bank.execute(&sql).await;
    assert_eq!(
        forged.gap(&forged.replica, paid).await,
        ProofMismatch::NoRow { transfer: paid }
    );
    forged.bank.execute("DELETE FROM journal").await;
    assert_eq!(
        forged.gap(&forged.stage.services, paid).await,
        ProofMismatch::NoRow { transfer: paid }
    );
    forged.bank.close().await;
}
