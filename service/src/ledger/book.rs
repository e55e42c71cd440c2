//! The rules of money, pure: wallets in memory, commands in, outcomes out. No database, no clock, no `async`.
//!
//! A book is opened for one batch. It must never see a wallet that was not read for it, and what it changed is only true
//! once the batch has been written against the versions that were read.

use std::collections::HashMap;
use std::sync::Arc;

use super::types::{
    Action, Command, Direction, Entry, Failure, Idempotency, Movement, Outcome, Payment, Refusal, Transfer, Wallet,
};
use crate::actor::Actor;
use crate::values::{Bucket, Digest, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};

/// Gives each recorded transfer its time and id, later than the floor and than every one before.
pub trait Stamps {
    /// The next time, and an id in the bucket.
    fn next(&mut self, floor: Timestamp, bucket: Bucket) -> (Timestamp, TransferId);
}

/// The wallets of one batch and what has been decided about them.
#[derive(Default)]
pub struct Book {
    pages: HashMap<WalletId, Page>,
    /// Transfers by the key that they used up: stored ones that were looked up, and the batch's own.
    by_key: HashMap<Digest, Arc<Transfer>>,
    transfers: Vec<Arc<Transfer>>,
    entries: Vec<Entry>,
}

struct Page {
    read: Wallet,
    now: Wallet,
    /// A recorded outcome rests on this wallet.
    decided_on: bool,
}

/// What a batch writes, sorted by wallet id.
///
/// The order keeps the committer from deadlocking with others who lock wallets; do not take it away.
#[derive(Default)]
pub struct Changes {
    pub transfers: Vec<Arc<Transfer>>,
    pub entries: Vec<Entry>,
    pub wallets: Vec<WalletChange>,
    /// Wallets that a failure was decided on and that did not change: they must still be as they were read.
    pub confirmed: Vec<Wallet>,
}

impl Changes {
    /// Deposits and withdrawals that were made: they leave a row in the outbox, for the daily aggregates. A reversal takes
    /// back what stays counted, and is neither.
    #[must_use]
    pub fn payments(&self) -> Vec<TransferId> {
        let made = self.transfers.iter().filter(|transfer| {
            transfer.status == TransferStatus::Completed
                && matches!(transfer.kind, TransferKind::Deposit | TransferKind::Withdrawal)
        });
        made.map(|transfer| transfer.id).collect()
    }
}

/// A wallet as it was read and as it shall be.
pub struct WalletChange {
    pub read: Wallet,
    pub now: Wallet,
}

impl Book {
    /// Opens a book on the wallets of a batch.
    #[must_use]
    pub fn open(wallets: impl IntoIterator<Item = Wallet>) -> Self {
        let pages = wallets
            .into_iter()
            .map(|wallet| {
                (
                    wallet.id,
                    Page {
                        read: wallet.clone(),
                        now: wallet,
                        decided_on: false,
                    },
                )
            })
            .collect();
        Self {
            pages,
            ..Self::default()
        }
    }

    /// Tells the book of transfers whose keys were used up before this batch.
    pub fn remember(&mut self, stored: impl IntoIterator<Item = Transfer>) {
        for transfer in stored {
            if let Some(idempotency) = transfer.idempotency {
                self.by_key.insert(idempotency.key, Arc::new(transfer));
            }
        }
    }

    /// Decides one command.
    ///
    /// A key that was used up answers before any rule: with the stored outcome for the same request, with `KeyReused` for
    /// another one. Then the rules whose answer is a [`Refusal`]: amount, wallets known and the source the actor's, the method
    /// open, two wallets. Then those whose answer is a [`Failure`]: none frozen, none closed, one currency, funds, range. Only
    /// what is recorded uses a key up.
    ///
    /// A failed transfer keeps no description and no metadata: else a caller could store text for free, and show it to
    /// the owner of any wallet.
    pub fn apply(&mut self, command: &Command, stamps: &mut impl Stamps) -> Outcome {
        if let Some(answer) = command.idempotency.and_then(|idempotency| self.replay(idempotency)) {
            return answer;
        }
        let (amount, source, destination) = match self.parties(command) {
            Ok(parties) => parties,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let verdict = rule(amount, source, destination);
        let floor = source.updated_at.max(destination.updated_at);
        let customer = if source.is_system() { destination } else { source };
        let (created_at, id) = stamps.next(floor, customer.id.bucket());
        let (source, destination, currency) = (source.id, destination.id, source.currency);
        let texts = Texts::of(&command.action);
        let failure = verdict.as_ref().err().copied();
        let transfer = Transfer {
            id,
            kind: command.action.kind(),
            status: if failure.is_some() {
                TransferStatus::Failed
            } else {
                TransferStatus::Completed
            },
            source,
            destination,
            amount,
            currency,
            method: texts.method.cloned(),
            description: texts.description.cloned().filter(|_| failure.is_none()),
            metadata: texts.metadata.cloned().filter(|_| failure.is_none()),
            failure,
            idempotency: command.idempotency,
            created_at,
        };
        if let Ok(balances) = verdict {
            self.post(&transfer, source, amount.negated(), balances.source);
            self.post(&transfer, destination, amount, balances.destination);
        }
        self.record(transfer)
    }

    /// Closes the book: what is to be written, sorted by wallet id.
    #[must_use]
    pub fn close(self) -> Changes {
        let mut changes = Changes {
            transfers: self.transfers,
            entries: self.entries,
            ..Changes::default()
        };
        for page in self.pages.into_values() {
            if page.now != page.read {
                changes.wallets.push(WalletChange {
                    read: page.read,
                    now: page.now,
                });
            } else if page.decided_on {
                changes.confirmed.push(page.read);
            }
        }
        changes.wallets.sort_unstable_by_key(|change| change.read.id);
        changes.confirmed.sort_unstable_by_key(|wallet| wallet.id);
        changes
            .entries
            .sort_unstable_by_key(|entry| (entry.wallet, entry.transfer));
        changes
    }

    /// A wallet as the book has it now.
    #[must_use]
    pub fn wallet(&self, id: WalletId) -> Option<&Wallet> {
        self.pages.get(&id).map(|page| &page.now)
    }

    fn replay(&self, idempotency: Idempotency) -> Option<Outcome> {
        let stored = self.by_key.get(&idempotency.key)?;
        if stored.idempotency != Some(idempotency) {
            return Some(Outcome::KeyReused);
        }
        Some(Outcome::Recorded {
            transfer: stored.clone(),
            replayed: true,
        })
    }

    /// The rules whose answer is not recorded.
    fn parties(&self, command: &Command) -> Result<(Money, &Wallet, &Wallet), Refusal> {
        let amount = command.action.amount().filter(|amount| *amount > Money::ZERO);
        let amount = amount.ok_or(Refusal::InvalidAmount)?;
        let (source, destination) = match &command.action {
            Action::Move(Movement {
                source, destination, ..
            }) => (self.own(command.actor, *source)?, self.customers(*destination)?),
            Action::Pay(payment) => self.payment_sides(command.actor, payment)?,
        };
        if source.id == destination.id {
            return Err(Refusal::SameWallet);
        }
        Ok((amount, source, destination))
    }

    /// A customer's wallet. A system wallet only takes part in deposits and withdrawals, as the side of their method.
    fn customers(&self, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.wallet(id).filter(|wallet| !wallet.is_system());
        wallet.ok_or(Refusal::WalletNotFound)
    }

    /// A wallet of the actor's own.
    fn own(&self, actor: Actor, id: WalletId) -> Result<&Wallet, Refusal> {
        let wallet = self.customers(id)?;
        if wallet.owner == Some(actor.user) {
            Ok(wallet)
        } else {
            Err(Refusal::WalletNotFound)
        }
    }

    /// The customer's wallet before the method, in the order of the refusals.
    fn payment_sides(&self, actor: Actor, payment: &Payment) -> Result<(&Wallet, &Wallet), Refusal> {
        let wallet = match payment.direction {
            Direction::Out if !actor.is_operator() => self.own(actor, payment.wallet)?,
            Direction::In | Direction::Out => self.customers(payment.wallet)?,
        };
        let method = self.methods(payment.system)?;
        Ok(match payment.direction {
            Direction::In => (method, wallet),
            Direction::Out => (wallet, method),
        })
    }

    /// The system wallet of a payment method. A method that is not open has none, or one that is not in the database.
    fn methods(&self, id: Option<WalletId>) -> Result<&Wallet, Refusal> {
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
        if let Some(idempotency) = transfer.idempotency {
            self.by_key.insert(idempotency.key, transfer.clone());
        }
        self.transfers.push(transfer.clone());
        Outcome::Recorded {
            transfer,
            replayed: false,
        }
    }
}

/// What a transfer keeps of its action as text.
#[derive(Default)]
struct Texts<'a> {
    method: Option<&'a Method>,
    description: Option<&'a String>,
    metadata: Option<&'a String>,
}

impl<'a> Texts<'a> {
    fn of(action: &'a Action) -> Self {
        match action {
            Action::Move(movement) => Self {
                method: None,
                description: movement.description.as_ref(),
                metadata: movement.metadata.as_ref(),
            },
            Action::Pay(payment) => Self {
                method: Some(&payment.method),
                ..Self::default()
            },
        }
    }
}

struct Balances {
    source: Money,
    destination: Money,
}

/// The rules whose answer is recorded, in their order. Either side frozen or closed counts; only customers' wallets
/// must cover the amount; any wallet, system wallets too, must stay in range.
fn rule(amount: Money, source: &Wallet, destination: &Wallet) -> Result<Balances, Failure> {
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
