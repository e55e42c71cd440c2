//! The stream of events: the same events as in pages, as they come, and from where a reader was.

use std::sync::Arc;

use harness::{EventStream, StreamedEvent, TestBank, on_every_backend};
use serde_json::Value;
use service::transfers::{Asking, NewTransfer};
use service::values::Money;

use super::{EventStage, each, is_event};
use crate::life::act;

on_every_backend!(
    a_stream_tells_what_happens_from_now_on,
    a_stream_goes_on_where_its_reader_was,
    a_stream_is_narrowed_as_pages_are,
    a_stream_tells_what_another_replica_commits,
    a_reader_who_falls_behind_misses_nothing,
    streams_of_many_readers_tell_the_same,
);
on_sqlite!(
    the_header_counts_before_the_parameter,
    a_stream_ends_after_as_many_events_as_were_asked_for,
);

fn data(events: &[StreamedEvent]) -> Vec<Value> {
    events.iter().map(|event| event.data.clone()).collect()
}

async fn a_stream_tells_what_happens_from_now_on(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    stage.paid("1").await;
    let begin = stage.now().await;
    let mut streams = Vec::new();
    for caller in [&stage.operator, &stage.ana.caller, &stage.ben.caller] {
        streams.push((caller, EventStream::open(caller, "", None).await));
    }
    stage.paid("2").await;
    stage.held("3").await;
    let freeze = super::wallet_path(stage.ben.wallet, "/freeze");
    act(&stage.operator, &freeze).await.expect(200);
    for (caller, stream) in &mut streams {
        // Exactly what a page shows to the same caller.
        let page = stage.seen(caller, "", &begin).await;
        let events = data(&stream.take(page.len()).await);
        events.iter().for_each(is_event);
        assert_eq!(events, page);
    }
}

async fn a_stream_goes_on_where_its_reader_was(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    for by_header in [true, false] {
        let mut first = EventStream::open(&stage.operator, "", None).await;
        for _ in 0..3 {
            stage.paid("1").await;
        }
        first.take(2).await;
        let last = first.last_id.clone().expect("an event has an id");
        drop(first);
        for _ in 0..3 {
            stage.paid("1").await;
        }
        let mut second = if by_header {
            EventStream::open(&stage.operator, "", Some(&last)).await
        } else {
            EventStream::open(&stage.operator, &format!("?after={last}"), None).await
        };
        let rest = data(&second.take(4).await);
        assert_eq!(rest, stage.seen(&stage.operator, "", &last).await);
        // And it goes on with what comes now. A reader that was at the end is told nothing twice.
        let end = second.last_id.clone().expect("it has told something");
        let mut third = EventStream::open(&stage.operator, "", Some(&end)).await;
        let paid = stage.paid("1").await;
        for stream in [&mut second, &mut third] {
            assert_eq!(stream.take(1).await[0].data["data"], paid);
        }
    }
}

async fn a_stream_is_narrowed_as_pages_are(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let held = stage.held("5").await;
    let queries = [
        "types=transfer.failed".to_owned(),
        format!("wallet_id={}", stage.ben.wallet),
        format!("transfer_id={}", held["id"].as_str().unwrap_or_default()),
        format!("types=hold.released,transfer.failed&wallet_id={}", stage.ana.wallet),
    ];
    let mut streams = Vec::new();
    for query in &queries {
        let opened = format!("?after={begin}&{query}");
        streams.push(EventStream::open(&stage.operator, &opened, None).await);
    }
    stage.paid("1").await;
    stage.refused().await;
    act(&stage.ben.caller, &super::path_of(&held, "/void"))
        .await
        .expect(201);
    for (query, stream) in queries.iter().zip(&mut streams) {
        let page = stage.seen(&stage.operator, query, &begin).await;
        assert!(!page.is_empty(), "{query}");
        assert_eq!(data(&stream.take(page.len()).await), page, "{query}");
    }
}

async fn a_stream_tells_what_another_replica_commits(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let other = bank.replica().await;
    let mut stream = EventStream::open(&stage.operator, "", None).await;
    let mut told = Vec::new();
    for number in 0..20 {
        let services = if number % 2 == 0 { &other } else { &bank.services };
        let amount = Money::parse_unsigned("0.5").expect("this is an amount");
        let new = NewTransfer::new(stage.ana.wallet, stage.ben.wallet, Some(amount));
        let asking = Asking::by(&stage.ana.actor);
        let paid = services.transfers.submit(asking, new).await.expect("ana has enough");
        told.push(paid.transfer.transfer.id.to_string());
    }
    let events = stream.take(20).await;
    let shown: Vec<_> = events.iter().map(|event| event.data["data"]["id"].as_str()).collect();
    assert_eq!(shown, told.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    other.stop().await;
}

/// More events than a subscription keeps, while its reader takes none.
async fn a_reader_who_falls_behind_misses_nothing(bank: Arc<TestBank>) {
    const EVENTS: usize = 3_000;
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let mut slow = EventStream::open(&stage.operator, "", None).await;
    let mut quick = EventStream::open(&stage.operator, "", None).await;
    let paying = async {
        for _ in 0..EVENTS / 100 {
            let paid = harness::all_at_once((0..100).map(|_| {
                let amount = Money::parse_unsigned("0.0001").ok();
                let new = NewTransfer::new(stage.ana.wallet, stage.ben.wallet, amount);
                let asking = Asking::by(&stage.ana.actor);
                let transfers = &bank.services.transfers;
                async move { transfers.submit(asking, new).await }
            }));
            paid.await
                .into_iter()
                .for_each(|paid| drop(paid.expect("ana has enough")));
        }
    };
    let ((), first) = tokio::join!(paying, quick.take(EVENTS));
    let second = slow.take(EVENTS).await;
    assert_eq!(first, second);
    let page = stage.seen(&stage.operator, "limit=500", &begin).await;
    assert_eq!(data(&second), page);
}

async fn streams_of_many_readers_tell_the_same(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    // Each begins at another point: some read pages first, some are there from the beginning.
    let mut streams = Vec::new();
    for _ in 0..10 {
        let query = format!("?after={begin}");
        streams.push(EventStream::open(&stage.operator, &query, None).await);
        stage.paid("0.5").await;
    }
    let page = stage.seen(&stage.operator, "", &begin).await;
    assert_eq!(each(&page, "type").len(), 10);
    for stream in &mut streams {
        assert_eq!(data(&stream.take(10).await), page);
    }
}

async fn the_header_counts_before_the_parameter(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    stage.paid("1").await;
    let later = stage.now().await;
    let paid = stage.paid("2").await;
    // A browser that comes back sends the header, and the address of the first time.
    let mut stream = EventStream::open(&stage.operator, &format!("?after={begin}"), Some(&later)).await;
    assert_eq!(stream.take(1).await[0].data["data"], paid);
}

async fn a_stream_ends_after_as_many_events_as_were_asked_for(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    for _ in 0..3 {
        stage.paid("1").await;
    }
    let query = format!("?after={begin}&limit=2");
    let mut stream = EventStream::open(&stage.operator, &query, None).await;
    stream.take(2).await;
    stream.ends().await;
}
