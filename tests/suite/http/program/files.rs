//! No other user of the machine may read the bank's files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::Backend;
use harness::program::run;
use serde_json::json;

use super::{Place, customer, operator};
use crate::imports::upload;

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|_| panic!("{} is not there", path.display()));
    metadata.permissions().mode() & 0o777
}

/// Every file and folder below a folder, with its mode.
fn modes_in(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        // SQLite may remove its journal before its mode is read.
        if let Ok(metadata) = fs::metadata(&path) {
            found.push((path.display().to_string(), metadata.permissions().mode() & 0o777));
        }
        if path.is_dir() {
            modes_in(&path, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bank_keeps_is_its_own() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let ana = customer(&server, "ana").await;
        let operator = operator(&place, &server).await;
        let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
        let body = json!({ "amount": "1", "method": "visa" });
        operator.post(&deposits, body).await.expect(201);
        upload(&operator, "a.csv", b"a,b\n1,2\n").await.expect(202);
        let data = place.folder.path().join("data");
        assert_eq!(mode(&data), 0o700, "{backend:?}");
        let mut found = Vec::new();
        modes_in(&data, &mut found);
        for (path, mode) in &found {
            let expected = if Path::new(path).is_dir() { 0o700 } else { 0o600 };
            assert_eq!(*mode, expected, "{path}");
        }
        let has = |name: &str| found.iter().any(|(path, _)| path.ends_with(name));
        assert!(has("signing.key") && has("journal.key") && has("uploads"), "{found:?}");
        if backend == Backend::Sqlite {
            assert!(has("florin.db") && has("florin.db-wal"), "{found:?}");
        }
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test]
async fn a_database_file_of_ones_own_name_is_private_too() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let made = run(
        folder.path(),
        &["migrate", "up", "--database-url", "sqlite://my%20bank.db"],
    )
    .await;
    assert_eq!(made.status, Some(0), "{made:?}");
    assert_eq!(mode(&folder.path().join("my bank.db")), 0o600);
}

#[tokio::test]
async fn a_key_of_the_journal_that_others_may_use_stops_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let key = folder.path().join("data/journal.key");
    let create = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--full-name",
        "A",
        "--role",
        "admin",
    ];
    assert_eq!(run(folder.path(), &create).await.status, Some(0));
    let set = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("a mode can be set");
    for exposed in [0o604, 0o620] {
        set(exposed);
        let ended = run(folder.path(), &["--listen", "127.0.0.1:0", "--log", "off"]).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
        for words in ["florin: cannot start", "journal.key", "chmod 600"] {
            assert!(ended.stderr.contains(words), "{words:?} is missing: {ended:?}");
        }
    }
    for arguments in [&["list"][..], &["rotate"]] {
        let ended = run(folder.path(), &[&["keys"], arguments, &["--journal"]].concat()).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    }
    set(0o600);
    assert_eq!(run(folder.path(), &["keys", "list", "--journal"]).await.status, Some(0));
}

#[tokio::test]
async fn a_signing_key_that_others_may_use_stops_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let key = folder.path().join("data/signing.key");
    let start = ["openapi"];
    let create = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--full-name",
        "A",
        "--role",
        "admin",
    ];
    assert_eq!(run(folder.path(), &create).await.status, Some(0));
    let set = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("a mode can be set");
    let create = [
        "user",
        "create",
        "--email",
        "b@example.com",
        "--full-name",
        "B",
        "--role",
        "admin",
    ];
    for exposed in [0o644, 0o604, 0o602, 0o620, 0o666] {
        set(exposed);
        for arguments in [&create[..], &["--listen", "127.0.0.1:0"]] {
            let ended = run(folder.path(), &[arguments, &["--log", "off"]].concat()).await;
            assert_eq!(
                (ended.status, ended.stdout.as_str()),
                (Some(3), ""),
                "{exposed:o}: {ended:?}"
            );
            for words in [
                "florin: cannot start",
                "signing.key",
                &format!("{exposed:04o}"),
                "chmod 600",
            ] {
                assert!(ended.stderr.contains(words), "{words:?} is missing: {ended:?}");
            }
        }
    }
    // A command that does not need the bank's key works.
    assert_eq!(run(folder.path(), &start).await.status, Some(0));
    set(0o400);
    assert_eq!(run(folder.path(), &create).await.status, Some(0));
}
