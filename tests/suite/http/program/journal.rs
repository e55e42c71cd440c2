//! `florin journal head` and `florin journal verify`: the journal of today extends an older head, or the command says why not.

use std::fs;

use harness::Backend;
use harness::program::{run, run_with_input};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use super::receipts::{HEAD, KEYS, PublishedBank, RECEIPT};

impl PublishedBank {
    /// The status of `florin journal verify --json`, and what it prints.
    async fn verdict(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let ended = self
            .place
            .run(&[&["journal", "verify", "--json"], arguments].concat())
            .await;
        let shown = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {ended:?}"));
        (ended.status, shown)
    }

    /// Fails unless the head in a file is refused. Gives why.
    async fn refused(&self, arguments: &[&str]) -> String {
        let (status, shown) = self.verdict(arguments).await;
        assert_eq!((status, &shown["proved"]), (Some(1), &json!(false)), "{shown}");
        shown["why"].as_str().expect("it says why").to_owned()
    }

    /// The number of the head's row.
    fn row(&self) -> i64 {
        self.head["number"].as_i64().expect("a row has a number")
    }

    /// Changes a row of the journal in the database, without the triggers that refuse that.
    async fn rewrite_history(&self, backend: Backend, statement: &str) {
        let unlock = match backend {
            Backend::Sqlite => "DROP TRIGGER journal_is_not_changed; DROP TRIGGER journal_is_not_deleted",
            Backend::Postgres => "ALTER TABLE journal DISABLE TRIGGER USER",
        };
        let db = Database::connect(&self.place.url).await;
        let db = db.expect("the bank's database can be opened");
        db.execute_unprepared(unlock)
            .await
            .expect("triggers can be switched off");
        db.close().await.expect("a connection can be closed");
        self.place.tamper(statement).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_extended_by_the_journal_of_today() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        for arguments in [&["--since", HEAD][..], &["--since", HEAD, "--key", KEYS]] {
            let (status, shown) = bank.verdict(arguments).await;
            assert_eq!((status, &shown["proved"]), (Some(0), &json!(true)), "{shown}");
            assert_eq!(shown["head"], bank.head);
            let newest = shown["newest"]["number"].as_i64().expect("a row has a number");
            assert!(newest > bank.row(), "a payment was made after the head: {shown}");
            assert_eq!(shown["rows"], newest, "every row after row 0 is hashed");
            assert_eq!(shown.get("key_retired_at"), Some(&Value::Null), "{shown}");
            assert_eq!(shown["offenders"], json!([]));
        }
        let arguments = bank.place.arguments(&["journal", "verify", "--since", "-"]);
        let ended = run_with_input(bank.place.folder.path(), &arguments, &bank.text(HEAD)).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(
            ended.stdout.starts_with("proved -: the journal extends it\n"),
            "{ended:?}"
        );
        assert!(!ended.stdout.contains("retired"), "{ended:?}");

        // No row extends the newest head.
        let newest = bank.done(&["journal", "head"]).await;
        bank.write("newest.json", &newest);
        let (status, shown) = bank.verdict(&["--since", "newest.json"]).await;
        assert_eq!(
            (status, &shown["rows"]),
            (Some(0), &shown["newest"]["number"]),
            "{shown}"
        );
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_row_after_the_head_is_named() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        let next = bank.row() + 1;
        let sql =
            format!("UPDATE journal SET root = (SELECT root FROM journal WHERE number = 0) WHERE number = {next}");
        bank.rewrite_history(backend, &sql).await;
        let (status, shown) = bank.verdict(&["--since", HEAD]).await;
        assert_eq!((status, &shown["proved"]), (Some(1), &json!(false)), "{shown}");
        let offenders = shown["offenders"].as_array().expect("offenders are a list");
        let named = format!("row {next}: its digest is not that of its content and of the row before");
        assert!(offenders.contains(&json!(named)), "{shown}");
        let ended = bank.place.run(&["journal", "verify", "--since", HEAD]).await;
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(
            ended.stdout.starts_with("refused head.json: ") && ended.stdout.contains(&named),
            "{ended:?}"
        );
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_of_a_replaced_history_is_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        let row = bank.row();
        let sql =
            format!("UPDATE journal SET digest = (SELECT digest FROM journal WHERE number = 0) WHERE number = {row}");
        bank.rewrite_history(backend, &sql).await;
        let why = bank.refused(&["--since", HEAD]).await;
        let digest = bank.head["digest"].as_str().expect("a head has a digest");
        assert!(why.contains(&format!("no row {row} with the digest {digest}")), "{why}");
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_gone_is_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        let newest = bank.done(&["journal", "head"]).await;
        bank.write("newest.json", &newest);
        let number = bank.row() + 1;
        let sql = format!("DELETE FROM journal WHERE number = {number}");
        bank.rewrite_history(backend, &sql).await;
        let why = bank.refused(&["--since", "newest.json"]).await;
        assert!(why.contains(&format!("no row {number} ")), "{why}");
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_of_another_bank_is_refused() {
    let other = PublishedBank::open(Backend::Sqlite).await;
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        for (name, there) in [("other-head.json", HEAD), ("other-keys.json", KEYS)] {
            bank.write(name, &other.text(there));
        }
        let why = bank.refused(&["--since", "other-head.json"]).await;
        let key_id = other.head["key_id"].as_str().expect("a head names its key");
        assert!(why.contains(key_id), "{why}");
        let why = bank
            .refused(&["--since", "other-head.json", "--key", "other-keys.json"])
            .await;
        assert!(why.contains("ledger"), "{why}");
        bank.place.remove().await;
    }
    other.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_of_a_receipt_is_a_head() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    let head = &bank.receipt["head"];
    bank.write("alone.json", &head.to_string());
    for file in [RECEIPT, "alone.json"] {
        let (status, shown) = bank.verdict(&["--since", file]).await;
        assert_eq!((status, &shown["proved"]), (Some(0), &json!(true)), "{file}: {shown}");
        assert_eq!(&shown["head"], head, "{file}");
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_head_of_the_bank_is_refused() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    let (number, transfers) = (bank.row(), &bank.head["transfers"]);
    for (from, to) in [
        (format!("\"number\": {number}"), format!("\"number\": {}", number + 1)),
        (format!("\"transfers\": {transfers}"), "\"transfers\": 99".to_owned()),
    ] {
        let forged = bank.text(HEAD).replace(&from, &to);
        assert_ne!(forged, bank.text(HEAD), "{from}");
        bank.write("forged.json", &forged);
        let why = bank.refused(&["--since", "forged.json"]).await;
        assert!(why.contains("signature"), "{why}");
    }
    let keys = bank.text(KEYS);
    for text in ["", "{}", "[]", keys.as_str()] {
        bank.write("forged.json", text);
        bank.refused(&["--since", "forged.json"]).await;
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_of_a_retired_key_says_so() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    let time = bank.retire_key().await;
    let (status, shown) = bank.verdict(&["--since", HEAD]).await;
    assert_eq!((status, &shown["proved"]), (Some(0), &json!(true)), "{shown}");
    let retired_at = shown["key_retired_at"].as_str().expect("it says when");
    assert_eq!(retired_at, time);
    let ended = bank.place.run(&["journal", "verify", "--since", HEAD]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&format!("retired at {retired_at}")), "{ended:?}");
    // The set of before does not know it.
    let (_, shown) = bank.verdict(&["--since", HEAD, "--key", KEYS]).await;
    assert_eq!(shown["key_retired_at"], Value::Null, "{shown}");
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_used_is_status_2() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    for (arguments, words) in [
        (&["--since", "nope.json"][..], "cannot read nope.json"),
        (&["--since", HEAD, "--key", "nope.json"], "cannot read nope.json"),
        (&["--since", HEAD, "--key", HEAD], "cannot use the keys in head.json"),
        (&[], "--since"),
    ] {
        let ended = bank.place.run(&[&["journal", "verify"], arguments].concat()).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_status_3_and_not_made() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    for arguments in [
        &["head"][..],
        &["verify", "--since", HEAD],
        &["verify", "--since", HEAD, "--key", KEYS],
    ] {
        let arguments = [&["journal"], arguments, &["--data-dir", "nowhere", "--log", "off"]].concat();
        let ended = run(bank.place.folder.path(), &arguments).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
        assert!(ended.stderr.contains("there is no such file"), "{ended:?}");
        for name in ["nowhere/florin.db", "nowhere/journal.key"] {
            assert!(!bank.path(name).exists(), "{name}: {ended:?}");
        }
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_file_is_made() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        let file = fs::read(bank.path("data/journal.key")).expect("the key file is there");
        let other_file = ["--journal-key-file", "new.key"];
        for arguments in [&["journal", "head"][..], &["journal", "verify", "--since", HEAD]] {
            let ended = bank.place.run(&[arguments, &other_file].concat()).await;
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
            for words in ["the journal's keys", "new.key", "there is no such file"] {
                assert!(ended.stderr.contains(words), "{words}: {ended:?}");
            }
            assert!(!bank.path("new.key").exists(), "{ended:?}");
        }
        // Public keys are enough for a check.
        let (status, _) = bank
            .verdict(&[&["--since", HEAD, "--key", KEYS][..], &other_file].concat())
            .await;
        assert_eq!(status, Some(0));
        assert!(!bank.path("new.key").exists());
        assert_eq!(
            fs::read(bank.path("data/journal.key")).ok(),
            Some(file),
            "nothing is written"
        );
        bank.place.remove().await;
    }
}
