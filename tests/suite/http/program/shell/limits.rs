//! What `florin shell` does with answers and messages that could harm: very long ones, and characters that control a terminal.

use harness::Backend;
use harness::terminal::Terminal;

use super::{bank, done};

/// Rows of 8 million bytes each.
fn long_rows(backend: Backend, rows: u32) -> String {
    match backend {
        Backend::Postgres => format!("SELECT repeat('0', 8000000) AS a FROM generate_series(1, {rows})"),
        Backend::Sqlite => format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             SELECT hex(zeroblob(4000000)) AS a FROM n"
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_ends_at_its_most_bytes() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let ended = place.ask(&long_rows(backend, 20), &[]).await;
        assert_eq!(done(&ended).lines().count(), 1 + 8, "64 MiB have room for 8 rows");
        let notice = "8 rows shown, there are more: an answer has at most 64 MiB (";
        assert!(ended.stderr.contains(notice), "{}", ended.stderr);
        let ended = place.ask(&long_rows(backend, 8), &[]).await;
        assert!(ended.stderr.contains("8 rows ("), "{}", ended.stderr);

        let one = match backend {
            Backend::Postgres => "SELECT repeat('0', 80000000) AS a",
            Backend::Sqlite => "SELECT zeroblob(40000000) AS a",
        };
        let ended = place.ask(one, &["--csv"]).await;
        assert_eq!(done(&ended), "a\n");
        assert!(
            ended.stderr.contains("0 rows shown, there are more: "),
            "{}",
            ended.stderr
        );
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_cannot_control_the_terminal() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let sql = match backend {
            Backend::Postgres => "SELECT (chr(27) || '[31m' || chr(155))::int",
            Backend::Sqlite => "SELECT json_extract('{}', char(27) || '[31m' || char(155))",
        };
        let ended = place.ask(sql, &[]).await;
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("\\u{1b}[31m\\u{9b}"), "{ended:?}");
        assert!(!ended.stderr.contains(['\u{1b}', '\u{9b}']), "{ended:?}");
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_escaped_on_a_terminal_only() {
    let place = bank(Backend::Sqlite).await;
    let sql = "SELECT char(27) || '[31m' || char(155) || char(8238) AS a";
    for form in [&[][..], &["--csv"], &["--json"]] {
        let arguments = [&["shell", "--log", "off", "-c", sql], form].concat();
        let terminal = Terminal::start(place.folder.path(), &arguments, &[]).await;
        let (status, screen) = terminal.ended().await;
        assert_eq!(status, Some(0), "{screen}");
        assert!(
            screen.contains("[31m") && screen.contains("\\u{9b}\\u{202e}"),
            "{screen}"
        );
        assert!(!screen.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{screen:?}");
    }
    let file = place.ask(sql, &["--csv"]).await;
    assert_eq!(done(&file), "a\n\u{1b}[31m\u{9b}\u{202e}\n");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_with_a_nul_is_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let ended = place
            .pipe("SELECT 1 AS a; SELECT 'b\0c'; SELECT 2 AS d;", &["--csv"])
            .await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), "a\n1\n"), "{ended:?}");
        assert!(
            ended
                .stderr
                .contains("florin: a statement cannot contain the character U+0000"),
            "{ended:?}"
        );
        place.remove().await;
    }
}
