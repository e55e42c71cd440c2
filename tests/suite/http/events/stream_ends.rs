//! What ends a stream of events, and what keeps it alive.

use std::sync::Arc;

use harness::{Answer, EventStream, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::json;

use super::EventStage;
use crate::life::act;

on_every_backend!(a_stream_ends_with_its_session, a_stream_ends_with_its_key);
on_sqlite!(
    a_silent_stream_is_kept_alive_by_comments,
    a_stream_ends_when_the_server_stops,
    a_user_has_sixteen_streams_at_most,
);

async fn a_stream_ends_with_its_session(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let mut stays = EventStream::open(&stage.operator, "", None).await;
    let mut ends = EventStream::open(&stage.ana.caller, "", None).await;
    act(&stage.ana.caller, "/v1/auth/logout").await.expect(204);
    ends.ends().await;
    stays.beats().await;
}

async fn a_stream_ends_with_its_key(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let body = json!({ "name": "feed", "scopes": ["transfers:read"] });
    let made = stage.ana.caller.post("/v1/api-keys", body).await.expect(201);
    let program = bank.with_token(made["secret"].as_str().expect("a new key has a secret"));
    let mut stream = EventStream::open(&program, "", None).await;
    stage.held("1").await;
    stream.take(1).await;
    let key = format!("/v1/api-keys/{}", made["id"].as_str().unwrap_or_default());
    Answer::of(stage.ana.caller.request(Method::DELETE, &key))
        .await
        .expect(204);
    stream.ends().await;
}

async fn a_silent_stream_is_kept_alive_by_comments(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let mut stream = EventStream::open(&stage.operator, "", None).await;
    let began = std::time::Instant::now();
    stream.beats().await;
    stream.beats().await;
    assert!(
        began.elapsed().as_secs() < 45,
        "{:?} for two heartbeats",
        began.elapsed()
    );
    let paid = stage.paid("1").await;
    assert_eq!(stream.take(1).await[0].data["data"], paid);
}

async fn a_stream_ends_when_the_server_stops(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let mut stream = EventStream::open(&stage.operator, "", None).await;
    stage.paid("1").await;
    stream.take(1).await;
    bank.services.events.close();
    stream.ends().await;
}

async fn a_user_has_sixteen_streams_at_most(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(EventStream::open(&stage.ana.caller, "", None).await);
    }
    let refused = stage.ana.caller.get("/v1/events/stream").await;
    assert_eq!(refused.text_of("code"), "too_many_streams", "{}", refused.text);
    refused.expect_problem(refused.status, "too_many_streams");
    // Others have their own, and those that are there go on.
    EventStream::open(&stage.ben.caller, "", None).await;
    let paid = stage.paid("1").await;
    for stream in &mut streams {
        assert_eq!(stream.take(1).await[0].data["data"], paid);
    }
}
