//! A receipt shows the other side no balance, no key and no text.

use std::sync::Arc;

use entity::{ledger, transfers};
use harness::{Caller, TestBank, on_every_backend};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service::actor::Actor;
use service::db::hex;
use service::values::TransferId;
use uuid::Uuid;

use super::proved;

on_every_backend!(the_other_side_learns_no_secret, a_refusal_shows_no_balance);

const KEY: &str = "order-key-4711";
const DESCRIPTION: &str = "rent of march";
const METADATA: &str = "flat seventeen";

/// A transfer of ana's program, with everything that can be secret.
async fn ask(program: &Caller, body: Value) -> Value {
    let mut body = body;
    body["description"] = json!(DESCRIPTION);
    body["metadata"] = json!({ "note": METADATA });
    program.post_once("/v1/transfers", KEY, body).await.json
}

/// An amount as text, and as the eight bytes that enter a leaf.
fn amount(text: &str) -> [String; 2] {
    let units = service::values::Money::parse_unsigned(text)
        .expect("this is an amount")
        .units();
    [text.to_owned(), format!("{units:016x}")]
}

fn id(id: Uuid) -> [String; 2] {
    [id.to_string(), id.simple().to_string()]
}

/// What the row of a transfer, and the ledger's, keep for themselves.
async fn secrets_of(bank: &TestBank, transfer: TransferId) -> Vec<String> {
    let row = transfers::Entity::find_by_id(transfer).one(&bank.db.read).await;
    let row = row.expect("transfers can be read").expect("it is stored");
    let ledger = ledger::Entity::find().one(&bank.db.read).await;
    let ledger = ledger.expect("the ledger can be read").expect("it has a row");
    let mut secrets = vec![hex(&ledger.salt.0)];
    for text in [KEY, DESCRIPTION, METADATA] {
        secrets.extend([text.to_owned(), hex(text.as_bytes())]);
    }
    for digest in [row.idempotency_key, row.request_digest] {
        secrets.push(hex(&digest.expect("it was asked with a key").0));
    }
    secrets.extend(id(row.api_key_id.expect("a program has asked")));
    secrets.extend(row.texts_salt.map(|salt| hex(&salt.0)));
    if let Some(available) = row.available {
        secrets.extend(amount(&available.to_string()));
    }
    secrets
}

/// Fails if the receipt has one of the values.
async fn shows_none_of(bank: &TestBank, actor: &Actor, transfer: TransferId, secrets: &[String]) {
    let document = proved(&bank.services, actor, transfer).await.to_json().to_string();
    for secret in secrets {
        assert!(!document.contains(secret), "{secret} is in {document}");
    }
    for word in [
        "balance",
        "available",
        "held",
        "api_key",
        "idempotency",
        "description",
        "metadata",
    ] {
        assert!(!document.contains(word), "{word} is in {document}");
    }
}

fn transfer_id(text: &Value) -> TransferId {
    let text = text.as_str().expect("there is an id");
    TransferId(Uuid::parse_str(text).expect("it is an id"))
}

async fn the_other_side_learns_no_secret(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "123.4567").await;
    let ben = bank.customer_with("ben", "7.7777").await;
    let scopes = json!({ "name": "till", "scopes": ["transfers:write"] });
    let program = bank.key(&ana.caller, scopes).await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1.0003" });
    let made = transfer_id(&ask(&program, body).await["id"]);
    let mut secrets = secrets_of(&bank, made).await;
    for balance in ["123.4567", "122.4564", "7.7777", "8.7780"] {
        secrets.extend(amount(balance));
    }
    for actor in [&ana.actor, &ben.actor] {
        shows_none_of(&bank, actor, made, &secrets).await;
    }
}

async fn a_refusal_shows_no_balance(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "123.4567").await;
    let ben = bank.customer("ben").await;
    let scopes = json!({ "name": "till", "scopes": ["transfers:write"] });
    let program = bank.key(&ana.caller, scopes).await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "999" });
    let refused = ask(&program, body).await;
    assert_eq!(refused["available"], "123.4567");
    let refused = transfer_id(&refused["transfer_id"]);
    let secrets = secrets_of(&bank, refused).await;
    assert!(secrets.contains(&"123.4567".to_owned()));
    shows_none_of(&bank, &ana.actor, refused, &secrets).await;
}
