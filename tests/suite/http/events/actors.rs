//! Who asked for an event, and in which request: staff learn all of it, and customers what is their own.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};

use super::{EventStage, ask, path_of, wallet_path};

on_every_backend!(
    a_request_id_comes_back_to_who_asked_and_not_to_the_other_side,
    what_staff_do_shows_customers_no_request_id,
    an_id_that_the_bank_gives_a_request_is_shown_too,
    an_actor_is_told_as_in_lists,
    what_runs_out_has_no_actor_and_no_request,
);

/// Actor and request id of the only event that a caller sees after a cursor.
async fn asker(stage: &EventStage, caller: &harness::Caller, after: &str) -> (Value, Value) {
    let events = stage.seen(caller, "", after).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    (events[0]["actor_id"].clone(), events[0]["request_id"].clone())
}

async fn a_request_id_comes_back_to_who_asked_and_not_to_the_other_side(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let (ana, ben) = (json!(stage.ana.actor.user), json!(stage.ben.actor.user));
    let begin = stage.now().await;
    let post = (Method::POST, "/v1/transfers");
    ask(&stage.ana.caller, post, "order-17", stage.pay("1"))
        .await
        .expect(201);
    assert_eq!(
        asker(&stage, &stage.ana.caller, &begin).await,
        (ana.clone(), json!("order-17"))
    );
    assert_eq!(
        asker(&stage, &stage.operator, &begin).await,
        (ana.clone(), json!("order-17"))
    );
    assert_eq!(asker(&stage, &stage.ben.caller, &begin).await.1, Value::Null);
    // A capture is asked for by the side that gets the money.
    let held = stage.held("5").await;
    let begin = stage.now().await;
    let capture = path_of(&held, "/capture");
    let captured = ask(&stage.ben.caller, (Method::POST, &capture), "parcel-3", json!({})).await;
    captured.expect(201);
    assert_eq!(
        asker(&stage, &stage.ben.caller, &begin).await,
        (ben.clone(), json!("parcel-3"))
    );
    assert_eq!(asker(&stage, &stage.operator, &begin).await, (ben, json!("parcel-3")));
    assert_eq!(asker(&stage, &stage.ana.caller, &begin).await.1, Value::Null);
    // A refusal has the id of its request, too.
    let begin = stage.now().await;
    let refused = ask(
        &stage.ana.caller,
        (Method::POST, "/v1/transfers"),
        "order-18",
        stage.pay("9000"),
    )
    .await;
    refused.expect_problem(422, "insufficient_funds");
    assert_eq!(
        asker(&stage, &stage.ana.caller, &begin).await,
        (ana.clone(), json!("order-18"))
    );
    let begin = stage.now().await;
    let euros = json!({ "currency": "EUR" });
    let opened = ask(&stage.ana.caller, (Method::POST, "/v1/wallets"), "order-19", euros).await;
    opened.expect(201);
    assert_eq!(asker(&stage, &stage.ana.caller, &begin).await, (ana, json!("order-19")));
}

async fn what_staff_do_shows_customers_no_request_id(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let operator = json!(bank.operator_actor().await.user);
    let paid = stage.paid("5").await;
    let wallet = stage.ana.wallet;
    for (number, (method, path, body)) in [
        (
            Method::POST,
            wallet_path(wallet, "/deposits"),
            json!({ "amount": "1", "method": "visa" }),
        ),
        (Method::POST, path_of(&paid, "/reverse"), json!({ "amount": "1" })),
        (Method::POST, wallet_path(wallet, "/freeze"), json!({})),
        (Method::POST, wallet_path(wallet, "/unfreeze"), json!({})),
        (
            Method::PUT,
            wallet_path(wallet, "/limits"),
            json!({ "per_day_count": 9 }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let begin = stage.now().await;
        let id = format!("desk-{number}");
        let done = ask(&stage.operator, (method, &path), &id, body).await;
        assert!(done.status < 300, "{path}: {}", done.text);
        assert_eq!(
            asker(&stage, &stage.operator, &begin).await,
            (operator.clone(), json!(id)),
            "{path}"
        );
        assert_eq!(asker(&stage, &stage.ana.caller, &begin).await.1, Value::Null, "{path}");
    }
}

async fn an_id_that_the_bank_gives_a_request_is_shown_too(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let paid = stage.ana.caller.post("/v1/transfers", stage.pay("1")).await;
    let id = json!(paid.header("x-request-id"));
    paid.expect(201);
    assert_eq!(asker(&stage, &stage.ana.caller, &begin).await.1, id);
}

async fn an_actor_is_told_as_in_lists(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let (ana, operator) = (json!(stage.ana.actor.user), json!(bank.operator_actor().await.user));
    // A signed-in owner's own transfer has no `created_by`; staff and the owner know who it was, the other side does not.
    let begin = stage.now().await;
    let paid = stage.paid("5").await;
    assert_eq!(paid["created_by"], Value::Null);
    assert_eq!(asker(&stage, &stage.operator, &begin).await.0, ana);
    assert_eq!(asker(&stage, &stage.ana.caller, &begin).await.0, ana);
    assert_eq!(asker(&stage, &stage.ben.caller, &begin).await.0, Value::Null);
    // A deposit has a `created_by`, which both see in the transfer.
    let begin = stage.now().await;
    let deposit = json!({ "amount": "1", "method": "visa" });
    let deposit = stage
        .operator
        .post(&wallet_path(stage.ana.wallet, "/deposits"), deposit)
        .await;
    assert_eq!(deposit.expect(201)["created_by"], operator);
    for caller in [&stage.operator, &stage.ana.caller] {
        let events = stage.seen(caller, "", &begin).await;
        assert_eq!(events[0]["actor_id"], events[0]["data"]["created_by"]);
        assert_eq!(events[0]["actor_id"], operator);
    }
}

async fn what_runs_out_has_no_actor_and_no_request(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let mut body = stage.hold("9");
    body["expires_in_s"] = json!(60);
    ask(&stage.ana.caller, (Method::POST, "/v1/transfers"), "held-1", body)
        .await
        .expect(201);
    let begin = stage.now().await;
    bank.advance(TimeDelta::seconds(61)).await;
    bank.services.transfers.expire_holds().await.expect("it can sweep");
    for caller in [&stage.ana.caller, &stage.ben.caller, &stage.operator] {
        let events = stage.seen(caller, "", &begin).await;
        assert_eq!(events[0]["type"], "hold.expired");
        assert_eq!(
            (&events[0]["actor_id"], &events[0]["request_id"]),
            (&Value::Null, &Value::Null)
        );
    }
}
