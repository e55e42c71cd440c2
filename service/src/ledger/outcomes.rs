//! What was committed, for the statistics. Reporting never slows a payment: what is not taken in time is only counted.

use tokio::sync::mpsc;

use super::metrics::Metrics;
use super::types::Outcome;
use crate::values::{Currency, Money, Timestamp, TransferKind};

/// Batches that may wait to be taken.
const BATCHES_MAX: usize = 1_024;

/// A movement of money that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    pub kind: TransferKind,
    pub currency: Currency,
    pub amount: Money,
    pub at: Timestamp,
}

/// The committer's end.
pub(super) struct Outcomes(mpsc::Sender<Vec<Completed>>);

impl Outcomes {
    pub fn channel() -> (Self, mpsc::Receiver<Vec<Completed>>) {
        let (sender, receiver) = mpsc::channel(BATCHES_MAX);
        (Self(sender), receiver)
    }

    /// Tells what a batch has moved: nothing of refusals, and of a repeated request nothing again.
    pub fn publish(&self, outcomes: &[Outcome], metrics: &Metrics) {
        let moved: Vec<Completed> = outcomes.iter().filter_map(completed).collect();
        if moved.is_empty() {
            return;
        }
        let count = moved.len();
        if self.0.try_send(moved).is_err() {
            Metrics::add(&metrics.outcomes_dropped, count);
        }
    }
}

fn completed(outcome: &Outcome) -> Option<Completed> {
    match outcome {
        Outcome::Recorded {
            transfer,
            replayed: false,
        } => Some(Completed {
            kind: transfer.kind,
            currency: transfer.currency,
            amount: transfer.amount,
            at: transfer.completed_at()?,
        }),
        Outcome::Recorded { replayed: true, .. }
        | Outcome::Refused(_)
        | Outcome::KeyReused
        | Outcome::Wallet(_)
        | Outcome::WalletRefused(_) => None,
    }
}
