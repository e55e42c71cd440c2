//! Reversals: a transfer, or a part of it, goes back to where it came from. Pure.

use super::draft::Draft;
use super::money::recorded;
use super::{Book, Stamps};
use crate::actor::Actor;
use crate::ledger::types::{Command, Outcome, Refusal, ReversalRequest};
use crate::values::{Money, TransferId, TransferKind, TransferStatus};

impl Book {
    /// Decides a reversal. After the amount come, in this order: an original that the actor may take back, that moved
    /// money and is no reversal itself, and of which enough is left. Then the rules of a transfer whose answer is
    /// recorded, but limits.
    pub(super) fn reverse(
        &mut self,
        command: &Command,
        request: &ReversalRequest,
        stamps: &mut impl Stamps,
    ) -> Outcome {
        let amount = match self.amount_to_reverse(&command.actor, request) {
            Ok(amount) => amount,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let original = self.originals[&request.original].transfer.clone();
        let sides = (original.destination, original.source);
        let mut draft = Draft::new(TransferKind::Reversal, sides, amount)
            .asked_by(command)
            .with_texts(&request.texts);
        draft.method = original.method.clone();
        draft.parent = Some(original.id);
        let transfer = self.decide_draft(draft, stamps);
        if transfer.failure.is_none() {
            self.note_reversal(original.id, amount);
            self.add_line_of_reversal(command, original.id, &transfer);
        }
        recorded(transfer)
    }

    fn amount_to_reverse(&self, actor: &Actor, request: &ReversalRequest) -> Result<Money, Refusal> {
        let asked = request.amount.read()?;
        let original = self.originals.get(&request.original);
        let original = original.filter(|original| original.transfer.is_reversed_by(actor));
        let original = original.ok_or(Refusal::TransferNotFound)?;
        let is_completed = original.transfer.status == TransferStatus::Completed;
        if !(is_completed && original.transfer.kind.is_reversible()) {
            return Err(Refusal::NotReversible);
        }
        let remaining = original.transfer.amount.checked_sub(original.reversed);
        // Nothing is left where the stored reversals exceed their original, which `verify` reports.
        let remaining = remaining.unwrap_or_default();
        let amount = asked.unwrap_or(remaining);
        if amount > remaining || remaining <= Money::ZERO {
            return Err(Refusal::AmountExceedsOriginal { remaining });
        }
        Ok(amount)
    }

    fn note_reversal(&mut self, original: TransferId, amount: Money) {
        let page = self.original_mut(original);
        page.reversed = page
            .reversed
            .checked_add(amount)
            .expect("reversals stay within the original");
    }
}
