//! Batches over HTTP: every transfer with an outcome of its own, or all of them or none.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{HttpStage, TRANSFER, has_fields, text};

const BATCH: &str = "/v1/transfers/batch";

on_every_backend!(
    each_transfer_has_an_outcome_of_its_own,
    an_atomic_batch_is_made_or_refused_as_a_whole,
    each_item_is_refused_by_the_rules_of_a_single_transfer,
    a_repeated_batch_is_answered_as_it_was,
    one_and_a_thousand_transfers_are_a_batch,
);
on_sqlite!(a_batch_may_be_larger_than_other_bodies);

fn batch(atomic: bool, transfers: Vec<Value>) -> Value {
    json!({ "atomic": atomic, "transfers": transfers })
}

/// The status of each result.
fn statuses(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().expect("a batch has results");
    results.iter().map(|result| text(result, "status")).collect()
}

async fn each_transfer_has_an_outcome_of_its_own(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let mut same = stage.pay("1");
    same["destination_wallet_id"] = json!(stage.ana.wallet);
    let mut described = stage.pay("60");
    described["description"] = json!("rent");
    let transfers = vec![described, stage.pay("60"), same, stage.hold("10"), stage.pay("0")];
    let made = stage.ana.caller.post(BATCH, batch(false, transfers)).await.expect(200);
    has_fields(&made, &["batch_id", "results"]);
    assert_eq!(
        statuses(&made),
        ["COMPLETED", "FAILED", "REFUSED", "PENDING", "REFUSED"]
    );
    let results = made["results"].as_array().expect("a batch has results");
    for result in results {
        has_fields(result, &["status", "transfer", "problem"]);
        assert_ne!(result["transfer"].is_null(), result["problem"].is_null(), "{result}");
    }
    for (index, kind) in [(0, "TRANSFER"), (3, "HOLD")] {
        let transfer = &results[index]["transfer"];
        has_fields(transfer, &TRANSFER);
        assert_eq!(
            (&transfer["kind"], &transfer["batch_id"]),
            (&json!(kind), &made["batch_id"])
        );
    }
    assert_eq!(results[0]["transfer"]["description"], "rent");
    let failed = &results[1]["problem"];
    has_fields(
        failed,
        &["type", "title", "status", "code", "detail", "available", "transfer_id"],
    );
    assert_eq!(
        (&failed["code"], &failed["status"], &failed["available"]),
        (&json!("insufficient_funds"), &json!(422), &json!("40.0000"))
    );
    for (index, code) in [(2, "same_wallet"), (4, "invalid_amount")] {
        let problem = &results[index]["problem"];
        has_fields(problem, &["type", "title", "status", "code", "detail"]);
        assert_eq!(problem["code"], code);
    }
    // What is recorded is listed by the batch, for the caller too.
    let query = format!("batch_id={}", text(&made, "batch_id"));
    let expected = [
        &results[3]["transfer"]["id"],
        &failed["transfer_id"],
        &results[0]["transfer"]["id"],
    ];
    let page = stage
        .ana
        .caller
        .get(&format!("/v1/transfers?{query}"))
        .await
        .expect(200);
    for listed in [
        stage.list(&query).await,
        page["items"].as_array().expect("items").clone(),
    ] {
        let ids: Vec<&Value> = listed.iter().map(|transfer| &transfer["id"]).collect();
        assert_eq!(ids, expected);
    }
    assert_eq!(stage.amounts(stage.ana.wallet).await, ["40.0000", "10.0000", "30.0000"]);
}

async fn an_atomic_batch_is_made_or_refused_as_a_whole(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let both = |amount: &str| batch(true, vec![stage.pay("60"), stage.pay(amount)]);
    let refused = stage.ana.caller.post(BATCH, both("60")).await;
    refused.expect_problem(422, "insufficient_funds");
    assert_eq!(
        (&refused.json["index"], &refused.json["available"]),
        (&json!(1), &json!("40.0000"))
    );
    let failed = stage.now(&json!({ "id": refused.json["transfer_id"] })).await;
    assert_eq!(
        (&failed["status"], &failed["amount"]),
        (&json!("FAILED"), &json!("60.0000"))
    );
    let of_batch = stage.list(&format!("batch_id={}", text(&failed, "batch_id"))).await;
    assert_eq!(refused.json["batch_id"], failed["batch_id"]);
    assert_eq!(of_batch, [failed]);
    let dry = stage
        .ana
        .caller
        .post(&format!("{BATCH}?dry_run=true"), both("60"))
        .await;
    dry.expect_problem(422, "insufficient_funds");
    assert_eq!((&dry.json["index"], dry.json.get("batch_id")), (&json!(1), None));
    assert_eq!(
        bank.balances(&[stage.ana.wallet, stage.ben.wallet]).await,
        ["100.0000", "0.0000"]
    );
    // What would not be recorded alone is not recorded here.
    let rows = bank.row_counts().await;
    let mut unknown = stage.pay("1");
    unknown["destination_wallet_id"] = json!("01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01");
    for (last, status, code) in [
        (unknown, 404, "wallet_not_found"),
        (stage.pay("0"), 422, "invalid_amount"),
    ] {
        let transfers = vec![stage.pay("1"), stage.pay("2"), last];
        let answer = stage.ana.caller.post(BATCH, batch(true, transfers)).await;
        answer.expect_problem(status, code);
        assert_eq!(answer.json["index"], 2);
        assert_eq!(
            (answer.json.get("transfer_id"), answer.json.get("batch_id")),
            (None, None)
        );
    }
    assert_eq!(bank.row_counts().await, rows);
    let made = stage.ana.caller.post(BATCH, both("40")).await.expect(200);
    assert_eq!(statuses(&made), ["COMPLETED", "COMPLETED"]);
    assert_eq!(
        bank.balances(&[stage.ana.wallet, stage.ben.wallet]).await,
        ["0.0000", "100.0000"]
    );
}

async fn each_item_is_refused_by_the_rules_of_a_single_transfer(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    let foreign = json!({ "source_wallet_id": euros, "destination_wallet_id": stage.ben.wallet, "amount": "1" });
    let strangers = json!({
        "source_wallet_id": stage.ben.wallet, "destination_wallet_id": stage.ana.wallet, "amount": "1",
    });
    let transfers = vec![stage.pay("100"), strangers, foreign, stage.pay("0.0001")];
    let made = stage.ana.caller.post(BATCH, batch(false, transfers)).await.expect(200);
    assert_eq!(statuses(&made), ["COMPLETED", "REFUSED", "FAILED", "FAILED"]);
    let codes: Vec<&Value> = (1..4).map(|index| &made["results"][index]["problem"]["code"]).collect();
    assert_eq!(codes, ["wallet_not_found", "currency_mismatch", "insufficient_funds"]);
    assert_eq!(made["results"][3]["problem"]["available"], "0.0000");
}

async fn a_repeated_batch_is_answered_as_it_was(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let caller = &stage.ana.caller;
    let mixed = || {
        batch(
            false,
            vec![stage.pay("60"), stage.pay("60"), stage.pay("0"), stage.hold("5")],
        )
    };
    let refused = || batch(true, vec![stage.pay("1"), stage.pay("99")]);
    for (key, body) in [("mixed", mixed()), ("refused", refused())] {
        let first = caller.post_once(BATCH, key, body.clone()).await;
        let rows = bank.row_counts().await;
        let again = caller.post_once(BATCH, key, body).await;
        assert_eq!(
            (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
            ("", "true"),
            "{}",
            again.text
        );
        assert_eq!(first.status, again.status);
        let without_id = |mut answer: Value| {
            if let Some(problem) = answer.as_object_mut() {
                problem.remove("request_id");
            }
            answer
        };
        assert_eq!(without_id(first.json), without_id(again.json));
        assert_eq!(bank.row_counts().await, rows);
        caller
            .post_once(BATCH, key, batch(false, vec![stage.pay("1")]))
            .await
            .expect_problem(422, "idempotency_key_reused");
    }
    // A batch of which nothing is recorded uses no key up.
    let nothing = batch(false, vec![stage.pay("0")]);
    for _ in 0..2 {
        let answer = caller.post_once(BATCH, "nothing", nothing.clone()).await;
        assert_eq!(answer.header("idempotent-replayed"), "");
        assert_eq!(statuses(&answer.expect(200)), ["REFUSED"]);
    }
    let something = batch(false, vec![stage.pay("1")]);
    let made = caller.post_once(BATCH, "nothing", something).await.expect(200);
    assert_eq!(statuses(&made), ["COMPLETED"]);
}

async fn one_and_a_thousand_transfers_are_a_batch(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    for (atomic, count, balance) in [
        (true, 1, "99.9900"),
        (false, 1_000, "89.9900"),
        (true, 1_000, "79.9900"),
    ] {
        let body = batch(atomic, vec![stage.pay("0.01"); count]);
        let made = stage.ana.caller.post(BATCH, body).await.expect(200);
        assert_eq!(statuses(&made), vec!["COMPLETED"; count]);
        assert_eq!(bank.balances(&[stage.ana.wallet]).await, [balance]);
        let first = stage
            .list(&format!("batch_id={}&limit=500", text(&made, "batch_id")))
            .await;
        assert_eq!(first.len(), count.min(500));
    }
}

async fn a_batch_may_be_larger_than_other_bodies(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let mut item = stage.pay("0.01");
    item["metadata"] = json!({ "note": "x".repeat(4_000) });
    item["description"] = json!("\u{1f600}".repeat(500));
    let body = batch(false, vec![item; 1_000]);
    let bytes = body.to_string().len();
    assert!(bytes > 6_000_000, "{bytes}");
    let made = stage.ana.caller.post(BATCH, body).await.expect(200);
    assert_eq!(statuses(&made), vec!["COMPLETED"; 1_000]);
}
