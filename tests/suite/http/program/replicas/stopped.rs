//! A process is stopped by SIGSTOP while it has the turn.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Two;
use crate::program::try_post;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_stopped_with_the_turn_stops_the_other_for_less_than_three_seconds() {
    let two = Two::new().await;
    let other = two.serve_other().await;
    let mut body = two.ana.one_to(&two.ben);
    body["description"] = json!("the one that is stopped");
    // The first commit of a process takes the turn; its statement is held after that.
    let holding = two.way.hold("the one that is stopped");
    let asked = tokio::spawn({
        let (caller, body) = (other.caller().with_token(two.token()), body.clone());
        async move { try_post(&caller, "/v1/transfers", "stopped", &body).await }
    });
    let held = holding.held().await;
    other.suspend().await;
    // The database executes the statement and waits for COMMIT.
    held.pass_on();
    for number in 0..3 {
        let began = Instant::now();
        let key = format!("beside-{number}");
        let answer = two
            .ana
            .caller
            .post_once("/v1/transfers", &key, two.ana.one_to(&two.ben));
        answer.await.expect(201);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(3), "{took:?} for number {number}");
    }
    assert!(!asked.is_finished(), "a stopped process answers nobody");
    other.resume().await;
    let answer = asked.await.expect("it does not panic").expect("the process lives");
    let again = two.ana.caller.post_once("/v1/transfers", "stopped", body).await;
    // PostgreSQL ended its session before COMMIT. The transfer was then made anew, or the caller was told that nothing
    // happened.
    if answer.status == 201 {
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.expect(201)["id"], answer.json["id"]);
    } else {
        answer.expect_problem(503, "unavailable");
        assert_eq!(again.header("idempotent-replayed"), "");
        again.expect(201);
    }
    assert_eq!(two.ana.balance().await, "999996.0000");
    two.assert_sound().await;
    other.kill().await;
    two.end().await;
}
