//! API keys: made, rolled, revoked; and the key of the request in the lines of what a program does.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service::actor::Actor;
use service::clock::Clock;
use service::identity::api_keys::{ApiKey, ApiKeyError, NewApiKey, RollOverlap};
use service::values::{ImportKind, Role, WalletId};

use super::{calling, is_from_client, leaves_no_line, staff, until_imported};
use crate::requests::quiet_customer;

on_every_backend!(
    a_new_key_leaves_a_line,
    a_roll_leaves_a_line,
    a_revocation_leaves_a_line_that_names_the_owner,
    refused_changes_of_keys_leave_no_line,
    what_a_program_does_names_its_key,
);

fn key_for(scope: &str) -> NewApiKey {
    NewApiKey {
        name: "a test's".to_owned(),
        scopes: vec![scope.to_owned()],
        wallets: None,
        addresses: None,
        expires_at: None,
    }
}

async fn make(bank: &TestBank, actor: &Actor, new: NewApiKey) -> (ApiKey, SecretString) {
    let made = bank.services.identity.api_keys.create(actor, new).await;
    made.expect("a key can be made")
}

/// A customer who calls from the client, and the wallet.
async fn customer(bank: &TestBank, name: &str) -> (Actor, WalletId) {
    let (actor, wallet) = quiet_customer(bank, name).await;
    (calling(&actor), wallet)
}

async fn a_new_key_leaves_a_line(bank: Arc<TestBank>) {
    let (ana, wallet) = customer(&bank, "ana").await;
    let end = bank.clock.now() + TimeDelta::hours(1);
    let limited = NewApiKey {
        wallets: Some(vec![wallet]),
        addresses: Some(vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()]),
        expires_at: Some(end),
        ..key_for("transfers:read")
    };
    let (key, _) = make(&bank, &ana, limited).await;
    let line = bank.line_of("api_key.created").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(ana.user), None, Some(ana.user))
    );
    line.expect_subject("api_key", key.id.0);
    is_from_client(&line);
    let after = json!({
        "name": "a test's", "scopes": ["transfers:read"], "wallet_ids": [wallet],
        "addresses": ["192.0.2.0/24", "2001:db8::7"], "expires_at": "2026-01-05T04:33:58.000000Z",
    });
    assert_eq!((line.before, line.after), (None, Some(after)));
}

async fn a_roll_leaves_a_line(bank: Arc<TestBank>) {
    let (ana, _) = customer(&bank, "ana").await;
    let (key, _) = make(&bank, &ana, key_for("wallets:read")).await;
    let overlap = RollOverlap::try_new(60).expect("it is an overlap");
    let rolled = bank.services.identity.api_keys.roll(&ana, key.id, overlap).await;
    rolled.expect("ana may roll it");
    let line = bank.line_of("api_key.rolled").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(ana.user), None, Some(ana.user))
    );
    line.expect_subject("api_key", key.id.0);
    is_from_client(&line);
    let after = json!({
        "name": "a test's", "scopes": ["wallets:read"], "wallet_ids": null, "addresses": null, "expires_at": null,
        "old_secret_until": "2026-01-05T03:34:58.000000Z",
    });
    assert_eq!((line.before, line.after), (None, Some(after)));
}

async fn a_revocation_leaves_a_line_that_names_the_owner(bank: Arc<TestBank>) {
    let (ana, _) = customer(&bank, "ana").await;
    let admin = staff(&bank, "dora", Role::Admin).await;
    let (key, _) = make(&bank, &ana, key_for("wallets:read")).await;
    let revoked = bank.services.identity.api_keys.revoke(&admin, key.id).await;
    revoked.expect("an admin may revoke it");
    let line = bank.line_of("api_key.revoked").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(admin.user), None, Some(ana.user))
    );
    line.expect_subject("api_key", key.id.0);
    is_from_client(&line);
    let before = json!({
        "name": "a test's", "scopes": ["wallets:read"], "wallet_ids": null, "addresses": null, "expires_at": null,
    });
    assert_eq!((line.before, line.after), (Some(before), None));
}

async fn refused_changes_of_keys_leave_no_line(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = customer(&bank, "ana").await;
    let (ben, _) = customer(&bank, "ben").await;
    let end = bank.clock.now() + TimeDelta::hours(1);
    let short = NewApiKey {
        expires_at: Some(end),
        ..key_for("wallets:read")
    };
    let (key, _) = make(&bank, &ana, short).await;
    let (revoked, _) = make(&bank, &ana, key_for("wallets:read")).await;
    keys.revoke(&ana, revoked.id).await.expect("ana may revoke it");
    bank.advance(TimeDelta::hours(1)).await;
    // Another role than the stored one, as a token that is too old has.
    let stale = Actor::new(ana.user, Role::Operator);
    leaves_no_line(&bank, async || {
        let made = [
            keys.create(&ana, key_for("nonsense")).await.err(),
            keys.create(&ana, key_for("users:manage")).await.err(),
            keys.create(&stale, key_for("wallets:read")).await.err(),
        ];
        assert!(made.iter().all(Option::is_some), "{made:?}");
        let expired = keys.roll(&ana, key.id, RollOverlap::default()).await;
        assert!(matches!(expired, Err(ApiKeyError::Expired)));
        let others = keys.roll(&ben, key.id, RollOverlap::default()).await;
        assert!(matches!(others, Err(ApiKeyError::NotFound)));
        for (actor, id) in [(&ben, key.id), (&ana, revoked.id)] {
            let missing = keys.revoke(actor, id).await;
            assert!(matches!(missing, Err(ApiKeyError::NotFound)), "{missing:?}");
        }
        let old = keys.revoke(&stale, key.id).await;
        assert!(matches!(old, Err(ApiKeyError::AskerChanged)), "{old:?}");
    })
    .await;
}

async fn what_a_program_does_names_its_key(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let (key, secret) = make(&bank, &operator, key_for("imports:write")).await;
    let program = bank
        .services
        .identity
        .api_keys
        .authenticate(secret.expose_secret(), None)
        .await;
    let program = calling(&program.expect("a new key is good"));
    let imports = &bank.services.imports;
    let slot = imports
        .admit(ImportKind::Activities, None)
        .await
        .expect("there is room");
    let taken = imports.receive_upload(&program, slot, "a.csv", &b"a,b\n"[..]).await;
    taken.expect("it is taken in");
    let line = bank.line_of("import.created").await;
    assert_eq!((line.actor, line.api_key), (Some(operator.user), Some(key.id)));
    is_from_client(&line);
    until_imported(&bank).await;
}
