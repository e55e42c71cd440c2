//! API keys over HTTP: their life, what each field takes, and what a program does with one.

mod fields;
mod scopes;
mod shown;

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

on_every_backend!(
    a_key_is_made_shown_rolled_and_revoked,
    a_program_does_what_its_key_allows,
    lists_are_pages_of_ones_own_keys,
    a_suspension_ends_the_use_of_a_key_at_once,
);
on_sqlite!(
    a_key_is_used_from_its_addresses_only,
    a_refused_key_gets_one_answer,
    a_key_manages_no_keys
);

const KEYS: &str = "/v1/api-keys";

/// The fields of a key, in their order. A new one has its secret behind them.
const KEY: [&str; 10] = [
    "id",
    "user_id",
    "name",
    "scopes",
    "wallet_ids",
    "addresses",
    "created_at",
    "expires_at",
    "old_secret_until",
    "last_used_at",
];

fn new_key(scopes: &[&str]) -> Value {
    json!({ "name": "cash register", "scopes": scopes })
}

fn path_of(key: &Value, rest: &str) -> String {
    format!("{KEYS}/{}{rest}", key["id"].as_str().expect("a key has an id"))
}

fn secret_of(key: &Value) -> &str {
    key["secret"].as_str().expect("a new key has a secret")
}

async fn make(caller: &Caller, body: Value) -> Value {
    let answer = caller.post(KEYS, body).await;
    let location = answer.header("location").to_owned();
    let made = answer.expect(201);
    assert_eq!(location, path_of(&made, ""));
    made
}

async fn delete(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::DELETE, path)).await
}

#[track_caller]
fn has_fields(value: &Value, names: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    assert_eq!(object.keys().collect::<Vec<_>>(), names, "{value}");
}

async fn a_key_is_made_shown_rolled_and_revoked(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let body = json!({
        "name": " cash\u{a0}register ", "scopes": ["wallets:read", "transfers:read", "wallets:read"],
        "wallet_ids": [ana.wallet], "addresses": ["127.0.0.1", "192.0.2.9/24"], "expires_at": "2027-01-31T12:00:00Z",
    });
    let made = make(&ana.caller, body).await;
    has_fields(&made, &KEY.into_iter().chain(["secret"]).collect::<Vec<_>>());
    let secret = secret_of(&made);
    assert!(secret.starts_with("florin_ak_") && secret.len() == 59);
    assert_eq!(made["user_id"], json!(ana.actor.user));
    assert_eq!(made["name"], "cash register");
    let mut scopes: Vec<&str> = made["scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["transfers:read", "wallets:read"]);
    assert_eq!(made["wallet_ids"], json!([ana.wallet]));
    assert_eq!(made["addresses"], json!(["127.0.0.1", "192.0.2.0/24"]));
    assert_eq!(made["expires_at"], "2027-01-31T12:00:00.000000Z");
    let shown = ana.caller.get(&path_of(&made, "")).await;
    assert!(!shown.text.contains("secret\""), "{}", shown.text);
    has_fields(&shown.json, &KEY);
    for field in KEY {
        assert_eq!(shown.json[field], made[field], "{field}");
    }
    // To another customer it does not exist.
    for answer in [
        ben.caller.get(&path_of(&made, "")).await,
        delete(&ben.caller, &path_of(&made, "")).await,
        ben.caller.post(&path_of(&made, "/roll"), json!({})).await,
    ] {
        answer.expect_problem(404, "not_found");
    }
    let rolled = ana
        .caller
        .post(&path_of(&made, "/roll"), json!({ "overlap_s": 60 }))
        .await;
    let rolled = rolled.expect(201);
    assert_eq!(rolled["id"], made["id"]);
    assert!(rolled["old_secret_until"].is_string() && secret_of(&rolled) != secret);
    let wallet = format!("/v1/wallets/{}", ana.wallet);
    for secret in [secret, secret_of(&rolled)] {
        bank.with_token(secret).get(&wallet).await.expect(200);
    }
    let again = ana
        .caller
        .post(&path_of(&made, "/roll"), json!({ "overlap_s": 0 }))
        .await;
    let again = again.expect(201);
    assert_eq!(again["old_secret_until"], Value::Null);
    for ended in [secret, secret_of(&rolled)] {
        let answer = bank.with_token(ended).get(&wallet).await;
        answer.expect_problem(401, "unauthenticated");
    }
    let program = bank.with_token(secret_of(&again));
    program.get(&wallet).await.expect(200);
    let revoked = delete(&ana.caller, &path_of(&made, "")).await;
    assert_eq!((revoked.status, revoked.text.as_str()), (204, ""));
    program.get(&wallet).await.expect_problem(401, "unauthenticated");
    for answer in [
        ana.caller.get(&path_of(&made, "")).await,
        delete(&ana.caller, &path_of(&made, "")).await,
    ] {
        answer.expect_problem(404, "not_found");
    }
}

async fn a_program_does_what_its_key_allows(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer("ben").await;
    let euros = bank.open_wallet(&ana, "EUR").await;
    let reads = make(&ana.caller, new_key(&["wallets:read"])).await;
    let reads = bank.with_token(secret_of(&reads));
    let pays = json!({ "name": "pays", "scopes": ["transfers:write", "wallets:read"], "wallet_ids": [ana.wallet] });
    let pays = make(&ana.caller, pays).await;
    let pays = bank.with_token(secret_of(&pays));
    let transfer = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    reads.get(&format!("/v1/wallets/{}", ana.wallet)).await.expect(200);
    reads
        .post("/v1/transfers", transfer.clone())
        .await
        .expect_problem(403, "forbidden");
    let paid = pays.post("/v1/transfers", transfer).await.expect(201);
    assert_eq!(paid["status"], "COMPLETED");
    // What its owner may use and it may not, does not exist for it.
    reads.get(&format!("/v1/wallets/{euros}")).await.expect(200);
    pays.get(&format!("/v1/wallets/{euros}"))
        .await
        .expect_problem(404, "wallet_not_found");
    let other = json!({ "source_wallet_id": euros, "destination_wallet_id": ben.wallet, "amount": "1" });
    pays.post("/v1/transfers", other)
        .await
        .expect_problem(404, "wallet_not_found");
}

async fn lists_are_pages_of_ones_own_keys(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let mut made = Vec::new();
    for _ in 0..5 {
        bank.advance(TimeDelta::milliseconds(1)).await;
        made.push(make(&ana.caller, new_key(&["wallets:read"])).await["id"].clone());
        make(&ben.caller, new_key(&["wallets:read"])).await;
    }
    made.reverse();
    let (mut listed, mut next) = (Vec::new(), format!("{KEYS}?limit=2"));
    loop {
        let page = ana.caller.get(&next).await.expect(200);
        let items = page["items"].as_array().expect("a list has items");
        assert!(items.len() <= 2);
        for item in items {
            has_fields(item, &KEY);
            listed.push(item["id"].clone());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        next = format!("{KEYS}?limit=2&cursor={cursor}");
    }
    assert_eq!(listed, made);
    let own = format!("{KEYS}?user_id={}", ana.actor.user);
    assert_eq!(
        ana.caller.get(&own).await.expect(200)["items"].as_array().map(Vec::len),
        Some(5)
    );
    ben.caller.get(&own).await.expect_problem(403, "forbidden");
    let wrong = ana.caller.get(&format!("{KEYS}?cursor=w0")).await;
    wrong.expect_problem(400, "invalid_request");
    // An operator is no admin.
    bank.operator().await.get(&own).await.expect_problem(403, "forbidden");
}

async fn a_suspension_ends_the_use_of_a_key_at_once(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let made = make(&ana.caller, new_key(&["wallets:read"])).await;
    let program = bank.with_token(secret_of(&made));
    program.get("/v1/wallets").await.expect(200);
    let user = format!("/v1/users/{}", ana.actor.user);
    let act = async |act: &str| Answer::of(operator.request(Method::POST, &format!("{user}/{act}"))).await;
    act("suspend").await.expect(200);
    program.get("/v1/wallets").await.expect_problem(401, "unauthenticated");
    act("activate").await.expect(200);
    program.get("/v1/wallets").await.expect(200);
}

async fn a_key_is_used_from_its_addresses_only(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for (addresses, status) in [
        (json!(["127.0.0.1"]), 200),
        (json!(["127.0.0.0/8", "::1"]), 200),
        (json!(["192.0.2.0/24"]), 401),
        (json!(["::1"]), 401),
    ] {
        let mut body = new_key(&["wallets:read"]);
        body["addresses"] = addresses;
        let made = make(&ana.caller, body).await;
        let program = bank.with_token(secret_of(&made));
        program.get("/v1/wallets").await.expect(status);
        // A header that no trusted proxy has written changes nothing.
        let request = program.request(Method::GET, "/v1/wallets");
        let forged = Answer::of(request.header("x-forwarded-for", "192.0.2.1")).await;
        forged.expect(status);
    }
}

async fn a_refused_key_gets_one_answer(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let mut far = new_key(&["wallets:read"]);
    far["addresses"] = json!(["192.0.2.1"]);
    let far = make(&ana.caller, far).await;
    let revoked = make(&ana.caller, new_key(&["wallets:read"])).await;
    assert_eq!(delete(&ana.caller, &path_of(&revoked, "")).await.status, 204);
    let nobodys = "florin_ak_00000000000000000000000000000000000000000001LXEHw";
    let mistyped = "florin_ak_10000000000000000000000000000000000000000001LXEHw";
    let mut answers = Vec::new();
    for secret in [secret_of(&far), secret_of(&revoked), nobodys, mistyped, "florin_ak_"] {
        let answer = bank.with_token(secret).get("/v1/wallets").await;
        answer.expect_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!answer.text.contains("florin_ak_"), "{}", answer.text);
        answers.push(answer.text_without_id());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

async fn a_key_manages_no_keys(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let made = make(
        &ana.caller,
        new_key(&["wallets:read", "wallets:open", "transfers:write"]),
    )
    .await;
    let program = bank.with_token(secret_of(&made));
    let unknown = format!("{KEYS}/{}", Uuid::from_u128(7));
    for answer in [
        program.post(KEYS, new_key(&["wallets:read"])).await,
        program.get(KEYS).await,
        program.get(&path_of(&made, "")).await,
        program.get(&unknown).await,
        program.post(&path_of(&made, "/roll"), json!({})).await,
        delete(&program, &path_of(&made, "")).await,
    ] {
        answer.expect_problem(403, "forbidden");
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 1);
}
