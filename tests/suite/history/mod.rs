//! A wallet's history by time: balances at any moment, and statements of any range in every form.

mod balances;
mod camt;
mod definition;
mod forms;
mod message;
mod ranges;
mod streams;

use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta};
use harness::{Answer, Caller, Customer, TestBank};
use reqwest::Method;
use serde_json::Value;
use service::transfers::{Asking, HoldTerms, NewTransfer};
use service::values::{Timestamp, TransferId, WalletId};

use crate::life::{capture, reverse};
use crate::requests::{items, new_transfer, submit, wallet_path, withdraw};

/// Ana's wallet, through which every kind of transfer has gone.
pub struct Account {
    pub bank: Arc<TestBank>,
    pub ana: Customer,
    pub ben: Customer,
    pub operator: Caller,
}

impl Account {
    /// Seven entries of Ana's, some milliseconds apart, and a refusal after them.
    pub async fn open(bank: &Arc<TestBank>) -> Self {
        let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
        bank.open_method("wire", "USD").await;
        let account = Self {
            operator: bank.operator().await,
            bank: bank.clone(),
            ana,
            ben,
        };
        let rent = account.pay(&account.ana, &account.ben, "30.5").await;
        account.pay(&account.ben, &account.ana, "0.0001").await;
        account.hold_and_capture().await;
        account.hold_and_void().await;
        let (services, ana) = (&bank.services, &account.ana);
        let paid_out = withdraw(services, &ana.actor, ana.wallet, "7.25").await;
        paid_out.expect("there is enough");
        account.later().await;
        let operator = bank.operator_actor().await;
        let back = reverse(services, &operator, rent, Some("10")).await;
        back.expect("ben has it");
        account.later().await;
        let too_much = submit(
            services,
            &ana.actor,
            new_transfer(ana.wallet, account.ben.wallet, "1000"),
        )
        .await;
        too_much.expect_err("there is not enough");
        account
    }

    async fn pay(&self, payer: &Customer, payee: &Customer, amount: &str) -> TransferId {
        self.later().await;
        let new = NewTransfer {
            description: Some(format!("{amount} from {}", payer.email)),
            ..new_transfer(payer.wallet, payee.wallet, amount)
        };
        let paid = submit(&self.bank.services, &payer.actor, new).await;
        paid.expect("there is enough").transfer.transfer.id
    }

    async fn hold(&self, amount: &str) -> TransferId {
        self.later().await;
        let new = NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new_transfer(self.ana.wallet, self.ben.wallet, amount)
        };
        let held = submit(&self.bank.services, &self.ana.actor, new).await;
        held.expect("there is enough").transfer.transfer.id
    }

    async fn hold_and_capture(&self) {
        let hold = self.hold("20").await;
        for (amount, is_final) in [("5", false), ("10", true)] {
            self.later().await;
            let captured = capture(
                &self.bank.services,
                self.ben.actor.clone(),
                hold,
                Some(amount),
                is_final,
            )
            .await;
            captured.expect("it is open");
        }
    }

    async fn hold_and_void(&self) {
        let hold = self.hold("3").await;
        self.later().await;
        let transfers = &self.bank.services.transfers;
        let voided = transfers.void(Asking::by(&self.ben.actor), hold).await;
        voided.expect("it is open");
        self.later().await;
    }

    async fn later(&self) {
        self.bank.advance(TimeDelta::milliseconds(3)).await;
    }

    /// Ana's entries, oldest first.
    pub async fn entries(&self) -> Vec<Value> {
        let mut entries = items(&self.ana.caller, &wallet_path(self.ana.wallet, "/entries")).await;
        entries.reverse();
        assert_eq!(entries.len(), 7);
        entries
    }

    /// When Ana's wallet was opened.
    pub async fn opened(&self) -> Timestamp {
        let wallet = self.ana.caller.get(&wallet_path(self.ana.wallet, "")).await;
        time_of(&wallet.expect(200)["created_at"])
    }

    /// The time of the newest record.
    pub async fn head(&self) -> Timestamp {
        harness::journal::head(&self.bank.db.write).await.at
    }
}

/// A statement as JSON; `query` is what follows the `?`.
pub async fn statement(caller: &Caller, wallet: WalletId, query: &str) -> Value {
    let path = wallet_path(wallet, &format!("/statement?{query}"));
    caller.get(&path).await.expect(200)
}

/// A statement in the form of a media type.
pub async fn statement_as(caller: &Caller, wallet: WalletId, accept: &str) -> Answer {
    let request = caller.request(Method::GET, &wallet_path(wallet, "/statement"));
    let answer = Answer::of(request.header("accept", accept)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// The entries of a statement.
pub fn entries_of(statement: &Value) -> &Vec<Value> {
    statement["entries"].as_array().expect("a statement has entries")
}

pub fn time_of(value: &Value) -> Timestamp {
    let text = value.as_str().expect("a time is a text");
    text.parse().expect("a time can be read")
}

pub fn text(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An amount in ten-thousandths.
pub fn units(text: &str) -> i64 {
    let (_, decimals) = text.split_once('.').expect("an amount has decimals");
    assert_eq!(decimals.len(), 4, "{text}");
    text.replace('.', "").parse().expect("an amount is a number")
}

pub fn micros(count: i64) -> TimeDelta {
    TimeDelta::microseconds(count)
}
