//! Holds over HTTP: how they begin, what ends them, and what callers see of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{HttpStage, TRANSFER, UNKNOWN, act, has_fields, path_of, text};

on_every_backend!(
    a_hold_is_captured_in_parts,
    a_hold_is_voided,
    a_hold_runs_out,
    each_refusal_of_a_capture_has_its_code,
    a_withdrawal_is_held_until_it_is_paid_out,
    a_repeated_capture_is_answered_as_it_was,
);
on_sqlite!(a_void_takes_no_fields);

async fn a_hold_is_captured_in_parts(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let mut body = stage.hold("40");
    body["expires_in_s"] = json!(600);
    let hold = stage.made(body).await;
    assert_eq!((&hold["kind"], &hold["status"]), (&json!("HOLD"), &json!("PENDING")));
    assert_eq!((&hold["hold_id"], &hold["completed_at"]), (&Value::Null, &Value::Null));
    has_fields(&hold["hold"], &["remaining", "captured", "expires_at"]);
    let time = |text: &str| DateTime::parse_from_rfc3339(text).expect("it is a time");
    let lasts = time(text(&hold["hold"], "expires_at")) - time(text(&hold, "created_at"));
    assert_eq!(lasts, TimeDelta::seconds(600));
    assert_eq!(
        stage.amounts(stage.ana.wallet).await,
        ["100.0000", "40.0000", "60.0000"]
    );

    let path = path_of(&hold, "/capture");
    let part = stage
        .ben
        .caller
        .post(&path, json!({ "amount": "15", "final": false }))
        .await;
    let location = part.header("location").to_owned();
    let part = part.expect(201);
    has_fields(&part, &TRANSFER);
    assert_eq!(location, path_of(&part, ""));
    assert_eq!(
        (&part["kind"], &part["status"]),
        (&json!("CAPTURE"), &json!("COMPLETED"))
    );
    assert_eq!((&part["amount"], &part["hold_id"]), (&json!("15.0000"), &hold["id"]));
    assert_eq!(
        (&part["reverses"], &part["created_by"]),
        (&Value::Null, &json!(stage.ben.actor.user))
    );
    let now = stage.now(&hold).await;
    assert_eq!(now["status"], "PENDING");
    assert_eq!(
        (&now["hold"]["remaining"], &now["hold"]["captured"]),
        (&json!("25.0000"), &json!("15.0000"))
    );

    let last = stage
        .ben
        .caller
        .post(&path, json!({ "amount": "10" }))
        .await
        .expect(201);
    let now = stage.now(&hold).await;
    assert_eq!(
        (&now["status"], &now["failure_reason"]),
        (&json!("COMPLETED"), &Value::Null)
    );
    assert_eq!(
        (&now["hold"]["remaining"], &now["hold"]["captured"]),
        (&json!("0.0000"), &json!("25.0000"))
    );
    assert_eq!(now["completed_at"], last["created_at"]);
    assert_eq!(stage.amounts(stage.ana.wallet).await, ["75.0000", "0.0000", "75.0000"]);
    // Both sides see the hold and its captures.
    let captures = stage.list(&format!("parent_id={}", text(&hold, "id"))).await;
    assert_eq!(captures, [last, part]);
    for caller in [&stage.ana.caller, &stage.ben.caller] {
        assert_eq!(caller.get(&path_of(&hold, "")).await.expect(200), now);
        let page = caller.get("/v1/transfers?kind=HOLD&status=COMPLETED").await.expect(200);
        assert_eq!(page["items"], json!([now]));
    }
    let again = stage.ben.caller.post(&path, json!({})).await;
    again.expect_problem(422, "hold_closed");
    assert_eq!(again.json.get("reason"), None);
}

async fn a_hold_is_voided(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let eve = bank.customer("eve").await;
    let hold = stage.made(stage.hold("40")).await;
    let path = path_of(&hold, "/void");
    let rows = bank.row_counts().await;
    act(&stage.ana.caller, &path).await.expect_problem(403, "forbidden");
    act(&eve.caller, &path).await.expect_problem(404, "transfer_not_found");
    assert_eq!(bank.row_counts().await, rows);
    let release = act(&stage.ben.caller, &path).await.expect(201);
    has_fields(&release, &TRANSFER);
    assert_eq!(
        (&release["kind"], &release["status"], &release["amount"]),
        (&json!("RELEASE"), &json!("COMPLETED"), &json!("40.0000"))
    );
    assert_eq!((&release["hold_id"], &release["hold"]), (&hold["id"], &Value::Null));
    let now = stage.now(&hold).await;
    assert_eq!(
        (&now["status"], &now["failure_reason"], &now["completed_at"]),
        (&json!("FAILED"), &json!("voided"), &Value::Null)
    );
    assert_eq!(
        stage.amounts(stage.ana.wallet).await,
        ["100.0000", "0.0000", "100.0000"]
    );
    act(&stage.operator, &path).await.expect_problem(422, "hold_closed");
}

async fn a_void_takes_no_fields(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let hold = stage.made(stage.hold("40")).await;
    let path = path_of(&hold, "/void");
    for body in [json!({ "amount": "1" }), json!([]), json!(null), json!("all")] {
        let answer = stage.ben.caller.post(&path, body).await;
        answer.expect_problem(400, "invalid_request");
    }
    assert_eq!(stage.now(&hold).await["status"], "PENDING");
    stage.ben.caller.post(&path, json!({})).await.expect(201);
}

async fn a_hold_runs_out(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let mut body = stage.hold("40");
    body["expires_in_s"] = json!(60);
    let hold = stage.made(body).await;
    bank.advance(TimeDelta::seconds(61)).await;
    // No sweeper has come yet.
    let now = stage.now(&hold).await;
    assert_eq!(
        (&now["status"], &now["failure_reason"], &now["hold"]["remaining"]),
        (&json!("FAILED"), &json!("expired"), &json!("0.0000"))
    );
    assert_eq!(
        stage.amounts(stage.ana.wallet).await,
        ["100.0000", "0.0000", "100.0000"]
    );
    for answer in [
        stage.ben.caller.post(&path_of(&hold, "/capture"), json!({})).await,
        act(&stage.ben.caller, &path_of(&hold, "/void")).await,
    ] {
        answer.expect_problem(422, "hold_closed");
        assert_eq!(answer.json["reason"], "expired");
    }
}

async fn each_refusal_of_a_capture_has_its_code(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let hold = stage.made(stage.hold("40")).await;
    let paid = stage.made(stage.pay("1")).await;
    let rows = bank.row_counts().await;
    let ben = &stage.ben.caller;
    let path = path_of(&hold, "/capture");
    for amount in [json!("0"), json!("-1"), json!("1.00001"), json!("x"), json!(0)] {
        let answer = ben.post(&path, json!({ "amount": amount })).await;
        answer.expect_problem(422, "invalid_amount");
    }
    let above = ben.post(&path, json!({ "amount": "40.0001" })).await;
    above.expect_problem(422, "amount_exceeds_hold");
    assert_eq!(above.json["remaining"], "40.0000");
    ben.post(&path_of(&paid, "/capture"), json!({}))
        .await
        .expect_problem(422, "not_a_hold");
    ben.post(&format!("{UNKNOWN}/capture"), json!({}))
        .await
        .expect_problem(404, "transfer_not_found");
    stage
        .ana
        .caller
        .post(&path, json!({}))
        .await
        .expect_problem(403, "forbidden");
    for body in [
        json!({ "amount": true }),
        json!({ "final": "yes" }),
        json!({ "hold": true }),
    ] {
        ben.post(&path, body).await.expect_problem(400, "invalid_request");
    }
    assert_eq!(bank.row_counts().await, rows);
    // From here on the refusal is recorded.
    let freeze = format!("/v1/wallets/{}/freeze", stage.ana.wallet);
    act(&stage.operator, &freeze).await.expect(200);
    let frozen = ben.post(&path, json!({})).await;
    frozen.expect_problem(422, "wallet_frozen");
    let failed = stage.now(&json!({ "id": frozen.json["transfer_id"] })).await;
    assert_eq!(
        (&failed["kind"], &failed["status"], &failed["hold_id"]),
        (&json!("CAPTURE"), &json!("FAILED"), &hold["id"])
    );
}

async fn a_withdrawal_is_held_until_it_is_paid_out(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let wire = bank.open_method("wire", "USD").await;
    let path = format!("/v1/wallets/{}/withdrawals", stage.ana.wallet);
    let body = json!({
        "amount": "30", "method": "wire", "hold": true, "expires_in_s": 86_400, "description": "rent", "metadata": { "to": 7 },
    });
    let hold = stage.ana.caller.post(&path, body).await.expect(201);
    has_fields(&hold, &TRANSFER);
    assert_eq!(
        (&hold["kind"], &hold["method"], &hold["destination_wallet_id"]),
        (&json!("HOLD"), &json!("wire"), &json!(wire))
    );
    assert_eq!(
        (&hold["description"], &hold["metadata"]),
        (&json!("rent"), &json!({ "to": 7 }))
    );
    let capture = path_of(&hold, "/capture");
    let refused = stage.ana.caller.post(&capture, json!({})).await;
    refused.expect_problem(403, "forbidden");
    let paid = stage.operator.post(&capture, json!({})).await.expect(201);
    assert_eq!(
        (&paid["kind"], &paid["amount"], &paid["hold_id"]),
        (&json!("CAPTURE"), &json!("30.0000"), &hold["id"])
    );
    assert_eq!(bank.balances(&[stage.ana.wallet, wire]).await, ["70.0000", "30.0000"]);
}

async fn a_repeated_capture_is_answered_as_it_was(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let hold = stage.made(stage.hold("40")).await;
    let path = path_of(&hold, "/capture");
    let body = json!({ "amount": "15", "final": false });
    let first = stage.ben.caller.post_once(&path, "k", body.clone()).await;
    let again = stage.ben.caller.post_once(&path, "k", body).await;
    assert_eq!(
        (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
        ("", "true")
    );
    assert_eq!(first.expect(201), again.expect(201));
    // The same values in other words are the same request; a part that is final is another one.
    let same = json!({ "amount": 15.0, "final": false });
    assert_eq!(stage.ben.caller.post_once(&path, "k", same).await.status, 201);
    let other = stage.ben.caller.post_once(&path, "k", json!({ "amount": "15" })).await;
    other.expect_problem(422, "idempotency_key_reused");
    // A repeated hold is answered as it began, whatever has become of it.
    let key = "held";
    let made = stage.ana.caller.post_once("/v1/transfers", key, stage.hold("20")).await;
    let made = made.expect(201);
    act(&stage.ben.caller, &path_of(&made, "/void")).await.expect(201);
    let again = stage.ana.caller.post_once("/v1/transfers", key, stage.hold("20")).await;
    assert_eq!(again.expect(201), made);
}
