//! Access tokens that the bank has not issued.

use std::fs;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Customer, TestBank, TokenAlgorithm, on_every_backend, signed_token};
use serde_json::{Value, json};
use service::clock::Clock;
use uuid::Uuid;

on_every_backend!(
    a_token_with_other_claims_is_not_accepted,
    a_token_without_a_claim_is_not_accepted,
    a_token_with_another_signature_is_not_accepted,
    what_is_no_token_is_not_accepted,
    a_token_is_good_on_every_replica_with_the_key,
);

/// The claims of a valid token of ana's.
fn claims(bank: &TestBank, ana: &Customer) -> Value {
    let now = bank.clock.now().timestamp();
    json!({
        "iss": "florin", "aud": "florin-api", "sub": ana.actor.user, "role": "customer", "iat": now, "exp": now + 900,
        "jti": Uuid::from_u128(1),
    })
}

/// The bank's own key, as read from its file.
fn own_key(bank: &TestBank) -> Vec<u8> {
    let text = fs::read_to_string(bank.database.folder.path().join("signing.key")).expect("the key file can be read");
    STANDARD.decode(text.trim()).expect("the key is base64")
}

async fn status(bank: &TestBank, token: &str) -> u16 {
    let answer = bank.with_token(token).get("/v1/users/me").await;
    if answer.status != 200 {
        answer.expect_problem(401, "unauthenticated");
    }
    answer.status
}

async fn a_token_with_other_claims_is_not_accepted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (key, now) = (own_key(&bank), bank.clock.now().timestamp());
    let good = claims(&bank, &ana);
    assert_eq!(
        status(&bank, &signed_token(TokenAlgorithm::Hs256, &good, &key)).await,
        200,
        "what is changed below is good"
    );
    for (claim, value) in [
        ("iss", json!("florist")),
        ("iss", json!("")),
        ("aud", json!("florin")),
        ("aud", json!(["another-api"])),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("sub", json!("ana@example.com")),
        ("role", json!("root")),
        ("role", json!("Operator")),
    ] {
        let mut forged = good.clone();
        forged[claim] = value.clone();
        assert_eq!(
            status(&bank, &signed_token(TokenAlgorithm::Hs256, &forged, &key)).await,
            401,
            "{claim}: {value}"
        );
    }
}

async fn a_token_without_a_claim_is_not_accepted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let key = own_key(&bank);
    for claim in ["iss", "aud", "sub", "role", "exp"] {
        let mut forged = claims(&bank, &ana);
        forged
            .as_object_mut()
            .expect("claims are an object")
            .shift_remove(claim);
        assert_eq!(
            status(&bank, &signed_token(TokenAlgorithm::Hs256, &forged, &key)).await,
            401,
            "{claim}"
        );
    }
}

async fn a_token_with_another_signature_is_not_accepted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let good = ana.caller.token.clone().expect("ana has signed in");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, body, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let (other_key, claims) = ([7; 32], claims(&bank, &ana));
    let promoted = {
        let mut claims = claims.clone();
        claims["role"] = json!("operator");
        signed_token(TokenAlgorithm::Hs256, &claims, &other_key)
    };
    let promoted_body = promoted.split('.').nth(1).expect("a token has a body");
    // {"typ":"JWT","alg":"none"} and {"alg":"None"}
    let (none, other_none) = ("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0");
    for forged in [
        signed_token(TokenAlgorithm::Hs256, &claims, &other_key),
        signed_token(TokenAlgorithm::Hs256, &claims, b""),
        signed_token(TokenAlgorithm::Hs384, &claims, &own_key(&bank)),
        signed_token(TokenAlgorithm::Hs512, &claims, &own_key(&bank)),
        promoted.clone(),
        format!("{header}.{promoted_body}.{signature}"),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{other_none}.{body}."),
        format!("{header}.{body}."),
        format!("{header}.{body}"),
        format!("{good}A"),
    ] {
        assert_eq!(status(&bank, &forged).await, 401, "{forged}");
    }
    assert_eq!(status(&bank, &good).await, 200);
}

async fn what_is_no_token_is_not_accepted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let good = ana.caller.token.clone().expect("ana has signed in");
    bank.anonymous()
        .get("/v1/users/me")
        .await
        .expect_problem(401, "unauthenticated");
    for text in ["", "x", "..", "a.b.c", "null", &"x".repeat(4_000)] {
        assert_eq!(status(&bank, text).await, 401, "{text}");
    }
    for header in [format!("Basic {good}"), good.clone(), format!("Bearer{good}")] {
        let request = bank
            .anonymous()
            .request(reqwest::Method::GET, "/v1/users/me")
            .header("Authorization", header);
        harness::Answer::of(request)
            .await
            .expect_problem(401, "unauthenticated");
    }
    let body = crate::requests::transfer(ana.wallet, ana.wallet, "1");
    bank.with_token("x")
        .post("/v1/transfers", body)
        .await
        .expect_problem(401, "unauthenticated");
}

async fn a_token_is_good_on_every_replica_with_the_key(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = ana.caller.token.clone().expect("ana has signed in");
    let replica = bank.replica().await;
    assert_eq!(replica.identity.authenticate(&token), Ok(ana.actor));
    let another_bank = TestBank::open(bank.backend).await;
    assert!(
        another_bank.services.identity.authenticate(&token).is_err(),
        "another bank has another key"
    );
    another_bank.close().await;
}
