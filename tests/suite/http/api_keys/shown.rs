//! Who sees with which API key a transfer was asked for.

use std::sync::Arc;

use harness::{Caller, Customer, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::values::Role;

use super::{make, new_key, secret_of};

on_every_backend!(
    a_payers_key_is_shown_to_the_payer_and_to_staff,
    every_answer_to_a_program_has_its_key,
    a_key_that_paid_in_or_took_back_is_shown_to_the_wallets_owners,
    a_payees_key_is_not_shown_to_the_payer,
);

/// Ana has 100, ben has nothing, and there is one person of each staff role.
struct Viewers {
    ana: Customer,
    ben: Customer,
    staff: Vec<Caller>,
}

impl Viewers {
    async fn of(bank: &TestBank) -> Self {
        let mut staff = vec![bank.operator().await];
        for (name, role) in [
            ("help", Role::Support),
            ("audit", Role::Auditor),
            ("chief", Role::Admin),
        ] {
            bank.user(name, role).await;
            staff.push(bank.sign_in(&format!("{name}@example.com")).await);
        }
        Self {
            ana: bank.customer_with("ana", "100").await,
            ben: bank.customer("ben").await,
            staff,
        }
    }

    /// The body of a transfer from ana to ben.
    fn pay(&self, amount: &str) -> Value {
        json!({ "source_wallet_id": self.ana.wallet, "destination_wallet_id": self.ben.wallet, "amount": amount })
    }

    /// Fails unless ana, ben and each of the staff see this key on a transfer; staff always do.
    async fn see(&self, transfer: &Value, key: &Value, (ana, ben): (bool, bool)) {
        let expected = |sees: bool| if sees { key.clone() } else { Value::Null };
        assert_eq!(seen(&self.ana.caller, transfer).await, expected(ana), "ana: {transfer}");
        assert_eq!(seen(&self.ben.caller, transfer).await, expected(ben), "ben: {transfer}");
        for one in &self.staff {
            assert_eq!(seen(one, transfer).await, *key, "staff: {transfer}");
        }
    }
}

fn id_of(transfer: &Value) -> &str {
    transfer["id"].as_str().expect("a transfer has an id")
}

/// A program with a key of a user, and the key's id.
async fn program(bank: &TestBank, owner: &Caller, scopes: &[&str]) -> (Caller, Value) {
    let made = make(owner, new_key(scopes)).await;
    (bank.with_token(secret_of(&made)), made["id"].clone())
}

/// The key that a caller sees on a transfer: the same when they look at it alone, in a list, and in one of its wallet.
async fn seen(caller: &Caller, transfer: &Value) -> Value {
    let id = id_of(transfer);
    let alone = caller.get(&format!("/v1/transfers/{id}")).await.expect(200);
    let page = caller.get("/v1/transfers").await.expect(200);
    let mut listed = page["items"].as_array().into_iter().flatten();
    assert_eq!(listed.find(|item| item["id"] == id), Some(&alone));
    for side in ["source_wallet_id", "destination_wallet_id"] {
        let wallet = transfer[side].as_str().expect("a transfer has two sides");
        let page = caller.get(&format!("/v1/transfers?wallet_id={wallet}")).await;
        // Another customer's wallet is not there.
        if page.status == 404 {
            continue;
        }
        let page = page.expect(200);
        let mut listed = page["items"].as_array().into_iter().flatten();
        assert_eq!(listed.find(|item| item["id"] == id), Some(&alone));
    }
    alone["api_key_id"].clone()
}

async fn a_payers_key_is_shown_to_the_payer_and_to_staff(bank: Arc<TestBank>) {
    let viewers = Viewers::of(&bank).await;
    let scopes = ["transfers:write", "transfers:read"];
    let (program, key) = program(&bank, &viewers.ana.caller, &scopes).await;
    let paid = program.post("/v1/transfers", viewers.pay("1")).await.expect(201);
    viewers.see(&paid, &key, (true, false)).await;
    assert_eq!(seen(&program, &paid).await, key);
    let mut hold = viewers.pay("2");
    hold["hold"] = json!(true);
    let hold = program.post("/v1/transfers", hold).await.expect(201);
    viewers.see(&hold, &key, (true, false)).await;
    // Without a key there is none.
    let paid = viewers.ana.caller.post("/v1/transfers", viewers.pay("1")).await;
    viewers.see(&paid.expect(201), &Value::Null, (true, true)).await;
    // Nowhere else does ben learn it.
    let id = key.as_str().expect("a key has an id").to_owned();
    let entries = format!("/v1/wallets/{}/entries", viewers.ben.wallet);
    for path in [entries.as_str(), "/v1/transfers"] {
        let answer = viewers.ben.caller.get(path).await;
        assert!(answer.status == 200 && !answer.text.contains(&id), "{}", answer.text);
    }
}

async fn every_answer_to_a_program_has_its_key(bank: Arc<TestBank>) {
    let viewers = Viewers::of(&bank).await;
    let (program, key) = program(&bank, &viewers.ana.caller, &["transfers:write"]).await;
    for _ in 0..2 {
        let paid = program.post_once("/v1/transfers", "once", viewers.pay("1")).await;
        assert_eq!(paid.expect(201)["api_key_id"], key);
    }
    let preview = program.post("/v1/transfers?dry_run=true", viewers.pay("1")).await;
    assert_eq!(preview.expect(200)["api_key_id"], key);
    let both = json!({ "atomic": true, "transfers": [viewers.pay("1"), viewers.pay("2")] });
    for _ in 0..2 {
        let made = program.post_once("/v1/transfers/batch", "both", both.clone()).await;
        for result in made.expect(200)["results"].as_array().expect("a batch has results") {
            assert_eq!(result["transfer"]["api_key_id"], key, "{result}");
        }
    }
    let preview = program.post("/v1/transfers/batch?dry_run=true", both).await;
    assert_eq!(preview.expect(200)["results"][1]["transfer"]["api_key_id"], key);
    assert_eq!(bank.balances(&[viewers.ben.wallet]).await, ["4.0000"]);
}

async fn a_key_that_paid_in_or_took_back_is_shown_to_the_wallets_owners(bank: Arc<TestBank>) {
    let viewers = Viewers::of(&bank).await;
    let desk = json!(bank.operator_actor().await.user);
    let scopes = [
        "deposits:write",
        "transfers:reverse",
        "transfers:write",
        "transfers:settle",
    ];
    let (program, key) = program(&bank, &viewers.staff[0], &scopes).await;
    let paid = viewers.ana.caller.post("/v1/transfers", viewers.pay("5")).await;
    let paid = id_of(&paid.expect(201)).to_owned();
    let path = format!("/v1/transfers/{paid}/reverse");
    let reversal = program.post(&path, json!({ "amount": "2" })).await.expect(201);
    viewers.see(&reversal, &key, (true, true)).await;
    assert_eq!(reversal["created_by"], desk);

    let payment = json!({ "amount": "3", "method": "visa" });
    let wallet = format!("/v1/wallets/{}", viewers.ana.wallet);
    let deposit = program.post(&format!("{wallet}/deposits"), payment.clone()).await;
    let deposit = deposit.expect(201);
    // A withdrawal tells its wallet's owner who asked for it, but not the key.
    let withdrawal = program.post(&format!("{wallet}/withdrawals"), payment).await;
    let withdrawal = withdrawal.expect(201);
    for made in [&deposit, &withdrawal] {
        assert_eq!((&made["api_key_id"], &made["created_by"]), (&key, &desk));
    }
    for (transfer, shown) in [(&deposit, &key), (&withdrawal, &Value::Null)] {
        assert_eq!(seen(&viewers.ana.caller, transfer).await, *shown, "{transfer}");
        for one in &viewers.staff {
            assert_eq!(seen(one, transfer).await, key, "{transfer}");
        }
        let path = format!("/v1/transfers/{}", id_of(transfer));
        let alone = viewers.ana.caller.get(&path).await.expect(200);
        assert_eq!(alone["created_by"], desk);
        let hidden = viewers.ben.caller.get(&path).await;
        hidden.expect_problem(404, "transfer_not_found");
    }
}

async fn a_payees_key_is_not_shown_to_the_payer(bank: Arc<TestBank>) {
    let viewers = Viewers::of(&bank).await;
    let (program, key) = program(&bank, &viewers.ben.caller, &["transfers:write"]).await;
    let mut promise = viewers.pay("10");
    promise["hold"] = json!(true);
    let hold = viewers.ana.caller.post("/v1/transfers", promise).await.expect(201);
    let path = format!("/v1/transfers/{}", id_of(&hold));
    let part = json!({ "amount": "4", "final": false });
    let capture = program.post(&format!("{path}/capture"), part).await.expect(201);
    let release = program.post(&format!("{path}/void"), json!({})).await.expect(201);
    for made in [&capture, &release] {
        let ben = json!(viewers.ben.actor.user);
        assert_eq!((&made["api_key_id"], &made["created_by"]), (&key, &ben));
        viewers.see(made, &key, (false, true)).await;
    }
    viewers.see(&hold, &Value::Null, (false, false)).await;
}
