//! An import beside a server on one database: it holds nobody up, and neither counts for the other.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::serving::pay;
use super::{Bank, MANY, on_both_stores, today, until};
use crate::program::imports::summary;
use crate::program::{customer, operator, verifies};
use crate::sums::Month;

on_both_stores!(payments_go_on_beside_an_import_and_all_of_it_counts);

/// An import holds SQLite's write lock for at most 100 ms at a time, and a waiting writer looks again every 100 ms.
const SLOWEST: Duration = Duration::from_secs(5);

async fn payments_go_on_beside_an_import_and_all_of_it_counts(bank: Bank) {
    let server = bank.serve().await;
    let op = operator(&bank.place, &server).await;
    let ana = customer(&server, "ana").await;
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
    let month = Month::new(10, MANY, today());
    let path = bank.place.folder.path().join("month.csv");
    fs::write(path, &month.text).expect("a file can be written");
    let (mut expected, is_done) = (month.sums.clone(), Cell::new(false));
    let importing = async {
        let imported = bank.run(&["import", "transactions", "month.csv", "--json"]).await;
        is_done.set(true);
        imported
    };
    let paying = async {
        let (mut paid, mut slowest) = (0, Duration::ZERO);
        while !is_done.get() {
            let began = Instant::now();
            let day = pay(&op, &deposits, "0.0001", "visa").await;
            *expected.entry(format!("{day} deposits visa")).or_default() += 1;
            paid += 1;
            slowest = slowest.max(began.elapsed());
        }
        (paid, slowest)
    };
    let (imported, (paid, slowest)) = tokio::join!(importing, paying);
    println!("{paid} deposits beside the import, the slowest took {slowest:?}");
    assert_eq!(summary(&imported, 0)["total"]["rows_inserted"], json!(MANY));
    assert!(
        paid > 5 && slowest < SLOWEST,
        "{paid} deposits, the slowest {slowest:?}"
    );
    until(&expected, || month.answered(&op)).await;
    server.kill().await;
    verifies(&bank.place).await;
    bank.place.remove().await;
}
