//! Sums that exceed every single amount stay exact.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};

use super::Feed;
use super::feed::row;

on_every_backend!(a_volume_passes_what_one_amount_can_be, a_volume_falls_as_exactly);

const MAX: &str = "99999999999999.9999";

async fn volume(bank: &TestBank) -> String {
    let summary = bank.services.merchants.summary("M1").await.expect("M1 is known");
    summary.volume.to_string()
}

/// Ten such amounts exceed an i64 of ten-thousandths; each feed adds to the sum in the database.
async fn a_volume_passes_what_one_amount_can_be(bank: Arc<TestBank>) {
    for _ in 0..3 {
        Feed::of((0..30).map(|_| row("M1").amount(MAX))).import(&bank).await;
    }
    assert_eq!(volume(&bank).await, "8999999999999999.9910");
    let top = bank.operator().await.get("/analytics/top-merchant").await;
    assert_eq!(top.text, r#"{"merchant_id":"M1","total_volume":8999999999999999.99}"#);
}

async fn a_volume_falls_as_exactly(bank: Arc<TestBank>) {
    for _ in 0..3 {
        Feed::of((0..30).map(|_| row("M1").amount(format!("-{MAX}"))))
            .import(&bank)
            .await;
    }
    assert_eq!(volume(&bank).await, "-8999999999999999.9910");
    Feed::of((0..91).map(|_| row("M1").amount(MAX))).import(&bank).await;
    assert_eq!(volume(&bank).await, MAX);
    Feed::of([row("M1").amount(format!("-{MAX}")), row("M1").amount("-0.0001")])
        .import(&bank)
        .await;
    assert_eq!(volume(&bank).await, "-0.0001");
}
