//! `florin receipt verify`: receipts are proved from files, on a machine without the bank.

use std::fs;
use std::path::{Path, PathBuf};

use harness::Backend;
use harness::program::{Ended, run, run_with_input};
use serde_json::{Value, json};

use super::{PASSWORD, Place, names_in, sign_in, two_customers};

/// The receipt of a payment.
pub const RECEIPT: &str = "lunch.json";
/// A head. One payment was made after it.
pub const HEAD: &str = "head.json";
/// The journal's public keys.
pub const KEYS: &str = "keys.json";
/// Where the bank publishes them.
const PUBLISHED: &str = "/.well-known/florin-keys.json";

/// A bank that no server runs any more. In its folder are the files that it has given to others.
pub struct PublishedBank {
    pub place: Place,
    pub receipt: Value,
    pub head: Value,
}

impl PublishedBank {
    pub async fn open(backend: Backend) -> Self {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let paid = ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        let receipt = ana.caller.get(&receipt_path(&paid["id"])).await;
        let keys = server.caller().get(PUBLISHED).await;
        assert_eq!(
            (receipt.status, keys.status),
            (200, 200),
            "{} {}",
            receipt.text,
            keys.text
        );
        let head = place.run(&["journal", "head"]).await;
        assert_eq!(head.status, Some(0), "{head:?}");
        ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        server.kill().await;
        let bank = Self {
            place,
            receipt: receipt.json,
            head: serde_json::from_str(&head.stdout).expect("a head is JSON"),
        };
        for (name, text) in [(RECEIPT, &receipt.text), (KEYS, &keys.text), (HEAD, &head.stdout)] {
            bank.write(name, text);
        }
        bank
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    /// Runs a command of the program that must be done.
    pub async fn done(&self, arguments: &[&str]) -> String {
        let ended = self.place.run(arguments).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        ended.stdout
    }

    /// Makes a new key of the journal, and retires the one that has signed the files. Gives the time of that.
    pub async fn retire_key(&self) -> String {
        let kid = self.head["key_id"].as_str().expect("a head names its key");
        self.done(&["keys", "rotate", "--journal"]).await;
        let shown = self.done(&["keys", "retire", kid, "--journal", "--json"]).await;
        let shown: Value = serde_json::from_str(&shown).expect("the keys are JSON");
        assert_eq!(
            (&shown["keys"][1]["kid"], &shown["keys"][1]["state"]),
            (&json!(kid), &json!("retired"))
        );
        shown["keys"][1]["changes_at"]
            .as_str()
            .expect("it has a time")
            .to_owned()
    }

    /// Writes what a server publishes now, and ana's receipt as it gives it now, into files.
    async fn publish(&self, keys: &str, receipt: &str) {
        let server = self.place.serve().await;
        let published = server.caller().get(PUBLISHED).await;
        let ana = sign_in(&server, "ana@example.com", PASSWORD).await;
        let given = ana.get(&receipt_path(&self.receipt["transfer"]["id"])).await;
        assert_eq!((published.status, given.status), (200, 200), "{}", given.text);
        self.write(keys, &published.text);
        self.write(receipt, &given.text);
        server.kill().await;
    }

    /// What `florin receipt verify` says of files.
    async fn judge(&self, files: &[&str], keys: &str) -> Ended {
        let folder = self.place.folder.path();
        run(folder, &[&["receipt", "verify", "--key", keys], files].concat()).await
    }
}

fn receipt_path(id: &Value) -> String {
    format!("/v1/transfers/{}/receipt", id.as_str().expect("there is an id"))
}

/// What it says of one file, as JSON.
async fn proved(folder: &Path, file: &str, keys: &str) -> Value {
    let ended = run(folder, &["receipt", "verify", "--json", "--key", keys, file]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("a line is JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_proved_without_the_bank() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = PublishedBank::open(backend).await;
        let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
        for name in [RECEIPT, KEYS] {
            fs::copy(bank.path(name), elsewhere.path().join(name)).expect("a file can be copied");
        }
        let ended = run(elsewhere.path(), &["receipt", "verify", RECEIPT, "--key", KEYS]).await;
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        let text = &ended.stdout;
        assert!(
            text.starts_with("proved lunch.json\n") && text.contains("1.0000 USD"),
            "{text}"
        );
        let shown = proved(elsewhere.path(), RECEIPT, KEYS).await;
        assert_eq!((&shown["proved"], &shown["why"]), (&json!(true), &Value::Null));
        assert_eq!(
            (&shown["transfer"], &shown["head"]),
            (&bank.receipt["transfer"], &bank.receipt["head"])
        );
        assert_eq!(names_in(elsewhere.path()), [KEYS, RECEIPT], "nothing is written");
        bank.place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_refused_receipt_is_status_1_and_the_others_are_checked() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    let forged = bank.text(RECEIPT).replace("\"1.0000\"", "\"9.0000\"");
    bank.write("forged.json", &forged);
    let ended = bank.judge(&["forged.json", HEAD, KEYS, RECEIPT], KEYS).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines.len() > 4, "{ended:?}");
    for (line, words) in lines.iter().zip([
        "refused forged.json: its member transfer.amount ",
        "refused head.json: ",
        "refused keys.json: ",
        "proved lunch.json",
    ]) {
        assert!(line.starts_with(words), "{ended:?}");
    }
    let ended = bank.judge(&["forged.json", RECEIPT, "--json"], KEYS).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let shown = ended.stdout.lines().map(|line| {
        let shown: Value = serde_json::from_str(line).expect("a line is JSON");
        shown["proved"].clone()
    });
    assert_eq!(shown.collect::<Vec<_>>(), [json!(false), json!(true)]);
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dash_is_standard_input() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    let folder = bank.place.folder.path();
    for (file, keys, input) in [("-", KEYS, RECEIPT), (RECEIPT, "-", KEYS)] {
        let arguments = ["receipt", "verify", file, "--key", keys];
        let ended = run_with_input(folder, &arguments, &bank.text(input)).await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stdout.starts_with(&format!("proved {file}\n")), "{ended:?}");
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_used_ends_the_command_with_status_2() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    bank.write("forged.json", "{}");
    for file in ["nope.json", "data"] {
        let ended = bank.judge(&["forged.json", file, RECEIPT], KEYS).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(&format!("cannot read {file}")), "{ended:?}");
        let text = &ended.stdout;
        assert!(
            text.starts_with("refused forged.json: ") && text.lines().count() == 1,
            "{text}"
        );
    }
    for (keys, words) in [
        ("nope.json", "cannot read nope.json"),
        (RECEIPT, "cannot use the keys in lunch.json"),
        ("data/journal.key", "cannot use the keys in data/journal.key"),
    ] {
        let ended = bank.judge(&[RECEIPT], keys).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
        let secret = key_file(&bank)["keys"][0]["secret"].clone();
        let secret = secret.as_str().expect("the key has its secret");
        assert!(!ended.stderr.contains(secret), "{ended:?}");
    }
    let without_keys = bank.place.run(&["receipt", "verify", RECEIPT]).await;
    assert_eq!(
        (without_keys.status, without_keys.stdout.as_str()),
        (Some(2), ""),
        "{without_keys:?}"
    );
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retired_key_is_named_with_its_time() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    bank.retire_key().await;
    bank.publish("retired.json", "again.json").await;
    let set: Value = serde_json::from_str(&bank.text("retired.json")).expect("a set is JSON");
    let time = set["keys"][0]["retired_at"].as_str().expect("the first key is retired");
    let ended = bank.judge(&[RECEIPT], "retired.json").await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&format!("retired at {time}")), "{ended:?}");
    let folder = bank.place.folder.path();
    assert_eq!(proved(folder, RECEIPT, "retired.json").await["key_retired_at"], time);
    // The set of before does not know it, and the receipt of today is of another key.
    for (file, keys) in [(RECEIPT, KEYS), ("again.json", "retired.json")] {
        let shown = proved(folder, file, keys).await;
        assert_eq!(shown.get("key_retired_at"), Some(&Value::Null), "{file}: {shown}");
        let ended = bank.judge(&[file], keys).await;
        assert!(!ended.stdout.contains("retired"), "{ended:?}");
    }
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_proved_after_the_secret_of_its_key_was_deleted() {
    let bank = PublishedBank::open(Backend::Sqlite).await;
    bank.done(&["keys", "rotate", "--journal"]).await;
    // As if both keys were made long ago: the next rotation deletes the secret of the first.
    let mut file = key_file(&bank);
    for (key, month) in [(0, "01"), (1, "02")] {
        file["keys"][key]["created_at"] = json!(format!("2020-{month}-01T00:00:00Z"));
    }
    bank.write("data/journal.key", &file.to_string());
    bank.done(&["keys", "rotate", "--journal"]).await;
    let file = key_file(&bank);
    assert_eq!(file["keys"][0]["kid"], bank.receipt["head"]["key_id"]);
    assert!(file["keys"][0].get("secret").is_none() && file["keys"][1]["secret"].is_string());
    bank.publish("today.json", "again.json").await;
    let folder = bank.place.folder.path();
    for (name, signer) in [(RECEIPT, 0), ("again.json", 1)] {
        let shown = proved(folder, name, "today.json").await;
        assert_eq!(shown["head"]["key_id"], file["keys"][signer]["kid"], "{name}");
        assert_eq!(shown.get("key_retired_at"), Some(&Value::Null), "{name}");
    }
    bank.place.remove().await;
}

fn key_file(bank: &PublishedBank) -> Value {
    serde_json::from_str(&bank.text("data/journal.key")).expect("the key file is JSON")
}
