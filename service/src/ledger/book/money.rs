//! Movements of money: transfers, deposits, withdrawals, and the holds of them. Pure.

use std::sync::Arc;

use super::draft::Draft;
use super::{Book, Stamps, WalletPage};
use crate::actor::{Actor, Permission};
use crate::ledger::types::{
    AskedAmount, Command, Destination, Direction, Idempotency, Movement, Outcome, Owner, Payment, Refusal, Transfer,
    Wallet,
};
use crate::values::{BatchId, Money, TransferKind, WalletId};

/// What a movement gets from the caller's batch that it is a part of.
#[derive(Clone, Copy)]
pub(super) struct InBatch {
    pub id: BatchId,
    /// The batch's key, unless an earlier transfer of it has used it up.
    pub idempotency: Option<Idempotency>,
}

impl Book {
    /// Decides a movement between two customers' wallets, or the hold of one.
    ///
    /// First come the rules whose answer is a [`Refusal`]: a valid amount, known wallets that the actor may use, two
    /// different wallets. Then those whose answer is a [`Failure`]: no wallet frozen, none closed, one currency, limits,
    /// funds, range. Only what is recorded uses a key up.
    ///
    /// A failed transfer keeps no description and no metadata: otherwise a caller without money could store text for
    /// free.
    pub(super) fn transfer(&mut self, command: &Command, movement: &Movement, stamps: &mut impl Stamps) -> Outcome {
        match self.movement_parties(&command.actor, movement) {
            Ok(parties) => {
                let draft = draft_of(movement, parties).asked_by(command);
                recorded(self.decide_draft(draft, stamps))
            }
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// Decides one movement of a batch.
    pub(super) fn transfer_in_batch(
        &mut self,
        command: &Command,
        movement: &Movement,
        batch: InBatch,
        stamps: &mut impl Stamps,
    ) -> Result<Arc<Transfer>, Refusal> {
        let parties = self.movement_parties(&command.actor, movement)?;
        let mut draft = draft_of(movement, parties).asked_by(command);
        draft.batch = Some(batch.id);
        draft.idempotency = batch.idempotency;
        Ok(self.decide_draft(draft, stamps))
    }

    /// Decides a deposit, a withdrawal, or the hold of a withdrawal. The refusals are those of a transfer, and between
    /// `WalletNotFound` and `SameWallet` that of a method which is not open.
    pub(super) fn pay(&mut self, command: &Command, payment: &Payment, stamps: &mut impl Stamps) -> Outcome {
        let system = match payment.system {
            None if payment.is_to_open => self.open_for_dry_run(payment, stamps),
            system => system,
        };
        let (amount, source, destination) = match self.payment_parties(&command.actor, payment, system) {
            Ok(parties) => parties,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let kind = match (payment.direction, payment.hold) {
            (_, Some(_)) => TransferKind::Hold,
            (Direction::In, None) => TransferKind::Deposit,
            (Direction::Out, None) => TransferKind::Withdrawal,
        };
        let mut draft = Draft::new(kind, (source, destination), amount)
            .asked_by(command)
            .with_texts(&payment.texts);
        draft.method = Some(payment.method.clone());
        draft.terms = payment.hold;
        recorded(self.decide_draft(draft, stamps))
    }

    /// The answer for a key that was used up: the stored outcome for the same request, `KeyReused` for another one or
    /// for one whose digest was erased. `None` if the key is new.
    pub(super) fn replay(&self, idempotency: Idempotency) -> Option<Outcome> {
        let stored = self.by_key.get(&idempotency.key)?;
        if stored.request != Some(idempotency.request) {
            return Some(Outcome::KeyReused);
        }
        Some(Outcome::Recorded {
            transfer: stored.clone(),
            replayed: true,
        })
    }

    /// The rules of a movement whose answer is not recorded.
    fn movement_parties(&self, actor: &Actor, movement: &Movement) -> Result<(Money, WalletId, WalletId), Refusal> {
        let amount = above_zero(movement.amount)?;
        let source = self.own_wallet(actor, movement.source)?;
        let destination = match movement.destination {
            Destination::Wallet(id) => self.customer_wallet(id)?,
            Destination::Payee(id) => {
                let found = id.and_then(|id| self.customer_wallet(id).ok());
                found.ok_or(Refusal::PayeeNotFound)?
            }
        };
        if source.id == destination.id {
            return Err(Refusal::SameWallet);
        }
        Ok((amount, source.id, destination.id))
    }

    /// The rules of a payment whose answer is not recorded. The customer's wallet is checked before the method's, which
    /// is the order of the refusals.
    fn payment_parties(
        &self,
        actor: &Actor,
        payment: &Payment,
        system: Option<WalletId>,
    ) -> Result<(Money, WalletId, WalletId), Refusal> {
        let amount = above_zero(payment.amount)?;
        let wallet = match payment.direction {
            Direction::Out if !actor.may(Permission::TransfersSettle) => self.own_wallet(actor, payment.wallet)?,
            Direction::In | Direction::Out if !actor.may_use(payment.wallet) => return Err(Refusal::WalletNotFound),
            Direction::In | Direction::Out => self.customer_wallet(payment.wallet)?,
        };
        let method = self.method_wallet(system)?;
        Ok(match payment.direction {
            Direction::In => (amount, method.id, wallet.id),
            Direction::Out => (amount, wallet.id, method.id),
        })
    }

    /// A customer's wallet. A system wallet only takes part in deposits and withdrawals, as the side of its method.
    fn customer_wallet(&self, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.wallet(id).filter(|wallet| !wallet.is_system());
        wallet.ok_or(Refusal::WalletNotFound)
    }

    /// A wallet that belongs to the actor, and that they may use.
    fn own_wallet(&self, actor: &Actor, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.customer_wallet(id)?;
        if actor.owns(id, wallet.owner) {
            Ok(wallet)
        } else {
            Err(Refusal::WalletNotFound)
        }
    }

    /// The system wallet of a payment method. A method that is not open has no id here, or one that is not in the
    /// database.
    fn method_wallet(&self, id: Option<WalletId>) -> Result<&Wallet, Refusal> {
        let wallet = id.and_then(|id| self.wallet(id)).filter(|wallet| wallet.is_system());
        wallet.ok_or(Refusal::UnknownMethod)
    }

    /// Adds an empty wallet for a method that an operator's payment would open. Only a dry run asks for it, which takes
    /// it back.
    fn open_for_dry_run(&mut self, payment: &Payment, stamps: &mut impl Stamps) -> Option<WalletId> {
        let currency = self.wallet(payment.wallet)?.currency;
        let (now, id) = self.stamp(None, stamps);
        let owner = Owner::Method(payment.method.clone());
        let wallet = Wallet::opened(WalletId(id), &owner, currency, now);
        self.add_opened(WalletPage::new(wallet));
        Some(WalletId(id))
    }
}

pub(super) fn recorded(transfer: Arc<Transfer>) -> Outcome {
    Outcome::Recorded {
        transfer,
        replayed: false,
    }
}

impl AskedAmount {
    /// The amount, which must be above zero; `None` for everything that is left.
    pub(super) fn read(self) -> Result<Option<Money>, Refusal> {
        match self {
            Self::Rest => Ok(None),
            Self::Exactly(amount) => above_zero(amount).map(Some),
        }
    }
}

fn above_zero(amount: Option<Money>) -> Result<Money, Refusal> {
    amount
        .filter(|amount| *amount > Money::ZERO)
        .ok_or(Refusal::InvalidAmount)
}

fn draft_of(movement: &Movement, (amount, source, destination): (Money, WalletId, WalletId)) -> Draft<'_> {
    let kind = if movement.hold.is_some() {
        TransferKind::Hold
    } else {
        TransferKind::Transfer
    };
    let mut draft = Draft::new(kind, (source, destination), amount).with_texts(&movement.texts);
    draft.terms = movement.hold;
    draft
}
