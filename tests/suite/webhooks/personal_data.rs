//! Webhooks of a person: the export has them, an erasure deletes them, and the audit log tells who changed them.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};
use service::actor::Actor;
use service::values::Role;

use super::HookStage;
use crate::requests::{act, wallet_path};

on_every_backend!(
    an_export_has_webhooks_without_secrets,
    the_endpoints_of_an_erased_person_are_gone,
    the_audit_log_tells_who_changed_a_webhook,
);

async fn an_export_has_webhooks_without_secrets(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "description": "the till" }))
        .await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let export = stage.ana.caller.get("/v1/users/me/export").await;
    assert_eq!(export.status, 200, "{}", export.text);
    let secret = hook.secret.strip_prefix("whsec_").expect("it is a secret");
    assert!(
        !export.text.contains(secret) && !export.text.contains("whsec_"),
        "{}",
        export.text
    );
    let webhooks = export.json["webhooks"].as_array().expect("they are exported");
    assert_eq!(webhooks.len(), 1);
    let now = hook.now().await;
    for member in ["id", "url", "description", "status", "created_at"] {
        assert_eq!(webhooks[0][member], now[member], "{member}");
    }
}

async fn the_endpoints_of_an_erased_person_are_gone(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "description": "annas-till" }))
        .await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let all = json!({
        "source_wallet_id": stage.ana.wallet, "destination_wallet_id": stage.ben.wallet, "amount": "100",
    });
    stage.ana.caller.post("/v1/transfers", all).await.expect(201);
    hook.until_deliveries("delivered", 1).await;
    act(&stage.operator, &wallet_path(stage.ana.wallet, "/close"))
        .await
        .expect(200);
    stage.receiver.until_delivered("/ana", 2).await;
    let admin = bank.user("dora", Role::Admin).await;
    let admin = Actor::new(admin.id, admin.role);
    let erased = bank.services.identity.erase(&admin, stage.ana.actor.user).await;
    erased.expect("she can be erased");
    stage
        .operator
        .get(&hook.path(""))
        .await
        .expect_problem(404, "webhook_not_found");
    for table in ["webhooks", "webhook_secrets", "webhook_deliveries"] {
        let column = if table == "webhooks" { "id" } else { "webhook_id" };
        let id = bank.literal(hook.id.parse().expect("it is an id"));
        let sql = format!("SELECT count(*) AS n FROM {table} WHERE {column} = {id}");
        assert_eq!(bank.number(&sql).await, 0, "{table}");
    }
    let rows = crate::erasure::stored_rows(&bank).await;
    for mark in ["annas-till", &stage.receiver.url("/ana")] {
        let with: Vec<&str> = rows
            .iter()
            .filter(|row| row.text.contains(mark))
            .map(|row| row.table.as_str())
            .collect();
        assert_eq!(with, Vec::<&str>::new(), "{mark}");
    }
    // Ben's goes on.
    bank.fund(stage.ben.wallet, "1", "visa").await;
    stage.receiver.until_delivered("/ben", 2).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), 2);
}

async fn the_audit_log_tells_who_changed_a_webhook(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    // Lines of one moment have no order of their own.
    let moment = || bank.advance(TimeDelta::milliseconds(1));
    moment().await;
    hook.seen_by(&stage.operator)
        .change(json!({ "status": "paused" }))
        .await;
    moment().await;
    hook.rotate(0).await;
    moment().await;
    hook.replay(&stage.end().await).await;
    moment().await;
    assert_eq!(stage.ana.caller.delete(&hook.path("")).await.status, 204);
    bank.user("aud", Role::Auditor).await;
    let auditor = bank.sign_in("aud@example.com").await;
    let page = auditor
        .get(&format!("/v1/audit?limit=500&subject_id={}", hook.id))
        .await
        .expect(200);
    let lines = page["items"].as_array().expect("a list has items");
    let mut told: Vec<(Value, Value)> = lines
        .iter()
        .map(|line| (line["action"].clone(), line["actor_id"].clone()))
        .collect();
    told.reverse();
    let (ana, operator) = (json!(stage.ana.actor.user), json!(bank.operator_actor().await.user));
    assert_eq!(
        told,
        [
            (json!("webhook.created"), ana.clone()),
            (json!("webhook.changed"), operator),
            (json!("webhook.secret_rotated"), ana.clone()),
            (json!("webhook.replayed"), ana.clone()),
            (json!("webhook.deleted"), ana),
        ]
    );
}
