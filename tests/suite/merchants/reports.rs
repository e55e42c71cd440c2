//! The five reports over HTTP, character by character: their order and their digits are part of the contract.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};

use super::feed::row;
use super::{Feed, Row};

on_every_backend!(
    nothing_is_not_found,
    the_top_merchant_has_the_largest_sum_of_successes,
    a_tie_goes_to_the_smaller_id,
    the_top_merchant_may_fall,
    a_volume_is_rounded_half_up_to_cents,
    months_are_those_of_utc,
    a_merchant_counts_once_a_month,
    adoption_counts_any_status_and_is_ordered_by_count_then_name,
    the_funnel_counts_merchants_that_succeeded,
    failure_rates_leave_pending_out_and_are_ordered_unrounded,
    without_a_success_some_reports_are_there,
);

async fn report(bank: &TestBank, name: &str) -> String {
    let answer = bank.operator().await.get(&format!("/analytics/{name}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

async fn is_not_found(bank: &TestBank, name: &str) {
    let answer = bank.operator().await.get(&format!("/analytics/{name}")).await;
    answer.expect_problem(404, "not_found");
}

fn times(count: usize, row: impl Fn() -> Row) -> impl Iterator<Item = Row> {
    std::iter::repeat_with(row).take(count)
}

const NO_STEPS: &str = r#"{"documents_submitted":0,"verifications_completed":0,"tier_upgrades":0}"#;

async fn nothing_is_not_found(bank: Arc<TestBank>) {
    for name in [
        "top-merchant",
        "monthly-active-merchants",
        "product-adoption",
        "failure-rates",
    ] {
        is_not_found(&bank, name).await;
    }
    assert_eq!(report(&bank, "kyc-funnel").await, NO_STEPS);
}

async fn the_top_merchant_has_the_largest_sum_of_successes(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M2").amount("60.25"),
        row("M1").amount("100"),
        row("M2").amount("60.5"),
        row("M1").amount("-10.0001"),
        row("M3").amount("99999").status("FAILED"),
        row("M3").amount("99999").status("PENDING"),
    ]);
    feed.import(&bank).await;
    let top = r#"{"merchant_id":"M2","total_volume":120.75}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
}

async fn a_tie_goes_to_the_smaller_id(bank: Arc<TestBank>) {
    Feed::of([
        row("M10"),
        row("M9"),
        row("m1"),
        row("M10").product("BILLS").amount("0"),
    ])
    .import(&bank)
    .await;
    let top = r#"{"merchant_id":"M10","total_volume":10.00}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
}

/// More merchants than the ranking keeps, and all of the leaders lose their volume.
async fn the_top_merchant_may_fall(bank: Arc<TestBank>) {
    let merchant = |number: usize| -> &'static str { format!("M{number:03}").leak() };
    let rise = (0..300).map(|number| row(merchant(number)).amount(format!("{}", 1_000 + number)));
    Feed::of(rise).import(&bank).await;
    let top = r#"{"merchant_id":"M299","total_volume":1299.00}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
    let fall = (50..300).map(|number| row(merchant(number)).amount("-2000"));
    Feed::of(fall).import(&bank).await;
    let top = r#"{"merchant_id":"M049","total_volume":1049.00}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
    Feed::of((0..300).map(|number| row(merchant(number)).amount("-5000")))
        .import(&bank)
        .await;
    let top = r#"{"merchant_id":"M049","total_volume":-3951.00}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
}

async fn a_volume_is_rounded_half_up_to_cents(bank: Arc<TestBank>) {
    Feed::of([row("M1").amount("0.0049"), row("M1").amount("0.0001")])
        .import(&bank)
        .await;
    let top = r#"{"merchant_id":"M1","total_volume":0.01}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
    Feed::of([row("M1").amount("-0.0001")]).import(&bank).await;
    let top = r#"{"merchant_id":"M1","total_volume":0.00}"#;
    assert_eq!(report(&bank, "top-merchant").await, top);
}

async fn months_are_those_of_utc(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M1").time("2024-02-01T00:30:00+01:00"),
        row("M2").time("2024-01-31T23:30:00-01:00"),
        row("M3").time("2024-01-31T23:59:59.999999Z"),
        row("M4").time("2024-02-01"),
        row("M5").time("2023-12-31 20:00:00-05:00"),
        row("M6").time("1999-12-31T23:59:60Z"),
        row("M7").time("2024-02-10T00:00:00").status("FAILED"),
    ]);
    feed.import(&bank).await;
    let months = r#"{"1999-12":1,"2024-01":3,"2024-02":2}"#;
    assert_eq!(report(&bank, "monthly-active-merchants").await, months);
}

async fn a_merchant_counts_once_a_month(bank: Arc<TestBank>) {
    let feed = || {
        Feed::of([
            row("M1"),
            row("M1").product("BILLS"),
            row("M1").time("2024-02-15T00:00:00"),
            row("M2"),
        ])
    };
    feed().import(&bank).await;
    feed().import(&bank).await;
    let months = r#"{"2024-01":2,"2024-02":1}"#;
    assert_eq!(report(&bank, "monthly-active-merchants").await, months);
}

async fn adoption_counts_any_status_and_is_ordered_by_count_then_name(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M1").product("SAVINGS").status("PENDING"),
        row("M1").product("SAVINGS"),
        row("M1").product("AIRTIME").status("FAILED"),
        row("M2").product("card_payment"),
        row("M1").product("CARD_PAYMENT"),
        row("M3").product(" Card_Payment "),
    ]);
    feed.import(&bank).await;
    let adoption = r#"{"CARD_PAYMENT":3,"AIRTIME":1,"SAVINGS":1}"#;
    assert_eq!(report(&bank, "product-adoption").await, adoption);
}

async fn the_funnel_counts_merchants_that_succeeded(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M1").kyc("DOCUMENT_SUBMITTED"),
        row("M1").kyc("DOCUMENT_SUBMITTED"),
        row("M2").kyc("document_submitted"),
        row("M3").kyc("DOCUMENT_SUBMITTED").status("FAILED"),
        row("M1").kyc("VERIFICATION_COMPLETED"),
        row("M2").kyc("VERIFICATION_COMPLETED").status("PENDING"),
        row("M2").kyc("SOMETHING_ELSE"),
        row("M4").product("POS"),
    ]);
    feed.import(&bank).await;
    let funnel = r#"{"documents_submitted":2,"verifications_completed":1,"tier_upgrades":0}"#;
    assert_eq!(report(&bank, "kyc-funnel").await, funnel);
    Feed::of([row("M3").kyc("DOCUMENT_SUBMITTED"), row("M3").kyc("TIER_UPGRADE")])
        .import(&bank)
        .await;
    let funnel = r#"{"documents_submitted":3,"verifications_completed":1,"tier_upgrades":1}"#;
    assert_eq!(report(&bank, "kyc-funnel").await, funnel);
}

async fn failure_rates_leave_pending_out_and_are_ordered_unrounded(bank: Arc<TestBank>) {
    let of = |product: &'static str, status: &'static str, count: usize| {
        times(count, move || row("M1").product(product).status(status))
    };
    // 20 of 379 and 1 of 19 give the same rounded rate; 1 of 400 is a quarter of a percent and is rounded up.
    let feed = of("POS", "FAILED", 20)
        .chain(of("POS", "SUCCESS", 359))
        .chain(of("AIRTIME", "FAILED", 1))
        .chain(of("AIRTIME", "SUCCESS", 18))
        .chain(of("BILLS", "FAILED", 1))
        .chain(of("BILLS", "SUCCESS", 399))
        .chain(of("BILLS", "PENDING", 50))
        .chain(of("KYC", "SUCCESS", 1))
        .chain(of("CARD_PAYMENT", "SUCCESS", 1))
        .chain(of("SAVINGS", "FAILED", 2))
        .chain(of("MONIEBOOK", "PENDING", 3));
    Feed::of(feed).import(&bank).await;
    let rates = concat!(
        r#"[{"product":"SAVINGS","failure_rate":100.0},{"product":"POS","failure_rate":5.3},"#,
        r#"{"product":"AIRTIME","failure_rate":5.3},{"product":"BILLS","failure_rate":0.3},"#,
        r#"{"product":"CARD_PAYMENT","failure_rate":0.0},{"product":"KYC","failure_rate":0.0}]"#
    );
    assert_eq!(report(&bank, "failure-rates").await, rates);
}

async fn without_a_success_some_reports_are_there(bank: Arc<TestBank>) {
    Feed::of([row("M1").status("PENDING")]).import(&bank).await;
    is_not_found(&bank, "top-merchant").await;
    is_not_found(&bank, "monthly-active-merchants").await;
    is_not_found(&bank, "failure-rates").await;
    assert_eq!(report(&bank, "product-adoption").await, r#"{"POS":1}"#);
    assert_eq!(report(&bank, "kyc-funnel").await, NO_STEPS);
    Feed::of([row("M1").status("FAILED")]).import(&bank).await;
    is_not_found(&bank, "top-merchant").await;
    let rates = r#"[{"product":"POS","failure_rate":100.0}]"#;
    assert_eq!(report(&bank, "failure-rates").await, rates);
}
