//! A disk without room for SQLite's log: every write is refused at once and is certain not to have happened.

use std::env;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use harness::Backend;
use harness::program::{Serving, binary};
use serde_json::json;
use tokio::process::Command;

use super::{PASSWORD, Place, customer, operator, timed};

/// Serves a bank whose process gets an error instead of a signal when a file grows beyond its limit.
async fn serve(place: &Place) -> Serving {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(binary().await)
        .args(place.arguments(&["--log", "warn"]))
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("FLORIN_LISTEN", "127.0.0.1:0")
        .current_dir(place.folder.path())
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Serving::spawn(command).await
}

/// Sets the largest size of a file of the process: a number of bytes, or `unlimited`.
async fn limit_files(server: &Serving, size: &str) {
    let limit = format!("--fsize={size}:");
    let set = Command::new("prlimit")
        .args(["--pid", &server.pid().to_string(), &limit])
        .status()
        .await;
    assert!(set.is_ok_and(|status| status.success()), "a limit can be set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_without_room_is_refused_at_once_and_did_not_happen() {
    let place = Place::new(Backend::Sqlite).await;
    let server = serve(&place).await;
    let ana = customer(&server, "ana").await;
    let operator = operator(&place, &server).await;
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
    let freeze = format!("/v1/wallets/{}/freeze", ana.wallet());
    let deposit = || operator.post_once(&deposits, "once", json!({ "amount": "1", "method": "visa" }));
    let body = json!({ "email": "ben@example.com", "password": PASSWORD, "full_name": "Ben" });
    let register = async || server.caller().post("/v1/auth/register", body.clone()).await;
    let open = async || ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    operator
        .post(&deposits, json!({ "amount": "1", "method": "visa" }))
        .await
        .expect(201);
    let log = place.folder.path().join("data/florin.db-wal");
    let size = fs::metadata(log).expect("it is there").len();
    limit_files(&server, &size.to_string()).await;
    for _ in 0..3 {
        for (answer, took) in [
            timed(deposit()).await,
            timed(register()).await,
            timed(open()).await,
            timed(operator.post(&freeze, json!({}))).await,
        ] {
            answer.expect_problem(503, "unavailable");
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
    }
    limit_files(&server, "unlimited").await;
    assert_eq!(ana.balance().await, "1.0000");
    deposit().await.expect(201);
    register().await.expect(201);
    open().await.expect(201);
    operator.post(&freeze, json!({})).await.expect(200);
    assert_eq!(ana.balance().await, "2.0000");
    server.kill().await;
    let verified = place.run(&["verify"]).await;
    assert_eq!(verified.status, Some(0), "{verified:?}");
    place.remove().await;
}
