//! `florin shell`: answers from an argument, a pipe and a terminal, in every form.

mod limits;
mod refusals;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Instant;

use harness::Backend;
use harness::program::{Ended, run_with_input};
use harness::terminal::{CTRL_C, Terminal};
use serde_json::{Value, json};

use super::{Place, two_customers};

/// Has no end on either database.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";

/// A bank with a deposit of 10 and a transfer of 1, whose server has ended.
async fn bank(backend: Backend) -> Place {
    let place = Place::new(backend).await;
    let server = place.serve().await;
    let (ana, ben) = two_customers(&place, &server, "10").await;
    let mut body = ana.one_to(&ben);
    body["description"] = json!("=lunch, \"x\"");
    ana.caller.post("/v1/transfers", body).await.expect(201);
    server.kill().await;
    place
}

impl Place {
    async fn ask(&self, sql: &str, options: &[&str]) -> Ended {
        self.run(&[&["shell", "-c", sql], options].concat()).await
    }

    async fn pipe(&self, input: &str, options: &[&str]) -> Ended {
        let arguments = [&["shell"], options].concat();
        run_with_input(self.folder.path(), &self.arguments(&arguments), input).await
    }
}

fn done(ended: &Ended) -> &str {
    assert_eq!(ended.status, Some(0), "{ended:?}");
    &ended.stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_have_the_same_form_on_both_databases() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let daily = "SELECT currency, kind, transfers, amount FROM v_daily ORDER BY kind";
        let table = place.ask(daily, &[]).await;
        let lines = [
            "currency  kind      transfers   amount",
            "USD       DEPOSIT           1  10.0000",
            "USD       TRANSFER          1   1.0000",
            "",
        ];
        assert_eq!(done(&table), lines.join("\n"));
        assert!(table.stderr.starts_with("2 rows ("), "{table:?}");

        let csv = place
            .ask(
                "SELECT kind, description, units FROM v_journal ORDER BY kind",
                &["--csv"],
            )
            .await;
        assert_eq!(
            done(&csv),
            "kind,description,units\nDEPOSIT,,100000\nTRANSFER,\"'=lunch, \"\"x\"\"\",10000\n"
        );

        let json = place
            .ask(
                "SELECT kind, method, amount, units FROM v_journal ORDER BY kind",
                &["--json"],
            )
            .await;
        let objects: Vec<Value> = done(&json)
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is an object"))
            .collect();
        let expected = [
            json!({ "kind": "DEPOSIT", "method": "visa", "amount": "10.0000", "units": 100_000 }),
            json!({ "kind": "TRANSFER", "method": null, "amount": "1.0000", "units": 10_000 }),
        ];
        assert_eq!(objects, expected);

        let at = place
            .ask(
                "SELECT min(at) AS at, min(day) AS day FROM v_journal, v_daily",
                &["--json"],
            )
            .await;
        let times: Value = serde_json::from_str(done(&at)).expect("it is an object");
        let (at, day) = (
            times["at"].as_str().unwrap_or_default(),
            times["day"].as_str().unwrap_or_default(),
        );
        assert!(
            at.len() == 27 && at.starts_with(day) && at.ends_with('Z') && day.len() == 10,
            "{times}"
        );
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_has_statements_and_commands_up_to_the_first_refusal() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let script = "-- the books;\nSELECT ';' AS a;\n\\csv on\nSELECT 1 AS b,\n  2 AS c; VALUES (3)";
        let ended = place.pipe(script, &[]).await;
        let lines: Vec<&str> = done(&ended).lines().collect();
        assert_eq!(lines[..4], ["a", ";", "b,c", "1,2"]);
        assert_eq!((lines.len(), lines[5]), (6, "3"));

        let ended = place
            .pipe("SELECT 1 AS a; SELECT nothing; SELECT 2 AS b;", &["--csv"])
            .await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), "a\n1\n"), "{ended:?}");
        assert!(
            ended.stderr.contains("florin: ") && ended.stderr.contains("nothing"),
            "{ended:?}"
        );
        if backend == Backend::Postgres {
            assert!(ended.stderr.contains("(line 1, column 8)"), "{ended:?}");
        }
        let described = place.pipe("\\d v_daily\n\\q\nSELECT 1;", &[]).await;
        let text = done(&described);
        assert!(
            text.starts_with("v_daily: one row for each day") && text.contains("  transfers  integer"),
            "{text}"
        );
        assert!(!text.contains("v_accounts") && !text.contains('`'), "{text}");
        assert_eq!(done(&place.pipe("", &[]).await), "");
        let wrong = place.pipe("\\x\n", &[]).await;
        assert_eq!(wrong.status, Some(1), "{wrong:?}");
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_time_are_limited() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let endless = place
            .ask(&format!("{ENDLESS} SELECT i FROM n"), &["--csv", "--limit", "1500"])
            .await;
        assert_eq!(done(&endless).lines().count(), 1_501);
        assert!(
            endless.stderr.contains("1 500 rows shown, there are more ("),
            "{endless:?}"
        );
        let exact = place.ask("VALUES (1), (2)", &["--csv", "--limit", "2"]).await;
        assert!(
            done(&exact).ends_with("1\n2\n") && exact.stderr.starts_with("2 rows ("),
            "{exact:?}"
        );

        let began = Instant::now();
        let slow = place
            .ask(&format!("{ENDLESS} SELECT max(i) FROM n"), &["--timeout", "1"])
            .await;
        assert_eq!((slow.status, slow.stdout.as_str()), (Some(1), ""), "{slow:?}");
        assert!(slow.stderr.contains("it took longer than 1 s"), "{slow:?}");
        assert!(began.elapsed().as_secs() < 30, "it is stopped");

        for options in [
            ["--limit", "0"],
            ["--limit", "1000001"],
            ["--timeout", "0"],
            ["--csv", "--json"],
        ] {
            let wrong = place.ask("SELECT 1", &options).await;
            assert_eq!((wrong.status, wrong.stdout.as_str()), (Some(2), ""), "{wrong:?}");
        }
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_other_types_are_shown() {
    let place = bank(Backend::Postgres).await;
    let sql = "SELECT true AS a, interval '1 day 2 hours' AS b, 0.1::float8 AS c, '\\x00ff'::bytea AS d, \
               ARRAY[1, 2] AS e, '{\"f\": 1}'::jsonb AS f, timestamp '2026-01-05 03:33:58' AS g, 'infinity'::timestamptz AS h";
    let ended = place.ask(sql, &["--json"]).await;
    let expected = json!({
        "a": true, "b": "1 day 02:00:00", "c": 0.1, "d": "00ff", "e": "{1,2}", "f": "{\"f\": 1}",
        "g": "2026-01-05T03:33:58.000000", "h": "infinity"
    });
    let found: Value = serde_json::from_str(done(&ended)).expect("it is an object");
    assert_eq!(found, expected);
    place.remove().await;
    let place = bank(Backend::Sqlite).await;
    let ended = place
        .ask("SELECT 1 = 1 AS a, 0.1 AS c, x'00ff' AS d, NULL AS e", &["--json"])
        .await;
    assert_eq!(done(&ended), "{\"a\":1,\"c\":0.1,\"d\":\"00ff\",\"e\":null}\n");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_not_up_to_date_is_refused_and_not_changed() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let up = place.run(&["migrate", "up"]).await;
        assert_eq!(up.status, Some(0), "{up:?}");
        place
            .tamper("DELETE FROM seaql_migrations WHERE version = 'm0016_accounting_views'")
            .await;
        // The second time shows that the first one did not migrate.
        for _ in 0..2 {
            let ended = place.ask("SELECT 1", &["--log", "off"]).await;
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
            for words in ["1 step is missing, from m0016_accounting_views on", "florin migrate up"] {
                assert!(ended.stderr.contains(words), "{ended:?}");
            }
        }
        place.remove().await;
    }
    let place = Place::new(Backend::Sqlite).await;
    let ended = place.ask("SELECT 1", &["--log", "off"]).await;
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("there is no such file"), "{ended:?}");
    assert!(!place.folder.path().join("data/florin.db").exists(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_answers_completes_and_writes_no_history() {
    let place = bank(Backend::Sqlite).await;
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let home_path = home.path().to_string_lossy();
    let before = names_in(place.folder.path());
    let mut terminal = Terminal::start(place.folder.path(), &["shell"], &[("HOME", &*home_path)]).await;
    terminal.until("florin> ").await;
    terminal.press("SELECT kind, amount\r").await;
    terminal.press("FROM v_daily ORDER BY kind LIMIT 1;\r").await;
    let screen = terminal.until("1 row (").await;
    assert!(screen.contains("DEPOSIT  10.0000"), "{screen}");
    terminal.press("\\d v_d\t\r").await;
    terminal.until("v_daily: one row for each day").await;
    terminal.press("DELETE FROM users;\r").await;
    terminal.until("florin shell only reads: ").await;
    terminal.press("SELECT 'unfinished").await;
    terminal.until("unfinished").await;
    let prompts = terminal.screen().matches("florin> ").count();
    terminal.press(CTRL_C).await;
    // What is typed before the next prompt is there may be lost.
    terminal.until_times("florin> ", prompts + 1).await;
    terminal.press("SELECT 'begun' || ' anew' AS text;\r").await;
    terminal.until("begun anew").await;
    terminal.press("\\q\r").await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status, Some(0), "{screen}");
    assert_eq!(names_in(place.folder.path()), before);
    assert!(names_in(home.path()).is_empty());
    place.remove().await;
}

/// The names of the files and folders in a folder.
fn names_in(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    entries
        .map(|entry| entry.expect("an entry can be read").file_name())
        .collect()
}
