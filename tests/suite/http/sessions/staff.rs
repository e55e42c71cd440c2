//! What staff do to users: suspend, activate, give another role. Each counts at once.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};
use service::actor::Actor;
use service::values::{Role, UserId, UserStatus};

use super::{PASSWORD, act, is_out, login, refresh, user, with};

on_every_backend!(
    a_suspended_customer_moves_no_money,
    a_new_role_counts_at_once,
    a_token_that_outlives_its_session_changes_nobody,
);
on_sqlite!(
    only_staff_change_users,
    an_admin_is_changed_by_an_admin_only,
    a_role_is_one_of_the_five,
);

const UNKNOWN: &str = "/v1/users/01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

async fn a_suspended_customer_moves_no_money(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let (support, _) = user(&bank, "support", Role::Support).await;
    let tokens = login(&bank, &ana.email).await;
    let path = format!("/v1/users/{}", ana.actor.user);
    let suspended = act(&support, &format!("{path}/suspend")).await.expect(200);
    assert_eq!(
        (&suspended["status"], &suspended["email"]),
        (&json!("suspended"), &json!(ana.email))
    );
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    for caller in [&ana.caller, &with(&bank, &tokens)] {
        is_out(&caller.post("/v1/transfers", body.clone()).await);
        is_out(&caller.get("/v1/users/me").await);
    }
    is_out(&refresh(&bank, &tokens["refresh_token"]).await);
    let credentials = json!({ "email": ana.email, "password": PASSWORD });
    let refused = bank.anonymous().post("/v1/auth/login", credentials).await;
    refused.expect_problem(401, "invalid_credentials");
    // Nothing is suspended twice.
    act(&support, &format!("{path}/suspend")).await.expect(200);

    let activated = act(&support, &format!("{path}/activate")).await.expect(200);
    assert_eq!(activated["status"], "active");
    is_out(&ana.caller.post("/v1/transfers", body.clone()).await);
    let fresh = with(&bank, &login(&bank, &ana.email).await);
    fresh.post("/v1/transfers", body).await.expect(201);
}

async fn a_new_role_counts_at_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (admin, admin_id) = user(&bank, "admin", Role::Admin).await;
    let (operator, operator_id) = user(&bank, "oda", Role::Operator).await;
    let deposit = json!({ "amount": "1000000", "method": "visa" });
    let path = format!("/v1/wallets/{}/deposits", ana.wallet);
    operator.post(&path, deposit.clone()).await.expect(201);
    let role = json!({ "role": "customer" });
    let changed = admin
        .post(&format!("/v1/users/{operator_id}/role"), role.clone())
        .await
        .expect(200);
    assert_eq!(changed["role"], "customer");
    is_out(&operator.post(&path, deposit.clone()).await);
    let fresh = with(&bank, &login(&bank, "oda@example.com").await);
    fresh.post(&path, deposit).await.expect_problem(403, "forbidden");
    let own = admin.post(&format!("/v1/users/{admin_id}/role"), role).await;
    own.expect_problem(403, "forbidden");
    admin.get("/v1/users/me").await.expect(200);
}

/// The bank's server does not look for sessions that end elsewhere, so it takes the token for good.
async fn a_token_that_outlives_its_session_changes_nobody(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let dora = bank.user("dora", Role::Admin).await;
    let (oda, oda_id) = user(&bank, "oda", Role::Operator).await;
    let there = bank.replica().await;
    let admin = Actor::new(dora.id, dora.role);
    let id = UserId(oda_id.parse().expect("an id is a UUID"));
    there.identity.suspend(&admin, id).await.expect("oda can be suspended");
    oda.get("/v1/users/me").await.expect(200);
    act(&oda, &format!("/v1/users/{oda_id}/activate"))
        .await
        .expect_problem(403, "forbidden");
    is_out(&act(&oda, &format!("/v1/users/{}/suspend", ana.actor.user)).await);
    let key = json!({ "name": "a way back", "scopes": ["wallets:read"] });
    is_out(&oda.post("/v1/api-keys", key).await);
    let change = json!({ "current_password": PASSWORD, "new_password": "violet tractor under glass" });
    is_out(&oda.post("/v1/users/me/password", change).await);
    let suspended = there.identity.user(id).await.expect("oda is there");
    assert_eq!(suspended.status, UserStatus::Suspended);
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 0);
    ana.caller.get("/v1/users/me").await.expect(200);
    there.stop().await;
}

async fn only_staff_change_users(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let path = format!("/v1/users/{}", ana.actor.user);
    let acts = [
        ("suspend", json!({})),
        ("activate", json!({})),
        ("role", json!({ "role": "admin" })),
    ];
    let (auditor, _) = user(&bank, "auditor", Role::Auditor).await;
    for (act, body) in &acts {
        let path = format!("{path}/{act}");
        is_out(&bank.anonymous().post(&path, body.clone()).await);
        for caller in [&ana.caller, &auditor] {
            let refused = caller.post(&path, body.clone()).await;
            refused.expect_problem(403, "forbidden");
        }
    }
    let (support, _) = user(&bank, "support", Role::Support).await;
    let (admin, _) = user(&bank, "admin", Role::Admin).await;
    for caller in [&support, &bank.operator().await] {
        let refused = caller.post(&format!("{path}/role"), json!({ "role": "admin" })).await;
        refused.expect_problem(403, "forbidden");
        act(caller, &format!("{UNKNOWN}/suspend"))
            .await
            .expect_problem(404, "user_not_found");
    }
    let missing = admin
        .post(&format!("{UNKNOWN}/role"), json!({ "role": "auditor" }))
        .await;
    missing.expect_problem(404, "user_not_found");
    let me = ana.caller.get("/v1/users/me").await.expect(200);
    assert_eq!((&me["role"], &me["status"]), (&json!("customer"), &json!("active")));
}

async fn an_admin_is_changed_by_an_admin_only(bank: Arc<TestBank>) {
    let (support, _) = user(&bank, "support", Role::Support).await;
    let (first, first_id) = user(&bank, "first", Role::Admin).await;
    let (second, second_id) = user(&bank, "second", Role::Admin).await;
    for what in ["suspend", "activate"] {
        act(&support, &format!("/v1/users/{first_id}/{what}"))
            .await
            .expect_problem(403, "forbidden");
    }
    act(&first, &format!("/v1/users/{second_id}/suspend")).await.expect(200);
    is_out(&second.get("/v1/users/me").await);
    let last = act(&first, &format!("/v1/users/{first_id}/suspend")).await;
    last.expect_problem(403, "forbidden");
    first.get("/v1/users/me").await.expect(200);
}

async fn a_role_is_one_of_the_five(bank: Arc<TestBank>) {
    let (admin, _) = user(&bank, "admin", Role::Admin).await;
    let (_, id) = user(&bank, "oda", Role::Operator).await;
    let path = format!("/v1/users/{id}/role");
    for bad in [json!("owner"), json!("Admin"), json!(""), Value::Null, json!(["admin"])] {
        let refused = admin.post(&path, json!({ "role": bad })).await;
        refused.expect_problem(400, "invalid_request");
        assert_eq!(refused.json["errors"][0]["field"], "role");
    }
    for role in ["support", "auditor", "admin", "customer", "operator"] {
        let changed = admin.post(&path, json!({ "role": role })).await.expect(200);
        assert_eq!(changed["role"], role);
    }
}
