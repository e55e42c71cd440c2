//! A person's data over HTTP: the export has what the lists have, and an erasure is for admins, when all wallets are closed.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, Customer, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::Role;

use crate::life::act;

on_every_backend!(an_export_has_what_the_lists_have, a_user_is_erased_by_an_admin);
on_sqlite!(an_export_is_for_people, only_an_admin_erases_a_user);

const EXPORT: &str = "/v1/users/me/export";
const UNKNOWN: &str = "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

async fn admin(bank: &TestBank) -> Caller {
    bank.user("dora", Role::Admin).await;
    bank.sign_in("dora@example.com").await
}

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().expect("a list has items")
}

/// Fails unless every member that a list shows has the same value in the export.
fn has_same(exported: &Value, listed: &Value, leaving_out: &str) {
    let exported = exported.as_array().expect("it is a list");
    for item in items(listed) {
        let same = exported.iter().find(|one| one["id"] == item["id"]);
        let same = same.unwrap_or_else(|| panic!("{item} is missing: {exported:?}"));
        let members = item.as_object().expect("an item is an object");
        for (name, value) in members.iter().filter(|(name, _)| *name != leaving_out) {
            assert_eq!(&same[name.as_str()], value, "{name}");
        }
    }
}

/// Ana pays Ben and is paid, holds, is refused, has two wallets and two API keys, one of which is revoked.
async fn some_life(bank: &TestBank) -> (Customer, Customer) {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    bank.open_wallet(&ana, "EUR").await;
    let pay = async |from: &Customer, to: &Customer, amount: &str, more: Value| {
        let mut body = json!({
            "source_wallet_id": from.wallet, "destination_wallet_id": to.wallet, "amount": amount,
            "description": "lunch", "metadata": { "order": "A-17" },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        from.caller.post("/v1/transfers", body).await
    };
    pay(&ana, &ben, "30", json!({})).await.expect(201);
    pay(&ben, &ana, "5", json!({})).await.expect(201);
    pay(&ana, &ben, "7", json!({ "hold": true })).await.expect(201);
    pay(&ana, &ben, "1000", json!({}))
        .await
        .expect_problem(422, "insufficient_funds");
    for name in ["kept", "revoked"] {
        let key = json!({ "name": name, "scopes": ["wallets:read"], "addresses": ["192.0.2.0/24"] });
        let made = ana.caller.post("/v1/api-keys", key).await.expect(201);
        if name == "revoked" {
            let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap_or_default());
            Answer::of(ana.caller.request(Method::DELETE, &path)).await.expect(204);
        }
    }
    (ana, ben)
}

async fn an_export_has_what_the_lists_have(bank: Arc<TestBank>) {
    let (ana, _) = some_life(&bank).await;
    // Another session of hers, which has ended.
    let other = bank.sign_in(&ana.email).await;
    act(&other, "/v1/auth/logout").await.expect(204);
    let caller = &ana.caller;
    let answer = caller.get(EXPORT).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let export = answer.expect(200);
    has_same(
        &json!([export["user"]]),
        &json!({ "items": [caller.get("/v1/users/me").await.expect(200)] }),
        "permissions",
    );
    let list = async |path: &str| caller.get(path).await.expect(200);
    assert_eq!(export["wallets"], list("/v1/wallets?limit=500").await["items"]);
    let transfers = list("/v1/transfers?limit=500").await;
    assert_eq!(items(&transfers).len(), 5);
    assert_eq!(export["transfers"], transfers["items"]);
    has_same(&export["sessions"], &list("/v1/users/me/sessions").await, "current");
    has_same(&export["api_keys"], &list("/v1/api-keys").await, "");
    let ended = export["sessions"].as_array().into_iter().flatten();
    assert_eq!(ended.filter(|session| !session["ended_at"].is_null()).count(), 1);
    let names = export["api_keys"].as_array().into_iter().flatten();
    let names = names.map(|key| (key["name"].as_str().unwrap_or_default(), key["revoked_at"].is_null()));
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, [("kept", true), ("revoked", false)]);
    let lines = export["audit"].as_array().expect("it is a list");
    let noted = lines.iter().find(|line| line["action"] == "user.exported");
    let noted = noted.expect("the export itself is noted");
    assert_eq!(
        (&noted["actor_id"], &noted["address"], &noted["subject"]["kind"]),
        (&export["user"]["id"], &json!("127.0.0.1"), &json!("user"))
    );
    let text = export.to_string();
    for secret in ["argon2", "florin_ak_", "florin_rt_", "digest", "hash"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

async fn an_export_is_for_people(bank: Arc<TestBank>) {
    let (ana, ben) = some_life(&bank).await;
    bank.anonymous()
        .get(EXPORT)
        .await
        .expect_problem(401, "unauthenticated");
    let key = json!({ "name": "all", "scopes": ["wallets:read", "transfers:read"] });
    let key = ana.caller.post("/v1/api-keys", key).await.expect(201);
    let program = bank.with_token(key["secret"].as_str().unwrap_or_default());
    program.get(EXPORT).await.expect_problem(403, "forbidden");
    // What staff do to a person is told without where they were.
    let operator = bank.operator().await;
    let freeze = format!("/v1/wallets/{}/freeze", ana.wallet);
    act(&operator, &freeze).await.expect(200);
    let exported = ana.caller.get(EXPORT).await.expect(200);
    let lines = exported["audit"].as_array().expect("it is a list");
    let is_anothers = |line: &&Value| !line["actor_id"].is_null() && line["actor_id"] != exported["user"]["id"];
    let anothers: Vec<&Value> = lines.iter().filter(is_anothers).collect();
    assert_eq!(anothers.len(), 1, "{anothers:?}");
    assert_eq!(
        (&anothers[0]["action"], &anothers[0]["address"], &anothers[0]["after"]),
        (&json!("wallet.frozen"), &Value::Null, &json!({ "status": "FROZEN" }))
    );
    assert!(!exported.to_string().contains(&ben.email), "what is Ben's is not Ana's");
}

async fn a_user_is_erased_by_an_admin(bank: Arc<TestBank>) {
    let (ana, ben) = some_life(&bank).await;
    let (admin, operator) = (admin(&bank).await, bank.operator().await);
    let erase = format!("/v1/users/{}/erase", ana.actor.user);
    let refused = act(&admin, &erase).await;
    refused.expect_problem(422, "wallets_open");
    let wallets = ana.caller.get("/v1/wallets").await.expect(200);
    let mut ids: Vec<&Value> = items(&wallets).iter().map(|wallet| &wallet["id"]).collect();
    ids.reverse();
    let named = refused.json["wallet_ids"].as_array().expect("the wallets are named");
    assert_eq!(named.iter().collect::<Vec<_>>(), ids);
    ana.caller.get("/v1/users/me").await.expect(200);

    let transfers = ana.caller.get("/v1/transfers?status=PENDING").await.expect(200);
    let hold = items(&transfers)[0]["id"].as_str().unwrap_or_default();
    act(&operator, &format!("/v1/transfers/{hold}/void")).await.expect(201);
    let rest = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "75" });
    ana.caller.post("/v1/transfers", rest).await.expect(201);
    for id in ids {
        let path = format!("/v1/wallets/{}/close", id.as_str().unwrap_or_default());
        act(&operator, &path).await.expect(200);
    }
    for _ in 0..2 {
        let erased = act(&admin, &erase).await.expect(200);
        assert_eq!(
            (&erased["status"], &erased["full_name"]),
            (&json!("erased"), &json!("erased"))
        );
    }
    ana.caller.get(EXPORT).await.expect_problem(401, "unauthenticated");
    let credentials = json!({ "email": ana.email, "password": PASSWORD });
    let login = bank.anonymous().post("/v1/auth/login", credentials).await;
    login.expect_problem(401, "invalid_credentials");
    for what in ["suspend", "activate", "reset"] {
        let path = format!("/v1/users/{}/{what}", ana.actor.user);
        act(&admin, &path).await.expect_problem(409, "user_erased");
    }
    let path = format!("/v1/users/{}/role", ana.actor.user);
    let role = admin.post(&path, json!({ "role": "admin" }));
    role.await.expect_problem(409, "user_erased");
    // Ben sees what Ana paid him, and not what she wrote.
    let transfers = ben.caller.get("/v1/transfers").await.expect(200);
    for transfer in items(&transfers) {
        let is_bens = transfer["source_wallet_id"] == json!(ben.wallet);
        assert_eq!(transfer["description"].is_string(), is_bens, "{transfer}");
        assert_eq!(transfer["metadata"].is_object(), is_bens, "{transfer}");
    }
    // The address is free.
    let again = json!({ "email": ana.email, "password": PASSWORD, "full_name": "Ana" });
    bank.anonymous().post("/v1/auth/register", again).await.expect(201);
}

async fn only_an_admin_erases_a_user(bank: Arc<TestBank>) {
    let (ana, ben) = some_life(&bank).await;
    let erase = format!("/v1/users/{}/erase", ben.actor.user);
    act(&bank.anonymous(), &erase)
        .await
        .expect_problem(401, "unauthenticated");
    bank.user("sue", Role::Support).await;
    let support = bank.sign_in("sue@example.com").await;
    for caller in [&ana.caller, &ben.caller, &support, &bank.operator().await] {
        act(caller, &erase).await.expect_problem(403, "forbidden");
    }
    let admin = admin(&bank).await;
    let unknown = format!("/v1/users/{UNKNOWN}/erase");
    act(&admin, &unknown).await.expect_problem(404, "user_not_found");
    let me = admin.get("/v1/users/me").await.expect(200);
    let own = format!("/v1/users/{}/erase", me["id"].as_str().unwrap_or_default());
    act(&admin, &own).await.expect_problem(403, "forbidden");
    let body = admin.post(&erase, json!({ "wallet_id": ben.wallet })).await;
    body.expect_problem(400, "invalid_request");
    ben.caller.get("/v1/users/me").await.expect(200);
}
