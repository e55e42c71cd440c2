//! The life of money after "move it now": holds, reversals, callers' batches, limits, dry runs.

pub mod acts;
mod batch_items;
mod batch_replays;
mod batches;
mod captures;
mod dry_runs;
mod expiry;
mod floods;
mod held_withdrawals;
mod holds;
mod keys;
mod limit_days;
mod limit_storms;
mod limits;
mod lists;
mod operations;
mod outflow;
mod payees;
mod precedence;
mod races;
mod replicas;
mod reversals;
mod stopped_wallets;
mod waiting;
mod written_once;

use std::sync::Arc;

use harness::TestBank;
use service::Services;
use service::identity::Actor;
use service::transfers::{
    AskedAmount, Asking, HoldTerms, NewCapture, NewPayment, NewReversal, NewTransfer, ShownTransfer, TransferError,
    TransferOutcome,
};
use service::values::{Method, TransferId, WalletId};

use crate::requests::{money, new_transfer, quiet_customer};

/// Ana has 100, ben has nothing, and there is an operator.
pub struct LifeStage {
    pub services: Arc<Services>,
    pub ana: (Actor, WalletId),
    pub ben: (Actor, WalletId),
    pub operator: Actor,
}

pub type Answer = Result<TransferOutcome, TransferError>;

impl LifeStage {
    pub async fn set(bank: &Arc<TestBank>) -> Self {
        let ana = quiet_customer(bank, "ana").await;
        let ben = quiet_customer(bank, "ben").await;
        bank.fund(ana.1, "100", "visa").await;
        Self {
            services: bank.services.clone(),
            operator: bank.operator_actor().await,
            ana,
            ben,
        }
    }

    /// Ana's money, held for ben for an hour.
    pub async fn hold(&self, amount: &str) -> TransferId {
        let held = self
            .services
            .transfers
            .submit(Asking::by(&self.ana.0), self.new_hold(amount))
            .await;
        held.expect("there is enough").transfer.transfer.id
    }

    pub fn new_hold(&self, amount: &str) -> NewTransfer {
        NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new_transfer(self.ana.1, self.ben.1, amount)
        }
    }

    pub async fn pay(&self, amount: &str) -> Answer {
        let new = new_transfer(self.ana.1, self.ben.1, amount);
        self.services.transfers.submit(Asking::by(&self.ana.0), new).await
    }

    pub async fn capture(&self, actor: &Actor, hold: TransferId, amount: Option<&str>, is_final: bool) -> Answer {
        capture(&self.services, actor.clone(), hold, amount, is_final).await
    }

    pub async fn void(&self, actor: &Actor, hold: TransferId) -> Answer {
        self.services.transfers.void(Asking::by(actor), hold).await
    }

    pub async fn reverse(&self, original: TransferId, amount: Option<&str>) -> Answer {
        reverse(&self.services, &self.operator, original, amount).await
    }

    pub async fn get(&self, id: TransferId) -> ShownTransfer {
        let found = self.services.transfers.get(&self.operator, id).await;
        found.expect("the transfer is there")
    }

    /// Balance, held and available of a wallet.
    pub async fn amounts(&self, wallet: WalletId) -> [String; 3] {
        let wallet = self.services.wallets.get(&self.operator, wallet).await;
        let wallet = wallet.expect("the wallet is there");
        [wallet.balance, wallet.held, wallet.available()].map(|money| money.to_string())
    }

    pub async fn withdraw_later(&self, actor: &Actor, amount: &str) -> Answer {
        let method = Method::try_new("wire").expect("this is a method");
        let new = NewPayment {
            hold: Some(HoldTerms::DEFAULT),
            ..NewPayment::new(self.ana.1, Some(money(amount)), method)
        };
        self.services.transfers.withdraw(Asking::by(actor), new).await
    }
}

pub async fn capture(
    services: &Services,
    actor: Actor,
    hold: TransferId,
    amount: Option<&str>,
    is_final: bool,
) -> Answer {
    let new = NewCapture {
        hold,
        amount: asked(amount),
        is_final,
    };
    services.transfers.capture(Asking::by(&actor), new).await
}

pub async fn reverse(services: &Services, actor: &Actor, original: TransferId, amount: Option<&str>) -> Answer {
    let new = NewReversal {
        original,
        amount: asked(amount),
        description: None,
    };
    services.transfers.reverse(Asking::by(actor), new).await
}

fn asked(amount: Option<&str>) -> AskedAmount {
    amount.map_or(AskedAmount::Rest, |amount| AskedAmount::Exactly(Some(money(amount))))
}

/// The code of an answer: that of its refusal, or `done`.
pub fn code(answer: &Answer) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(TransferError::Refused(refusal)) => refusal.code(),
        Err(TransferError::Failed { failure, .. }) => failure.code(),
        Err(TransferError::KeyReused) => "idempotency_key_reused",
        Err(other) => panic!("{other:?}"),
    }
}
