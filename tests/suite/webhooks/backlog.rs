//! A long backlog: what waits costs nothing, and is sent quickly once it can be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{HookReceiver, LongHistory, TestBank, TestWebhook, journal, on_every_backend};
use serde_json::json;
use service::clock::Clock;

on_every_backend!(ten_thousand_events_drain_quickly_and_in_order);

const EVENTS: u32 = 10_000;
/// A debug build beside other tests; the benchmark measures the rate that the bank promises.
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

async fn ten_thousand_events_drain_quickly_and_in_order(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1000").await;
    let ben = bank.customer_with("ben", "1000").await;
    let receiver = HookReceiver::counting().await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/ana"), json!({})).await;
    let unordered = json!({ "ordered": false });
    TestWebhook::make(&ben.caller, &receiver.url("/ben"), unordered).await;
    let history = LongHistory {
        wallet: ana.wallet,
        counterparty: ben.wallet,
        transfers: EVENTS,
        since: bank.clock.now(),
    };
    history.store(&bank.db.write).await;
    journal::adopt_in_rows(&bank.db.write, 500).await;
    bank.advance(history.end() - bank.clock.now()).await;
    // An event that waits has no row.
    assert_eq!(bank.number("SELECT count(*) AS n FROM webhook_deliveries").await, 0);
    let began = Instant::now();
    bank.tells_events();
    for path in ["/ana", "/ben"] {
        receiver.until_counted(path, EVENTS as usize, DRAINED_WITHIN).await;
    }
    println!("{EVENTS} events twice in {:?} on {:?}", began.elapsed(), bank.backend);
    let hook = hook.seen_by(&bank.sign_in(&ana.email).await);
    assert_eq!(hook.now().await["status"], "active");
    assert_eq!(receiver.most_at_once("/ana"), 1);
    assert!(receiver.most_at_once("/ben") <= 8);
    let rows = "SELECT count(*) AS n FROM webhook_deliveries WHERE status = 'pending'";
    assert_eq!(bank.number(rows).await, 0);
}
