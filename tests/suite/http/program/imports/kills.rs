//! An import that is killed, interrupted, or run twice at once: afterwards each event is stored once.

use std::time::Duration;

use harness::Backend;
use harness::activities::{Dirt, Feed};
use harness::program::{Ended, command};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use super::{INSERTED, MANY, STORED, UNFINISHED, counted, number, summary, write};
use crate::program::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_sqlite_it_goes_on() {
    killed_it_goes_on(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_postgres_it_goes_on() {
    killed_it_goes_on(Backend::Postgres).await;
}

/// Kills at times that are spread over a whole run, then an interrupt.
async fn killed_it_goes_on(backend: Backend) {
    let place = Place::new(backend).await;
    let folder = place.folder.path();
    let expected = write(folder, "feed.csv", Feed::new(1, MANY, Dirt::Much));
    let import = ["import", "activities", "feed.csv", "--json", "--log", "warn"];
    for after_ms in [150, 400, 700, 1_000, 1_400, 1_900] {
        let mut florin = command(folder).await;
        let mut child = florin
            .args(place.arguments(&import))
            .spawn()
            .expect("florin can be started");
        if timeout(Duration::from_millis(after_ms), child.wait()).await.is_err() {
            child.kill().await.expect("a child can be killed");
        }
    }
    let interrupted = interrupt(&place, &import, Duration::from_millis(800)).await;
    if interrupted.status != Some(0) {
        assert_eq!(summary(&interrupted, 3)["stopped"], true);
        assert!(
            interrupted.stderr.contains("the same command goes on from there"),
            "{interrupted:?}"
        );
    }
    // Wherever the kills struck, each event is stored once, and the unfinished import is completed instead of begun
    // anew.
    let done = place.run(&import).await;
    assert_eq!(summary(&done, 0)["files"][0]["status"], "COMPLETED");
    let again = counted(&summary(&place.run(&import).await, 0)["total"]);
    let known = json!({
        "rows_read": expected.read,
        "rows_inserted": 0,
        "rows_duplicate": expected.inserted + expected.duplicate,
        "rows_skipped": expected.rows_skipped(),
        "amounts_coerced": expected.coerced,
        "skip_reasons": expected.skipped,
    });
    assert_eq!(again, known);
    let (inserted, unfinished) = (number(&place, INSERTED).await, number(&place, UNFINISHED).await);
    assert_eq!((inserted, unfinished), (expected.inserted, 0));
    assert_eq!(number(&place, STORED).await, expected.inserted);
    place.remove().await;
}

/// Runs a command and interrupts it after a while, as Ctrl-C does.
async fn interrupt(place: &Place, arguments: &[&str], after: Duration) -> Ended {
    let mut florin = command(place.folder.path()).await;
    let mut child = florin
        .args(place.arguments(arguments))
        .spawn()
        .expect("florin can be started");
    let pid = child
        .id()
        .expect("a process that was not waited for has an id")
        .to_string();
    if timeout(after, child.wait()).await.is_err() {
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s INT "$0""#, &pid])
            .status()
            .await;
        assert!(sent.is_ok_and(|status| status.success()), "a signal can be sent");
    }
    let output = timeout(Duration::from_secs(60), child.wait_with_output())
        .await
        .expect("it ends");
    let output = output.expect("florin can be waited for");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_import_one_file_at_once() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let expected = write(place.folder.path(), "feed.csv", Feed::new(1, MANY, Dirt::Much));
        let import = ["import", "activities", "feed.csv", "--json", "--log", "warn"];
        let (one, other) = tokio::join!(place.run(&import), place.run(&import));
        for ended in [&one, &other] {
            assert_eq!(summary(ended, 0)["files"][0]["status"], "COMPLETED");
        }
        assert_eq!(number(&place, STORED).await, expected.inserted, "{backend:?}");
        assert_eq!(number(&place, INSERTED).await, expected.inserted, "{backend:?}");
        place.remove().await;
    }
}
