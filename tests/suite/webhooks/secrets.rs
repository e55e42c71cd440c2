//! Secrets of webhooks: shown once, replaced with an overlap, and nowhere else.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use serde_json::json;

use super::HookStage;
use crate::erasure::stored_rows;

on_every_backend!(
    both_secrets_sign_during_an_overlap_and_then_only_the_new_one,
    a_rotation_without_overlap_ends_the_old_secret_at_once,
    a_secret_is_in_no_answer_but_the_first_and_in_no_other_table,
    a_public_key_is_rotated_too,
);

async fn both_secrets_sign_during_an_overlap_and_then_only_the_new_one(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let old = stage.hook(&stage.ana.caller, "/ana").await;
    let new = old.rotate(600).await;
    assert_ne!(old.secret, new.secret);
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 1).await;
    assert!(old.has_signed(&hooks[0]) && new.has_signed(&hooks[0]), "{hooks:?}");
    assert_eq!(hooks[0].header("webhook-signature").split(' ').count(), 2);
    bank.advance(TimeDelta::seconds(601)).await;
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 2).await;
    assert!(!old.has_signed(&hooks[1]) && new.has_signed(&hooks[1]), "{hooks:?}");
    assert_eq!(hooks[1].header("webhook-signature").split(' ').count(), 1);
}

async fn a_rotation_without_overlap_ends_the_old_secret_at_once(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let old = stage.hook(&stage.ana.caller, "/ana").await;
    let new = old.rotate(0).await;
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 1).await;
    assert!(!old.has_signed(&hooks[0]) && new.has_signed(&hooks[0]), "{hooks:?}");
    // Within the overlap of a second rotation only two secrets sign.
    let second = new.rotate(600).await;
    let third = second.rotate(600).await;
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 2).await;
    assert!(third.has_signed(&hooks[1]) && second.has_signed(&hooks[1]), "{hooks:?}");
    assert!(!new.has_signed(&hooks[1]), "{hooks:?}");
    for wrong in [json!(-1), json!(604_801), json!("1")] {
        let refused = stage
            .ana
            .caller
            .post(&old.path("/rotate-secret"), json!({ "overlap_s": wrong }))
            .await;
        assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
    }
}

async fn a_secret_is_in_no_answer_but_the_first_and_in_no_other_table(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let first = stage.hook(&stage.ana.caller, "/ana").await;
    let second = first.rotate(600).await;
    stage.paid().await;
    stage.receiver.until_delivered("/ana", 1).await;
    first.until_deliveries("delivered", 1).await;
    first.change(json!({ "description": "till" })).await;
    let auditor = {
        bank.user("aud", service::values::Role::Auditor).await;
        bank.sign_in("aud@example.com").await
    };
    let mut texts = Vec::new();
    for (caller, path) in [
        (&stage.ana.caller, "/v1/webhooks".to_owned()),
        (&stage.ana.caller, first.path("")),
        (&stage.ana.caller, first.path("/deliveries")),
        (&stage.ana.caller, "/v1/users/me/export".to_owned()),
        (&stage.operator, "/v1/webhooks".to_owned()),
        (&stage.operator, first.path("")),
        (&auditor, "/v1/audit?limit=500".to_owned()),
    ] {
        let answer = caller.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        texts.push((path, answer.text));
    }
    texts.push((
        "the answer to a change".to_owned(),
        first.change(json!({})).await.to_string(),
    ));
    texts.push(("the answer to a test".to_owned(), first.test().await.to_string()));
    let rows = stored_rows(&bank).await;
    for hook in [&first, &second] {
        let secret = hook.secret.strip_prefix("whsec_").expect("it is a secret");
        for (what, text) in &texts {
            assert!(!text.contains(secret), "{what} has a secret");
        }
        // Its bytes are where they must be, and nowhere else; its text is nowhere.
        let digits = hex_of(secret);
        for row in &rows {
            assert!(
                !row.text.contains(&secret.to_lowercase()),
                "{} has the text of a secret",
                row.table
            );
            let is_allowed = row.table == "webhook_secrets";
            assert!(is_allowed || !row.text.contains(&digits), "{} has a secret", row.table);
        }
        let stored = rows.iter().filter(|row| row.table == "webhook_secrets");
        assert_eq!(stored.filter(|row| row.text.contains(&digits)).count(), 1);
    }
}

/// The bytes of a secret as hexadecimal digits.
fn hex_of(secret: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(secret);
    let bytes = bytes.expect("a secret is Base64");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn a_public_key_is_rotated_too(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let old = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "signing": "ed25519" }))
        .await;
    let new = old.rotate(600).await;
    assert!(new.secret.starts_with("whpk_") && new.secret != old.secret);
    assert_eq!(new.now().await["public_key"], new.secret.as_str());
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 1).await;
    assert!(old.has_signed(&hooks[0]) && new.has_signed(&hooks[0]), "{hooks:?}");
}
