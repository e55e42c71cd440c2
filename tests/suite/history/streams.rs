//! Statements of any length are read a page at a time, as fast as they are taken, and never look whole when they are not.

use std::sync::Arc;

use api::statements::{StatementForm, body};
use chrono::TimeDelta;
use harness::{Customer, LongHistory, TestBank, journal, on_every_backend};
use reqwest::Method;
use service::wallets::{Movements, Statement, TimeRange};
use tokio::io::AsyncReadExt;

use super::statement_as;
use crate::requests::wallet_path;

on_every_backend!(
    pages_are_read_when_they_are_asked_for,
    a_body_reads_no_further_than_it_is_taken,
    a_fault_in_the_middle_breaks_the_answer_off,
);

/// Transfers of a history of some pages.
const SOME: u32 = 5_000;
/// Transfers of a history that no buffer of a connection holds.
const LONG: u32 = 50_000;
/// Entries of one page.
const PAGE: usize = 1_000;
/// More than what stands before the movements in any form.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// A customer with one deposit and so many transfers.
async fn long_account(bank: &TestBank, transfers: u32) -> Customer {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    let history = LongHistory {
        wallet: ana.wallet,
        counterparty: ben.wallet,
        transfers,
        since: journal::head(&bank.db.write).await.at,
    };
    history.store(&bank.db.write).await;
    journal::adopt_in_rows(&bank.db.write, 1_000).await;
    // The bank's clock is after all of it.
    bank.advance(TimeDelta::minutes(10)).await;
    ana
}

async fn statement(bank: &TestBank, ana: &Customer) -> (Statement, Movements) {
    let wallets = &bank.services.wallets;
    let made = wallets.statement(&ana.actor, ana.wallet, TimeRange::default()).await;
    made.expect("Ana may see her wallet")
}

/// Takes the entries away, so that every further look at them fails; `show` brings them back.
async fn hide(bank: &TestBank) {
    bank.execute("ALTER TABLE entries RENAME TO entries_hidden").await;
}

async fn show(bank: &TestBank) {
    bank.execute("ALTER TABLE entries_hidden RENAME TO entries").await;
}

async fn pages_are_read_when_they_are_asked_for(bank: Arc<TestBank>) {
    let ana = long_account(&bank, SOME).await;
    let (made, mut movements) = statement(&bank, &ana).await;
    assert_eq!(made.closing.version.0, i64::from(SOME) + 1);
    let mut pages = Vec::new();
    loop {
        hide(&bank).await;
        // After the last one nothing is looked for, and nothing fails.
        let is_over = movements.next_page().await.is_ok();
        show(&bank).await;
        let page = movements.next_page().await.expect("the entries are there again");
        assert_eq!(page.is_none(), is_over);
        let Some(page) = page else { break };
        pages.push(page.len());
    }
    assert_eq!(pages, [PAGE, PAGE, PAGE, PAGE, PAGE, 1]);
}

async fn a_body_reads_no_further_than_it_is_taken(bank: Arc<TestBank>) {
    let ana = long_account(&bank, SOME).await;
    for form in [StatementForm::Json, StatementForm::Csv, StatementForm::Camt] {
        let (made, movements) = statement(&bank, &ana).await;
        let mut reader = body(form, made, movements).into_async_read();
        let mut first = [0; 1];
        reader
            .read_exact(&mut first)
            .await
            .expect("the beginning needs no entries");
        hide(&bank).await;
        let mut rest = Vec::new();
        let ended = reader.read_to_end(&mut rest).await;
        show(&bank).await;
        assert!(ended.is_err(), "{form:?} looks whole");
        assert!(
            rest.len() < HEAD_BYTES_MAX,
            "{form:?}: {} bytes were read ahead",
            rest.len()
        );
    }
}

async fn a_fault_in_the_middle_breaks_the_answer_off(bank: Arc<TestBank>) {
    let ana = long_account(&bank, LONG).await;
    for accept in ["application/json", "text/csv", "application/xml"] {
        let request = ana.caller.request(Method::GET, &wallet_path(ana.wallet, "/statement"));
        let mut response = request
            .header("accept", accept)
            .send()
            .await
            .expect("the server answers");
        assert_eq!(response.status().as_u16(), 200, "{accept}");
        let first = response.chunk().await.expect("the beginning can be read");
        assert!(first.is_some(), "{accept}");
        hide(&bank).await;
        let is_broken = loop {
            match response.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        show(&bank).await;
        assert!(is_broken, "{accept}: a part looks like a whole");
    }
    // Without a fault it is whole.
    let table = statement_as(&ana.caller, ana.wallet, "text/csv").await.text;
    assert_eq!(table.lines().count(), 1 + 1 + 1 + LONG as usize + 1);
    let last = table.lines().last().unwrap_or_default();
    assert!(last.starts_with("CLOSING,") && last.contains(",100.0000,"), "{last}");
}
