//! The export of a person's data: complete, read a page at a time, and never whole when it is not.

use std::sync::Arc;

use api::export::{Export, body};
use chrono::TimeDelta;
use harness::{Customer, LongHistory, TestBank, journal, on_every_backend};
use serde_json::Value;
use service::identity::IdentityError;
use service::values::Role;
use tokio::io::AsyncReadExt;

use crate::requests::pages;

on_every_backend!(
    a_long_history_is_exported_whole,
    an_export_reads_no_further_than_it_is_taken,
    an_export_is_noted_before_anything_is_read,
);

/// Transfers of a history of some pages.
const SOME: u32 = 1_200;
/// More than what stands before the transfers.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// A customer with one deposit and so many transfers.
async fn long_life(bank: &TestBank) -> Customer {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    let history = LongHistory {
        wallet: ana.wallet,
        counterparty: ben.wallet,
        transfers: SOME,
        since: journal::head(&bank.db.write).await.at,
    };
    history.store(&bank.db.write).await;
    journal::adopt_in_rows(&bank.db.write, 1_000).await;
    // The bank's clock is after all of it.
    bank.advance(TimeDelta::minutes(10)).await;
    ana
}

async fn begun(bank: &TestBank, ana: &Customer) -> Export {
    let begun = Export::begin(bank.services.clone(), Some(&ana.actor), ana.actor.user).await;
    begun.expect("Ana may read what is hers")
}

async fn a_long_history_is_exported_whole(bank: Arc<TestBank>) {
    let ana = long_life(&bank).await;
    let mut text = Vec::new();
    let export = begun(&bank, &ana).await;
    let mut reader = body(export).into_async_read();
    reader.read_to_end(&mut text).await.expect("nothing is in the way");
    let export: Value = serde_json::from_slice(&text).expect("it is JSON");
    let members: Vec<_> = export.as_object().expect("it is an object").keys().collect();
    assert_eq!(
        members,
        [
            "user",
            "sessions",
            "api_keys",
            "webhooks",
            "wallets",
            "transfers",
            "audit"
        ]
    );
    let caller = bank.sign_in(&ana.email).await;
    let listed = pages(&caller, "/v1/transfers", 500, async || {}).await;
    assert_eq!(listed.len(), SOME as usize + 1);
    assert_eq!(export["transfers"], Value::Array(listed));
}

async fn an_export_reads_no_further_than_it_is_taken(bank: Arc<TestBank>) {
    let ana = long_life(&bank).await;
    let mut reader = body(begun(&bank, &ana).await).into_async_read();
    let mut text = vec![0; 1];
    reader
        .read_exact(&mut text)
        .await
        .expect("the beginning needs no transfers");
    bank.execute("ALTER TABLE entries RENAME TO entries_hidden").await;
    let ended = reader.read_to_end(&mut text).await;
    bank.execute("ALTER TABLE entries_hidden RENAME TO entries").await;
    assert!(ended.is_err(), "a part looks like a whole");
    assert!(text.len() < HEAD_BYTES_MAX, "{} bytes were read ahead", text.len());
    assert!(serde_json::from_slice::<Value>(&text).is_err(), "a part is JSON");
}

async fn an_export_is_noted_before_anything_is_read(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let noted = async || {
        let sql = "SELECT count(*) AS n FROM audit_lines WHERE action = 'user.exported'";
        bank.number(sql).await
    };
    let export = begun(&bank, &ana).await;
    assert_eq!(noted().await, 1);
    drop(export);
    let admin = bank.user("dora", Role::Admin).await;
    let admin = service::actor::Actor::new(admin.id, admin.role);
    let suspended = bank.services.identity.suspend(&admin, ana.actor.user).await;
    suspended.expect("a user can be suspended");
    let refused = Export::begin(bank.services.clone(), Some(&ana.actor), ana.actor.user).await;
    assert!(matches!(refused.err(), Some(IdentityError::AskerChanged)));
    assert_eq!(noted().await, 1);
}
