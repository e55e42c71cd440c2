//! What the relay carries from the journal to the totals: deposits and withdrawals, summed up. Pure.

use crate::aggregates::Day;
use crate::aggregates::totals::{Key, PaymentKind, Source, Sum, Totals};
use crate::feed::{Completed, FeedPiece, Mark};
use crate::values::TransferKind;

/// The payments after one mark of the journal, up to and including another, summed up.
#[derive(Clone, Debug)]
pub struct PaymentBatch {
    pub(in crate::aggregates) from: Mark,
    pub(in crate::aggregates) to: Mark,
    pub(in crate::aggregates) totals: Totals,
}

impl PaymentBatch {
    pub(super) fn after(mark: Mark) -> Self {
        Self {
            from: mark,
            to: mark,
            totals: Totals::default(),
        }
    }

    pub(super) fn add(&mut self, piece: FeedPiece<Completed>) {
        self.to = piece.to;
        for (key, sum) in piece.items.into_iter().filter_map(payment) {
            self.totals.add(key, sum);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    pub(super) fn payments(&self) -> u64 {
        self.totals.iter().map(|(_, sum)| sum.count).sum()
    }
}

/// What a completed transfer adds to the totals; `None` if it is neither a deposit nor a withdrawal. A reversal is
/// neither, and what it takes back stays counted.
fn payment(completed: Completed) -> Option<(Key, Sum)> {
    let kind = match completed.kind {
        TransferKind::Deposit => PaymentKind::Deposit,
        TransferKind::Withdrawal => PaymentKind::Withdrawal,
        TransferKind::Transfer
        | TransferKind::Reversal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => return None,
    };
    let key = Key {
        currency: completed.currency,
        day: Day::of(completed.at),
        kind,
        method: completed.method?,
        source: Source::Bank,
    };
    Some((key, Sum::one(completed.amount)))
}
