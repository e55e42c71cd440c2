//! Records what was decided: the transfer, its two entries, what it holds, and what counts against limits. Pure.

use std::sync::Arc;

use super::draft::{Draft, check, transfer_of};
use super::{Book, OriginalPage, Stamps};
use crate::ledger::types::{Entry, Failure, Hold, Transfer, Wallet, day_of};
use crate::values::{Money, Timestamp, TransferId, TransferKind, WalletId};

impl Book {
    /// Checks the rules whose answer is recorded, and records the transfer with what it does. First releases the holds
    /// of the source that have run out.
    pub(super) fn decide_draft(&mut self, draft: Draft<'_>, stamps: &mut impl Stamps) -> Arc<Transfer> {
        self.expire_due(draft.source, stamps);
        let at = stamps.time();
        let verdict = check(&draft, self.known(draft.source), self.known(draft.destination), at);
        self.record(draft, verdict, stamps)
    }

    /// Records a transfer, and does what it does unless it is refused.
    pub(super) fn record(
        &mut self,
        draft: Draft<'_>,
        verdict: Result<(), Failure>,
        stamps: &mut impl Stamps,
    ) -> Arc<Transfer> {
        let source = self.known(draft.source);
        let customer = if source.is_system() {
            draft.destination
        } else {
            draft.source
        };
        let (currency, owner) = (source.currency, source.owner);
        let (created_at, id) = self.stamp(Some(customer.bucket()), stamps);
        let transfer = Arc::new(transfer_of(
            &draft,
            (TransferId(id), created_at),
            (currency, owner),
            verdict.err(),
            stamps,
        ));
        if verdict.is_ok() {
            self.carry_out(&transfer);
        }
        for id in [transfer.source, transfer.destination] {
            // A hold that has run out is released without a look at its destination.
            if self.pages.contains_key(&id) {
                self.page_mut(id).decided_on = true;
            }
        }
        if let Some(key) = transfer.key {
            self.note_key(key);
            self.by_key.insert(key, transfer.clone());
        }
        self.transfers.push(transfer.clone());
        transfer
    }

    fn known(&self, id: WalletId) -> &Wallet {
        self.wallet(id).expect("the rules were asked about this very wallet")
    }

    /// Does what a transfer that is not refused does to its wallets.
    fn carry_out(&mut self, transfer: &Arc<Transfer>) {
        let (amount, at) = (transfer.amount, transfer.created_at);
        let day = day_of(at);
        match transfer.kind {
            TransferKind::Hold => {
                self.change_held(transfer.source, amount, at);
                let begun = transfer.expires_at.map(|expires_at| Hold::begun(transfer, expires_at));
                self.add_hold(OriginalPage {
                    transfer: transfer.clone(),
                    read: None,
                    now: begun,
                    reversed: Money::ZERO,
                });
            }
            TransferKind::Capture => {
                let released = transfer.released.unwrap_or_default();
                self.change_held(transfer.source, amount.negated(), at);
                self.change_held(transfer.source, released.negated(), at);
                self.post_both(transfer);
            }
            TransferKind::Release => self.change_held(transfer.source, amount.negated(), at),
            TransferKind::Transfer | TransferKind::Deposit | TransferKind::Withdrawal | TransferKind::Reversal => {
                self.post_both(transfer);
            }
        }
        if transfer.kind.counts_against_limits() && self.known(transfer.source).limits.is_some() {
            let state = self.page_mut(transfer.source).now.limits.as_mut();
            state.expect("it was looked at").count(amount, day);
        }
    }

    fn change_held(&mut self, wallet: WalletId, by: Money, at: Timestamp) {
        let now = &mut self.page_mut(wallet).now;
        now.held = now.held.checked_add(by).expect("0 <= held <= balance");
        now.updated_at = at;
    }

    fn post_both(&mut self, transfer: &Transfer) {
        self.post(transfer, transfer.source, transfer.amount.negated());
        self.post(transfer, transfer.destination, transfer.amount);
    }

    fn post(&mut self, transfer: &Transfer, wallet: WalletId, amount: Money) {
        let now = &mut self.page_mut(wallet).now;
        now.balance = now
            .balance
            .checked_add(amount)
            .expect("`check` has looked at the range");
        now.version = now.version.next();
        now.updated_at = transfer.created_at;
        let entry = Entry {
            wallet,
            version: now.version,
            transfer: transfer.id,
            amount,
            balance_after: now.balance,
        };
        self.entries.push(entry);
    }
}
