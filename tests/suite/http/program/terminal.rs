//! The program on a terminal: prompts, progress bars, Ctrl-C, names and versions.

use std::fs;
use std::path::Path;

use harness::program::{Serving, command, run};
use harness::terminal::{CTRL_C, Terminal};
use harness::{Backend, http_client};

use super::{PASSWORD, Place, names_in, sign_in};

const CREATE: [&str; 9] = [
    "user",
    "create",
    "--email",
    "op@example.com",
    "--full-name",
    "Op",
    "--role",
    "operator",
    "--password-stdin",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_and_not_shown() {
    let place = Place::new(Backend::Sqlite).await;
    let mut terminal = Terminal::start(place.folder.path(), &CREATE, &[]).await;
    terminal.until("Password: ").await;
    terminal.press(&format!("{PASSWORD}\n")).await;
    terminal.until("Again: ").await;
    terminal.press(&format!("{PASSWORD}\n")).await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status, Some(0), "{screen}");
    assert!(
        !screen.contains(PASSWORD) && screen.contains("operator op@example.com"),
        "{screen}"
    );
    let server = place.serve().await;
    sign_in(&server, "op@example.com", PASSWORD).await;
    server.kill().await;

    let mut terminal = Terminal::start(place.folder.path(), &CREATE, &[]).await;
    terminal.until("Password: ").await;
    terminal.press(&format!("{PASSWORD}\n")).await;
    terminal.until("Again: ").await;
    terminal.press("another horse battery\n").await;
    let (status, screen) = terminal.ended().await;
    assert!(
        status == Some(2) && screen.contains("the two passwords differ"),
        "{screen}"
    );

    let mut terminal = Terminal::start(place.folder.path(), &CREATE, &[]).await;
    terminal.until("Password: ").await;
    terminal.press(CTRL_C).await;
    let (status, screen) = terminal.ended().await;
    assert!(
        status == Some(3) && screen.contains("stopped before a password"),
        "{screen}"
    );
    place.remove().await;
}

/// A demo on a terminal, whose temporary folder is below this folder.
async fn demo(folder: &Path, arguments: &[&str]) -> Terminal {
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).expect("a folder can be made");
    let arguments = [&["demo", "--listen", "127.0.0.1:0"], arguments].concat();
    let variables = [("TMPDIR", temporary.to_str().expect("a path is text"))];
    Terminal::start(folder, &arguments, &variables).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_demo_and_leaves_nothing_behind_at_any_moment() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (words, days, status) in [
        ("brought the schema up to date", "45", 3),
        ("A throw-away bank in", "45", 3),
        ("8 customers", "45", 3),
        (" days of history, ", "45", 3),
        ("transfers, ", "0", 3),
    ] {
        let mut terminal = demo(folder.path(), &["--transfers", "10000000", "--days", days]).await;
        terminal.until(words).await;
        terminal.press(CTRL_C).await;
        let (ended, screen) = terminal.ended().await;
        assert_eq!(ended, Some(status), "{words}: {screen}");
        assert_eq!(
            names_in(&folder.path().join("tmp")),
            Vec::<String>::new(),
            "{words}: {screen}"
        );
        assert!(screen.contains("the throw-away bank is removed"), "{words}: {screen}");
    }
    let mut terminal = demo(
        folder.path(),
        &["--transfers", "100", "--days", "0", "--reports", "public"],
    )
    .await;
    let screen = terminal.until("Ctrl-C ends the demo").await;
    let (_, address) = screen.rsplit_once("Look around in ").expect("it says where");
    let address = address.split("/console").next().unwrap_or_default();
    let statistics = http_client().get(format!("{address}/statistics")).send().await;
    let statistics = statistics.expect("the demo serves").json().await;
    let statistics: serde_json::Value = statistics.expect("statistics are JSON");
    assert!(
        statistics["count"].as_u64() > Some(8),
        "what it showed counts: {statistics}"
    );
    terminal.press(CTRL_C).await;
    let (ended, screen) = terminal.ended().await;
    assert_eq!(ended, Some(0), "{screen}");
    assert_eq!(names_in(&folder.path().join("tmp")), Vec::<String>::new(), "{screen}");
    assert_eq!(names_in(folder.path()), ["tmp"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bars_fit_a_terminal_of_80_columns() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = ["--once", "--transfers", "3000", "--days", "2", "--log", "off"];
    let terminal = demo(folder.path(), &options).await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status, Some(0), "{screen}");
    fits(&screen, "transfers, ");
    fits(&screen, " days of history, ");
    assert!(screen.contains("in 3 currencies, "), "{screen}");

    let long = "a_file_with_a_name_that_would_fill_the_whole_line_of_a_terminal_by_itself.csv";
    let mut rows = String::from("timestamp,type,payment_method,amount,sleep_ms\n");
    rows.push_str(&"2025-01-05T03:33:58,deposit,visa,1.00,300\n".repeat(6));
    fs::write(folder.path().join(long), rows).expect("a file can be written");
    let arguments = ["import", "transactions", "--pace", long, "--log", "off"];
    let terminal = Terminal::start(folder.path(), &arguments, &[]).await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status, Some(0), "{screen}");
    fits(&screen, "rows/s");
}

/// Fails unless every drawing of the bar, without its escape sequences, is at most 80 columns wide.
fn fits(screen: &str, words: &str) {
    let drawn: Vec<String> = screen
        .split(['\r', '\n'])
        .map(without_escapes)
        .filter(|line| line.contains(words) && !line.contains(" in "))
        .collect();
    assert!(!drawn.is_empty(), "no bar was drawn: {screen:?}");
    for line in drawn {
        assert!(line.chars().count() <= 80, "{} columns: {line:?}", line.chars().count());
    }
}

fn without_escapes(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or("", |end| &part[end + 1..]);
        text.push_str(rest);
    }
    text
}

#[tokio::test]
async fn the_demo_looks_at_its_port_first() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = taken.local_addr().expect("a bound listener has an address").to_string();
    let ended = run(folder.path(), &["demo", "--listen", &address, "--log", "off"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    assert!(ended.stderr.contains(&address), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_can_be_listened_on() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut florin = command(folder.path()).await;
    florin.args(["--listen", "localhost:0", "--log", "warn"]);
    let server = Serving::spawn(florin).await;
    assert!(
        server.address.ip().is_loopback() && server.address.is_ipv4(),
        "{}",
        server.address
    );
    server.caller().get("/livez").await.expect(200);
    server.kill().await;
}

#[tokio::test]
async fn the_version_has_the_commit() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let version = run(folder.path(), &["--version"]).await;
    let commit = version
        .stdout
        .trim()
        .strip_prefix("florin 0.1.0 (")
        .and_then(|rest| rest.strip_suffix(')'));
    let commit = commit.unwrap_or_else(|| panic!("{version:?}"));
    let is_commit = commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_commit || commit == "unknown", "{version:?}");
    let is_clone = crate::layering::root().join(".git").exists();
    assert_eq!(is_commit, is_clone || commit != "unknown", "{version:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_finds_a_page_at_the_root() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let server = Serving::start(folder.path(), &["--log", "warn"]).await;
    let page = server.caller().get("/").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.text.contains("<title>Florin</title>") && page.text.to_lowercase().contains("console"));
    for link in [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/problems",
        "/health",
        "/livez",
        "/readyz",
        "/metrics",
    ] {
        assert!(page.text.contains(&format!("href=\"{link}\"")), "no link to {link}");
        server.caller().get(link).await.expect(200);
    }
    server.kill().await;
}
