//! Webhooks: what arrives, in which order and at which pace, whatever the receiver does; and whose events they are.

mod addresses;
mod answers;
mod backlog;
mod basics;
mod disabled;
mod order;
mod owners;
mod pauses;
mod personal_data;
mod replays;
mod replicas;
mod secrets;
mod unordered;

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Caller, Customer, EventPoller, HookReceiver, ReceivedHook, TestBank, TestWebhook};
use serde_json::{Value, json};

/// Longer than the longest pause between two attempts.
pub const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(11);
/// Longer than the first pause, and shorter than two of them.
pub const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(6);

/// Ana has 100, Ben has nothing, there is an operator and a receiver, and the bank sends webhooks.
pub struct HookStage {
    pub bank: Arc<TestBank>,
    pub receiver: HookReceiver,
    pub ana: Customer,
    pub ben: Customer,
    pub operator: Caller,
}

impl HookStage {
    pub async fn set(bank: &Arc<TestBank>) -> Self {
        let stage = Self {
            ana: bank.customer_with("ana", "100").await,
            ben: bank.customer("ben").await,
            operator: bank.operator().await,
            receiver: HookReceiver::start().await,
            bank: bank.clone(),
        };
        bank.tells_events();
        stage
    }

    /// A webhook of a caller, for all that they see, to a path of the receiver.
    pub async fn hook(&self, caller: &Caller, path: &str) -> TestWebhook {
        self.hook_with(caller, path, json!({})).await
    }

    /// The same with further fields.
    pub async fn hook_with(&self, caller: &Caller, path: &str, more: Value) -> TestWebhook {
        TestWebhook::make(caller, &self.receiver.url(path), more).await
    }

    /// Ana pays Ben; gives the transfer.
    pub async fn paid(&self) -> Value {
        let body = json!({
            "source_wallet_id": self.ana.wallet, "destination_wallet_id": self.ben.wallet, "amount": "0.01",
        });
        self.ana.caller.post("/v1/transfers", body).await.expect(201)
    }

    /// Ana pays Ben with a new token: hers may have ended, since tokens last fifteen minutes.
    pub async fn pay_anew(&self) -> Value {
        let body = json!({
            "source_wallet_id": self.ana.wallet, "destination_wallet_id": self.ben.wallet, "amount": "0.01",
        });
        let ana = self.bank.sign_in(&self.ana.email).await;
        ana.post("/v1/transfers", body).await.expect(201)
    }

    /// Ana pays Ben so many times; gives the ids of the transfers, in order.
    pub async fn pays(&self, times: usize) -> Vec<Value> {
        let mut paid = Vec::new();
        for _ in 0..times {
            paid.push(self.paid().await["id"].clone());
        }
        paid
    }

    /// Where the journal ends now.
    pub async fn end(&self) -> String {
        let mut poller = EventPoller::new(&self.operator, "limit=500");
        poller.rest().await;
        poller.after.expect("a page has a cursor")
    }

    /// What a caller sees in the feed after a cursor.
    pub async fn feed(&self, caller: &Caller, after: &str) -> Vec<Value> {
        let mut poller = EventPoller::new(caller, "limit=500").after(after);
        poller.rest().await.to_vec()
    }
}

/// What requests are about: the ids of the objects in their events.
pub fn subjects(hooks: &[ReceivedHook]) -> Vec<Value> {
    hooks.iter().map(|hook| hook.event()["data"]["id"].clone()).collect()
}

/// The `webhook-id`s of requests.
pub fn ids(hooks: &[ReceivedHook]) -> Vec<&str> {
    hooks.iter().map(ReceivedHook::id).collect()
}
