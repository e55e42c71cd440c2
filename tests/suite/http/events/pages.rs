//! Pages of the feed: a reader who stops anywhere and comes back gets every event once, while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::events::{cursor_in, cursor_of, record_of, records};
use harness::{EventPoller, TestBank, all_at_once, on_every_backend};
use serde_json::{Value, json};
use service::clock::Clock;
use service::transfers::{Asking, NewTransfer};
use service::values::Money;
use uuid::Uuid;

use super::{EVENTS, EventStage, each, is_event};

on_every_backend!(
    a_cursor_never_skips_or_repeats_while_events_come,
    pages_are_as_large_as_asked,
    an_empty_page_has_a_cursor_too,
    a_cursor_of_another_ledger_is_refused,
    a_cursor_may_stand_between_records,
    a_page_that_a_filter_empties_goes_on,
);

async fn a_cursor_never_skips_or_repeats_while_events_come(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let other = bank.replica().await;
    let is_over = AtomicBool::new(false);
    let paying = async {
        for number in 0..40 {
            let paid = all_at_once((0..4).map(|more| {
                let services = if more % 2 == 0 { &bank.services } else { &other };
                let asking = Asking::by(&stage.ana.actor);
                // Every third is refused, and recorded.
                let amount = if (number + more) % 3 == 0 { "9000" } else { "0.0001" };
                let amount = Money::parse_unsigned(amount);
                let new = NewTransfer::new(stage.ana.wallet, stage.ben.wallet, amount.ok());
                async move { services.transfers.submit(asking, new).await }
            }))
            .await;
            assert!(paid.iter().any(Result::is_ok), "{paid:?}");
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let reading = async {
        let mut readers = [
            ("limit=1", &stage.operator),
            ("limit=7", &stage.operator),
            ("", &stage.ana.caller),
        ]
        .map(|(query, caller)| EventPoller::new(caller, query));
        while !is_over.load(Ordering::SeqCst) {
            for reader in &mut readers {
                reader.page().await;
            }
        }
        readers
    };
    let ((), mut readers) = tokio::join!(paying, reading);
    let all = records(&bank.db.read).await;
    for reader in &mut readers[..2] {
        let events = reader.rest().await;
        let shown: Vec<Uuid> = events.iter().map(record).collect();
        assert_eq!(shown, all);
    }
    let anas = readers[2].rest().await;
    let first = cursor_of(&bank.db.read, Uuid::nil()).await;
    assert_eq!(anas, stage.seen(&stage.ana.caller, "limit=500", &first).await);
    assert_eq!(
        anas.len(),
        2 + 40 * 4,
        "her wallet, the deposit, and all that she asked for"
    );
}

fn record(event: &Value) -> Uuid {
    record_of(event["id"].as_str().expect("an event has an id"))
}

async fn pages_are_as_large_as_asked(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    for _ in 0..60 {
        stage.paid("0.0001").await;
    }
    let size = async |query: &str| {
        let page = stage.operator.get(&format!("{EVENTS}?{query}")).await.expect(200);
        assert_eq!(
            page.as_object().map(|page| page.keys().cloned().collect::<Vec<_>>()),
            Some(["items", "next_cursor", "has_more"].map(str::to_owned).to_vec())
        );
        let items = page["items"].as_array().expect("a page has items");
        items.iter().for_each(is_event);
        (items.len(), page["has_more"] == true)
    };
    let all = records(&bank.db.read).await.len();
    assert_eq!(size("").await, (50, true));
    assert_eq!(size("limit=1").await, (1, true));
    assert_eq!(size("limit=500").await, (all, false));
    assert_eq!(size(&format!("limit={all}")).await, (all, false));
    assert_eq!(size(&format!("limit={}", all - 1)).await, (all - 1, true));
}

async fn an_empty_page_has_a_cursor_too(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let end = stage.now().await;
    let path = format!("{EVENTS}?after={end}");
    let empty = stage.operator.get(&path).await.expect(200);
    assert_eq!(empty, json!({ "items": [], "next_cursor": end, "has_more": false }));
    assert!(
        end.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{end}"
    );
    let paid = stage.paid("1").await;
    let next = stage.operator.get(&path).await.expect(200);
    assert_eq!(next["items"][0]["data"], paid);
    assert_eq!(next["items"][0]["id"], next["next_cursor"]);
}

async fn a_cursor_of_another_ledger_is_refused(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let newest = record_of(&stage.now().await);
    for cursor in [cursor_in(Uuid::nil(), newest), cursor_in(Uuid::max(), newest)] {
        for path in [EVENTS, "/v1/events/stream"] {
            for caller in [&stage.operator, &stage.ana.caller] {
                let answer = caller.get(&format!("{path}?after={cursor}")).await;
                answer.expect_problem(400, "invalid_request");
                assert_eq!(answer.json["errors"][0]["field"], "after", "{}", answer.text);
            }
        }
    }
    // A cursor of another list is refused.
    let page = stage.operator.get("/v1/transfers?limit=1").await;
    let cursor = page.text_of("next_cursor").to_owned();
    if !cursor.is_empty() {
        let answer = stage.operator.get(&format!("{EVENTS}?after={cursor}")).await;
        answer.expect_problem(400, "invalid_request");
    }
}

async fn a_cursor_may_stand_between_records(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let all = records(&bank.db.read).await;
    for (number, record) in all.iter().enumerate() {
        let before = Uuid::from_u128(record.as_u128() - 1);
        let before = cursor_of(&bank.db.read, before).await;
        let events = stage.seen(&stage.operator, "", &before).await;
        let shown: Vec<Uuid> = events.iter().map(self::record).collect();
        assert_eq!(shown, all[number..]);
    }
    // Beyond the journal's head nothing was ever told: the database went back, or the cursor is made up.
    let end = cursor_of(&bank.db.read, Uuid::max()).await;
    let answer = stage.operator.get(&format!("{EVENTS}?after={end}")).await;
    answer.expect_problem(400, "invalid_request");
}

/// A page looks at a bounded number of records: one that shows nothing still moves the cursor.
async fn a_page_that_a_filter_empties_goes_on(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let long = harness::LongHistory {
        wallet: stage.ana.wallet,
        counterparty: stage.ben.wallet,
        transfers: 25_000,
        since: bank.clock.now(),
    };
    long.store(&bank.db.write).await;
    harness::journal::adopt_in_rows(&bank.db.write, 1_000).await;
    bank.advance(long.end() - bank.clock.now()).await;
    let mut poller = EventPoller::new(&stage.ana.caller, "types=deposit.completed");
    let mut pages = 1;
    while poller.page().await {
        pages += 1;
    }
    assert_eq!(each(&poller.events, "type"), ["deposit.completed"]);
    assert!((3..=5).contains(&pages), "{pages} pages");
}
