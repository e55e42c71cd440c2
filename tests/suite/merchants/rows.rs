//! Which rows of a feed are stored, and how the others are counted.

use std::sync::Arc;

use entity::activities;
use harness::{TestBank, on_every_backend};
use sea_orm::{EntityTrait, QueryOrder};
use service::values::{ActivityStatus, Channel, Product};

use super::feed::{HEADER, import, row};
use super::{Feed, Row};

on_every_backend!(
    every_reason_is_counted,
    what_can_be_mended_is_stored,
    a_row_is_stored_as_it_was_read,
    order_of_columns_line_ends_and_byte_order_mark_do_not_matter,
    the_first_row_of_an_event_counts,
    a_file_again_inserts_nothing_and_changes_no_report,
    new_rows_among_known_ones_are_counted_once,
);

async fn stored(bank: &TestBank) -> Vec<activities::Model> {
    activities::Entity::find()
        .order_by_asc(activities::Column::MerchantId)
        .all(&bank.db.read)
        .await
        .expect("the rows can be read")
}

async fn every_reason_is_counted(bank: Arc<TestBank>) {
    let feed = Feed::of([
        row("M1"),
        row("M1").event("8a380d57-6b3d-40e1-b505-aeb1d462cacX"),
        row(" "),
        row("M1").time(""),
        row("M1").time("  "),
        row("M1").time("NOT-A-DATE"),
        row("M1").product("LOANS"),
        row("M1").status("DONE"),
        row("M1").amount("nan"),
        row("M1").amount("-Infinity"),
        row("").time("NOT-A-DATE").product("LOANS"),
    ]);
    let import = feed.import(&bank).await;
    let counts = import.counts;
    assert_eq!(
        (counts.rows_read, counts.rows_inserted, counts.rows_skipped),
        (11, 1, 10)
    );
    let reasons: Vec<_> = counts
        .skip_reasons
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    let expected = [
        ("amount_not_finite", 2),
        ("bad_event_id", 1),
        ("bad_timestamp", 1),
        ("blank_merchant", 2),
        ("blank_timestamp", 2),
        ("unknown_product", 1),
        ("unknown_status", 1),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(stored(&bank).await.len(), 1);
}

async fn what_can_be_mended_is_stored(bank: Arc<TestBank>) {
    let amounts = [
        "",
        "INVALID",
        "100000000000000",
        "1e20",
        "0.00005",
        "-0.00005",
        "99999999999999.9999",
        "1e2",
    ];
    let merchants = ["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8"];
    let rows = merchants.iter().zip(amounts).map(|(merchant, amount)| Row {
        channel: "PIGEON",
        ..row(merchant).amount(amount)
    });
    let import = Feed::of(rows).import(&bank).await;
    assert_eq!((import.counts.rows_inserted, import.counts.amounts_coerced), (8, 4));
    let stored = stored(&bank).await;
    let amounts: Vec<String> = stored.iter().map(|row| row.amount.to_string()).collect();
    let expected = [
        "0.0000",
        "0.0000",
        "0.0000",
        "0.0000",
        "0.0001",
        "-0.0001",
        "99999999999999.9999",
        "100.0000",
    ];
    assert_eq!(amounts, expected);
    assert!(stored.iter().all(|row| row.channel.is_none()));
}

async fn a_row_is_stored_as_it_was_read(bank: Arc<TestBank>) {
    let line = "{8A380D57-6B3D-40E1-B505-AEB1D462CAC3}, M1 ,2024-01-31T23:59:59.123456+01:00,moniebook, Sale ,-12.3456,\
                pending,offline,Lagos Île,GOLD";
    import(&bank, format!("{HEADER}\n{line}\n")).await;
    let rows = stored(&bank).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(row.event_id.to_string(), "8a380d57-6b3d-40e1-b505-aeb1d462cac3");
    assert_eq!(row.occurred_at.to_rfc3339(), "2024-01-31T22:59:59.123456+00:00");
    assert_eq!(row.amount.to_string(), "-12.3456");
    assert_eq!((row.product, row.status), (Product::Moniebook, ActivityStatus::Pending));
    assert_eq!(row.channel, Some(Channel::Offline));
    let texts = [&row.merchant_id, &row.event_type, &row.region, &row.merchant_tier];
    assert_eq!(texts, ["M1", "Sale", "Lagos Île", "GOLD"]);
}

async fn order_of_columns_line_ends_and_byte_order_mark_do_not_matter(bank: Arc<TestBank>) {
    let text = "\u{feff}Status,extra,MERCHANT_TIER,region,channel,amount,event_type,product,event_timestamp,merchant_id,event_id\r\n\
                SUCCESS,\"a,b\",STARTER,KANO,APP,\"12.50\",SALE,POS,2024-01-01T00:00:00,\"M,1\",8a380d57-6b3d-40e1-b505-aeb1d462cac3\r\n";
    let import = import(&bank, text).await;
    assert_eq!((import.counts.rows_read, import.counts.rows_inserted), (1, 1));
    let rows = stored(&bank).await;
    assert_eq!(
        (rows[0].merchant_id.as_str(), rows[0].amount.to_string()),
        ("M,1", "12.5000".to_owned())
    );
}

async fn the_first_row_of_an_event_counts(bank: Arc<TestBank>) {
    let event = "8a380d57-6b3d-40e1-b505-aeb1d462cac3";
    let first = Feed::of([
        row("M1").event(event).amount("1"),
        row("M2").event(event).amount("2"),
        row("M3"),
    ]);
    let counts = first.import(&bank).await.counts;
    assert_eq!((counts.rows_inserted, counts.rows_duplicate), (2, 1));
    // The same event in another file, in capitals, among new rows.
    let second = Feed::of([row("M4").event(event.to_uppercase()), row("M5")]);
    let counts = second.import(&bank).await.counts;
    assert_eq!((counts.rows_inserted, counts.rows_duplicate), (1, 1));
    let merchants: Vec<String> = stored(&bank).await.into_iter().map(|row| row.merchant_id).collect();
    assert_eq!(merchants, ["M1", "M3", "M5"]);
    let top = bank.operator().await.get("/analytics/product-adoption").await;
    assert_eq!(top.text, r#"{"POS":3}"#);
}

async fn a_file_again_inserts_nothing_and_changes_no_report(bank: Arc<TestBank>) {
    let feed = Feed::of((0..50).map(|_| row("M1")).chain([row("M2").status("FAILED")]));
    feed.import(&bank).await;
    let before = bank.services.merchants.reports().expect("they are at hand");
    let counts = feed.import(&bank).await.counts;
    assert_eq!(
        (counts.rows_read, counts.rows_inserted, counts.rows_duplicate),
        (51, 0, 51)
    );
    let after = bank.services.merchants.reports().expect("they are at hand");
    assert_eq!(after, before);
    assert_eq!(stored(&bank).await.len(), 51);
}

async fn new_rows_among_known_ones_are_counted_once(bank: Arc<TestBank>) {
    let rows: Vec<Row> = (0..600).map(|_| row("M1")).collect();
    Feed::of(rows.iter().step_by(3).cloned()).import(&bank).await;
    let counts = Feed::of(rows.iter().cloned()).import(&bank).await.counts;
    assert_eq!((counts.rows_inserted, counts.rows_duplicate), (400, 200));
    let summary = bank.services.merchants.summary("M1").await.expect("M1 is known");
    assert_eq!(summary.volume.to_string(), "6000.0000");
    assert_eq!(summary.counts.of(Product::Pos, ActivityStatus::Success), 600);
}
