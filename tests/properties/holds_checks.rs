//! What must hold in every state of the model check of holds.

use anyhow::{Context, Result, ensure};
use service::ledger::Transfer;
use service::values::{Money, TransferId, TransferKind, TransferStatus, WalletStatus};

use crate::holds_events::Side;
use crate::holds_reference::{Promise, State};
use crate::holds_world::{World, at};

impl World {
    /// What must hold in every world, and for the step that led to it.
    pub fn check(&self, before: &Self) -> Result<()> {
        let stored = &self.stored;
        for wallet in stored.wallets.values().filter(|wallet| !wallet.is_system()) {
            ensure!(
                Money::ZERO <= wallet.held && wallet.held <= wallet.balance,
                "held: {wallet:?}"
            );
            let is_empty = wallet.balance == Money::ZERO && wallet.held == Money::ZERO;
            ensure!(is_empty || wallet.status != WalletStatus::Closed, "closed: {wallet:?}");
        }
        let sum: i64 = stored.wallets.values().map(|wallet| wallet.balance.units()).sum();
        ensure!(sum == 0, "money was made: {sum}");
        let remaining: i64 = stored.holds.values().map(|hold| hold.remaining.units()).sum();
        ensure!(
            self.wallet(Side::Payer).held.units() == remaining,
            "held is not what remains"
        );
        for hold in stored.holds.values() {
            let made = self.transfer(hold.id)?.amount.units();
            let children: Vec<&Transfer> = self.children(hold.id).collect();
            let is_capture = |child: &&&Transfer| child.kind == TransferKind::Capture && child.failure.is_none();
            let captures = children.iter().filter(is_capture);
            let captured: i64 = captures.map(|child| child.amount.units()).sum();
            let released = children.iter().filter_map(|child| child.released);
            let released: i64 = released.map(Money::units).sum();
            ensure!(captured == hold.captured.units(), "captured: {hold:?}");
            ensure!(
                captured + released + hold.remaining.units() == made,
                "of {made}: {hold:?}"
            );
            ensure!(
                hold.end.is_some() || hold.remaining > Money::ZERO,
                "nothing remains: {hold:?}"
            );
        }
        for id in &self.moved {
            ensure!(
                stored.reversed(*id) <= self.transfer(*id)?.amount,
                "reversed above the amount"
            );
        }
        self.check_new(before)
    }

    /// A capture takes from a hold that was open, and before its time had run out. Ids and times grow.
    fn check_new(&self, before: &Self) -> Result<()> {
        let transfers = &self.stored.transfers;
        let grow = transfers.is_sorted_by(|one, next| one.id < next.id && one.created_at < next.created_at);
        ensure!(grow, "the ids or the times do not grow: {transfers:?}");
        for new in &transfers[before.stored.transfers.len()..] {
            let is_end = matches!(new.kind, TransferKind::Capture | TransferKind::Release);
            if !is_end || new.failure.is_some() {
                continue;
            }
            let hold = new.parent.and_then(|id| before.stored.holds.get(&id));
            let was_open = hold.is_some_and(|hold| hold.end.is_none());
            ensure!(was_open, "it had ended: {new:?}");
            let in_time = hold.is_some_and(|hold| new.created_at < hold.expires_at);
            ensure!(
                in_time == (new.kind == TransferKind::Capture || new.created_by.is_some()),
                "{new:?}"
            );
        }
        Ok(())
    }

    /// Compares the world with the plain bank.
    pub fn agrees_with(&self, state: &State) -> Result<()> {
        let time = self.time();
        ensure!(
            time == at(state.next),
            "the next record is at {time}, not {}",
            state.next
        );
        for side in [Side::Payer, Side::Payee, Side::System] {
            let wallet = self.wallet(side);
            let expected = (state.balances[side as usize], state.status(side));
            ensure!(
                (wallet.balance.units(), wallet.status) == expected,
                "{wallet:?} is not {expected:?}"
            );
        }
        ensure!(
            self.wallet(Side::Payer).held.units() == state.held(),
            "another amount is held"
        );
        for (id, promise) in self.holds.iter().zip(&state.promises) {
            let hold = id.and_then(|id| self.stored.holds.get(&id)).copied();
            let found = hold.map(|hold| {
                let end = hold.end.map(|(end, _)| end);
                (hold.remaining.units(), hold.captured.units(), hold.expires_at, end)
            });
            let expected = promise.as_ref().map(|promise| {
                let expires_at = at(promise.expires_at);
                (promise.remaining, promise.captured, expires_at, promise.end)
            });
            ensure!(found == expected, "{found:?} is not {expected:?}");
            let found = hold.map(|hold| hold.at(time).status());
            let expected = promise.as_ref().map(|promise| shown(promise, state.next));
            ensure!(found == expected, "shown as {found:?}, not {expected:?}");
        }
        ensure!(
            self.moved.len() == state.moved.len(),
            "another number of transfers moved money"
        );
        for (id, moved) in self.moved.iter().zip(&state.moved) {
            let found = (self.transfer(*id)?.amount.units(), self.stored.reversed(*id).units());
            ensure!(found == (moved.units, moved.reversed), "{found:?} is not {moved:?}");
        }
        Ok(())
    }

    /// Fails unless both worlds have stored the same.
    pub fn equals(&self, other: &Self) -> Result<()> {
        let (one, other) = (&self.stored, &other.stored);
        ensure!(
            one.wallets == other.wallets,
            "{:?} and {:?}",
            one.wallets,
            other.wallets
        );
        ensure!(one.holds == other.holds, "{:?} and {:?}", one.holds, other.holds);
        ensure!(
            one.transfers == other.transfers,
            "{:?} and {:?}",
            one.transfers,
            other.transfers
        );
        Ok(())
    }

    fn transfer(&self, id: TransferId) -> Result<&Transfer> {
        let found = self.stored.transfers.iter().find(|transfer| transfer.id == id);
        found.map(AsRef::as_ref).context("a transfer is not stored")
    }

    fn children(&self, id: TransferId) -> impl Iterator<Item = &Transfer> {
        let transfers = self.stored.transfers.iter().map(|transfer| transfer.as_ref());
        transfers.filter(move |transfer: &&Transfer| transfer.parent == Some(id))
    }
}

/// The status that a hold is shown with.
fn shown(promise: &Promise, now: i64) -> TransferStatus {
    let has_ended = promise.end.is_some() || promise.expires_at <= now;
    match (has_ended, promise.captured) {
        (false, _) => TransferStatus::Pending,
        (true, 0) => TransferStatus::Failed,
        (true, _) => TransferStatus::Completed,
    }
}
