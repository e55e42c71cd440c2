//! Movements of money: transfers, deposits, withdrawals. Pure.

use std::sync::Arc;

use super::{Book, Stamps};
use crate::actor::Actor;
use crate::journal::digest_of_texts;
use crate::ledger::types::{
    Command, Direction, Entry, Failure, Idempotency, Movement, Outcome, Payment, Refusal, TextsSeal, Transfer, Wallet,
};
use crate::values::{Method, Money, TransferId, TransferKind, TransferStatus, WalletId};

/// A transfer, deposit or withdrawal that a caller asks for.
#[derive(Clone, Copy)]
pub(super) enum MoneyRequest<'a> {
    Move(&'a Movement),
    Pay(&'a Payment),
}

impl Book {
    /// Decides a movement.
    ///
    /// First come the rules whose answer is a [`Refusal`]: a valid amount, known wallets that the actor may use, an
    /// open method, two different wallets. Then those whose answer is a [`Failure`]: no wallet frozen, none closed, one
    /// currency, funds, range. Only what is recorded uses a key up.
    ///
    /// A failed transfer keeps no description and no metadata: otherwise a caller without money could store text for
    /// free.
    pub(super) fn transfer(
        &mut self,
        command: &Command,
        request: MoneyRequest<'_>,
        stamps: &mut impl Stamps,
    ) -> Outcome {
        let (amount, source, destination) = match self.parties(command.actor, request) {
            Ok(parties) => parties,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let verdict = check_transfer(amount, source, destination);
        let customer = if source.is_system() { destination } else { source };
        let (created_at, id) = stamps.next(Some(customer.id.bucket()));
        let created_by = command.actor.unless_owner(source.owner);
        let (source, destination, currency) = (source.id, destination.id, source.currency);
        let failure = verdict.as_ref().err().copied();
        let texts = if failure.is_none() {
            request.texts()
        } else {
            Texts::default()
        };
        let transfer = Transfer {
            id: TransferId(id),
            kind: request.kind(),
            status: if failure.is_some() {
                TransferStatus::Failed
            } else {
                TransferStatus::Completed
            },
            source,
            destination,
            amount,
            currency,
            method: request.method().cloned(),
            description: texts.description.map(str::to_owned),
            metadata: texts.metadata.map(str::to_owned),
            failure,
            parent: None,
            batch: None,
            created_by,
            api_key: None,
            released: None,
            key: command.idempotency.map(|idempotency| idempotency.key),
            request: command.idempotency.map(|idempotency| idempotency.request),
            texts: texts.seal(stamps),
            created_at,
            expires_at: None,
        };
        if let Ok(balances) = verdict {
            self.post(&transfer, source, amount.negated(), balances.source);
            self.post(&transfer, destination, amount, balances.destination);
        }
        self.record(transfer)
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

    /// The rules whose answer is not recorded.
    fn parties(&self, actor: Actor, request: MoneyRequest<'_>) -> Result<(Money, &Wallet, &Wallet), Refusal> {
        let amount = request.amount().filter(|amount| *amount > Money::ZERO);
        let amount = amount.ok_or(Refusal::InvalidAmount)?;
        let (source, destination) = match request {
            MoneyRequest::Move(movement) => (
                self.own_wallet(actor, movement.source)?,
                self.customer_wallet(movement.destination)?,
            ),
            MoneyRequest::Pay(payment) => self.payment_sides(actor, payment)?,
        };
        if source.id == destination.id {
            return Err(Refusal::SameWallet);
        }
        Ok((amount, source, destination))
    }

    /// A customer's wallet. A system wallet only takes part in deposits and withdrawals, as the side of its method.
    fn customer_wallet(&self, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.wallet(id).filter(|wallet| !wallet.is_system());
        wallet.ok_or(Refusal::WalletNotFound)
    }

    /// A wallet that belongs to the actor.
    fn own_wallet(&self, actor: Actor, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.customer_wallet(id)?;
        if wallet.owner == Some(actor.user) {
            Ok(wallet)
        } else {
            Err(Refusal::WalletNotFound)
        }
    }

    /// Paying and receiving wallet of a payment. The customer's wallet is checked before the method's, which is the
    /// order of the refusals.
    fn payment_sides(&self, actor: Actor, payment: &Payment) -> Result<(&Wallet, &Wallet), Refusal> {
        let wallet = match payment.direction {
            Direction::Out if !actor.is_operator() => self.own_wallet(actor, payment.wallet)?,
            Direction::In | Direction::Out => self.customer_wallet(payment.wallet)?,
        };
        let method = self.method_wallet(payment.system)?;
        Ok(match payment.direction {
            Direction::In => (method, wallet),
            Direction::Out => (wallet, method),
        })
    }

    /// The system wallet of a payment method. A method that is not open has no id here, or one that is not in the
    /// database.
    fn method_wallet(&self, id: Option<WalletId>) -> Result<&Wallet, Refusal> {
        let wallet = id.and_then(|id| self.wallet(id)).filter(|wallet| wallet.is_system());
        wallet.ok_or(Refusal::UnknownMethod)
    }

    fn post(&mut self, transfer: &Transfer, wallet: WalletId, amount: Money, balance_after: Money) {
        let page = self
            .pages
            .get_mut(&wallet)
            .expect("the rules were asked about this very wallet");
        page.now.balance = balance_after;
        page.now.version = page.now.version.next();
        page.now.updated_at = transfer.created_at;
        self.entries.push(Entry {
            wallet,
            version: page.now.version,
            transfer: transfer.id,
            amount,
            balance_after,
        });
    }

    fn record(&mut self, transfer: Transfer) -> Outcome {
        let transfer = Arc::new(transfer);
        for id in [transfer.source, transfer.destination] {
            if let Some(page) = self.pages.get_mut(&id) {
                page.decided_on = true;
            }
        }
        if let Some(key) = transfer.key {
            self.by_key.insert(key, transfer.clone());
        }
        self.transfers.push(transfer.clone());
        Outcome::Recorded {
            transfer,
            replayed: false,
        }
    }
}

impl<'a> MoneyRequest<'a> {
    /// The kind of transfer that it makes.
    fn kind(self) -> TransferKind {
        match self {
            Self::Move(_) => TransferKind::Transfer,
            Self::Pay(payment) => payment.kind(),
        }
    }

    /// `None` when the caller's text was not an amount.
    fn amount(self) -> Option<Money> {
        match self {
            Self::Move(movement) => movement.amount,
            Self::Pay(payment) => payment.amount,
        }
    }

    fn method(self) -> Option<&'a Method> {
        match self {
            Self::Move(_) => None,
            Self::Pay(payment) => Some(&payment.method),
        }
    }

    fn texts(self) -> Texts<'a> {
        match self {
            Self::Move(movement) => Texts {
                description: movement.description.as_deref(),
                metadata: movement.metadata.as_deref(),
            },
            Self::Pay(_) => Texts::default(),
        }
    }
}

/// The texts of the caller.
#[derive(Clone, Copy, Default)]
struct Texts<'a> {
    description: Option<&'a str>,
    metadata: Option<&'a str>,
}

impl Texts<'_> {
    fn seal(self, stamps: &mut impl Stamps) -> Option<TextsSeal> {
        if self.description.is_none() && self.metadata.is_none() {
            return None;
        }
        let salt = stamps.salt();
        Some(TextsSeal {
            digest: digest_of_texts(salt, self.description, self.metadata),
            salt: Some(salt),
        })
    }
}

struct Balances {
    source: Money,
    destination: Money,
}

/// The rules whose answer is recorded, in their order. Either side may not be frozen or closed; only a customer's
/// source must cover the amount; the new balances of both sides, system wallets too, must stay in range.
fn check_transfer(amount: Money, source: &Wallet, destination: &Wallet) -> Result<Balances, Failure> {
    use crate::values::WalletStatus::{Closed, Frozen};
    let either_is = |status| source.status == status || destination.status == status;
    if either_is(Frozen) {
        return Err(Failure::WalletFrozen);
    }
    if either_is(Closed) {
        return Err(Failure::WalletClosed);
    }
    if source.currency != destination.currency {
        return Err(Failure::CurrencyMismatch);
    }
    if !source.is_system() && source.available() < amount {
        return Err(Failure::InsufficientFunds {
            available: source.available(),
        });
    }
    Ok(Balances {
        source: source.balance.checked_sub(amount).ok_or(Failure::BalanceOutOfRange)?,
        destination: destination
            .balance
            .checked_add(amount)
            .ok_or(Failure::BalanceOutOfRange)?,
    })
}
