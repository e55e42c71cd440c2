//! Servers and PostgreSQL are killed under load, and three readers follow: a stream, a poller and a webhook. Each ends with
//! exactly the journal, in order. Only webhooks may repeat an event, with the same `webhook-id`.

use std::sync::Arc;

use harness::events::{cursor_of, record_of, records};
use harness::{EventPoller, EventStream, HookReceiver, ReceivedHook, TestWebhook};
use sea_orm::Database;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::PAUSE;
use super::fleet::{Fleet, FleetClients};

/// The amount of the last transfer of all.
const LAST: &str = "7.7777";

fn is_last(event: &Value) -> bool {
    event["type"] == "transfer.completed" && event["data"]["amount"] == LAST
}

fn record(event: &Value) -> Uuid {
    record_of(event["id"].as_str().expect("an event has an id"))
}

/// Reads the stream of whichever server answers, and goes on behind the last event after each break.
async fn streamed(clients: Arc<FleetClients>, begin: String) -> Vec<Uuid> {
    let (mut seen, mut last) = (Vec::new(), begin);
    for attempt in 0.. {
        let caller = clients.caller(attempt, &clients.operator);
        let Some(mut stream) = EventStream::try_open(&caller, "", Some(&last)).await else {
            sleep(PAUSE).await;
            continue;
        };
        while let Some(event) = stream.next().await {
            seen.push(record_of(&event.id));
            last = event.id;
            if is_last(&event.data) {
                return seen;
            }
        }
    }
    seen
}

async fn polled(clients: Arc<FleetClients>, begin: String) -> Vec<Uuid> {
    let mut after = begin;
    let mut seen: Vec<Uuid> = Vec::new();
    for attempt in 0.. {
        let caller = clients.caller(attempt, &clients.operator);
        let mut poller = EventPoller::new(&caller, "limit=50").after(&after);
        if poller.try_page().await.is_none() {
            sleep(PAUSE).await;
            continue;
        }
        seen.extend(poller.events.iter().map(record));
        after = poller.after.expect("a page has a cursor");
        if poller.events.last().is_some_and(is_last) {
            return seen;
        }
        sleep(PAUSE).await;
    }
    seen
}

async fn received(receiver: &HookReceiver) -> Vec<ReceivedHook> {
    let is_over = |hooks: &[ReceivedHook]| {
        hooks
            .last()
            .is_some_and(|hook| hook.is_taken() && is_last(&hook.event()))
    };
    let mut before = 0;
    loop {
        // As long as something comes, there is more patience.
        let hooks = receiver
            .until_that("/all", "more events", |hooks| hooks.len() > before || is_over(hooks))
            .await;
        if is_over(&hooks) {
            return hooks;
        }
        before = hooks.len();
    }
}

async fn complete_in_spite_of_kills(clients: usize, rounds: usize) {
    let mut fleet = Fleet::start().await;
    let receiver = HookReceiver::start().await;
    let operator = fleet.clients.caller(0, &fleet.clients.operator);
    let webhook = TestWebhook::make(&operator, &receiver.url("/all"), json!({})).await;
    let db = Database::connect(fleet.url()).await.expect("it can be opened");
    let newest = records(&db).await.last().copied().expect("there are records");
    let begin = cursor_of(&db, newest).await;
    db.close().await.expect("a connection can be closed");
    let streaming = tokio::spawn(streamed(fleet.clients.clone(), begin.clone()));
    let polling = tokio::spawn(polled(fleet.clients.clone(), begin));
    let load = fleet.load(clients);
    let killing = async {
        for round in 0..rounds {
            fleet.clients.until_answered(clients * 3).await;
            match round % 3 {
                0 => fleet.kill(0).await,
                1 => fleet.kill_database().await,
                _ => fleet.kill(1).await,
            }
        }
        fleet.clients.until_answered(clients * 3).await;
        fleet.clients.stop();
        load.join_all().await;
        fleet.clients.settle(0, "last", LAST).await;
        fleet
    };
    let (fleet, received) = tokio::join!(killing, received(&receiver));
    let streamed = streaming.await.expect("the reader does not panic");
    let polled = polling.await.expect("the reader does not panic");
    let db = Database::connect(fleet.url()).await.expect("it can be opened");
    let journal: Vec<Uuid> = records(&db)
        .await
        .into_iter()
        .filter(|record| *record > newest)
        .collect();
    db.close().await.expect("a connection can be closed");
    assert_eq!(streamed, journal);
    assert_eq!(polled, journal);
    let firsts = received.iter().filter(|hook| hook.attempt == 1);
    let firsts: Vec<Uuid> = firsts.map(|hook| record_of(hook.id())).collect();
    assert_eq!(firsts, journal);
    assert!(
        received.iter().all(|hook| webhook.has_signed(hook)),
        "a signature is wrong"
    );
    let repeated = received.len() - firsts.len();
    println!("{} events, {repeated} requests were repeated", journal.len());
    // A kill repeats what was in hand, and what was not yet noted.
    assert!(repeated <= rounds * 200, "{repeated} requests were repeated");
    assert_eq!(receiver.most_of_one_id(), 1);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_kills_loses_no_event() {
    complete_in_spite_of_kills(8, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: servers and PostgreSQL are killed fifteen times under 64 clients"]
async fn kills_lose_no_event_and_repeat_none_but_of_webhooks() {
    complete_in_spite_of_kills(64, 15).await;
}
