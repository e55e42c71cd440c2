//! Registration and sign-in.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::bank::PASSWORD;
use harness::{Caller, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::clock::random_bytes;

use crate::requests::items;

on_every_backend!(
    registering_makes_a_customer_with_a_wallet,
    a_first_wallet_may_be_in_another_currency,
    addresses_are_compared_in_lower_case,
    an_address_is_registered_once,
    spellings_of_an_address_are_one_account,
    hidden_characters_are_refused,
    names_are_kept_composed,
    weak_passwords_are_refused,
    what_is_no_address_or_name_cannot_be_read,
    a_wallet_that_could_not_be_opened_comes_with_a_sign_in,
    signing_in_gives_a_token_for_fifteen_minutes,
    a_wrong_password_and_an_unknown_address_get_the_same_answer,
    passwords_are_never_stored_or_shown,
);

pub(super) fn registration(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "full_name": "Ana Lima" })
}

pub(super) async fn register(caller: &Caller, body: Value) -> harness::Answer {
    caller.post("/v1/auth/register", body).await
}

pub(super) async fn login(caller: &Caller, email: &str, password: &str) -> harness::Answer {
    caller
        .post("/v1/auth/login", json!({ "email": email, "password": password }))
        .await
}

async fn registering_makes_a_customer_with_a_wallet(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    let made = register(&anybody, registration("ana@example.com")).await.expect(201);
    let (user, wallet) = (&made["user"], &made["wallet"]);
    let expected = json!({
        "id": user["id"], "email": "ana@example.com", "full_name": "Ana Lima", "role": "customer", "status": "active",
        "created_at": user["created_at"], "updated_at": user["created_at"],
    });
    assert_eq!(*user, expected);
    assert_eq!((&wallet["user_id"], &wallet["currency"]), (&user["id"], &json!("USD")));
    assert_eq!(
        (&wallet["balance"], &wallet["status"]),
        (&json!("0.0000"), &json!("ACTIVE"))
    );
    let token = login(&anybody, "ana@example.com", PASSWORD).await.expect(200);
    let ana = bank.with_token(token["access_token"].as_str().unwrap_or_default());
    let mut own = ana.get("/v1/users/me").await.expect(200);
    let permissions = own.as_object_mut().and_then(|own| own.remove("permissions"));
    assert!(permissions.is_some_and(|permissions| permissions.is_array()));
    assert_eq!(own, *user);
    assert_eq!(items(&ana, "/v1/wallets").await, std::slice::from_ref(wallet));
}

async fn a_first_wallet_may_be_in_another_currency(bank: Arc<TestBank>) {
    let mut body = registration("ana@example.com");
    body["currency"] = json!("EUR");
    let made = register(&bank.anonymous(), body.clone()).await.expect(201);
    assert_eq!(made["wallet"]["currency"], "EUR");
    body["email"] = json!("ben@example.com");
    body["currency"] = json!("eur");
    register(&bank.anonymous(), body)
        .await
        .expect_problem(422, "unknown_currency");
}

async fn addresses_are_compared_in_lower_case(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    let made = register(&anybody, registration(" Ana.LIMA@Example.Com "))
        .await
        .expect(201);
    assert_eq!(made["user"]["email"], "ana.lima@example.com");
    login(&anybody, "ANA.lima@example.COM", PASSWORD).await.expect(200);
    register(&anybody, registration("aNa.lima@EXAMPLE.com"))
        .await
        .expect_problem(409, "email_taken");
}

async fn an_address_is_registered_once(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    register(&anybody, registration("ana@example.com")).await.expect(201);
    let again = register(&anybody, registration("ana@example.com")).await;
    again.expect_problem(409, "email_taken");
    let counts = "SELECT (SELECT count(*) FROM users) * 100 + (SELECT count(*) FROM wallets) AS n";
    assert_eq!(bank.number(counts).await, 101);
    register(&anybody, registration("ana2@example.com")).await.expect(201);
}

async fn spellings_of_an_address_are_one_account(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    for (kept, spellings) in [
        (
            "rené.σίσυφοσ@example.com",
            [
                "rene\u{301}.σίσυφος@example.com",
                "RENÉ.ΣΊΣΥΦΟΣ@Example.COM",
                "rené.σίσυφος@example.com",
            ],
        ),
        ("иван@пример.рф", ["ИВАН@ПРИМЕР.РФ", "Иван@пример.рф", "иван@Пример.рф"]),
    ] {
        let made = register(&anybody, registration(spellings[0])).await.expect(201);
        assert_eq!(made["user"]["email"], kept);
        for spelling in spellings.into_iter().chain([kept]) {
            register(&anybody, registration(spelling))
                .await
                .expect_problem(409, "email_taken");
            login(&anybody, spelling, PASSWORD).await.expect(200);
        }
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM users").await, 2);
}

async fn hidden_characters_are_refused(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    register(&anybody, registration("ana@example.com")).await.expect(201);
    // Zero-width, direction, a letter that is shown blank, a control, an unassigned character, and one that has another
    // form.
    for hidden in ["\u{200b}", "\u{202e}", "\u{2067}", "\u{3164}", "\u{1}", "\u{378}"] {
        for email in [format!("an{hidden}a@example.com"), format!("{hidden}ana@example.com")] {
            let answer = register(&anybody, registration(&email)).await;
            answer.expect_problem(400, "invalid_request");
            assert_eq!(answer.json["errors"][0]["field"], "email", "{}", answer.text);
            login(&anybody, &email, PASSWORD)
                .await
                .expect_problem(401, "invalid_credentials");
        }
        let mut body = registration("ben@example.com");
        body["full_name"] = json!(format!("Ben{hidden}"));
        let answer = register(&anybody, body).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "full_name", "{}", answer.text);
    }
    let wide = register(&anybody, registration("ａna@example.com")).await;
    wide.expect_problem(400, "invalid_request");
    assert_eq!(bank.number("SELECT count(*) AS n FROM users").await, 1);
}

async fn names_are_kept_composed(bank: Arc<TestBank>) {
    let mut body = registration("ana@example.com");
    body["full_name"] = json!(" Rene\u{301}e\u{a0} 山田\u{3000}太郎 ");
    let made = register(&bank.anonymous(), body).await.expect(201);
    assert_eq!(made["user"]["full_name"], "Renée 山田 太郎");
}

async fn weak_passwords_are_refused(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    let with = |password: String| {
        let mut body = registration("ana@example.com");
        body["password"] = json!(password);
        body
    };
    for weak in [String::new(), "x".repeat(11), "ä".repeat(11), "x".repeat(129)] {
        register(&anybody, with(weak))
            .await
            .expect_problem(422, "weak_password");
    }
    let shortest = "äöü-7Kq!zßwé";
    register(&anybody, with(shortest.to_owned())).await.expect(201);
    login(&anybody, "ana@example.com", shortest).await.expect(200);
    let mut longest = with(URL_SAFE_NO_PAD.encode(random_bytes::<96>()));
    longest["email"] = json!("ben@example.com");
    register(&anybody, longest).await.expect(201);
}

async fn what_is_no_address_or_name_cannot_be_read(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    let long = format!("{}@example.com", "a".repeat(250));
    for email in [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@example",
        "a b@example.com",
        "a@b@example.com",
        long.as_str(),
    ] {
        let answer = register(&anybody, registration(email)).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "email", "{email}");
    }
    for name in [String::new(), " ".to_owned(), "a\nb".to_owned(), "x".repeat(201)] {
        let mut body = registration("ana@example.com");
        body["full_name"] = json!(name);
        let answer = register(&anybody, body).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "full_name", "{name}");
    }
    for (member, value) in [("password", Value::Null), ("role", json!("admin")), ("email", json!(1))] {
        let mut body = registration("ana@example.com");
        body[member] = value;
        register(&anybody, body).await.expect_problem(400, "invalid_request");
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM users").await, 0);
}

async fn a_wallet_that_could_not_be_opened_comes_with_a_sign_in(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    bank.execute(match bank.backend {
        harness::Backend::Postgres => "ALTER TABLE wallets ADD CONSTRAINT none CHECK (currency <> 'USD')",
        harness::Backend::Sqlite => {
            "CREATE TRIGGER none BEFORE INSERT ON wallets BEGIN SELECT RAISE(ABORT, 'no wallets today'); END"
        }
    })
    .await;
    register(&anybody, registration("ana@example.com"))
        .await
        .expect_problem(503, "outcome_unknown");
    let count = async |table| bank.number(&format!("SELECT count(*) AS n FROM {table}")).await;
    let sign_in = async || login(&anybody, "ana@example.com", PASSWORD).await.expect(200);
    sign_in().await;
    assert_eq!((count("users").await, count("wallets").await), (1, 0));
    bank.execute(match bank.backend {
        harness::Backend::Postgres => "ALTER TABLE wallets DROP CONSTRAINT none",
        harness::Backend::Sqlite => "DROP TRIGGER none",
    })
    .await;
    sign_in().await;
    sign_in().await;
    assert_eq!((count("users").await, count("wallets").await), (1, 1));
}

async fn signing_in_gives_a_token_for_fifteen_minutes(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = login(&bank.anonymous(), &ana.email, PASSWORD).await.expect(200);
    assert_eq!(
        (&token["token_type"], &token["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let caller = bank.with_token(token["access_token"].as_str().unwrap_or_default());
    bank.advance(chrono::TimeDelta::seconds(899)).await;
    caller.get("/v1/users/me").await.expect(200);
    bank.advance(chrono::TimeDelta::seconds(1)).await;
    let late = caller.get("/v1/users/me").await;
    late.expect_problem(401, "unauthenticated");
    assert!(
        late.header("www-authenticate").starts_with("Bearer"),
        "{:?}",
        late.headers
    );
    let fresh = login(&bank.anonymous(), &ana.email, PASSWORD).await.expect(200);
    bank.with_token(fresh["access_token"].as_str().unwrap_or_default())
        .get("/v1/users/me")
        .await
        .expect(200);
}

async fn a_wrong_password_and_an_unknown_address_get_the_same_answer(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let anybody = bank.anonymous();
    let wrong = login(&anybody, &ana.email, "correct horse batterz").await;
    wrong.expect_problem(401, "invalid_credentials");
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        (ana.email.as_str(), ""),
        ("a\u{0}b", "x"),
    ] {
        let answer = login(&anybody, email, password).await;
        answer.expect_problem(401, "invalid_credentials");
        assert_eq!(answer.text_without_id(), wrong.text_without_id(), "{email:?}");
    }
    login(&anybody, &ana.email, PASSWORD).await.expect(200);
}

async fn passwords_are_never_stored_or_shown(bank: Arc<TestBank>) {
    let made = register(&bank.anonymous(), registration("ana@example.com")).await;
    assert!(
        !made.text.contains(PASSWORD) && !made.text.contains("argon2"),
        "{}",
        made.text
    );
    let plain = format!("SELECT count(*) AS n FROM users WHERE password_hash LIKE '%{PASSWORD}%'");
    assert_eq!(bank.number(&plain).await, 0);
    let hashed = "SELECT count(*) AS n FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(bank.number(hashed).await, 1);
}
