//! The statistics of the running program: streams end with it, replicas share a minute, and a restart knows the last
//! minute.

use harness::program::Serving;
use harness::servers::{Persistence, RedisServer};
use harness::{Answer, Backend, Caller};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use super::{Place, customer, operator};
use crate::raw::PATIENCE;

async fn count(caller: &Caller) -> u64 {
    let statistics = caller.get("/statistics").await.expect(200);
    statistics["count"].as_u64().expect("a count is a number")
}

async fn serve(place: &Place, settings: &[&str]) -> Serving {
    let arguments = [&["--log", "warn", "--reports", "public"], settings].concat();
    Serving::start(place.folder.path(), &place.arguments(&arguments)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_the_server_is_told_to_stop() {
    let place = Place::new(Backend::Sqlite).await;
    let server = serve(&place, &[]).await;
    let request = server.caller().request(Method::GET, "/statistics/stream");
    let mut stream = request.send().await.expect("the stream begins");
    let first = stream.chunk().await.expect("a stream can be read");
    assert!(first.is_some_and(|event| event.starts_with(b"data: {\"sum\":0.0,")));
    let started = std::time::Instant::now();
    server.terminate().await;
    while stream.chunk().await.expect("it is not cut").is_some() {}
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        started.elapsed().as_secs() < 10,
        "it waited for a stream without an end"
    );
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_knows_the_minute_before_it() {
    let place = Place::new(Backend::Sqlite).await;
    let server = serve(&place, &[]).await;
    let ana = customer(&server, "ana").await;
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
    let bank = operator(&place, &server).await;
    bank.post(&deposits, json!({ "amount": "5", "method": "visa" }))
        .await
        .expect(201);
    server.kill().await;
    let server = serve(&place, &[]).await;
    assert_eq!(count(&server.caller()).await, 1);
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_minute_by_themselves() {
    let redis = RedisServer::start(Persistence::None).await.expect("Redis starts");
    let place = Place::new(Backend::Sqlite).await;
    let url = redis.url();
    let (one, other) = (
        serve(&place, &["--redis-url", &url]).await,
        serve(&place, &["--redis-url", &url]).await,
    );
    let bank = operator(&place, &one).await;
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_millis() as u64;
    let request = bank.request(Method::POST, "/transactions");
    let body = json!({ "amount": 1, "timestamp": now });
    assert_eq!(Answer::of(request.json(&body)).await.status, 201);
    let heard = async { while count(&other.caller()).await == 0 {} };
    timeout(PATIENCE, heard).await.expect("the other server hears of it");
    assert_eq!(other.caller().get("/readyz").await.text_of("redis"), "ok");
    // A replica shares its last amounts before it ends, so that the others have them.
    assert_eq!(
        Answer::of(bank.request(Method::POST, "/transactions").json(&body))
            .await
            .status,
        201
    );
    one.terminate().await;
    assert_eq!(one.ended().await.status, Some(0));
    let heard = async { while count(&other.caller()).await < 2 {} };
    timeout(PATIENCE, heard).await.expect("the other server hears of it");
    place.remove().await;
}

#[tokio::test]
async fn an_address_of_redis_that_is_none_is_told_without_repeating_it() {
    let place = Place::new(Backend::Sqlite).await;
    let ended = place.run(&["--redis-url", "http://florin:hunter2@127.0.0.1"]).await;
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("Redis") && !ended.stderr.contains("hunter2"),
        "{ended:?}"
    );
    place.remove().await;
}
