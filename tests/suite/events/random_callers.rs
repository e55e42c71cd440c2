//! Callers who do at random all that makes events.

use std::sync::Arc;

use harness::TestBank;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use service::Services;
use service::identity::Actor;
use service::transfers::{Asking, HoldTerms, NewBatch, NewPayment, NewTransfer, TransferError, TransferOutcome};
use service::values::{Currency, Method, TransferId, WalletId};
use service::wallets::{Expected, WalletError};

use crate::life::{capture, reverse};
use crate::requests::{money, new_transfer, quiet_customer};

/// Customers with money, an operator, and a method by which money is paid in and out.
#[derive(Clone)]
pub struct CallerStage {
    pub customers: Arc<Vec<(Actor, WalletId)>>,
    pub operator: Actor,
}

/// One caller. It remembers what it has done, so that it can capture, void and reverse it.
pub struct RandomCaller {
    stage: CallerStage,
    services: Arc<Services>,
    dice: SmallRng,
    /// Holds, with the customer who may end them.
    holds: Vec<(TransferId, usize)>,
    paid: Vec<TransferId>,
}

impl CallerStage {
    pub async fn of(bank: &TestBank, customers: usize) -> Self {
        let mut made = Vec::new();
        for number in 0..customers {
            let customer = quiet_customer(bank, &format!("customer{number}")).await;
            bank.fund(customer.1, "1000", "visa").await;
            made.push(customer);
        }
        Self {
            customers: Arc::new(made),
            operator: bank.operator_actor().await,
        }
    }

    /// A caller of a replica; the same seed does the same.
    pub fn caller(&self, services: &Arc<Services>, seed: u64) -> RandomCaller {
        RandomCaller {
            stage: self.clone(),
            services: services.clone(),
            dice: SmallRng::seed_from_u64(seed),
            holds: Vec::new(),
            paid: Vec::new(),
        }
    }
}

impl RandomCaller {
    /// Does something so many times, one after the other. Refusals are as good as what is done.
    pub async fn act(mut self, times: usize) {
        for _ in 0..times {
            match self.dice.random_range(0..14) {
                0..=3 => self.pays("0.01").await,
                4 => self.pays("90000").await,
                5 | 6 => self.holds().await,
                7 => self.captures().await,
                8 => self.voids().await,
                9 => self.pays_in_or_out().await,
                10 => self.takes_back().await,
                11 => self.stops_and_goes_on().await,
                12 => self.pays_several().await,
                _ => self.opens_a_wallet().await,
            }
        }
    }

    fn customer(&mut self) -> usize {
        self.dice.random_range(0..self.stage.customers.len())
    }

    /// Two customers, who may be the same, and what one sends to the other.
    fn transfer(&mut self, amount: &str) -> (Actor, NewTransfer, usize) {
        let (from, to) = (self.customer(), self.customer());
        let (actor, source) = self.stage.customers[from].clone();
        (actor, new_transfer(source, self.stage.customers[to].1, amount), to)
    }

    async fn pays(&mut self, amount: &str) {
        let (actor, new, _) = self.transfer(amount);
        let paid = self.services.transfers.submit(Asking::by(&actor), new).await;
        self.paid.extend(settled(paid));
    }

    async fn holds(&mut self) {
        let (actor, new, to) = self.transfer("0.02");
        let new = NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new
        };
        let held = self.services.transfers.submit(Asking::by(&actor), new).await;
        self.holds.extend(settled(held).map(|hold| (hold, to)));
    }

    async fn captures(&mut self) {
        let Some((hold, owner)) = self.holds.last().copied() else {
            return self.holds().await;
        };
        let is_final = self.dice.random_bool(0.5);
        let actor = self.stage.customers[owner].0.clone();
        settled(capture(&self.services, actor, hold, Some("0.01"), is_final).await);
        if is_final {
            self.holds.pop();
        }
    }

    async fn voids(&mut self) {
        let Some((hold, owner)) = self.holds.pop() else {
            return self.holds().await;
        };
        let actor = &self.stage.customers[owner].0;
        settled(self.services.transfers.void(Asking::by(actor), hold).await);
    }

    async fn pays_in_or_out(&mut self) {
        let customer = self.customer();
        let (actor, wallet) = self.stage.customers[customer].clone();
        let method = Method::try_new("visa").expect("this is a method");
        let payment = NewPayment::new(wallet, Some(money("0.05")), method);
        let transfers = &self.services.transfers;
        if self.dice.random_bool(0.5) {
            settled(transfers.deposit(Asking::by(&self.stage.operator), payment).await);
        } else {
            settled(transfers.withdraw(Asking::by(&actor), payment).await);
        }
    }

    async fn takes_back(&mut self) {
        if let Some(paid) = self.paid.pop() {
            settled(reverse(&self.services, &self.stage.operator, paid, None).await);
        }
    }

    async fn stops_and_goes_on(&mut self) {
        let customer = self.customer();
        let wallet = self.stage.customers[customer].1;
        let (wallets, operator) = (&self.services.wallets, &self.stage.operator);
        changed(wallets.freeze(operator, wallet, None, Expected::Anything).await);
        changed(wallets.unfreeze(operator, wallet, None, Expected::Anything).await);
    }

    async fn pays_several(&mut self) {
        let (actor, new, _) = self.transfer("0.01");
        let batch = NewBatch {
            is_atomic: self.dice.random_bool(0.5),
            transfers: vec![new; 5],
        };
        match self.services.transfers.batch(Asking::by(&actor), batch).await {
            Ok(_)
            | Err(TransferError::Refused(_) | TransferError::Failed { .. } | TransferError::BatchRefused { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }

    async fn opens_a_wallet(&mut self) {
        let customer = self.customer();
        let codes = ["EUR", "GBP", "JPY", "CHF"];
        let code = codes[self.dice.random_range(0..codes.len())];
        let currency = Currency::from_code(code).expect("this is a currency");
        changed(
            self.services
                .wallets
                .open(&self.stage.customers[customer].0, currency)
                .await,
        );
    }
}

/// The transfer that was made; `None` after a refusal. A fault fails the test.
fn settled(answer: Result<TransferOutcome, TransferError>) -> Option<TransferId> {
    match answer {
        Ok(outcome) => Some(outcome.transfer.transfer.id),
        Err(TransferError::Refused(_) | TransferError::Failed { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Fails after a fault; a refusal is as good as a change.
fn changed<T>(answer: Result<T, WalletError>) {
    if let Err(error @ (WalletError::Submit(_) | WalletError::Fault(_))) = answer {
        panic!("{error}");
    }
}
