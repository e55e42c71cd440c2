//! An import beside a server on one database: it does not delay payments, and the counts of both are right.

use std::cell::Cell;
use std::fs;

use harness::Delays;
use serde_json::json;

use super::serving::pay;
use super::{Bank, MANY, on_both_stores, today, until};
use crate::program::imports::summary;
use crate::program::{customer, operator, payments_are_not_held_up, timed, verifies};
use crate::sums::Month;

on_both_stores!(payments_go_on_beside_an_import_and_all_of_it_counts);

/// Payments before the import begins.
const ALONE: usize = 40;

async fn payments_go_on_beside_an_import_and_all_of_it_counts(bank: Bank) {
    let server = bank.serve().await;
    let op = operator(&bank.place, &server).await;
    let ana = customer(&server, "ana").await;
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
    let month = Month::new(10, MANY, today());
    let path = bank.place.folder.path().join("month.csv");
    fs::write(path, &month.text).expect("a file can be written");
    let (mut expected, is_done) = (month.sums.clone(), Cell::new(false));
    let mut deposit = async || {
        let (day, delay) = timed(pay(&op, &deposits, "0.0001", "visa")).await;
        *expected.entry(format!("{day} deposits visa")).or_default() += 1;
        delay
    };
    let (mut alone, mut beside) = (Delays::default(), Delays::default());
    for _ in 0..ALONE {
        alone.push(deposit().await);
    }
    let importing = async {
        let imported = bank.run(&["import", "transactions", "month.csv", "--json"]).await;
        is_done.set(true);
        imported
    };
    let paying = async {
        while !is_done.get() {
            beside.push(deposit().await);
        }
    };
    let (imported, ()) = tokio::join!(importing, paying);
    assert_eq!(summary(&imported, 0)["total"]["rows_inserted"], json!(MANY));
    payments_are_not_held_up(&alone, &beside);
    until(&expected, || month.answered(&op)).await;
    server.kill().await;
    verifies(&bank.place).await;
    bank.place.remove().await;
}
