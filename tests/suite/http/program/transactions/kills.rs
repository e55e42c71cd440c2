//! Imports that are killed or run at the same time: afterwards each row counts once.

use std::fs;

use harness::program::command;
use serde_json::{Value, json};

use super::{Bank, MANY, on_both_stores, today, until, with_redis};
use crate::program::imports::summary;
use crate::program::verifies;
use crate::sums::Month;

on_both_stores!(
    an_import_that_is_killed_goes_on_where_it_stopped,
    processes_that_import_one_file_at_once_count_it_once,
);

const IMPORT: [&str; 4] = ["import", "transactions", "month.csv", "--json"];
const READ: &str = "SELECT CAST(coalesce(sum(rows_read), 0) AS bigint) AS n FROM imports";
/// One row is rejected after this many rows.
const BAD_EVERY: u64 = 10_000;

/// A large file, and the lines in it that are rejected.
fn write(bank: &Bank) -> (Month, Vec<u64>) {
    let month = Month::new(4, MANY, today());
    let (mut text, mut bad, mut line) = (String::new(), Vec::new(), 0);
    for row in month.text.lines() {
        text.push_str(&format!("{row}\n"));
        line += 1;
        if line % BAD_EVERY == 0 {
            text.push_str("never,deposit,visa,1,0\n");
            line += 1;
            bad.push(line);
        }
    }
    let path = bank.place.folder.path().join("month.csv");
    fs::write(path, text).expect("a file can be written");
    (month, bad)
}

impl Bank {
    /// Starts an import and kills it once it has read more rows than before.
    async fn killed_beyond(&self, before: u64) -> u64 {
        let mut florin = command(self.place.folder.path()).await;
        let arguments = with_redis(self.redis.as_deref(), &IMPORT);
        let mut child = florin
            .args(self.place.arguments(&arguments))
            .spawn()
            .expect("florin can be started");
        until(&true, || async { self.number(READ).await > before }).await;
        child.kill().await.expect("a child can be killed");
        self.number(READ).await
    }

    /// Fails unless the totals are those of a month.
    async fn answers(&self, month: &Month) {
        let server = self.serve().await;
        assert_eq!(month.answered(&server.caller()).await, month.sums);
        server.kill().await;
        verifies(&self.place).await;
    }
}

async fn an_import_that_is_killed_goes_on_where_it_stopped(bank: Bank) {
    let (month, bad) = write(&bank);
    // The test reads the tables during the import, so they must exist.
    assert_eq!(bank.run(&["migrate", "up"]).await.status, Some(0));
    let mut rows = 0;
    for _ in 0..3 {
        rows = bank.killed_beyond(rows).await;
        assert!(rows < MANY, "too fast to be killed in the middle");
    }
    let rejects = [&IMPORT[..], &["--rejects", "rejects.csv"]].concat();
    let done = summary(&bank.run(&rejects).await, 0);
    let all = MANY + bad.len() as u64;
    let file = &done["files"][0];
    assert_eq!(
        json!([
            file["status"],
            file["rows_read"],
            file["rows_inserted"],
            file["rows_skipped"]
        ]),
        json!(["COMPLETED", all, MANY, bad.len()])
    );
    assert_eq!(bank.number("SELECT count(*) AS n FROM imports").await, 1);
    // The file of rejected lines also contains those of the earlier runs.
    let rejected = bank.place.folder.path().join("rejects.csv");
    let mut rejected = csv::Reader::from_path(rejected).expect("the rejects are there");
    let lines = rejected.deserialize::<(String, u64, String, String)>();
    let lines: Vec<u64> = lines.map(|line| line.expect("a line can be read").1).collect();
    assert_eq!(lines, bad);
    bank.answers(&month).await;
    bank.place.remove().await;
}

async fn processes_that_import_one_file_at_once_count_it_once(bank: Bank) {
    let (month, bad) = write(&bank);
    let ended = tokio::join!(bank.run(&IMPORT), bank.run(&IMPORT), bank.run(&IMPORT));
    for ended in [&ended.0, &ended.1, &ended.2] {
        let file: &Value = &summary(ended, 0)["files"][0];
        assert_eq!(
            json!([file["status"], file["rows_read"], file["rows_skipped"]]),
            json!(["COMPLETED", MANY + bad.len() as u64, bad.len()])
        );
    }
    let inserted = "SELECT CAST(sum(rows_inserted) AS bigint) AS n FROM imports";
    assert_eq!(bank.number(inserted).await, MANY);
    bank.answers(&month).await;
    bank.place.remove().await;
}
