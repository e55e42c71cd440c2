//! Access tokens that the bank has not issued: attacks on JWT that are known, and some more. Each is 401, and quickly.

mod forgeries;

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::bank::PASSWORD;
use harness::{Customer, TestBank, TestKey, on_every_backend};
use serde_json::{Value, json};
use service::clock::Clock;
use service::identity::TokenError;
use uuid::Uuid;

on_every_backend!(
    a_token_with_other_claims_is_not_accepted,
    a_token_without_a_claim_is_not_accepted,
    a_claim_of_another_type_is_not_accepted,
    a_large_token_costs_nothing,
    what_is_no_token_is_not_accepted,
    a_refresh_token_is_no_access_token,
    a_token_is_good_on_every_replica_with_the_key,
);

/// The time in which a bad token is refused.
const REFUSED_WITHIN: Duration = Duration::from_millis(5);

/// A bank's key, and the claims of a good token of ana's.
struct Target {
    bank: Arc<TestBank>,
    ana: Customer,
    key: TestKey,
    claims: Value,
}

impl Target {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let ana = bank.customer("ana").await;
        let now = bank.clock.now().timestamp();
        let claims = json!({
            "iss": "florin", "aud": "florin-api", "sub": ana.actor.user, "sid": Uuid::from_u128(1), "role": "customer",
            "iat": now, "exp": now + 900,
        });
        let target = Self {
            key: TestKey::all_in(&bank.config.signing_key_file).remove(0),
            bank: bank.clone(),
            claims,
            ana,
        };
        let good = target.key.token(&target.claims);
        let answer = bank.with_token(&good).get("/v1/users/me").await;
        assert_eq!(answer.status, 200, "what is changed below is good: {}", answer.text);
        target
    }

    fn now(&self) -> i64 {
        self.bank.clock.now().timestamp()
    }

    /// The token of ana's own sign-in.
    fn own(&self) -> &str {
        self.ana.caller.token.as_deref().expect("ana has signed in")
    }

    /// The good claims with another value of one, or without it.
    fn with(&self, claim: &str, value: Option<Value>) -> Value {
        let mut claims = self.claims.clone();
        let members = claims.as_object_mut().expect("claims are an object");
        match value {
            Some(value) => members.insert(claim.to_owned(), value),
            None => members.shift_remove(claim),
        };
        claims
    }

    /// A token with the bank's signature, whose header has other members.
    fn headed(&self, changes: &Value) -> String {
        let mut header = self.key.header();
        for (name, value) in changes.as_object().expect("members are an object") {
            header[name] = value.clone();
        }
        self.key.token_of(&header.to_string(), &self.claims.to_string())
    }

    /// Fails unless the token is refused, over HTTP and fast.
    async fn refuses(&self, name: &str, token: &str) {
        let answer = self.bank.with_token(token).get("/v1/users/me").await;
        assert_eq!(answer.status, 401, "{name}: {token}: {}", answer.text);
        answer.expect_problem(401, "unauthenticated");
        self.refuses_fast(name, token);
    }

    /// The shortest of a few tries: what a busy machine adds is not the token's doing.
    fn refuses_fast(&self, name: &str, token: &str) {
        let tries = (0..5).map(|_| {
            let began = Instant::now();
            let refused = self.bank.services.identity.authenticate(token);
            let took = began.elapsed();
            let is_refused = matches!(refused, Err(TokenError::Invalid | TokenError::Expired));
            assert!(is_refused, "{name}: {token}");
            took
        });
        let shortest = tries.min().unwrap_or_default();
        assert!(shortest < REFUSED_WITHIN, "{name} took {shortest:?}");
    }
}

async fn a_token_with_other_claims_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let now = target.now();
    for (claim, value) in [
        ("iss", json!("florist")),
        ("iss", json!("")),
        ("iss", json!("Florin")),
        ("aud", json!("florin")),
        ("aud", json!("another-api")),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MIN)),
        ("nbf", json!(now + 1)),
        ("nbf", json!(i64::MAX)),
        ("iat", json!(now + 6)),
        ("iat", json!(i64::MAX)),
        ("role", json!("root")),
        ("role", json!("Operator")),
        ("sub", json!("ana@example.com")),
        ("sid", json!("1")),
    ] {
        let token = target.key.token(&target.with(claim, Some(value.clone())));
        target.refuses(&format!("{claim}: {value}"), &token).await;
    }
    for (claim, value) in [
        ("nbf", json!(now)),
        ("iat", json!(now + 5)),
        ("more", json!("is ignored")),
    ] {
        let token = target.key.token(&target.with(claim, Some(value)));
        assert!(bank.services.identity.authenticate(&token).is_ok(), "{claim}");
    }
}

async fn a_token_without_a_claim_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    for claim in ["iss", "aud", "sub", "sid", "role", "iat", "exp"] {
        let token = target.key.token(&target.with(claim, None));
        target.refuses(claim, &token).await;
    }
    for claims in ["", "{}", "[]", "null", "\"\"", "{\"sub\":", "\u{0}"] {
        let token = target.key.token_of(&target.key.header().to_string(), claims);
        target.refuses(claims, &token).await;
    }
}

async fn a_claim_of_another_type_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let others = |value: &Value| {
        let wrapped = [json!(null), json!(true), json!([value]), json!({ "is": value })];
        let turned = match value {
            Value::String(_) => json!(1),
            number => json!(number.to_string()),
        };
        wrapped.into_iter().chain([turned]).collect::<Vec<_>>()
    };
    for (claim, value) in target.claims.as_object().expect("claims are an object") {
        for other in others(value) {
            let token = target.key.token(&target.with(claim, Some(other.clone())));
            target.refuses(&format!("{claim}: {other}"), &token).await;
        }
    }
    let good = target.claims.to_string();
    let end = format!("\"exp\":{}", target.now() + 900);
    assert!(good.contains(&end));
    for number in ["1e300", "1e3", "99999999999999999999", "1893456000.5"] {
        let claims = good.replace(&end, &format!("\"exp\":{number}"));
        let token = target.key.token_of(&target.key.header().to_string(), &claims);
        target.refuses(number, &token).await;
    }
}

async fn a_large_token_costs_nothing(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let padded = |length: usize| target.key.token(&target.with("more", Some(json!("x".repeat(length)))));
    assert!(bank.services.identity.authenticate(&padded(1_000)).is_ok());
    target.refuses("padded", &padded(4_000)).await;
    target.refuses("padded", &padded(16_000)).await;
    target.refuses_fast("100 kB of claims", &padded(100_000));
    target.refuses_fast("100 kB of letters", &"x".repeat(100_000));
    target.refuses_fast("100 kB of points", &".".repeat(100_000));
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let header = target
        .key
        .header()
        .to_string()
        .replacen('}', &format!(",\"more\":{deep}}}"), 1);
    target
        .refuses("deep", &target.key.token_of(&header, &target.claims.to_string()))
        .await;
}

async fn what_is_no_token_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    bank.anonymous()
        .get("/v1/users/me")
        .await
        .expect_problem(401, "unauthenticated");
    for text in ["", "x", "..", "a.b.c", "null", "e30.e30.e30", &"x".repeat(4_000)] {
        target.refuses(text, text).await;
    }
    let good = target.own();
    for header in [format!("Basic {good}"), good.to_owned(), format!("Bearer{good}")] {
        let request = bank
            .anonymous()
            .request(reqwest::Method::GET, "/v1/users/me")
            .header("Authorization", header);
        harness::Answer::of(request)
            .await
            .expect_problem(401, "unauthenticated");
    }
    let body = crate::requests::transfer(target.ana.wallet, target.ana.wallet, "1");
    bank.with_token("x")
        .post("/v1/transfers", body)
        .await
        .expect_problem(401, "unauthenticated");
}

async fn a_refresh_token_is_no_access_token(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let body = json!({ "email": target.ana.email, "password": PASSWORD });
    let tokens = bank.anonymous().post("/v1/auth/login", body).await.expect(200);
    let text = |member: &str| {
        tokens[member]
            .as_str()
            .unwrap_or_else(|| panic!("there is no {member}"))
    };
    target.refuses("a refresh token", text("refresh_token")).await;
    bank.with_token(text("access_token"))
        .get("/v1/users/me")
        .await
        .expect(200);
}

async fn a_token_is_good_on_every_replica_with_the_key(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let (token, replica) = (target.own(), bank.replica().await);
    let user = |services: &service::Services| services.identity.authenticate(token).map(|actor| actor.user);
    assert_eq!(user(&replica), Ok(target.ana.actor.user));
    let another_bank = TestBank::open(bank.backend).await;
    assert_eq!(
        user(&another_bank.services),
        Err(TokenError::Invalid),
        "another bank has another key"
    );
    another_bank.close().await;
}
