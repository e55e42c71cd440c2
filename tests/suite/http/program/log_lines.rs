//! The log: text on a terminal, otherwise one JSON object per line; one line for the migrations, and one per request.

use harness::program::{Serving, command, run};
use harness::terminal::Terminal;
use harness::{Answer, Backend};
use reqwest::Method;
use serde_json::Value;

use super::{Place, two_customers};
use crate::raw::{Connection, request};

/// The lines of a log, each of which must be a JSON object.
fn objects(log: &str) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    log.lines().map(object).collect()
}

fn is_json(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_are_one_line_and_none_when_there_are_none() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let up = place.run(&["migrate", "up"]).await;
        let lines = objects(&up.stderr);
        assert_eq!(lines.len(), 1, "{}", up.stderr);
        let steps = up.stdout.lines().count();
        assert_eq!(lines[0]["message"], "brought the schema up to date");
        assert_eq!(lines[0]["steps"], steps);
        let again = place.run(&["migrate", "up"]).await;
        assert_eq!(again.stderr, "", "nothing was missing");
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elsewhere_the_log_is_json_unless_text_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (format, is_text) in [
        (None, false),
        (Some("auto"), false),
        (Some("json"), false),
        (Some("text"), true),
    ] {
        let name = format.unwrap_or("none");
        let mut florin = command(folder.path()).await;
        florin.args(["migrate", "up", "--data-dir", name]);
        if let Some(format) = format {
            florin.env("FLORIN_LOG_FORMAT", format);
        }
        let ended = florin.output().await.expect("florin can be run");
        let log = String::from_utf8_lossy(&ended.stderr);
        assert!(!log.contains('\x1b'), "no colours outside of a terminal: {log}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert_eq!(log.lines().all(is_json), !is_text, "{log}");
        assert!(log.contains("brought the schema up to date"), "{log}");
    }
    let flag = run(
        folder.path(),
        &["migrate", "up", "--data-dir", "flag", "--log-format", "text"],
    )
    .await;
    assert!(!is_json(flag.stderr.trim()), "{flag:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_the_log_is_for_people_unless_json_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let terminal = Terminal::start(folder.path(), &["migrate", "up"], &[]).await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status, Some(0), "{screen}");
    let line = screen.lines().next().unwrap_or_default();
    assert!(
        line.contains("brought the schema up to date") && line.contains("\x1b[32mINFO") && !line.contains('{'),
        "{screen}"
    );

    let variables = [("NO_COLOR", "1"), ("FLORIN_DATA_DIR", "plain")];
    let terminal = Terminal::start(folder.path(), &["migrate", "up"], &variables).await;
    let (_, screen) = terminal.ended().await;
    assert!(screen.contains("INFO") && !screen.contains('\x1b'), "{screen}");

    let variables = [("FLORIN_LOG_FORMAT", "json"), ("FLORIN_DATA_DIR", "json")];
    let terminal = Terminal::start(folder.path(), &["migrate", "up"], &variables).await;
    let (_, screen) = terminal.ended().await;
    assert!(
        screen.lines().next().is_some_and(|line| is_json(line.trim())),
        "{screen}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_line_has_the_user_and_the_route() {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &["--log", "info"]).await;
    let (ana, ben) = two_customers(&place, &server, "10").await;
    let me = ana.caller.get("/v1/users/me").await.expect(200);
    ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
    ana.caller
        .get(&format!("/v1/wallets/{}?secret=hunter2", ana.wallet()))
        .await
        .expect(400);
    assert_eq!(ana.balance().await, "9.0000");
    let forged = server.caller().with_token("nonsense");
    forged.get("/v1/users/me").await.expect(401);
    server.caller().get("/nowhere/hunter2").await.expect(404);
    server.caller().get("/docs").await.expect(200);
    server.terminate().await;
    let ended = server.ended().await;
    assert!(!ended.stderr.contains("secret="), "queries may hold secrets");

    let lines = objects(&ended.stderr);
    let of = |status: u16, path: &str| {
        let mut found = lines.iter().filter(|line| {
            line["target"] == "florin::access" && line["status"] == status && line["path"].as_str() == Some(path)
        });
        found
            .next()
            .unwrap_or_else(|| panic!("no line of {path}: {}", ended.stderr))
    };
    let wallet = of(200, &format!("/v1/wallets/{}", ana.wallet()));
    assert_eq!(
        (&wallet["route"], &wallet["user"]),
        (&Value::from("/v1/wallets/{wallet_id}"), &me["id"])
    );
    assert!(wallet["request_id"].is_string() && wallet["duration_us"].is_u64() && wallet["peer"].is_string());
    let transfer = of(201, "/v1/transfers");
    assert_eq!(
        (&transfer["route"], &transfer["user"]),
        (&Value::from("/v1/transfers"), &me["id"])
    );
    let refused = of(401, "/v1/users/me");
    assert_eq!(
        (&refused["route"], &refused["user"]),
        (&Value::from("/v1/users/me"), &Value::Null)
    );
    assert_eq!(of(404, "/nowhere/hunter2")["route"], Value::Null);
    assert_eq!(of(200, "/docs")["route"], "/docs");
    place.remove().await;
}

/// The peer in the access line of a server for a request in which a proxy may have named its client.
async fn peer_told(arguments: &[&str]) -> String {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &[&["--log", "info"], arguments].concat()).await;
    let request = server.caller().request(Method::GET, "/livez");
    let answer = Answer::of(request.header("x-forwarded-for", "198.51.100.7, 192.0.2.1")).await;
    answer.expect(200);
    server.terminate().await;
    let lines = objects(&server.ended().await.stderr);
    place.remove().await;
    let line = lines.iter().find(|line| line["path"] == "/livez");
    line.and_then(|line| line["peer"].as_str())
        .expect("there is a line with a peer")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_line_has_the_client_that_a_trusted_proxy_forwards() {
    assert_eq!(peer_told(&["--trusted-proxies", "127.0.0.1"]).await, "192.0.2.1");
    let peer = peer_told(&[]).await;
    assert!(peer.starts_with("127.0.0.1:"), "a stranger is believed: {peer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_line_for_people_is_short() {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &["--log-format", "text"]).await;
    server.caller().get("/livez").await.expect(200);
    server.terminate().await;
    let ended = server.ended().await;
    let line = ended.stderr.lines().find(|line| line.contains("GET /livez"));
    let line = line.unwrap_or_else(|| panic!("no line: {}", ended.stderr));
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        (words[1], &words[2..5], words[6]),
        ("INFO", &["GET", "/livez", "200"][..], "ms"),
        "{line}"
    );
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_commands_no_terminal() {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &["--log-format", "text"]).await;
    let mut connection = Connection::open(server.address).await;
    connection
        .send(request("GET /\u{9b}31m\u{202e}zo\u{eb}", &[], ""))
        .await;
    connection.answer().await.expect_problem(404, "not_found");
    server.terminate().await;
    let ended = server.ended().await;
    assert!(
        ended.stderr.contains(r"GET /\u{9b}31m\u{202e}zoë 404"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(['\u{9b}', '\u{202e}']), "{:?}", ended.stderr);
    place.remove().await;
}
