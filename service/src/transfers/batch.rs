//! Batches: transfers that one request asks for together.

use super::payees::PayeeLookup;
use super::{Asking, NewBatch, ShownTransfer, TransferError, Transfers, command, repo};
use crate::db::Fault;
use crate::ledger::{BatchOutcome, BatchResults, ItemOutcome, ItemResult, Outcome};
use crate::values::BatchId;

/// The outcome of a batch that was not refused as a whole.
#[derive(Debug)]
pub struct BatchAnswer {
    /// The `batch_id` of its transfers.
    pub id: BatchId,
    /// What became of each transfer, in the order of the request. An error is `Refused` or `Failed`.
    pub items: Vec<Result<ShownTransfer, TransferError>>,
    /// True when this is the stored outcome of an earlier request with the same key.
    pub replayed: bool,
}

impl Transfers {
    /// Makes transfers in one commit, decided in their order. Of an atomic batch all are made or none.
    pub async fn batch(&self, asking: Asking, new: NewBatch) -> Result<BatchAnswer, TransferError> {
        let PayeeLookup { destinations, cost } = self.payees.find(&asking.actor, &new.transfers).await?;
        let is_dry_run = asking.is_dry_run;
        let command = command::of_batch(&asking, new, destinations);
        match cost.submit(&self.queue, command).await? {
            Outcome::Batch(outcome) => batch_answer(*outcome, is_dry_run),
            Outcome::Recorded { transfer, .. } => match transfer.batch {
                Some(id) => self.stored_batch(id).await,
                // The digest of the request has the operation in it, so no other operation has used the key.
                None => Err(TransferError::KeyReused),
            },
            Outcome::KeyReused => Err(TransferError::KeyReused),
            Outcome::Refused(_) | Outcome::Expired | Outcome::Wallet(_) | Outcome::WalletRefused(_) => {
                unreachable!("a batch is answered with the outcome of a batch")
            }
        }
    }

    /// The outcomes of a batch that an earlier request with the same key made.
    async fn stored_batch(&self, id: BatchId) -> Result<BatchAnswer, TransferError> {
        let results = repo::results_of_batch(&self.db.read, id).await?;
        let results = results.as_deref().and_then(BatchResults::read);
        let results = results.ok_or_else(|| Fault::damaged(&format!("the outcomes of the batch {id}")))?;
        let stored = repo::of_batch(&self.db.read, id).await?;
        let outcome_of = |item| match item {
            ItemResult::Refused(refusal) => Ok(ItemOutcome::Refused(refusal)),
            ItemResult::Recorded(id) => match stored.iter().find(|transfer| transfer.id == id) {
                Some(transfer) => Ok(ItemOutcome::Recorded(transfer.clone())),
                None => Err(Fault::damaged(&format!("the batch of the transfer {id}"))),
            },
        };
        let outcome = match results {
            BatchResults::Done { items } => BatchOutcome::Done {
                id,
                items: items.into_iter().map(outcome_of).collect::<Result<_, _>>()?,
            },
            BatchResults::Refused { index, item } => BatchOutcome::Refused {
                index,
                item: outcome_of(item)?,
            },
        };
        match batch_answer(outcome, false) {
            Ok(answer) => Ok(BatchAnswer {
                replayed: true,
                ..answer
            }),
            Err(TransferError::BatchRefused { index, id, error, .. }) => Err(TransferError::BatchRefused {
                index,
                id,
                error,
                replayed: true,
            }),
            Err(error) => Err(error),
        }
    }
}

fn batch_answer(outcome: BatchOutcome, is_dry_run: bool) -> Result<BatchAnswer, TransferError> {
    match outcome {
        BatchOutcome::Done { id, items } => Ok(BatchAnswer {
            id,
            items: items.into_iter().map(|item| item_answer(item, is_dry_run)).collect(),
            replayed: false,
        }),
        BatchOutcome::Refused { index, item } => {
            let id = match &item {
                ItemOutcome::Recorded(transfer) if !is_dry_run => transfer.batch,
                ItemOutcome::Recorded(_) | ItemOutcome::Refused(_) => None,
            };
            match item_answer(item, is_dry_run) {
                Err(error) => Err(TransferError::BatchRefused {
                    index,
                    id,
                    error: Box::new(error),
                    replayed: false,
                }),
                Ok(_) => unreachable!("the transfer at fault was refused"),
            }
        }
    }
}

fn item_answer(item: ItemOutcome, is_dry_run: bool) -> Result<ShownTransfer, TransferError> {
    match item {
        ItemOutcome::Refused(refusal) => Err(TransferError::Refused(refusal)),
        ItemOutcome::Recorded(transfer) => match transfer.failure {
            None => Ok(ShownTransfer::as_decided(transfer)),
            Some(failure) => Err(TransferError::Failed {
                failure,
                transfer: (!is_dry_run).then_some(transfer.id),
                replayed: false,
            }),
        },
    }
}
