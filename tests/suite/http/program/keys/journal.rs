//! `florin keys --journal`: the keys that sign heads and receipts.

use std::fs;
use std::time::{Duration, Instant};

use harness::program::Serving;
use harness::{Backend, Caller};
use serde_json::{Value, json};

use super::super::{Place, operator};
use super::{READ_WITHIN, keys, kid, publishes_at};

const PUBLISHED: &str = "/.well-known/florin-keys.json";

async fn journal_keys(place: &Place, arguments: &[&str]) -> Vec<Value> {
    keys(place, &[arguments, &["--journal"]].concat()).await
}

fn states(keys: &[Value]) -> Vec<&str> {
    let states = keys.iter().map(|key| key["state"].as_str().expect("a key has a state"));
    states.collect()
}

/// The key that has signed the head that a caller is given.
async fn signer(caller: &Caller) -> Value {
    caller.get("/v1/journal/head").await.expect(200)["key_id"].clone()
}

async fn signs_with(caller: &Caller, kid: &str) {
    let began = Instant::now();
    while signer(caller).await != kid {
        assert!(began.elapsed() < READ_WITHIN, "the server has not read its keys");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same caller at another server of the bank.
fn at(server: &Serving, caller: &Caller) -> Caller {
    let token = caller.token.as_deref().expect("the caller has signed in");
    server.caller().with_token(token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journals_keys_change_while_the_bank_runs() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let (server, replica) = (place.serve().await, place.serve().await);
        let op = operator(&place, &server).await;
        let first = journal_keys(&place, &["list"]).await;
        assert_eq!(states(&first), ["signing"]);
        assert_ne!(first[0]["kid"], keys(&place, &["list"]).await[0]["kid"]);
        let old = kid(&first[0]);

        let two = journal_keys(&place, &["rotate"]).await;
        assert_eq!(states(&two), ["waiting", "signing"]);
        let new = kid(&two[0]);
        for bank in [&server, &replica] {
            publishes_at(bank, PUBLISHED, &[old, new]).await;
            assert_eq!(signer(&at(bank, &op)).await, old, "the new key waits");
        }

        let left = journal_keys(&place, &["retire", old]).await;
        assert_eq!(states(&left), ["signing", "retired"]);
        assert!(left[1]["changes_at"].is_string() && left[0]["changes_at"].is_null());
        for bank in [&server, &replica] {
            signs_with(&at(bank, &op), new).await;
            publishes_at(bank, PUBLISHED, &[old, new]).await;
            let set = bank.caller().get(PUBLISHED).await.expect(200);
            let retired = ["retired_at", "created_at"].map(|time| set["keys"][0][time].is_string());
            assert_eq!(retired, [true, true]);
        }
        assert_eq!(keys(&place, &["list"]).await.len(), 1, "tokens have keys of their own");
        server.kill().await;
        replica.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_journal_that_are_not_there_or_must_stay_are_status_1() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let only = kid(&journal_keys(&place, &["list"]).await[0]).to_owned();
    let of_tokens = kid(&keys(&place, &["list"]).await[0]).to_owned();
    for (kid, words) in [
        (of_tokens.as_str(), "journal.key has the id"),
        (only.as_str(), "make one first: florin keys rotate --journal"),
    ] {
        let refused = place.run(&["keys", "retire", kid, "--journal"]).await;
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let listed = place.run(&["keys", "list", "--journal"]).await;
    assert_eq!(listed.status, Some(0), "{listed:?}");
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{listed:?}");
    assert!(lines[0].starts_with("key") && lines[1].starts_with(&only) && lines[1].ends_with("signs"));
    let file = fs::read_to_string(place.folder.path().join("data/journal.key")).expect("the key file is there");
    let file: Value = serde_json::from_str(&file).expect("the key file is JSON");
    assert_eq!(file["keys"][0]["kid"], json!(only));
    let secret = file["keys"][0]["secret"].as_str().expect("the key has its secret");
    assert!(!listed.stdout.contains(secret) && !listed.stderr.contains(secret));
    server.kill().await;
    place.remove().await;
}

#[tokio::test]
async fn there_are_no_keys_of_the_journal_before_the_first_start() {
    let place = Place::new(Backend::Sqlite).await;
    let made = place.run(&["migrate", "up"]).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    for action in ["list", "rotate"] {
        let ended = place.run(&["keys", action, "--journal"]).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
        assert!(ended.stderr.contains("journal.key: there is no such file"), "{ended:?}");
        assert!(ended.stderr.contains("--journal-key-file"), "{ended:?}");
    }
    assert!(!place.folder.path().join("data/journal.key").exists());
    place.remove().await;
}
