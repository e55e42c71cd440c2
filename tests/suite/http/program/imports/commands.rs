//! Which files `import` reads, what it reports about them, and its exit status.

use std::fs;

use harness::Backend;
use harness::activities::{Dirt, Feed};
use serde_json::json;

use super::{counted, summary, write};
use crate::program::{Place, verifies};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_folders_and_patterns_are_imported_and_told() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let folder = place.folder.path();
        fs::create_dir(folder.join("feeds")).expect("a folder can be made");
        for (seed, name) in [
            (1, "feeds/b.csv"),
            (2, "feeds/a.csv"),
            (3, "c 1.csv"),
            (4, "c 2.csv"),
            (5, "feeds/no.txt"),
        ] {
            write(folder, name, Feed::new(seed, 200, Dirt::Clean));
        }
        let output = place
            .run(&[
                "import",
                "activities",
                "--json",
                "--log",
                "warn",
                "c 2.csv",
                "feeds",
                "c*1.csv",
            ])
            .await;
        let summaries = summary(&output, 0);
        let files: Vec<_> = summaries["files"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|file| &file["file"])
            .collect();
        assert_eq!(files, ["c 2.csv", "a.csv", "b.csv", "c 1.csv"]);
        assert_eq!(
            (&summaries["total"]["rows_inserted"], &summaries["stopped"]),
            (&json!(800), &json!(false))
        );
        assert_eq!(output.stderr, "", "a bar is for who sees it");

        // Rows that were imported before are recognized one by one; only with --strict is that a failure.
        let again = place.run(&["import", "activities", "feeds", "--log", "warn"]).await;
        assert_eq!(again.status, Some(0), "{again:?}");
        let total = again
            .stdout
            .lines()
            .find(|line| line.starts_with("total"))
            .expect("there is a total");
        assert_eq!(
            total.split_whitespace().collect::<Vec<_>>(),
            ["total", "400", "0", "400", "0", "0"]
        );
        let strict = place
            .run(&["import", "activities", "feeds", "--strict", "--log", "warn"])
            .await;
        assert_eq!(strict.status, Some(1), "{strict:?}");
        write(folder, "new.csv", Feed::new(9, 20, Dirt::Clean));
        let strict = place
            .run(&["import", "activities", "new.csv", "--strict", "--log", "warn"])
            .await;
        assert_eq!(strict.status, Some(0), "{strict:?}");
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dirt_is_told_by_reason_and_written_to_a_file() {
    let place = Place::new(Backend::Sqlite).await;
    let folder = place.folder.path();
    let expected = write(folder, "feed.csv", Feed::new(1, 500, Dirt::Much));
    let rejects = [
        "import",
        "activities",
        "feed.csv",
        "--rejects",
        "rejects.csv",
        "--log",
        "warn",
    ];
    let output = place.run(&rejects).await;
    assert_eq!(output.status, Some(0), "{output:?}");
    for (reason, count) in &expected.skipped {
        let line = format!("skipped {count:>10}  {}", reason.replace('_', " "));
        assert!(
            output.stdout.lines().any(|output| output == line),
            "{line:?} is missing: {output:?}"
        );
    }
    let rejected = fs::read_to_string(folder.join("rejects.csv")).expect("the rejects are there");
    assert_eq!(rejected.lines().count() as u64, 1 + expected.rows_skipped());
    let strict = place.run(&[&rejects[..], &["--strict", "--json"]].concat()).await;
    assert_eq!(
        counted(&summary(&strict, 1)["total"])["skip_reasons"],
        json!(expected.skipped)
    );

    // A file that is not a feed makes the command fail, but the other files are imported.
    fs::write(folder.join("wrong.csv"), "event_id,amount\n1,2\n").expect("a file can be written");
    fs::write(folder.join("empty.csv"), "").expect("a file can be written");
    write(folder, "last.csv", Feed::new(2, 10, Dirt::Clean));
    let output = place
        .run(&[
            "import",
            "activities",
            "wrong.csv",
            "empty.csv",
            "last.csv",
            "--log",
            "warn",
        ])
        .await;
    assert_eq!(output.status, Some(1), "{output:?}");
    let sentence = "wrong.csv: the header lacks merchant_id, event_timestamp, product";
    assert!(
        output.stderr.contains(sentence) && output.stdout.contains(sentence),
        "{output:?}"
    );
    assert!(
        output.stdout.contains("COMPLETED") && output.stdout.contains("FAILED"),
        "{output:?}"
    );
    verifies(&place).await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_no_file_is_wrong_use() {
    let place = Place::new(Backend::Sqlite).await;
    let folder = place.folder.path();
    let content = "event_id\n";
    fs::write(folder.join("feed.csv"), content).expect("a file can be written");
    fs::create_dir(folder.join("empty")).expect("a folder can be made");
    for arguments in [
        &["import"][..],
        &["import", "activities"],
        &["import", "nonsense", "feed.csv"],
        &["import", "activities", "nowhere.csv"],
        &["import", "activities", "feed.csv", "nowhere.csv"],
        &["import", "activities", "empty"],
        &["import", "activities", "*.txt"],
        &["import", "activities", "[.csv"],
        &["import", "activities", "/dev/null"],
        &["import", "activities", "feed.csv", "--rejects", "./feed.csv"],
        &["serve", "--activities-dir", "nowhere"],
        &["serve", "--activities-dir", "feed.csv"],
        &["serve", "--upload-max-bytes", "0"],
    ] {
        let ended = place.run(arguments).await;
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(
        fs::read_to_string(folder.join("feed.csv")).expect("it is there"),
        content
    );
    assert!(!folder.join("data").exists(), "wrong use makes no files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_lines_of_before_stay_until_there_is_a_bank() {
    let place = Place::new(Backend::Sqlite).await;
    let folder = place.folder.path();
    write(folder, "feed.csv", Feed::new(1, 10, Dirt::Much));
    fs::write(folder.join("rejects.csv"), "of before").expect("a file can be written");
    let nowhere = "postgres://nobody@127.0.0.1:1/nowhere";
    let arguments = ["import", "activities", "feed.csv", "--rejects", "rejects.csv"];
    let ended = place
        .run(&[&arguments[..], &["--database-url", nowhere]].concat())
        .await;
    assert_eq!(ended.status, Some(3), "{ended:?}");
    let kept = fs::read_to_string(folder.join("rejects.csv")).expect("it is there");
    assert_eq!(kept, "of before");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_summary_fits_a_terminal_of_80_columns() {
    let place = Place::new(Backend::Sqlite).await;
    let folder = place.folder.path();
    let deep = format!("feeds/{}", "of-a-shop-with-a-long-name/".repeat(3));
    fs::create_dir_all(folder.join(&deep)).expect("a folder can be made");
    let names = [
        "short.csv".to_owned(),
        format!("{deep}day-1.csv"),
        format!("{deep}day-2.csv"),
    ];
    for (seed, name) in names.iter().enumerate() {
        write(folder, name, Feed::new(seed as u64, 200, Dirt::Much));
    }
    let arguments = ["import", "activities", "--log", "warn", "short.csv", &deep];
    let output = place.run(&arguments).await;
    assert_eq!(output.status, Some(0), "{output:?}");
    for line in output.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
    for name in ["short.csv  ", "/day-1.csv  ", "/day-2.csv  "] {
        assert_eq!(output.stdout.matches(name).count(), 1, "{}", output.stdout);
    }
    place.remove().await;
}
