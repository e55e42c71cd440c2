//! Batches: transfers that one request asks for together. Pure.

use std::sync::Arc;

use super::money::InBatch;
use super::{BatchRow, Book, Stamps};
use crate::ledger::types::{BatchOutcome, BatchRequest, Command, ItemOutcome, Outcome, Transfer};
use crate::values::BatchId;

impl Book {
    /// Decides the transfers of a batch in order, so that money which an earlier one brings may be spent by a later one.
    ///
    /// Of an atomic batch all are made or none: the first that is refused takes the others back, and is the only one that
    /// may be recorded, as FAILED. The batch's key stands on its first recorded transfer; a batch that records none uses
    /// no key up.
    pub(super) fn batch(&mut self, command: &Command, batch: &BatchRequest, stamps: &mut impl Stamps) -> Outcome {
        let bucket = batch.movements.first().map(|movement| movement.source.bucket());
        let (_, id) = self.stamp(bucket, stamps);
        let id = BatchId(id);
        let outcome = if batch.is_atomic && !command.is_dry_run {
            self.all_or_none(command, batch, id, stamps)
        } else {
            let (items, fault) = self.each(command, batch, id, stamps);
            match fault.filter(|_| batch.is_atomic) {
                Some(index) => refused(items, index),
                None => BatchOutcome::Done { id, items },
            }
        };
        if outcome.is_recorded() {
            let results = outcome.as_results();
            self.batches.push(BatchRow { id, results });
        }
        Outcome::Batch(Box::new(outcome))
    }

    /// Decides the transfers in order; an atomic batch ends with the first that is refused, whose place is given.
    fn each(
        &mut self,
        command: &Command,
        batch: &BatchRequest,
        id: BatchId,
        stamps: &mut impl Stamps,
    ) -> (Vec<ItemOutcome>, Option<usize>) {
        let mut place = InBatch {
            id,
            idempotency: command.idempotency,
        };
        let mut items = Vec::with_capacity(batch.movements.len());
        for (index, movement) in batch.movements.iter().enumerate() {
            let item = match self.transfer_in_batch(command, movement, place, stamps) {
                Ok(transfer) => {
                    place.idempotency = None;
                    ItemOutcome::Recorded(transfer)
                }
                Err(refusal) => ItemOutcome::Refused(refusal),
            };
            let is_refused = item.is_refused();
            items.push(item);
            if is_refused && batch.is_atomic {
                return (items, Some(index));
            }
        }
        (items, None)
    }

    fn all_or_none(
        &mut self,
        command: &Command,
        batch: &BatchRequest,
        id: BatchId,
        stamps: &mut impl Stamps,
    ) -> BatchOutcome {
        // Before anything that may be taken back: what has run out is released in any case.
        for movement in &batch.movements {
            if self.wallet(movement.source).is_some() {
                self.expire_due(movement.source, stamps);
            }
        }
        self.begin_undo();
        let (items, fault) = self.each(command, batch, id, stamps);
        let Some(index) = fault else {
            self.end_undo();
            return BatchOutcome::Done { id, items };
        };
        let touched = self.undo();
        let mut outcome = refused(items, index);
        if let BatchOutcome::Refused {
            item: ItemOutcome::Recorded(transfer),
            ..
        } = &mut outcome
        {
            // It was decided on what the transfers before it had done.
            for wallet in touched {
                self.page_mut(wallet).decided_on = true;
            }
            let failed = Transfer {
                key: command.idempotency.map(|idempotency| idempotency.key),
                request: command.idempotency.map(|idempotency| idempotency.request),
                ..Transfer::clone(transfer)
            };
            *transfer = self.record_failed(failed);
        }
        outcome
    }

    fn record_failed(&mut self, failed: Transfer) -> Arc<Transfer> {
        let failed = Arc::new(failed);
        if let Some(key) = failed.key {
            self.by_key.insert(key, failed.clone());
        }
        self.transfers.push(failed.clone());
        failed
    }
}

/// The outcome of an atomic batch whose transfer at this place was refused.
fn refused(mut items: Vec<ItemOutcome>, index: usize) -> BatchOutcome {
    BatchOutcome::Refused {
        index,
        item: items.swap_remove(index),
    }
}
