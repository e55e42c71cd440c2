//! `GET /v1/status`, `GET /v1/currencies`, and what a caller is told that they may do.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};
use service::actor::Permissions;
use service::values::{Currency, Role};

on_every_backend!(the_status_is_told_to_all_and_the_work_to_staff);
on_sqlite!(currencies_are_those_of_wallets, callers_are_told_what_they_may_do,);

const PATH: &str = "/v1/status";
const ROLES: [Role; 5] = [
    Role::Customer,
    Role::Support,
    Role::Operator,
    Role::Auditor,
    Role::Admin,
];

async fn the_status_is_told_to_all_and_the_work_to_staff(bank: Arc<TestBank>) {
    bank.anonymous().get(PATH).await.expect_problem(401, "unauthenticated");
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let before = ana.caller.get(PATH).await.expect(200);
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    let made = ana.caller.post("/v1/transfers", body).await.expect(201);
    for role in ROLES {
        let name = format!("{role}.of.status");
        bank.user(&name, role).await;
        let caller = bank.sign_in(&format!("{name}@example.com")).await;
        let status = caller.get(PATH).await.expect(200);
        assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(status["database"]["status"], "ok");
        let kind = match bank.backend {
            harness::Backend::Postgres => "postgresql",
            harness::Backend::Sqlite => "sqlite",
        };
        assert_eq!(status["database"]["kind"], kind);
        assert_eq!(status["redis"], json!({ "status": "not_configured" }));
        assert_eq!(status["imports"], json!({ "running": 0, "waiting": 0 }));
        assert!(status["journal"]["number"].as_i64() > before["journal"]["number"].as_i64());
        let at = |time: &Value| time.as_str().map(str::to_owned);
        assert!(at(&status["journal"]["at"]) >= at(&made["completed_at"]), "{status}");
        assert!(status["uptime_s"].is_u64() && at(&status["started_at"]) <= at(&made["created_at"]));
        let work = ["queue", "commits", "workers"].map(|part| !status[part].is_null());
        assert_eq!(work, [role != Role::Customer; 3], "{role}");
        if role == Role::Customer {
            continue;
        }
        assert_eq!(status["queue"]["waiting"], 0);
        assert_eq!(status["queue"]["max"], bank.config.queue_max);
        let commits = &status["commits"];
        assert!(commits["last_minute"].as_u64() >= Some(4), "{commits}");
        assert!(commits["p50_us"].as_u64() > Some(0) && commits["p99_us"].as_u64() >= commits["p50_us"].as_u64());
        let workers = status["workers"].as_array().expect("workers are listed");
        assert_eq!(workers[0], json!({ "name": "committer", "state": "running" }));
    }
    let query = ana.caller.get(&format!("{PATH}?verbose=1")).await;
    query.expect_problem(400, "invalid_request");
}

async fn currencies_are_those_of_wallets(bank: Arc<TestBank>) {
    let path = "/v1/currencies";
    bank.anonymous().get(path).await.expect_problem(401, "unauthenticated");
    let ana = bank.customer("ana").await;
    let answer = ana.caller.get(path).await;
    assert_eq!(answer.header("cache-control"), "private, max-age=3600");
    let list = answer.expect(200);
    let items = list["items"].as_array().expect("there is a list");
    let codes: Vec<&str> = items.iter().filter_map(|item| item["code"].as_str()).collect();
    assert!(codes.is_sorted() && codes.len() == items.len() && codes.len() == Currency::all().len());
    let of = |code: &str| items.iter().find(|item| item["code"] == code).cloned();
    assert_eq!(of("JPY").expect("there are yen")["digits"], 0);
    assert_eq!(of("XAU").expect("there is gold")["digits"], Value::Null);
    assert!(of("USD").expect("there are dollars")["name"].is_string());
    let some = codes.iter().step_by(codes.len() / 5).filter(|code| **code != "USD");
    for code in some {
        let opened = ana.caller.post("/v1/wallets", json!({ "currency": code })).await;
        assert_eq!(opened.expect(201)["currency"], *code);
    }
}

async fn callers_are_told_what_they_may_do(bank: Arc<TestBank>) {
    let words = |permissions: Permissions| -> Vec<Value> {
        permissions
            .iter()
            .map(|permission| permission.as_str().into())
            .collect()
    };
    for role in ROLES {
        bank.user(role.as_str(), role).await;
        let caller = bank.sign_in(&format!("{}@example.com", role.as_str())).await;
        let me = caller.get("/v1/users/me").await.expect(200);
        assert_eq!(me["permissions"], Value::from(words(Permissions::of(role))), "{role}");
    }
    // A key may do what its scopes name, and no more.
    let ana = bank.customer("ana").await;
    let key = json!({ "name": "reader", "scopes": ["transfers:read", "wallets:read"] });
    let key = bank.key(&ana.caller, key).await;
    let me = key.get("/v1/users/me").await.expect(200);
    assert_eq!(me["permissions"], json!(["wallets:read", "transfers:read"]));
}
