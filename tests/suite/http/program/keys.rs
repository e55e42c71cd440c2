//! `florin keys`: the keys of a running bank are changed from a terminal, and the bank goes on.

mod journal;

use std::time::{Duration, Instant};

use harness::program::Serving;
use harness::{Backend, Caller, part_of};
use serde_json::{Value, json};

use super::{PASSWORD, Place, customer, sign_in};

/// A bank reads the file every second; the rest is for a busy machine.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// Runs a command that must be done, and gives the keys that it prints, the newest first.
async fn keys(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let ended = place
        .run(&[&["keys"], arguments, &["--json", "--log", "warn"]].concat())
        .await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let shown: Value = serde_json::from_str(&ended.stdout).expect("the result is JSON");
    shown["keys"].as_array().expect("keys are a list").clone()
}

fn kid(key: &Value) -> &str {
    key["kid"].as_str().expect("a key has a kid")
}

async fn published(server: &Serving, path: &str) -> Vec<String> {
    let set = server.caller().get(path).await.expect(200);
    let keys = set["keys"].as_array().expect("keys are a list");
    keys.iter().map(|key| kid(key).to_owned()).collect()
}

/// Waits until the server publishes these keys of access tokens, the oldest first.
async fn publishes(server: &Serving, kids: &[&str]) {
    publishes_at(server, "/.well-known/jwks.json", kids).await;
}

/// Waits until the server publishes these keys at a path, the oldest first.
async fn publishes_at(server: &Serving, path: &str, kids: &[&str]) {
    let began = Instant::now();
    while published(server, path).await != kids {
        assert!(began.elapsed() < READ_WITHIN, "the server has not read its keys");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same caller at another server of the bank.
fn of_ana(server: &Serving, ana: &Caller) -> Caller {
    server
        .caller()
        .with_token(ana.token.as_deref().expect("ana has signed in"))
}

fn signed_by(caller: &Caller) -> Value {
    let token = caller.token.as_deref().expect("the caller has signed in");
    part_of(token, 0)["kid"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_while_the_bank_runs() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let (server, replica) = (place.serve().await, place.serve().await);
        let ana = customer(&server, "ana").await;
        let first = keys(&place, &["list"]).await;
        assert_eq!(first.len(), 1);
        assert_eq!(
            (&first[0]["state"], &first[0]["algorithm"]),
            (&json!("signing"), &json!("EdDSA"))
        );
        assert_eq!(signed_by(&ana.caller), first[0]["kid"]);

        let two = keys(&place, &["rotate"]).await;
        let states = [&two[0]["state"], &two[1]["state"]];
        assert_eq!(states, [&json!("waiting"), &json!("signing")]);
        for bank in [&server, &replica] {
            publishes(bank, &[kid(&two[1]), kid(&two[0])]).await;
            of_ana(bank, &ana.caller).get("/v1/users/me").await.expect(200);
        }
        let later = sign_in(&replica, "ana@example.com", PASSWORD).await;
        assert_eq!(signed_by(&later), first[0]["kid"], "the new key waits");

        let left = keys(&place, &["retire", kid(&two[1])]).await;
        assert_eq!(
            (&left[0]["state"], &left[1]["state"]),
            (&json!("signing"), &json!("retired"))
        );
        for bank in [&server, &replica] {
            publishes(bank, &[kid(&two[0])]).await;
            let refused = of_ana(bank, &ana.caller).get("/v1/users/me").await;
            refused.expect_problem(401, "unauthenticated");
            let new = sign_in(bank, "ana@example.com", PASSWORD).await;
            assert_eq!(signed_by(&new), two[0]["kid"]);
            new.get("/v1/users/me").await.expect(200);
        }
        server.kill().await;
        replica.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_not_there_or_must_stay_are_status_1() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let only = kid(&keys(&place, &["list"]).await[0]).to_owned();
    for (kid, words) in [
        ("nothing", "has the id nothing; --journal names the journal's keys"),
        (only.as_str(), "this is the newest key"),
    ] {
        let refused = place.run(&["keys", "retire", kid]).await;
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let listed = place.run(&["keys", "list"]).await;
    assert_eq!(listed.status, Some(0), "{listed:?}");
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{listed:?}");
    assert!(lines[0].starts_with("key") && lines[1].starts_with(&only) && lines[1].ends_with("signs"));
    let secret = harness::TestKey::all_in(&place.folder.path().join("data/signing.key")).remove(0);
    let hidden = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &secret.secret);
    assert!(!listed.stdout.contains(&hidden) && !listed.stderr.contains(&hidden));
    server.kill().await;
    place.remove().await;
}
