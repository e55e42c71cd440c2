//! The life of money over HTTP: holds, captures, voids, reversals, batches, limits, payees and dry runs, each with the
//! fields that the contract promises.

mod batches;
mod dry_runs;
mod holds;
mod items;
mod limits;
mod payees;
mod reversals;

use std::sync::Arc;

use harness::{Answer, Caller, Customer, TestBank};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::WalletId;

/// The fields of a transfer, in their order.
const TRANSFER: [&str; 20] = [
    "id",
    "kind",
    "status",
    "source_wallet_id",
    "destination_wallet_id",
    "amount",
    "currency",
    "method",
    "description",
    "metadata",
    "failure_reason",
    "batch_id",
    "hold_id",
    "reverses",
    "reversed",
    "hold",
    "created_by",
    "api_key_id",
    "created_at",
    "completed_at",
];

/// The fields that a preview does not have.
const NOT_PREVIEWED: [&str; 3] = ["id", "created_at", "completed_at"];

/// A path of a transfer that does not exist.
const UNKNOWN: &str = "/v1/transfers/01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

/// Ana has 100, Ben has nothing, and there is an operator.
struct HttpStage {
    bank: Arc<TestBank>,
    ana: Customer,
    ben: Customer,
    operator: Caller,
}

impl HttpStage {
    async fn set(bank: &Arc<TestBank>) -> Self {
        Self {
            ana: bank.customer_with("ana", "100").await,
            ben: bank.customer("ben").await,
            operator: bank.operator().await,
            bank: bank.clone(),
        }
    }

    /// The body of a transfer from Ana to Ben.
    fn pay(&self, amount: &str) -> Value {
        json!({ "source_wallet_id": self.ana.wallet, "destination_wallet_id": self.ben.wallet, "amount": amount })
    }

    /// The body of the hold of one.
    fn hold(&self, amount: &str) -> Value {
        let mut body = self.pay(amount);
        body["hold"] = json!(true);
        body
    }

    /// Makes a transfer of Ana's.
    async fn made(&self, body: Value) -> Value {
        let made = self.ana.caller.post("/v1/transfers", body).await.expect(201);
        has_fields(&made, &TRANSFER);
        made
    }

    /// A transfer as an operator sees it now.
    async fn now(&self, transfer: &Value) -> Value {
        let shown = self.operator.get(&path_of(transfer, "")).await.expect(200);
        has_fields(&shown, &TRANSFER);
        shown
    }

    /// Balance, held and available of a wallet.
    async fn amounts(&self, wallet: WalletId) -> [String; 3] {
        let wallet = self.operator.get(&format!("/v1/wallets/{wallet}")).await.expect(200);
        ["balance", "held", "available"].map(|name| text(&wallet, name).to_owned())
    }

    /// The items of a list of an operator's.
    async fn list(&self, query: &str) -> Vec<Value> {
        let page = self.operator.get(&format!("/v1/transfers?{query}")).await.expect(200);
        page["items"].as_array().expect("a list has items").clone()
    }
}

/// A POST without a body.
pub async fn act(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::POST, path)).await
}

/// The path of a transfer, or of what is done with it.
fn path_of(transfer: &Value, rest: &str) -> String {
    format!("/v1/transfers/{}{rest}", text(transfer, "id"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let member = value[name].as_str();
    member.unwrap_or_else(|| panic!("{name} is no text: {value}"))
}

/// Fails unless an object has exactly these fields, in this order.
#[track_caller]
fn has_fields(value: &Value, names: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    assert_eq!(object.keys().collect::<Vec<_>>(), names, "{value}");
}

/// Fails unless a value is a transfer that is not made.
#[track_caller]
fn is_preview(value: &Value) {
    let names = TRANSFER.into_iter().filter(|name| !NOT_PREVIEWED.contains(name));
    has_fields(value, &names.collect::<Vec<_>>());
}
