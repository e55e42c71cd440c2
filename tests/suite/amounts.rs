//! Amounts as callers write them, and bodies without an amount.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::json;

use crate::requests::{MOST, post_text, transfer, wallet_path};

on_every_backend!(
    texts_that_are_no_amount_are_refused,
    amounts_are_read_digit_by_digit,
    bodies_that_are_no_transfer_cannot_be_read,
    funds_are_counted_to_the_last_ten_thousandth,
);

async fn texts_that_are_no_amount_are_refused(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    let texts = [
        r#""0""#,
        r#""0.0000""#,
        r#""-1""#,
        r#""+1""#,
        r#""1e3""#,
        r#""01""#,
        r#""00.1""#,
        r#"".5""#,
        r#""1.""#,
        r#""1.00000""#,
        r#""0.00001""#,
        r#""100000000000000""#,
        r#"" 1""#,
        r#""1 ""#,
        r#""1,5""#,
        r#""1_0""#,
        r#""NaN""#,
        r#""Infinity""#,
        r#""""#,
        r#""0x1""#,
        r#""\u0661""#,
        "0",
        "0.0",
        "-0",
        "-1",
        "1e3",
        "1E0",
        "0.00001",
        "1.00000",
        "100000000000000",
        "1e400",
    ];
    for text in texts {
        let (source, destination) = (ana.wallet, ben.wallet);
        let body =
            format!(r#"{{"source_wallet_id":"{source}","destination_wallet_id":"{destination}","amount":{text}}}"#);
        let answer = post_text(&ana.caller, "/v1/transfers", &body).await;
        assert_eq!(
            (answer.status, answer.text_of("code")),
            (422, "invalid_amount"),
            "{text}: {}",
            answer.text
        );
        let body = format!(r#"{{"method":"wire","amount":{text}}}"#);
        let answer = post_text(&ana.caller, &wallet_path(ana.wallet, "/withdrawals"), &body).await;
        assert_eq!(
            (answer.status, answer.text_of("code")),
            (422, "invalid_amount"),
            "{text}: {}",
            answer.text
        );
    }
    assert_eq!(bank.row_counts().await, rows);
}

async fn amounts_are_read_digit_by_digit(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let path = wallet_path(ana.wallet, "/deposits");
    for (method, text, amount) in [
        ("a", "1", "1.0000"),
        ("b", "0.1", "0.1000"),
        ("c", r#""0.0001""#, "0.0001"),
        ("d", "1.0001", "1.0001"),
        // As floats the next two would be the same number.
        ("e", "12345678901234.5678", "12345678901234.5678"),
        ("f", "12345678901234.5679", "12345678901234.5679"),
        ("g", r#""75308642197528.7640""#, "75308642197528.7640"),
    ] {
        let made = post_text(&operator, &path, &format!(r#"{{"method":"{method}","amount":{text}}}"#)).await;
        assert_eq!(made.expect(201)["amount"], amount);
    }
    assert_eq!(bank.balances(&[ana.wallet]).await, [MOST]);
}

async fn bodies_that_are_no_transfer_cannot_be_read(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    for amount in [json!(null), json!(true), json!([1]), json!({ "value": 1 })] {
        let mut body = transfer(ana.wallet, ben.wallet, "1");
        body["amount"] = amount;
        ana.caller
            .post("/v1/transfers", body)
            .await
            .expect_problem(400, "invalid_request");
    }
    for member in ["amount", "source_wallet_id", "destination_wallet_id"] {
        let mut body = transfer(ana.wallet, ben.wallet, "1");
        body.as_object_mut().expect("a body is an object").shift_remove(member);
        let answer = ana.caller.post("/v1/transfers", body).await;
        // An e-mail address may stand for the destination, so that it is missing shows only once all is read.
        let expected = match member {
            "destination_wallet_id" => (422, "invalid_field"),
            _ => (400, "invalid_request"),
        };
        answer.expect_problem(expected.0, expected.1);
        assert!(answer.text.contains(member), "{}", answer.text);
    }
    for (member, value) in [
        ("source_wallet_id", json!("x")),
        ("description", json!("a\u{0}b")),
        ("description", json!("ä".repeat(501))),
        ("metadata", json!([1])),
        ("metadata", json!({ "long": "x".repeat(4_096) })),
    ] {
        let mut body = transfer(ana.wallet, ben.wallet, "1");
        body[member] = value;
        ana.caller
            .post("/v1/transfers", body)
            .await
            .expect_problem(400, "invalid_request");
    }
    assert_eq!(bank.row_counts().await, rows);
    let mut body = transfer(ana.wallet, ben.wallet, "1");
    body["description"] = json!("ä".repeat(500));
    body["metadata"] = json!({ "long": "x".repeat(4_000) });
    ana.caller.post("/v1/transfers", body).await.expect(201);
}

async fn funds_are_counted_to_the_last_ten_thousandth(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1").await;
    let ben = bank.customer("ben").await;
    let answer = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1.0001"))
        .await;
    answer.expect_problem(422, "insufficient_funds");
    assert_eq!(answer.json["available"], "1.0000");
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1.0000"))
        .await
        .expect(201);
    let answer = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "0.0001"))
        .await;
    answer.expect_problem(422, "insufficient_funds");
    assert_eq!(answer.json["available"], "0.0000");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["0.0000", "1.0000"]);
}
