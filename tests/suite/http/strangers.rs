//! Callers that are refused: without a valid token, or on resources of other users.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use harness::{Answer, Backend, Caller, Customer, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rows;

on_every_backend!(what_is_not_yours_is_not_there, strangers_cannot_spend_others_money);
on_sqlite!(
    headers_that_name_nobody,
    forged_tokens,
    tokens_of_another_bank,
    a_token_ends_after_fifteen_minutes
);

const ME: &str = "/v1/users/me";

/// Sends requests with this `Authorization` header, each of which must be answered with 401 and store nothing.
async fn is_unauthenticated(bank: &TestBank, wallet: Uuid, header: &[u8]) {
    let before = rows::count(bank).await;
    let body = json!({ "source_wallet_id": wallet, "destination_wallet_id": wallet, "amount": "1" });
    for request in [
        bank.anonymous().request(Method::GET, ME),
        bank.anonymous().request(Method::POST, "/v1/transfers").json(&body),
        bank.anonymous()
            .request(Method::POST, &format!("/v1/wallets/{wallet}/freeze")),
    ] {
        let answer = Answer::of(request.header("authorization", header)).await;
        let shown = String::from_utf8_lossy(header);
        assert_eq!(answer.status, 401, "{shown}: {}", answer.text);
        answer.expect_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(
            header.len() < 8 || !answer.text.contains(&*shown),
            "a token is repeated: {}",
            answer.text
        );
    }
    assert_eq!(rows::count(bank).await, before);
}

async fn headers_that_name_nobody(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.anonymous().get(ME).await.expect_problem(401, "unauthenticated");
    let token = ana.caller.token.as_deref().expect("a customer has a token");
    let bad = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic YW5hOmFuYQ==".to_owned(),
        token.to_owned(),
        format!("Token {token}"),
        format!("Bearer{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token},"),
        "Bearer null".to_owned(),
        "Bearer ..".to_owned(),
        format!("Bearer {}", "a".repeat(20_000)),
    ];
    for header in &bad {
        is_unauthenticated(&bank, ana.wallet.0, header.as_bytes()).await;
    }
    is_unauthenticated(&bank, ana.wallet.0, b"Bearer \xff\xfe").await;
    let twice = bank
        .anonymous()
        .request(Method::GET, ME)
        .header("authorization", "Bearer x");
    Answer::of(twice.bearer_auth(token))
        .await
        .expect_problem(400, "invalid_request");
    // A token in the address would be written to logs.
    bank.anonymous()
        .get(&format!("{ME}?access_token={token}"))
        .await
        .expect_problem(400, "invalid_request");
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn decode(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("a token is base64");
    serde_json::from_slice(&bytes).expect("a token's part is JSON")
}

async fn forged_tokens(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let token = ana.caller.token.clone().expect("a customer has a token");
    let [header, claims, signature]: [&str; 3] = token
        .split('.')
        .collect::<Vec<_>>()
        .try_into()
        .expect("a token has three parts");
    let others = operator.token.clone().expect("an operator has a token");
    let others: Vec<&str> = others.split('.').collect();
    let mut promoted = decode(claims);
    promoted["role"] = json!("admin");
    let mut eternal = decode(claims);
    eternal["exp"] = json!(99_999_999_999_u64);
    let flipped: String = signature.chars().rev().collect();
    let (promoted, eternal) = (encode(&promoted), encode(&eternal));
    let mut forged = vec![
        format!("{header}.{promoted}.{signature}"),
        format!("{header}.{eternal}.{signature}"),
        format!("{header}.{claims}.{}", others[2]),
        format!("{header}.{}.{signature}", others[1]),
        format!("{header}.{claims}.{flipped}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{claims}.{signature}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}")),
        format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode("nonsense")),
    ];
    for algorithm in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
        let header = encode(&json!({ "alg": algorithm, "typ": "JWT" }));
        forged.push(format!("{header}.{promoted}."));
        forged.push(format!("{header}.{promoted}.{signature}"));
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    for token in forged {
        is_unauthenticated(&bank, ana.wallet.0, format!("Bearer {token}").as_bytes()).await;
    }
    ana.caller.get(ME).await.expect(200);
}

async fn tokens_of_another_bank(bank: Arc<TestBank>) {
    let other = TestBank::open(Backend::Sqlite).await;
    let (ana, foreign) = (bank.customer("ana").await, other.operator().await);
    foreign.get(ME).await.expect(200);
    let token = foreign.token.expect("an operator has a token");
    is_unauthenticated(&bank, ana.wallet.0, format!("Bearer {token}").as_bytes()).await;
    other.close().await;
}

async fn a_token_ends_after_fifteen_minutes(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = format!(
        "Bearer {}",
        ana.caller.token.as_deref().expect("a customer has a token")
    );
    bank.advance(TimeDelta::seconds(15 * 60 - 1)).await;
    ana.caller.get(ME).await.expect(200);
    bank.advance(TimeDelta::seconds(1)).await;
    is_unauthenticated(&bank, ana.wallet.0, token.as_bytes()).await;
    let answer = ana.caller.get(ME).await;
    assert!(answer.text_of("detail").contains("expired"), "{}", answer.text);
}

/// An answer without the headers that differ from request to request.
pub fn face(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let varying = ["x-request-id", "x-process-time", "date"];
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !varying.contains(&name.as_str()));
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    (answer.status, answer.text_without_id(), headers.collect())
}

async fn same_as_unknown(caller: &Caller, theirs: &str, unknown: &str, code: &str) {
    let (theirs, unknown) = (caller.get(theirs).await, caller.get(unknown).await);
    theirs.expect_problem(404, code);
    assert_eq!(face(&theirs), face(&unknown));
}

async fn what_is_not_yours_is_not_there(bank: Arc<TestBank>) {
    let (ana, eve) = (bank.customer_with("ana", "10").await, bank.customer("eve").await);
    let operator = bank.operator().await;
    let entry = operator
        .get(&format!("/v1/wallets/{}/entries", ana.wallet.0))
        .await
        .expect(200)["items"][0]
        .clone();
    let text = |member: &str| entry[member].as_str().expect("an entry has it").to_owned();
    let (transfer, system_wallet) = (text("transfer_id"), text("counterparty_wallet_id"));
    let nothing = "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";
    for wallet in [ana.wallet.0.to_string(), system_wallet.clone()] {
        for path in ["", "/entries", "/entries?limit=1"] {
            let of = |wallet: &str| format!("/v1/wallets/{wallet}{path}");
            same_as_unknown(&eve.caller, &of(&wallet), &of(nothing), "wallet_not_found").await;
        }
        let of = |wallet: &str| format!("/v1/transfers?wallet_id={wallet}");
        same_as_unknown(&eve.caller, &of(&wallet), &of(nothing), "wallet_not_found").await;
        operator.get(&format!("/v1/wallets/{wallet}/entries")).await.expect(200);
    }
    let of = |transfer: &str| format!("/v1/transfers/{transfer}");
    same_as_unknown(&eve.caller, &of(&transfer), &of(nothing), "transfer_not_found").await;
    ana.caller.get(&of(&transfer)).await.expect(200);
    // An operator may see the system wallet, but not the customer whose deposit it paid.
    ana.caller
        .get(&format!("/v1/wallets/{system_wallet}"))
        .await
        .expect_problem(404, "wallet_not_found");

    for list in ["/v1/wallets", "/v1/transfers"] {
        let seen = eve.caller.get(list).await.expect(200).to_string();
        assert!(
            !seen.contains(&ana.wallet.0.to_string()),
            "{list} shows what is another's"
        );
    }
    let user = ana.actor.user.0;
    eve.caller
        .get(&format!("/v1/wallets?user_id={user}"))
        .await
        .expect_problem(403, "forbidden");
    ana.caller.get(&format!("/v1/wallets?user_id={user}")).await.expect(200);
}

async fn strangers_cannot_spend_others_money(bank: Arc<TestBank>) {
    let (ana, eve) = (bank.customer_with("ana", "10").await, bank.customer("eve").await);
    let operator = bank.operator().await;
    let before = rows::count(&bank).await;
    let nothing = Uuid::nil();
    let take = |source: Uuid, destination: &Customer| json!({ "source_wallet_id": source, "destination_wallet_id": destination.wallet, "amount": "1" });
    for caller in [&eve.caller, &operator] {
        let theirs = caller.post("/v1/transfers", take(ana.wallet.0, &eve)).await;
        let unknown = caller.post("/v1/transfers", take(nothing, &eve)).await;
        theirs.expect_problem(404, "wallet_not_found");
        assert_eq!(face(&theirs), face(&unknown));
    }
    let payment = json!({ "amount": "1", "method": "visa" });
    let of = |wallet: Uuid| format!("/v1/wallets/{wallet}/withdrawals");
    let theirs = eve.caller.post(&of(ana.wallet.0), payment.clone()).await;
    let unknown = eve.caller.post(&of(nothing), payment.clone()).await;
    theirs.expect_problem(404, "wallet_not_found");
    assert_eq!(face(&theirs), face(&unknown));
    for act in ["deposits", "freeze", "unfreeze", "close"] {
        for wallet in [ana.wallet.0, eve.wallet.0, nothing] {
            let answer = eve
                .caller
                .post(&format!("/v1/wallets/{wallet}/{act}"), payment.clone())
                .await;
            answer.expect_problem(403, "forbidden");
        }
    }
    assert_eq!(rows::count(&bank).await, before);
    assert_eq!(bank.balances(&[ana.wallet, eve.wallet]).await, ["10.0000", "0.0000"]);
}
