//! Files of transactions on the command line: what is counted, what is printed, and the exit status.

use std::fs;
use std::path::Path;

use chrono::Days;
use harness::Backend;
use serde_json::json;

use super::{Bank, on_both_stores, today};
use crate::program::imports::summary;
use crate::program::verifies;
use crate::sums::{HEADER, Month};

on_both_stores!(
    a_file_is_counted_once_and_told,
    several_files_are_told_one_by_one_and_together,
);

const ROWS: u64 = 5_000;

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file can be written");
}

async fn a_file_is_counted_once_and_told(bank: Bank) {
    let (folder, month) = (bank.place.folder.path(), Month::new(1, ROWS, today()));
    write(folder, "month.csv", &month.text);
    let import = ["import", "transactions", "month.csv"];
    let out = bank.run(&[&import[..], &["--json"]].concat()).await;
    let mut sums = summary(&out, 0);
    let id = sums["files"][0]["id"].take();
    assert!(id.as_str().is_some_and(|id| id.len() == 36), "{id}");
    let expected = json!({
        "stopped": false,
        "files": [{
            "id": null,
            "kind": "transactions",
            "file": "month.csv",
            "path": "month.csv",
            "status": "COMPLETED",
            "failure": null,
            "bytes": month.text.len(),
            "bytes_applied": month.text.len(),
            "rows_read": ROWS,
            "rows_inserted": ROWS,
            "rows_duplicate": 0,
            "rows_skipped": 0,
            "amounts_coerced": 0,
            "skip_reasons": {},
        }],
        "total": {
            "files": 1,
            "rows_read": ROWS,
            "rows_inserted": ROWS,
            "rows_duplicate": 0,
            "rows_skipped": 0,
            "amounts_coerced": 0,
            "skip_reasons": {},
        },
    });
    assert_eq!((sums, out.stderr.as_str()), (expected, ""));

    // A known content is recognized under any name. The command reports it; only with --strict is that a failure.
    write(folder, "again.csv", &month.text);
    let again = bank.run(&["import", "transactions", "again.csv"]).await;
    assert_eq!(again.status, Some(0), "{again:?}");
    let total = again.stdout.lines().find(|line| line.starts_with("total"));
    let words: Vec<_> = total.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["total", "5000", "0", "5000", "0", "0"], "{again:?}");
    let strict = bank.run(&[&import[..], &["--strict", "--json"]].concat()).await;
    let counts = &summary(&strict, 1)["total"];
    assert_eq!(
        (&counts["rows_inserted"], &counts["rows_duplicate"]),
        (&json!(0), &json!(ROWS))
    );

    let server = bank.serve().await;
    assert_eq!(month.answered(&server.caller()).await, month.sums);
    server.kill().await;
    verifies(&bank.place).await;
    bank.place.remove().await;
}

async fn several_files_are_told_one_by_one_and_together(bank: Bank) {
    let folder = bank.place.folder.path();
    fs::create_dir(folder.join("months")).expect("a folder can be made");
    let (one, other) = (Month::new(1, 300, today()), Month::new(2, 200, today()));
    write(folder, "months/b.csv", &one.text);
    write(folder, "months/a.csv", &other.text);
    write(folder, "a copy.csv", &one.text);
    write(folder, "wrong.csv", "date,type,amount\n2026-01-05,deposit,1\n");
    // The command reports what is wrong with one file, and imports the others.
    let import = ["import", "transactions", "wrong.csv", "months", "a copy.csv", "--json"];
    let out = bank.run(&import).await;
    let sums = summary(&out, 1);
    let sentence = "the header lacks timestamp, payment_method";
    assert!(
        out.stderr.contains(&format!("florin: wrong.csv: {sentence}")),
        "{out:?}"
    );
    let files: Vec<_> = sums["files"].as_array().into_iter().flatten().collect();
    let of = |name: &str| {
        let found = files.iter().find(|file| file["path"] == name);
        let file = found.unwrap_or_else(|| panic!("{name} is not out of: {out:?}"));
        json!([
            file["status"],
            file["failure"],
            file["rows_read"],
            file["rows_inserted"]
        ])
    };
    assert_eq!(of("wrong.csv"), json!(["FAILED", sentence, 0, 0]));
    assert_eq!(of("months/a.csv"), json!(["COMPLETED", null, 200, 200]));
    assert_eq!(of("months/b.csv"), json!(["COMPLETED", null, 300, 300]));
    assert_eq!(of("a copy.csv"), json!(["COMPLETED", null, 300, 0]));
    assert_eq!(
        (&sums["total"]["files"], &sums["total"]["rows_inserted"]),
        (&json!(4), &json!(500))
    );

    let mut both = one.sums.clone();
    for (name, units) in &other.sums {
        *both.entry(name.clone()).or_default() += units;
    }
    let server = bank.serve().await;
    assert_eq!(one.answered(&server.caller()).await, both);
    server.kill().await;
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_rows_are_told_with_line_and_reason() {
    let bank = Bank::new(Backend::Sqlite, false).await;
    let folder = bank.place.folder.path();
    let (day, far) = (today(), today() + Days::new(3));
    let rows = [
        (None, format!("{day}T00:00:00,deposit,VISA,1.5,0")),
        (Some("invalid_timestamp"), "yesterday,deposit,visa,1,0".to_owned()),
        (None, String::new()),
        (
            Some("invalid_timestamp"),
            format!("{}T24:00:00,deposit,visa,1,0", today()),
        ),
        (Some("timestamp_in_future"), format!("{far}T00:00:00,deposit,visa,1,0")),
        (Some("invalid_type"), format!("{day}T00:00:00,transfer,visa,1,0")),
        (
            Some("invalid_payment_method"),
            format!("{day}T00:00:00,deposit,pay pal,1,0"),
        ),
        (Some("invalid_payment_method"), format!("{day}T00:00:00,deposit")),
        (Some("invalid_amount"), format!("{day}T00:00:00,deposit,visa,0,0")),
        (Some("invalid_amount"), format!("{day}T00:00:00,deposit,visa,1.00001,0")),
        (Some("invalid_amount"), format!("{day}T00:00:00,deposit,visa,\"1,5\",0")),
        // The fault in the first column is reported, not the ones after it.
        (Some("invalid_timestamp"), "never,transfer,pay pal,-1,0".to_owned()),
        (None, format!("{day}T23:59:59,withdrawal,wire,2,no number")),
    ];
    let mut text = HEADER.to_owned();
    let mut expected = Vec::new();
    for (index, (reason, row)) in rows.iter().enumerate() {
        text.push_str(&format!("{row}\r\n"));
        if let Some(reason) = reason {
            // Line numbers begin with one and include the header and blank lines.
            expected.push(["dirty.csv", &(index + 2).to_string(), reason, row].map(str::to_owned));
        }
    }
    write(folder, "dirty.csv", &text);
    let import = ["import", "transactions", "dirty.csv", "--rejects", "rejects.csv"];
    let out = bank.run(&[&import[..], &["--strict"]].concat()).await;
    assert_eq!(out.status, Some(1), "{out:?}");
    for (count, reason) in [
        (3, "invalid timestamp"),
        (1, "timestamp in future"),
        (1, "invalid type"),
        (2, "invalid payment method"),
        (3, "invalid amount"),
    ] {
        let line = format!("skipped {count:>10}  {reason}");
        assert!(out.stdout.lines().any(|out| out == line), "{line:?}: {out:?}");
    }
    assert_eq!(rejects(&folder.join("rejects.csv")), expected);
    let counted = bank
        .number("SELECT CAST(sum(count) AS bigint) AS n FROM hot_totals")
        .await;
    assert_eq!(counted, 2);

    // Without --strict such an import succeeds; with --strict clean ones do.
    write(folder, "dirty.csv", &format!("{text}\nnever,deposit,visa,1,0\n"));
    let out = bank.run(&[&import[..], &["--json"]].concat()).await;
    let counts = &summary(&out, 0)["total"];
    assert_eq!(
        (&counts["rows_skipped"], &counts["skip_reasons"]["invalid_timestamp"]),
        (&json!(11), &json!(4))
    );
    write(folder, "clean.csv", &Month::new(1, 20, today()).text);
    let clean = [
        "import",
        "transactions",
        "clean.csv",
        "--strict",
        "--rejects",
        "none.csv",
    ];
    assert_eq!(bank.run(&clean).await.status, Some(0));
    assert!(rejects(&folder.join("none.csv")).is_empty());
    bank.place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_file_is_read_once_more_for_its_rejected_lines() {
    let bank = Bank::new(Backend::Sqlite, false).await;
    let folder = bank.place.folder.path();
    let rows = format!("never,deposit,visa,1,0\n{}T00:00:00,deposit,visa,1,0\n,,,,\n", today());
    write(folder, "dirty.csv", &format!("{HEADER}{rows}"));
    for (name, inserted) in [("first.csv", 1), ("again.csv", 0)] {
        let import = ["import", "transactions", "dirty.csv", "--json", "--rejects", name];
        let out = summary(&bank.run(&import).await, 0);
        assert_eq!(out["total"]["rows_inserted"], inserted);
        let lines: Vec<_> = rejects(&folder.join(name))
            .into_iter()
            .map(|[_, line, ..]| line)
            .collect();
        assert_eq!(lines, ["2", "4"], "{name}");
    }
    bank.place.remove().await;
}

/// The rejected lines as file, line, reason and row.
fn rejects(path: &Path) -> Vec<[String; 4]> {
    let mut lines = csv::Reader::from_path(path).expect("the rejects are there");
    let header = lines.headers().expect("they have a header");
    assert_eq!(header, vec!["file", "line", "reason", "row"]);
    let lines = lines.records().map(|line| line.expect("a line can be read"));
    lines
        .map(|line| [0, 1, 2, 3].map(|column| line[column].to_owned()))
        .collect()
}
