//! `--pace`: rows wait as long as they say, or shorter by a factor; without it no row waits.

use std::time::{Duration, Instant};

use harness::Backend;
use harness::program::command;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Bank, PATIENCE, today, until};
use crate::program::imports::summary;
use crate::sums::HEADER;

impl Bank {
    /// Writes a file whose three rows together wait this long. Different times make different contents, which are then
    /// not known.
    fn write_slow(&self, name: &str, wait_ms: u64) {
        let mut text = HEADER.to_owned();
        for part in [2, 3, 5] {
            text.push_str(&format!(
                "{}T00:00:00,deposit,visa,1,{}\n",
                today(),
                wait_ms * part / 10
            ));
        }
        std::fs::write(self.place.folder.path().join(name), text).expect("a file can be written");
    }

    /// The time of an import, whose three rows must be new.
    async fn time(&self, arguments: &[&str]) -> Duration {
        let began = Instant::now();
        let ended = self
            .run(&[&["import", "transactions", "--json"], arguments].concat())
            .await;
        let took = began.elapsed();
        assert_eq!(summary(&ended, 0)["total"]["rows_inserted"], 3, "{ended:?}");
        took
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_wait_as_long_as_they_say_or_so_many_times_shorter() {
    let bank = Bank::new(Backend::Sqlite, false).await;
    let longest = Duration::from_secs(30);
    // Each takes 1.5 seconds and the program's start; with another factor it would take much more or less.
    for (name, wait_ms, pace) in [
        ("as it came.csv", 1_500, "--pace"),
        ("twice as fast.csv", 3_000, "--pace=2"),
        ("forty times as fast.csv", 60_000, "--pace=40"),
        ("half as fast.csv", 750, "--pace=0.5"),
    ] {
        bank.write_slow(name, wait_ms);
        let took = bank.time(&[pace, name]).await;
        assert!(
            took >= Duration::from_millis(1_500) && took < longest,
            "{pace}: {took:?}"
        );
    }
    bank.write_slow("behind.csv", 1_600);
    let took = bank.time(&["behind.csv", "--pace"]).await;
    assert!(took >= Duration::from_millis(1_600), "{took:?}");
    bank.write_slow("nobody waits.csv", 50_000);
    let took = bank.time(&["nobody waits.csv"]).await;
    assert!(took < longest, "{took:?}");
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_waits_stops_when_it_is_told_to() {
    let bank = Bank::new(Backend::Sqlite, false).await;
    bank.write_slow("slow.csv", 180_000);
    assert_eq!(bank.run(&["migrate", "up"]).await.status, Some(0));
    let arguments = [
        "import",
        "transactions",
        "slow.csv",
        "--pace",
        "--json",
        "--log",
        "warn",
    ];
    let mut florin = command(bank.place.folder.path()).await;
    let child = florin.args(arguments).spawn().expect("florin can be started");
    until(&1, || bank.number("SELECT count(*) AS n FROM imports")).await;
    let pid = child
        .id()
        .expect("a process that was not waited for has an id")
        .to_string();
    let sent = Command::new("sh")
        .args(["-c", r#"kill -s INT "$0""#, &pid])
        .status()
        .await;
    assert!(sent.is_ok_and(|status| status.success()), "a signal can be sent");
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output
        .expect("it stops long before its rows would have come")
        .expect("florin can be waited for");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("the summary is JSON");
    assert_eq!(
        (&summary["stopped"], &summary["total"]["rows_read"]),
        (&json!(true), &json!(0))
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("the same command goes on from there"), "{stderr}");
    // A user who does not want to wait may continue without it.
    bank.time(&["slow.csv"]).await;
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_factor_is_wrong_use() {
    let bank = Bank::new(Backend::Sqlite, false).await;
    bank.write_slow("day.csv", 0);
    for (pace, complaint) in [
        (&["--pace=0"][..], "not a factor above zero"),
        (&["--pace=-1"], "not a factor above zero"),
        (&["--pace=1.0001"], "not a factor above zero"),
        (&["--pace=fast"], "not a factor above zero"),
        (&["--pace="], "--pace"),
        // Without the equals sign it is a path.
        (&["--pace", "2"], "there is no 2"),
        (&["--pace", "--pace"], "--pace"),
    ] {
        let arguments = [&["import", "transactions", "day.csv"], pace].concat();
        let ended = bank.run(&arguments).await;
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(2), ""),
            "{pace:?}: {ended:?}"
        );
        assert!(ended.stderr.contains(complaint), "{pace:?}: {ended:?}");
    }
    // Rows of activities have no waiting time.
    let ended = bank.run(&["import", "activities", "day.csv", "--pace"]).await;
    assert_eq!(ended.status, Some(2), "{ended:?}");
    let help = bank.run(&["import", "transactions", "--help"]).await;
    assert!(help.stdout.contains("--pace[=<FACTOR>]"), "{help:?}");
    bank.place.remove().await;
}
