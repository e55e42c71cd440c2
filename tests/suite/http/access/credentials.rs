//! Credentials that no operation accepts, tried on each of them: expired, forged and foreign tokens, those of suspended users,
//! revoked API keys; and keys whose scopes do not allow it.

use std::sync::Arc;

use api::app::document;
use chrono::TimeDelta;
use harness::{Answer, Caller, Customer, JwtAlgorithm, TestBank, TestKey, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::actor::Permission;
use service::clock::Clock;
use service::identity::ACCESS_TOKEN_SECONDS;
use service::values::{Role, UserId};
use uuid::Uuid;

use super::{Anyone, Callers, Needs, Operation, People, check, table};

on_every_backend!(no_operation_takes_a_bad_credential, a_key_does_what_its_scopes_say);

/// A bank with something to call the operations on.
pub struct Stage {
    pub ana: Customer,
    /// Whom admins suspend and promote.
    pub victim: UserId,
}

impl Stage {
    /// Calls an operation with its documented example, with ids that exist.
    pub async fn call(&self, caller: &Caller, operation: &Operation) -> Answer {
        let transfers = self.ana_transfers().await;
        let path = operation.path_with(|name| match name {
            "wallet_id" => self.ana.wallet.0.to_string(),
            "transfer_id" => transfers["id"].as_str().expect("a transfer has an id").to_owned(),
            "merchant_id" => "MRC-000001".to_owned(),
            "user_id" => self.victim.0.to_string(),
            "import_id" | "session_id" | "api_key_id" | "webhook_id" | "delivery_id" => Uuid::max().to_string(),
            other => panic!("a new kind of id: {other}"),
        });
        let query = match (operation.id.as_str(), transfers["created_at"].as_str()) {
            ("wallets_balance", Some(time)) => format!("?at={time}"),
            _ => String::new(),
        };
        let request = caller.request(operation.method.clone(), &format!("{path}{query}"));
        if ["statistics_stream", "events_stream"].contains(&operation.id.as_str()) {
            // The stream has no end.
            return Answer::begun(request).await;
        }
        match operation.body.clone() {
            None => Answer::of(request).await,
            Some(body) => Answer::of(request.json(&self.own(body))).await,
        }
    }

    /// The documented body, with ana's wallet.
    fn own(&self, mut body: Value) -> Value {
        if body.get("source_wallet_id").is_some() {
            body["source_wallet_id"] = json!(self.ana.wallet);
        }
        if body.get("wallet_ids").is_some() {
            body["wallet_ids"] = json!([self.ana.wallet]);
        }
        body
    }

    /// One of ana's transfers. Read from the services: her sessions end while the table is tried.
    async fn ana_transfers(&self) -> Value {
        let transfers = self.ana.caller.get("/v1/transfers?limit=1").await.expect(200);
        transfers["items"][0].clone()
    }
}

async fn no_operation_takes_a_bad_credential(bank: Arc<TestBank>) {
    let document = document(&bank.services).expect("the document can be made");
    let operations = Operation::all(&document);
    let table = table(&operations);
    let stage = stage(&bank).await;
    let admin = bank.user("dora", Role::Admin).await;
    let suspended = bank.customer("ben").await;
    let suspend = format!("/v1/users/{}/suspend", suspended.actor.user);
    let dora = bank.sign_in("dora@example.com").await;
    Answer::of(dora.request(Method::POST, &suspend)).await.expect(200);
    let revoked = key(&dora, json!({ "name": "revoked", "scopes": ["wallets:read"] })).await;
    let path = format!("/v1/api-keys/{}", revoked.1);
    Answer::of(dora.request(Method::DELETE, &path)).await.expect(204);
    let now = bank.clock.now().timestamp();
    let claims = |issued: i64| {
        json!({
            "iss": "florin", "aud": "florin-api", "sub": admin.id, "sid": Uuid::max(), "role": "admin",
            "iat": issued, "exp": issued + ACCESS_TOKEN_SECONDS,
        })
    };
    let own_key = TestKey::all_in(&bank.config.signing_key_file).remove(0);
    let foreign = TestKey::random(&own_key.kid, JwtAlgorithm::EdDsa);
    let credentials = [
        ("an expired token", own_key.token(&claims(now - ACCESS_TOKEN_SECONDS))),
        ("a forged token", foreign.token(&claims(now))),
        (
            "a token of another bank",
            TestKey::random("other", JwtAlgorithm::EdDsa).token(&claims(now)),
        ),
        (
            "a suspended user",
            suspended.caller.token.clone().expect("ben has signed in"),
        ),
        ("a revoked key", revoked.0),
        ("no token at all", "nonsense".to_owned()),
    ];
    for operation in &operations {
        let is_open = table[operation.id.as_str()].who == Anyone;
        for (name, credential) in &credentials {
            let expected = (!is_open).then_some((401, "unauthenticated"));
            check(&stage, &bank.with_token(credential), operation, (name, expected)).await;
        }
    }
    // The caller of a good token is let in until it expires.
    dora.get("/v1/users/me").await.expect(200);
    bank.advance(TimeDelta::seconds(ACCESS_TOKEN_SECONDS)).await;
    dora.get("/v1/users/me").await.expect_problem(401, "unauthenticated");
}

async fn a_key_does_what_its_scopes_say(bank: Arc<TestBank>) {
    let document = document(&bank.services).expect("the document can be made");
    let operations = Operation::all(&document);
    let table = table(&operations);
    let stage = stage(&bank).await;
    bank.user("dora", Role::Admin).await;
    let dora = bank.sign_in("dora@example.com").await;
    let grantable = Permission::ALL.iter().filter(|permission| permission.is_grantable());
    let of_admin = grantable.filter(|permission| permission.roles().contains(&Role::Admin));
    let words: Vec<&str> = of_admin.map(|permission| permission.as_str()).collect();
    let all = key(&dora, json!({ "name": "all", "scopes": words })).await.0;
    let one = key(&dora, json!({ "name": "one", "scopes": ["reports:read"] })).await.0;
    for operation in &operations {
        let line = table[operation.id.as_str()];
        let refused = Some((403, "forbidden"));
        let (of_all, of_one) = match line.who {
            Anyone | Callers => (None, None),
            People => (refused, refused),
            Needs("reports:read") => (None, None),
            Needs(word) if words.contains(&word) => (None, refused),
            Needs(_) => (refused, refused),
        };
        check(&stage, &bank.with_token(&all), operation, ("a key of an admin", of_all)).await;
        check(&stage, &bank.with_token(&one), operation, ("a key for reports", of_one)).await;
    }
}

async fn stage(bank: &TestBank) -> Stage {
    Stage {
        ana: bank.customer_with("ana", "100").await,
        victim: bank.user("zed", Role::Customer).await.id,
    }
}

/// A new key's secret and its id.
async fn key(caller: &Caller, body: Value) -> (String, String) {
    let made = caller.post("/v1/api-keys", body).await.expect(201);
    let text = |member: &str| made[member].as_str().expect("a new key has it").to_owned();
    (text("secret"), text("id"))
}
