//! What no line of the audit log holds: passwords, tokens, keys, and the address of a failed sign-in.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use secrecy::ExposeSecret;
use service::db::hex;
use service::identity::api_keys::{NewApiKey, RollOverlap};
use service::values::Role;
use sha2::{Digest, Sha256};

use super::{NEW_PASSWORD, WRONG_PASSWORD, client, registration, sign_in, staff, try_sign_in};

on_every_backend!(no_line_holds_a_secret_or_the_address_of_a_failed_sign_in);

async fn no_line_holds_a_secret_or_the_address_of_a_failed_sign_in(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let registered = identity.register(registration("ana@example.com"), &client()).await;
    let (ana, _) = registered.expect("ana can register");
    for (email, password) in [("ana@example.com", WRONG_PASSWORD), ("eve@example.com", PASSWORD)] {
        assert!(try_sign_in(&bank.services, email, password).await.is_err());
    }
    let (first, here) = sign_in(&bank.services, "ana@example.com").await;
    let second = identity.refresh(&first.refresh_token, &client()).await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));
    let new = NewApiKey {
        name: "a test's".to_owned(),
        scopes: vec!["wallets:read".to_owned()],
        wallets: None,
        addresses: None,
        expires_at: None,
    };
    let keys = &identity.api_keys;
    let (key, first_secret) = keys.create(&here, new).await.expect("ana can make a key");
    let rolled = keys.roll(&here, key.id, RollOverlap::default()).await;
    let (_, second_secret) = rolled.expect("ana can roll it");
    keys.revoke(&here, key.id).await.expect("ana can revoke it");
    let changed = identity
        .change_password(&here, PASSWORD.into(), NEW_PASSWORD.into(), &client())
        .await;
    changed.expect("ana can change the password");
    let signed_out = identity.sign_out(&here, Some(&second.refresh_token)).await;
    signed_out.expect("ana can sign out");
    let admin = staff(&bank, "dora", Role::Admin).await;
    let set = identity.set_password(&admin, ana.id, PASSWORD.into()).await;
    set.expect("an admin can set a password");

    let lines = bank.audit_lines().await;
    assert!(lines.len() >= 10, "lines are missing: {lines:?}");
    let shown = format!("{lines:?}");
    assert!(shown.contains("a test's"), "the lines are not read right: {shown}");
    let tokens = [&first, &second].map(|tokens| [&tokens.access_token, &tokens.refresh_token]);
    let secrets = tokens.iter().flatten().copied().chain([&first_secret, &second_secret]);
    let secrets = secrets.map(|secret| secret.expose_secret());
    let texts = [
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        "argon2",
        "@example.com",
        "florin_",
    ];
    for secret in secrets.chain(texts) {
        assert!(!shown.contains(secret), "a line holds {secret}: {shown}");
    }
    // A digest without a key could be guessed.
    for email in ["ana@example.com", "eve@example.com"] {
        let digest: [u8; 32] = Sha256::digest(email).into();
        assert!(!shown.contains(&hex(&digest)), "{email}: {shown}");
    }
}
