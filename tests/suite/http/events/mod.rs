//! The feed over HTTP: which events there are, who sees which of them and how much, pages, and the stream.

mod actors;
mod filters;
mod keys;
mod pages;
mod stream;
mod stream_ends;
mod types;
mod visibility;

use std::sync::Arc;

use harness::{Answer, Caller, Customer, EventPoller, TestBank};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::WalletId;

const EVENTS: &str = "/v1/events";

/// The fields of an event, in their order.
const EVENT: [&str; 6] = ["id", "type", "at", "data", "actor_id", "request_id"];

/// Ana has 100, Ben has nothing, and there is an operator.
pub struct EventStage {
    pub ana: Customer,
    pub ben: Customer,
    pub operator: Caller,
}

impl EventStage {
    pub async fn set(bank: &Arc<TestBank>) -> Self {
        let stage = Self {
            ana: bank.customer_with("ana", "100").await,
            ben: bank.customer("ben").await,
            operator: bank.operator().await,
        };
        bank.tells_events();
        stage
    }

    /// The body of a transfer from Ana to Ben.
    pub fn pay(&self, amount: &str) -> Value {
        json!({ "source_wallet_id": self.ana.wallet, "destination_wallet_id": self.ben.wallet, "amount": amount })
    }

    /// The body of the hold of one.
    pub fn hold(&self, amount: &str) -> Value {
        let mut body = self.pay(amount);
        body["hold"] = json!(true);
        body
    }

    /// Ana pays Ben.
    pub async fn paid(&self, amount: &str) -> Value {
        let paid = self.ana.caller.post("/v1/transfers", self.pay(amount)).await;
        paid.expect(201)
    }

    /// Ana promises Ben some money.
    pub async fn held(&self, amount: &str) -> Value {
        let held = self.ana.caller.post("/v1/transfers", self.hold(amount)).await;
        held.expect(201)
    }

    /// Ana pays more than she has; gives the recorded transfer's id.
    pub async fn refused(&self) -> Value {
        let refused = self.ana.caller.post("/v1/transfers", self.pay("9000")).await;
        refused.expect_problem(422, "insufficient_funds");
        refused.json["transfer_id"].clone()
    }

    /// Where the journal ends now, as the operator sees it.
    pub async fn now(&self) -> String {
        let mut poller = EventPoller::new(&self.operator, "");
        poller.rest().await;
        poller.after.expect("a page has a cursor")
    }

    /// All that a caller sees after a cursor.
    pub async fn seen(&self, caller: &Caller, query: &str, after: &str) -> Vec<Value> {
        let mut poller = EventPoller::new(caller, query).after(after);
        poller.rest().await.to_vec()
    }
}

/// A path of a transfer, or of what is done with it.
pub fn path_of(transfer: &Value, rest: &str) -> String {
    let id = transfer["id"].as_str().expect("a transfer has an id");
    format!("/v1/transfers/{id}{rest}")
}

pub fn wallet_path(wallet: WalletId, rest: &str) -> String {
    format!("/v1/wallets/{wallet}{rest}")
}

/// A request with an id of the client's own.
pub async fn ask(caller: &Caller, (method, path): (Method, &str), id: &str, body: Value) -> Answer {
    let request = caller.request(method, path).header("x-request-id", id);
    Answer::of(request.json(&body)).await
}

/// The values of one field of events.
pub fn each<'a>(events: &'a [Value], field: &str) -> Vec<&'a Value> {
    events.iter().map(|event| &event[field]).collect()
}

/// The ids of what the events are about.
pub fn subjects(events: &[Value]) -> Vec<&Value> {
    events.iter().map(|event| &event["data"]["id"]).collect()
}

/// Fails unless an event has exactly its fields, in their order.
#[track_caller]
pub fn is_event(event: &Value) {
    let object = event.as_object().unwrap_or_else(|| panic!("no object: {event}"));
    assert_eq!(object.keys().collect::<Vec<_>>(), EVENT, "{event}");
}
