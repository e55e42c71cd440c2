//! Follows the instructions of a history on a bank, through one of its replicas, as a handler does.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::TestBank;
use proptest::prelude::*;
use service::Services;
use service::clock::Clock;
use service::identity::Actor;
use service::transfers::{
    AskedAmount, Asking, BatchAnswer, Failure, HoldTerms, IdempotencyKey, NewBatch, NewCapture, NewDestination,
    NewPayment, NewReversal, NewTransfer, Refusal, ShownTransfer, TransferError, TransferOutcome,
};
use service::values::{Method, Money, Role, Timestamp, TransferId, WalletId, WalletStatus};
use service::wallets::{Expected, Wallet, WalletError, WalletLimits};

use crate::case_rows::{insert_users, user_row};
use crate::cases::{currency, money};
use crate::life_instructions::{
    CUSTOMERS, Cash, Decided, Decision, Instruction, LifePayment, OPERATOR, Operation, Reason,
};
use crate::life_model::{ChangedWallet, ModelLimits, SeenWallet};
use crate::life_steps::WALLETS;
use crate::list_case::failed;
use crate::model::Name;

/// No wallet and no transfer has this id.
const UNKNOWN: uuid::Uuid = uuid::Uuid::from_u128(1);

/// New customers on a bank, and what they have done since the case began.
pub struct LifeCase {
    pub bank: Arc<TestBank>,
    replicas: Vec<Arc<Services>>,
    /// The customers, then the operator.
    pub actors: Vec<Actor>,
    pub wallets: Vec<WalletId>,
    /// Every transfer of this case was created at this time or later, and every other one before.
    pub began: Timestamp,
    /// The transfers that were answered, in the order of the plain bank's records.
    pub transfers: Vec<TransferId>,
}

impl LifeCase {
    /// Customers with empty wallets.
    pub async fn begin(
        bank: &Arc<TestBank>,
        replicas: &[Arc<Services>],
        operator: Actor,
    ) -> Result<Self, TestCaseError> {
        // The bank dates each record a microsecond after the one before, so its time may be ahead of the clock.
        bank.advance(TimeDelta::seconds(1)).await;
        let began = bank.clock.now();
        let rows: Vec<_> = (0..CUSTOMERS).map(|_| user_row(began)).collect();
        let customers = rows.iter().map(|row| Actor::new(row.id, Role::Customer));
        let actors: Vec<Actor> = customers.chain([operator]).collect();
        insert_users(&bank.db, rows).await;
        let mut wallets = Vec::new();
        for (owner, in_currency) in WALLETS {
            let opened = bank.services.wallets.open(&actors[owner], currency(in_currency));
            wallets.push(opened.await.map_err(failed)?.id);
        }
        Ok(Self {
            bank: bank.clone(),
            replicas: replicas.to_vec(),
            actors,
            wallets,
            began,
            transfers: Vec::new(),
        })
    }

    /// Follows an instruction through a replica.
    pub async fn ask(&mut self, replica: usize, instruction: &Instruction) -> Result<Decision, TestCaseError> {
        let services = self.replicas[replica].clone();
        let transfers = &services.transfers;
        let asking = Asking::by(&self.actors[instruction.asker]).with_key(self.key(instruction.key));
        let answer = match &instruction.operation {
            Operation::Batch { is_atomic, payments } => {
                let new = NewBatch {
                    is_atomic: *is_atomic,
                    transfers: payments.iter().map(|payment| self.new_transfer(payment)).collect(),
                };
                let answer = transfers.batch(asking, new).await;
                return self.decision_on_batch(answer);
            }
            Operation::Transfer(payment) => transfers.submit(asking, self.new_transfer(payment)).await,
            Operation::Deposit(cash) => transfers.deposit(asking, self.new_payment(cash)).await,
            Operation::Withdrawal(cash) => transfers.withdraw(asking, self.new_payment(cash)).await,
            Operation::Capture { hold, part, is_final } => {
                let new = NewCapture {
                    hold: self.transfer(*hold),
                    amount: asked(*part),
                    is_final: *is_final,
                };
                transfers.capture(asking, new).await
            }
            Operation::Void { hold } => transfers.void(asking, self.transfer(*hold)).await,
            Operation::Reversal { original, part } => {
                let new = NewReversal {
                    original: self.transfer(*original),
                    amount: asked(*part),
                    description: None,
                };
                transfers.reverse(asking, new).await
            }
        };
        self.decision(answer)
    }

    /// Freezes, unfreezes or closes.
    pub async fn set_status(
        &self,
        replica: usize,
        wallet: usize,
        status: WalletStatus,
    ) -> Result<ChangedWallet, TestCaseError> {
        let (wallets, operator) = (&self.replicas[replica].wallets, self.actors[OPERATOR].clone());
        let id = self.wallets[wallet];
        let changed = match status {
            WalletStatus::Active => wallets.unfreeze(&operator, id, None, Expected::Anything).await,
            WalletStatus::Frozen => wallets.freeze(&operator, id, None, Expected::Anything).await,
            WalletStatus::Closed => wallets.close(&operator, id, Expected::Anything).await,
        };
        seen_or_refused(changed)
    }

    /// Sets limits.
    pub async fn set_limits(
        &self,
        replica: usize,
        wallet: usize,
        [per_transfer, per_day_amount, per_day_count]: ModelLimits,
    ) -> Result<ChangedWallet, TestCaseError> {
        let limits = WalletLimits {
            per_transfer: per_transfer.map(money),
            per_day_amount: per_day_amount.map(money),
            per_day_count,
        };
        let (wallets, operator) = (&self.replicas[replica].wallets, self.actors[OPERATOR].clone());
        let changed = wallets
            .set_limits(&operator, self.wallets[wallet], limits, Expected::Anything)
            .await;
        seen_or_refused(changed)
    }

    /// Releases the holds that have run out; gives on how many wallets there were any.
    pub async fn sweep(&self, replica: usize) -> Result<usize, TestCaseError> {
        self.replicas[replica].transfers.expire_holds().await.map_err(failed)
    }

    pub async fn pass(&self, seconds: i64) {
        self.bank.advance(TimeDelta::seconds(seconds)).await;
    }

    /// A wallet as the operator sees it.
    pub async fn seen(&self, wallet: usize) -> Result<SeenWallet, TestCaseError> {
        let wallets = &self.bank.services.wallets;
        let found = wallets.get(&self.actors[OPERATOR], self.wallets[wallet]).await;
        found.map(|wallet| seen(&wallet)).map_err(failed)
    }

    /// The case's name for a payment method. The case's time is part of it, so that each case has system wallets of its
    /// own.
    pub fn method(&self, method: u8) -> Method {
        Method::try_new(format!("m{}_{method}", self.began.timestamp())).expect("letters, digits and _ make a method")
    }

    fn key(&self, key: Option<u8>) -> Option<IdempotencyKey> {
        // All cases share the operator, and a used key stays used.
        let name = format!("{}-{}", self.began.timestamp(), key?);
        IdempotencyKey::try_new(&name)
    }

    /// The id of a customer's wallet, or an id without a wallet.
    fn wallet(&self, name: Name) -> WalletId {
        match name {
            Name::Customer(index) => self.wallets[index],
            Name::System { .. } | Name::Nobody => WalletId(UNKNOWN),
        }
    }

    fn transfer(&self, record: Option<usize>) -> TransferId {
        record.map_or(TransferId(UNKNOWN), |record| self.transfers[record])
    }

    fn new_transfer(&self, payment: &LifePayment) -> NewTransfer {
        NewTransfer {
            source: self.wallet(payment.source),
            destination: NewDestination::Wallet(self.wallet(payment.destination)),
            amount: Some(money(payment.units)),
            description: None,
            metadata: None,
            hold: payment.seconds.and_then(HoldTerms::try_new),
        }
    }

    fn new_payment(&self, cash: &Cash) -> NewPayment {
        let (wallet, method) = (self.wallet(cash.wallet), self.method(cash.method));
        NewPayment {
            hold: cash.seconds.and_then(HoldTerms::try_new),
            ..NewPayment::new(wallet, Some(money(cash.units)), method)
        }
    }

    fn decision(&mut self, answer: Result<TransferOutcome, TransferError>) -> Result<Decision, TestCaseError> {
        let (item, replayed) = match answer {
            Ok(outcome) => (Ok(outcome.transfer), outcome.replayed),
            Err(error) => {
                let is_replayed = matches!(error, TransferError::Failed { replayed: true, .. });
                (Err(error), is_replayed)
            }
        };
        let item = self.decided(item, replayed)?;
        Ok(Decision {
            replayed,
            ..Decision::of(item)
        })
    }

    fn decision_on_batch(&mut self, answer: Result<BatchAnswer, TransferError>) -> Result<Decision, TestCaseError> {
        let (items, at_fault, replayed) = match answer {
            Ok(answer) => (answer.items, None, answer.replayed),
            Err(TransferError::BatchRefused {
                index, error, replayed, ..
            }) => (vec![Err(*error)], Some(index), replayed),
            Err(error) => (vec![Err(error)], None, false),
        };
        let items: Result<Vec<Decided>, TestCaseError> =
            items.into_iter().map(|item| self.decided(item, replayed)).collect();
        Ok(Decision {
            items: items?,
            at_fault,
            replayed,
        })
    }

    fn decided(
        &mut self,
        item: Result<ShownTransfer, TransferError>,
        replayed: bool,
    ) -> Result<Decided, TestCaseError> {
        Ok(match item {
            Ok(shown) => Decided::Made {
                record: self.record(shown.transfer.id, replayed)?,
                units: shown.transfer.amount.units(),
                released: shown.transfer.released.map_or(0, Money::units),
            },
            Err(TransferError::Failed {
                failure,
                transfer: Some(id),
                ..
            }) => Decided::Failed {
                record: self.record(id, replayed)?,
                reason: reason_of_failure(failure),
            },
            Err(TransferError::Refused(refusal)) => Decided::Refused(reason_of_refusal(refusal)),
            Err(TransferError::KeyReused) => Decided::Refused(("idempotency_key_reused", None)),
            Err(error) => return Err(failed(error)),
        })
    }

    /// The record that a transfer is: a new one unless it was answered before.
    fn record(&mut self, id: TransferId, replayed: bool) -> Result<usize, TestCaseError> {
        let known = self.transfers.iter().position(|known| *known == id);
        match (known, replayed) {
            (Some(record), true) => Ok(record),
            (None, false) => {
                self.transfers.push(id);
                Ok(self.transfers.len() - 1)
            }
            (Some(_), false) => Err(TestCaseError::fail(format!("{id} was made twice"))),
            (None, true) => Err(TestCaseError::fail(format!(
                "{id} is replayed, but was not answered before"
            ))),
        }
    }
}

fn reason_of_failure(failure: Failure) -> Reason {
    (failure.stored(), failure.available().map(Money::units))
}

fn reason_of_refusal(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::HoldClosed { has_expired: true } => ("hold_closed: expired", None),
        Refusal::AmountExceedsHold { remaining } | Refusal::AmountExceedsOriginal { remaining } => {
            (refusal.code(), Some(remaining.units()))
        }
        Refusal::InvalidAmount
        | Refusal::WalletNotFound
        | Refusal::PayeeNotFound
        | Refusal::TransferNotFound
        | Refusal::Forbidden
        | Refusal::UnknownMethod
        | Refusal::NotAHold
        | Refusal::NotReversible
        | Refusal::HoldClosed { has_expired: false }
        | Refusal::SameWallet => (refusal.code(), None),
    }
}

fn seen_or_refused(changed: Result<Wallet, WalletError>) -> Result<ChangedWallet, TestCaseError> {
    match changed {
        Ok(wallet) => Ok(Ok(seen(&wallet))),
        Err(WalletError::Closed) => Ok(Err("wallet_closed")),
        Err(WalletError::NotEmpty) => Ok(Err("wallet_not_empty")),
        Err(error) => Err(failed(error)),
    }
}

fn seen(wallet: &Wallet) -> SeenWallet {
    let limits = wallet.limits.as_deref().map(|state| state.limits).unwrap_or_default();
    let limits = [
        limits.per_transfer.map(Money::units),
        limits.per_day_amount.map(Money::units),
        limits.per_day_count,
    ];
    (wallet.balance.units(), wallet.held.units(), wallet.status, limits)
}

fn asked(part: Option<i64>) -> AskedAmount {
    part.map_or(AskedAmount::Rest, |units| AskedAmount::Exactly(Some(money(units))))
}
