//! The summary of one merchant.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::json;

use super::Feed;
use super::feed::row;

on_every_backend!(
    a_summary_counts_by_product_and_status,
    a_summary_grows_with_every_feed,
    a_stranger_is_not_found,
    any_id_can_be_asked_for,
    only_operators_see_it,
);

async fn a_summary_counts_by_product_and_status(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M1").amount("1.5").time("2024-03-01T00:00:00"),
        row("M1").amount("100").status("FAILED").time("2024-04-01T00:00:00.25"),
        row("M1")
            .amount("-2.25")
            .product("BILLS")
            .time("2024-01-01T00:00:00+01:00"),
        row("M1").product("BILLS").status("PENDING"),
        row("M2"),
    ]);
    feed.import(&bank).await;
    let summary = bank.operator().await.get("/v1/merchants/M1/summary").await.expect(200);
    let expected = json!({
        "merchant_id": "M1",
        "volume": "-0.7500",
        "products": [
            { "product": "BILLS", "success": 1, "failed": 0, "pending": 1 },
            { "product": "POS", "success": 1, "failed": 1, "pending": 0 },
        ],
        "first_activity": "2023-12-31T23:00:00.000000Z",
        "last_activity": "2024-04-01T00:00:00.250000Z",
    });
    assert_eq!(summary, expected);
}

async fn a_summary_grows_with_every_feed(bank: Arc<TestBank>) {
    for time in [
        "2024-02-01T00:00:00",
        "2024-03-01T00:00:00.5",
        "2024-01-01T00:00:00.123456",
    ] {
        Feed::of([row("M1").time(time), row("M2")]).import(&bank).await;
    }
    let summary = bank.operator().await.get("/v1/merchants/M1/summary").await.expect(200);
    assert_eq!(summary["volume"], "30.0000");
    assert_eq!(summary["products"][0]["success"], 3);
    assert_eq!(summary["first_activity"], "2024-01-01T00:00:00.123456Z");
    assert_eq!(summary["last_activity"], "2024-03-01T00:00:00.500000Z");
}

async fn a_stranger_is_not_found(bank: Arc<TestBank>) {
    Feed::of([row("M1")]).import(&bank).await;
    let operator = bank.operator().await;
    for id in ["M", "M12", "m1", "%20M1", "M1%00", "%00", "%"] {
        let answer = operator.get(&format!("/v1/merchants/{id}/summary")).await;
        assert!(matches!(answer.status, 400 | 404), "{id}: {}", answer.text);
    }
    operator
        .get("/v1/merchants/M2/summary")
        .await
        .expect_problem(404, "merchant_not_found");
}

async fn any_id_can_be_asked_for(bank: Arc<TestBank>) {
    Feed::of([row("Chez Zoë / 1"), row("100%'\"")]).import(&bank).await;
    let operator = bank.operator().await;
    for (path, id) in [("Chez%20Zo%C3%AB%20%2F%201", "Chez Zoë / 1"), ("100%25'%22", "100%'\"")] {
        let summary = operator.get(&format!("/v1/merchants/{path}/summary")).await.expect(200);
        assert_eq!(summary["merchant_id"], id);
    }
}

async fn only_operators_see_it(bank: Arc<TestBank>) {
    Feed::of([row("M1")]).import(&bank).await;
    let ana = bank.customer("ana").await;
    ana.caller
        .get("/v1/merchants/M1/summary")
        .await
        .expect_problem(403, "forbidden");
    bank.anonymous()
        .get("/v1/merchants/M1/summary")
        .await
        .expect_problem(401, "unauthenticated");
}
