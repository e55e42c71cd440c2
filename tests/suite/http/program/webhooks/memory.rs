//! A backlog of any length is sent in the same memory.

use std::fs;
use std::time::Duration;

use harness::clock::world_time;
use harness::program::Serving;
use harness::{Backend, HookReceiver, LongHistory, TestWebhook, journal};
use sea_orm::Database;
use serde_json::json;
use service::db::Db;
use service::values::{Timestamp, WalletId};

use super::{SendingBank, serve};
use crate::program::{PASSWORD, Place, sign_in};

/// The first backlog brings the server to its usual size.
const FIRST: u32 = 2_000;
/// Memory differs from run to run. The events of the longer backlog would take several times that.
const NOISE_KIB: u64 = 12 * 1024;

/// Writes transfers between two wallets while no server runs, as a busy bank would have made them. Gives the time of the last.
async fn fill(place: &Place, wallets: [WalletId; 2], since: Timestamp, transfers: u32) -> Timestamp {
    let db = Db::connect(&place.url).await.expect("it can be opened");
    let history = LongHistory {
        wallet: wallets[0],
        counterparty: wallets[1],
        transfers,
        since,
    };
    history.store(&db.write).await;
    journal::adopt_in_rows(&db.write, 1_000).await;
    db.close().await;
    history.end()
}

/// The peak memory of a server so far, in KiB.
fn peak(server: &Serving) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a running process has a peak")
}

/// Serves the bank until the whole backlog is sent; gives the server's peak memory.
async fn drained(place: &Place, receiver: &HookReceiver, count: usize, within: Duration) -> u64 {
    let server = serve(place).await;
    receiver.until_counted("/ordered", count, within).await;
    receiver.until_counted("/unordered", count, within).await;
    let peak = peak(&server);
    server.terminate().await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    peak
}

async fn a_backlog_takes_no_memory(backend: Backend, events: u32, within: Duration) {
    let SendingBank {
        place, first, ana, ben, ..
    } = SendingBank::new(backend).await;
    let receiver = HookReceiver::counting().await;
    for (path, ordered) in [("/ordered", true), ("/unordered", false)] {
        TestWebhook::make(&ana.caller, &receiver.url(path), json!({ "ordered": ordered })).await;
    }
    first.terminate().await;
    assert_eq!(first.ended().await.status, Some(0));
    let wallets = [ana.wallet(), ben.wallet()].map(|id| WalletId(id.parse().expect("it is an id")));
    let end = fill(&place, wallets, world_time(), FIRST).await;
    let small = drained(&place, &receiver, FIRST as usize, within).await;
    fill(&place, wallets, end, events).await;
    let large = drained(&place, &receiver, (FIRST + events) as usize, within).await;
    println!("{small} KiB for {FIRST} events, {large} KiB for {events} on {backend:?}");
    assert!(large < small + NOISE_KIB, "{small} KiB and {large} KiB");
    // What waited had no rows: only what was attempted has, and it was delivered.
    let server = serve(&place).await;
    let caller = sign_in(&server, "ana@example.com", PASSWORD).await;
    let listed = caller.get("/v1/webhooks").await.expect(200);
    for webhook in listed["items"].as_array().expect("a list has items") {
        assert_eq!(webhook["status"], "active", "{webhook}");
    }
    server.kill().await;
    let db = Database::connect(&place.url).await.expect("it can be opened");
    harness::soundness::journal_is_sound(&db).await;
    db.close().await.expect("a connection can be closed");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_twenty_thousand_takes_no_memory() {
    a_backlog_takes_no_memory(Backend::Sqlite, 20_000, Duration::from_secs(180)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "an hour: a million events are sent twice on each database"]
async fn a_backlog_of_a_million_takes_no_memory() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        a_backlog_takes_no_memory(backend, 1_000_000, Duration::from_secs(3_600)).await;
    }
}
