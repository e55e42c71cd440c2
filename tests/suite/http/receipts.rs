//! Receipts, the journal's head and its keys over HTTP: who gets them, and that they are the documents of the services.

use std::sync::Arc;

use harness::{Caller, Customer, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::receipts::{SignedHead, TrustedKeys, check_head, check_receipt};
use service::values::{Role, TransferId};
use uuid::Uuid;

on_every_backend!(a_receipt_is_proved_by_the_published_keys);
on_sqlite!(
    a_transfer_that_is_not_yours_has_no_receipt,
    the_head_is_for_operators_auditors_and_admins,
    the_keys_are_open_and_may_be_kept_for_a_while,
    a_transfer_that_is_not_proved_is_a_fault,
);

const KEYS: &str = "/.well-known/florin-keys.json";
const HEAD: &str = "/v1/journal/head";

fn path(transfer: &Value) -> String {
    format!("/v1/transfers/{}/receipt", transfer.as_str().expect("there is an id"))
}

/// A transfer of one from ana to ben; its id.
async fn pay(ana: &Customer, ben: &Customer) -> Value {
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    ana.caller.post("/v1/transfers", body).await.expect(201)["id"].clone()
}

async fn keys(bank: &TestBank) -> TrustedKeys {
    let published = bank.anonymous().get(KEYS).await;
    assert_eq!(published.status, 200, "{}", published.text);
    TrustedKeys::parse(&published.text).expect("it is a set of keys")
}

async fn staff(bank: &TestBank, name: &str, role: Role) -> Caller {
    bank.user(name, role).await;
    bank.sign_in(&format!("{name}@example.com")).await
}

async fn a_receipt_is_proved_by_the_published_keys(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let paid = pay(&ana, &ben).await;
    let operator = bank.operator().await;
    let mut texts = Vec::new();
    for caller in [&ana.caller, &ben.caller, &operator] {
        let answer = caller.get(&path(&paid)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        texts.push(answer.text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let receipt = check_receipt(&texts[0], &keys(&bank).await).expect("the keys prove it");
    assert_eq!(
        receipt.to_json().to_string(),
        texts[0],
        "the same members in the same order"
    );
    let id = Uuid::parse_str(paid.as_str().unwrap_or_default()).expect("it is an id");
    let of_services = bank.services.receipts.receipt(&ben.actor, TransferId(id)).await;
    assert_eq!(of_services.expect("the journal proves it"), receipt);
}

async fn a_transfer_that_is_not_yours_has_no_receipt(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let eve = bank.customer("eve").await;
    let paid = pay(&ana, &ben).await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1000" });
    let refused = ana.caller.post("/v1/transfers", body).await;
    refused.expect_problem(422, "insufficient_funds");
    let unknown = json!("01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01");
    let expected = eve.caller.get(&path(&unknown)).await;
    expected.expect_problem(404, "transfer_not_found");
    for (caller, id) in [
        (&eve, &paid),
        (&eve, &refused.json["transfer_id"]),
        (&ben, &refused.json["transfer_id"]),
    ] {
        let answer = caller.caller.get(&path(id)).await;
        answer.expect_problem(404, "transfer_not_found");
        assert_eq!(answer.text_without_id(), expected.text_without_id());
        let transfer = caller.caller.get(path(id).trim_end_matches("/receipt")).await;
        assert_eq!(transfer.text_without_id(), expected.text_without_id());
    }
    ana.caller.get(&path(&refused.json["transfer_id"])).await.expect(200);
    bank.anonymous()
        .get(&path(&paid))
        .await
        .expect_problem(401, "unauthenticated");
    let program = bank
        .key(&ana.caller, json!({ "name": "till", "scopes": ["wallets:read"] }))
        .await;
    program.get(&path(&paid)).await.expect_problem(403, "forbidden");
}

async fn the_head_is_for_operators_auditors_and_admins(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    pay(&ana, &ben).await;
    let auditor = staff(&bank, "arthur", Role::Auditor).await;
    let admin = staff(&bank, "dora", Role::Admin).await;
    let support = staff(&bank, "sue", Role::Support).await;
    let program = bank
        .key(&auditor, json!({ "name": "notary", "scopes": ["journal:read"] }))
        .await;
    let keys = keys(&bank).await;
    for caller in [&auditor, &admin, &bank.operator().await, &program] {
        let answer = caller.get(HEAD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        let head = SignedHead::parse(&answer.text).expect("it is a head");
        check_head(&head, &keys).expect("the keys prove it");
        assert_eq!(
            head.to_json().to_string(),
            answer.text,
            "the same members in the same order"
        );
    }
    for caller in [&ana.caller, &support] {
        caller.get(HEAD).await.expect_problem(403, "forbidden");
    }
    bank.anonymous().get(HEAD).await.expect_problem(401, "unauthenticated");
}

async fn the_keys_are_open_and_may_be_kept_for_a_while(bank: Arc<TestBank>) {
    let answer = bank.anonymous().get(KEYS).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=50");
    let set = answer.expect(200);
    let key = &set["keys"][0];
    for (member, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("use", "sig"), ("alg", "EdDSA")] {
        assert_eq!(key[member], value);
    }
    assert!(key["created_at"].is_string() && key["retired_at"].is_null(), "{key}");
    assert_eq!(set["keys"].as_array().map(Vec::len), Some(1));
    let tokens = bank.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_ne!(
        tokens["keys"][0]["x"], key["x"],
        "they are other keys than those of tokens"
    );
}

/// On a bank of its own, since its books are not right at the end.
async fn a_transfer_that_is_not_proved_is_a_fault(bank: Arc<TestBank>) {
    let bank = TestBank::open(bank.backend).await;
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let paid = pay(&ana, &ben).await;
    bank.unlock_history().await;
    bank.execute("UPDATE transfers SET amount = '2.0000' WHERE kind = 1")
        .await;
    let answer = ana.caller.get(&path(&paid)).await;
    answer.expect_problem(500, "internal");
    assert!(
        !answer.text.contains("journal"),
        "what was found is for the log: {}",
        answer.text
    );
    bank.close().await;
}
