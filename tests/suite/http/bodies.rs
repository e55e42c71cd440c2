//! Bodies that are not JSON, too long, of another type or encoded; and malformed idempotency keys.

use std::sync::Arc;

use harness::{Answer, Customer, TestBank};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::raw::{Connection, RawAnswer};
use crate::rows;

on_sqlite!(
    bytes_that_are_no_json,
    content_types,
    bodies_up_to_the_limit_are_read_and_larger_ones_refused,
    ten_megabytes_with_a_length,
    ten_megabytes_in_chunks,
    malformed_keys,
    good_keys,
);

const MIB: usize = 1024 * 1024;

/// The path and the token for every operation with a body.
async fn operations(bank: &TestBank) -> (Customer, Vec<(String, String)>) {
    let ana = bank.customer_with("ana", "100").await;
    let operator = bank.operator().await.token.expect("an operator has a token");
    let customer = ana.caller.token.clone().expect("a customer has a token");
    let paths = vec![
        ("/v1/auth/register".to_owned(), String::new()),
        ("/v1/auth/login".to_owned(), String::new()),
        ("/v1/wallets".to_owned(), customer.clone()),
        ("/v1/transfers".to_owned(), customer.clone()),
        ("/v1/transfers/batch".to_owned(), customer.clone()),
        (format!("/v1/transfers/{}/capture", ana.wallet), customer.clone()),
        (format!("/v1/wallets/{}/withdrawals", ana.wallet), customer),
        (format!("/v1/transfers/{}/reverse", ana.wallet), operator.clone()),
        (format!("/v1/wallets/{}/deposits", ana.wallet), operator),
    ];
    (ana, paths)
}

async fn bytes_that_are_no_json(bank: Arc<TestBank>) {
    let (_, paths) = operations(&bank).await;
    let before = rows::count(&bank).await;
    let bodies: &[&[u8]] = &[
        b"",
        b" \r\n\t",
        b"{",
        b"}",
        b"nope",
        b"{\"a\"",
        b"{\"a\":1",
        b"{'a':1}",
        b"{a:1}",
        b"{} {}",
        b"{}x",
        b"{},",
        b"// comment\n{}",
        b"\xef\xbb\xbf{}",
        b"{\"email\":\"\xff\"}",
        b"\xff\xfe{\0}\0",
        b"\0",
        b"{\"\0\":1}",
        b"a=1&b=2",
        b"<xml/>",
        b"{\"email\":\"a\nb\"}",
        b"\"",
        b"{\"email\":\"\\x\"}",
        b"{\"email\":\"\\ud800\\u0041\"}",
        b"\xc0\x80",
    ];
    for (path, token) in &paths {
        for body in bodies {
            let request = bank
                .with_token(token)
                .request(Method::POST, path)
                .header("content-type", "application/json");
            let answer = Answer::of(request.body(*body)).await;
            answer.expect_problem(400, "invalid_request");
            assert!(
                answer.json["errors"][0]["message"].is_string(),
                "{path} {body:?}: {}",
                answer.text
            );
        }
        let trailing = format!("{} garbage", json!({ "amount": "1", "method": "visa" }));
        let request = bank
            .with_token(token)
            .request(Method::POST, path)
            .header("content-type", "application/json");
        Answer::of(request.body(trailing))
            .await
            .expect_problem(400, "invalid_request");
    }
    assert_eq!(rows::count(&bank).await, before);
}

async fn content_types(bank: Arc<TestBank>) {
    let (ana, paths) = operations(&bank).await;
    let before = rows::count(&bank).await;
    let wrong = [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
        "application/jsonp",
        "application/json; charset=latin1",
        "application/json, text/plain",
        "*/*",
        "application/*",
        "application/problem+json",
        "application/vnd.api+json",
    ];
    for (path, token) in &paths {
        let request = || bank.with_token(token).request(Method::POST, path).body("{}");
        Answer::of(request())
            .await
            .expect_problem(415, "unsupported_media_type");
        for kind in wrong {
            Answer::of(request().header("content-type", kind))
                .await
                .expect_problem(415, "unsupported_media_type");
        }
        for encoding in ["gzip", "br", "deflate", "identity, gzip", "x"] {
            let request = request()
                .header("content-type", "application/json")
                .header("content-encoding", encoding);
            Answer::of(request).await.expect_problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(rows::count(&bank).await, before);

    // The opposite: JSON under each of its names is accepted.
    let good = [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ];
    for (kind, currency) in good.into_iter().zip(["EUR", "GBP", "JPY"]) {
        let request = ana
            .caller
            .request(Method::POST, "/v1/wallets")
            .header("content-type", kind);
        Answer::of(request.body(json!({ "currency": currency }).to_string()))
            .await
            .expect(201);
    }
}

async fn bodies_up_to_the_limit_are_read_and_larger_ones_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let body = |bytes: usize| {
        let frame = r#"{"currency":"EUR"}"#;
        let body = format!("{}{frame}", " ".repeat(bytes - frame.len()));
        ana.caller
            .request(Method::POST, "/v1/wallets")
            .header("content-type", "application/json")
            .body(body)
    };
    let before = rows::count(&bank).await;
    let answer = Answer::of(body(MIB + 1)).await;
    answer.expect_problem(413, "body_too_large");
    assert_eq!(answer.json["max_bytes"], MIB);
    assert_eq!(rows::count(&bank).await, before);
    Answer::of(body(MIB)).await.expect(201);
}

async fn ten_megabytes_with_a_length(bank: Arc<TestBank>) {
    let (_, paths) = operations(&bank).await;
    let before = rows::count(&bank).await;
    let body = "x".repeat(10 * MIB);
    for (path, token) in &paths {
        let head = head(path, token, &format!("content-length: {}", body.len()));
        too_large(&bank, &head, body.as_bytes()).await;
    }
    assert_eq!(rows::count(&bank).await, before);
}

async fn ten_megabytes_in_chunks(bank: Arc<TestBank>) {
    let (_, paths) = operations(&bank).await;
    let before = rows::count(&bank).await;
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
    let body = format!("{}0\r\n\r\n", chunk.repeat(160));
    for (path, token) in &paths {
        let head = head(path, token, "transfer-encoding: chunked");
        too_large(&bank, &head, body.as_bytes()).await;
    }
    assert_eq!(rows::count(&bank).await, before);
}

fn head(path: &str, token: &str, framing: &str) -> String {
    let token = if token.is_empty() {
        String::new()
    } else {
        format!("authorization: Bearer {token}\r\n")
    };
    format!("POST {path} HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\n{token}{framing}\r\n\r\n")
}

/// A client that sends everything before it reads the answer must get the answer: no reset may discard it.
async fn too_large(bank: &TestBank, head: &str, body: &[u8]) {
    let mut connection = Connection::open(bank.address).await;
    connection.send(head).await;
    connection.send(body).await;
    let answer: RawAnswer = connection.answer().await;
    answer.expect_problem(413, "body_too_large");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(connection.until_closed().await, b"");
}

/// Requests that move money, to be sent under a key.
async fn money_movers(bank: &TestBank) -> (Customer, Vec<RequestBuilder>) {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    let operator = bank.operator().await;
    let payment = json!({ "amount": "1", "method": "visa" });
    let transfer = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    let requests = vec![
        ana.caller.request(Method::POST, "/v1/transfers").json(&transfer),
        ana.caller
            .request(Method::POST, &format!("/v1/wallets/{}/withdrawals", ana.wallet))
            .json(&payment),
        operator
            .request(Method::POST, &format!("/v1/wallets/{}/deposits", ana.wallet))
            .json(&payment),
    ];
    (ana, requests)
}

async fn malformed_keys(bank: Arc<TestBank>) {
    let (_, requests) = money_movers(&bank).await;
    let before = rows::count(&bank).await;
    let long = "k".repeat(256);
    let keys: &[&[u8]] = &[
        b"",
        b"\"\"",
        b"\"",
        b"a b",
        b"a\tb",
        b"\"k",
        b"k\"",
        b"k\"k",
        "\u{e9}".as_bytes(),
        b"\xff",
        b"\x80k",
        long.as_bytes(),
        b"\"a b\"",
    ];
    for request in &requests {
        let send = |request: &RequestBuilder| request.try_clone().expect("a body in memory can be sent twice");
        for key in keys {
            Answer::of(send(request).header("idempotency-key", *key))
                .await
                .expect_problem(400, "invalid_idempotency_key");
        }
        let twice = send(request)
            .header("idempotency-key", "a")
            .header("idempotency-key", "a");
        Answer::of(twice).await.expect_problem(400, "invalid_idempotency_key");
    }
    assert_eq!(rows::count(&bank).await, before);
}

async fn good_keys(bank: Arc<TestBank>) {
    let (ana, requests) = money_movers(&bank).await;
    let long = "~".repeat(255);
    for key in [&long, "!", "a,b;c=d", "{k}"] {
        for (number, request) in requests.iter().enumerate() {
            let key = if key.len() == 255 {
                key[..254].to_owned()
            } else {
                key.to_owned()
            };
            let key = format!("{key}{number}");
            for replayed in ["", "true"] {
                let request = request.try_clone().expect("a body in memory can be sent twice");
                let answer = Answer::of(request.header("idempotency-key", &key)).await;
                assert_eq!(
                    (answer.status, answer.header("idempotent-replayed")),
                    (201, replayed),
                    "{}",
                    answer.text
                );
            }
        }
    }
    // Under each key one was transferred, one withdrawn and one deposited, each once.
    assert_eq!(bank.balances(&[ana.wallet]).await, ["96.0000"]);
}
