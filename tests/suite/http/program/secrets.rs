//! Secrets never reach the log, whatever its level, nor any answer but the one that hands them out.

use std::fs;

use harness::program::{Serving, run};
use harness::{Answer, Backend};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use service::config::MailConfig;

use super::{Place, password_in};

/// Secrets of a run, each with a name for people.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 8, "{name} is no secret: {secret:?}");
        self.0.push((name.to_owned(), secret.to_owned()));
    }

    /// The tokens of an answer to a sign-in. A part of a token is as bad: a signature, or the secret after the prefix.
    fn add_tokens(&mut self, answer: &Value) {
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        self.add("an access token", &access);
        self.add(
            "the signature of an access token",
            access.rsplit('.').next().unwrap_or_default(),
        );
        self.add("a refresh token", &refresh);
        let secret = refresh
            .strip_prefix("florin_rt_")
            .expect("a refresh token can be recognised");
        self.add("the secret of a refresh token", secret);
    }

    fn are_not_in(&self, what: &str, text: &str) {
        for (name, secret) in &self.0 {
            let position = text.find(secret.as_str());
            let near = position.map(|at| {
                let from = text.floor_char_boundary(at.saturating_sub(200));
                &text[from..at]
            });
            assert_eq!(near, None, "{what} has {name}");
        }
    }
}

/// Another one than in the examples, which the welcome shows.
const PASSWORD: &str = "violet anchor staple river";
const NEW_PASSWORD: &str = "another horse battery staple";
const WRONG_PASSWORD: &str = "a wrong horse battery";

async fn asks(server: &Serving, token: Option<&str>, path: &str, body: &str) -> Answer {
    let caller = match token {
        Some(token) => server.caller().with_token(token),
        None => server.caller(),
    };
    let request = caller.request(Method::POST, path);
    Answer::of(request.header("content-type", "application/json").body(body.to_owned())).await
}

/// Everything that takes or gives a secret, and the ways in which it fails.
async fn sign_in_and_out(server: &Serving, secrets: &mut Secrets) {
    let anybody = server.caller();
    let email = "ana@example.com";
    let register = json!({ "email": email, "password": PASSWORD, "full_name": "Ana" });
    let registered = anybody.post("/v1/auth/register", register.clone()).await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    secrets.are_not_in("the answer to a registration", &registered.text);
    anybody
        .post("/v1/auth/register", register)
        .await
        .expect_problem(409, "email_taken");
    let credentials = json!({ "email": email, "password": PASSWORD });
    let first = anybody.post("/v1/auth/login", credentials.clone()).await.expect(200);
    secrets.add_tokens(&first);
    let wrong = json!({ "email": email, "password": WRONG_PASSWORD });
    let refused = anybody.post("/v1/auth/login", wrong).await;
    refused.expect_problem(401, "invalid_credentials");
    secrets.are_not_in("a refusal", &refused.text);
    let refreshed = json!({ "refresh_token": first["refresh_token"] });
    let second = anybody.post("/v1/auth/refresh", refreshed).await.expect(200);
    secrets.add_tokens(&second);
    let forged = format!("florin_rt_{}", "A".repeat(70));
    secrets.add("a forged refresh token", &forged);
    let forged = anybody
        .post("/v1/auth/refresh", json!({ "refresh_token": forged }))
        .await;
    assert_eq!(forged.status, 401, "{}", forged.text);
    secrets.are_not_in("a refusal", &forged.text);

    let token = second["access_token"].as_str().expect("a token is text");
    let ana = anybody.with_token(token);
    let key = json!({ "name": "till", "scopes": ["wallets:read"] });
    let made = ana.post("/v1/api-keys", key).await.expect(201);
    let key = made["secret"].as_str().expect("a key is shown once").to_owned();
    secrets.add("an API key", &key);
    let by_key = anybody.with_token(&key);
    by_key.get("/v1/wallets").await.expect(200);
    by_key
        .post("/v1/wallets", json!({ "currency": "EUR" }))
        .await
        .expect_problem(403, "forbidden");
    anybody
        .with_token(&format!("{key}x"))
        .get("/v1/wallets")
        .await
        .expect_problem(401, "unauthenticated");
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    assert_eq!(ana.post("/v1/users/me/password", change).await.status, 204);
    anybody
        .post("/v1/auth/login", credentials)
        .await
        .expect_problem(401, "invalid_credentials");
    let logout = json!({ "refresh_token": second["refresh_token"] });
    assert_eq!(ana.post("/v1/auth/logout", logout).await.status, 204);
    ana.get("/v1/users/me").await.expect_problem(401, "unauthenticated");
}

/// Bodies that cannot be read, with a secret in them.
async fn send_malformed(server: &Serving, token: &str, secrets: &Secrets) {
    let bodies = [
        format!("{{\"email\":\"ana@example.com\",\"password\":\"{PASSWORD}\""),
        format!("{{\"email\":\"ana@example.com\",\"password\":[\"{PASSWORD}\"]}}"),
        format!("{{\"email\":\"ana@example.com\",\"password\":\"{PASSWORD}\",\"otp\":1}}"),
        format!("{{\"email\":{{\"x\":\"{PASSWORD}\"}},\"password\":\"{PASSWORD}\",\"full_name\":\"Ana\"}}"),
        format!("{{\"refresh_token\":[\"{token}\"]}}"),
        format!("{{\"refresh_token\":\"{token}\\u0000\"}}"),
        format!("\"{PASSWORD}\""),
        PASSWORD.to_owned(),
    ];
    let paths = [
        "/v1/auth/login",
        "/v1/auth/register",
        "/v1/auth/refresh",
        "/v1/users/me/password",
        "/v1/api-keys",
    ];
    for path in paths {
        for body in &bodies {
            let answer = asks(server, Some(token), path, body).await;
            assert!(answer.status >= 400, "{path} takes {body}");
            secrets.are_not_in(&format!("the answer of {path}"), &answer.text);
        }
    }
    let caller = server.caller().with_token(token);
    for path in ["/v1/users/me?access_token=", "/v1/nothing/", "/v1/wallets?cursor="] {
        let answer = caller.get(&format!("{path}{token}")).await;
        assert!(answer.status >= 400, "{path}");
    }
}

/// A path is in the access log, so a client that writes its token into one has logged it itself.
fn without_paths(log: &str) -> String {
    let lines = log.lines().filter(|line| !line.contains("/v1/nothing/"));
    lines.map(|line| format!("{line}\n")).collect()
}

async fn nothing_secret_is_logged(backend: Backend) {
    let place = Place::new(backend).await;
    let mut secrets = Secrets::default();
    secrets.add("a password", PASSWORD);
    secrets.add("a new password", NEW_PASSWORD);
    secrets.add("a wrong password", WRONG_PASSWORD);
    let create = [
        "user",
        "create",
        "--email",
        "op@example.com",
        "--full-name",
        "Op",
        "--role",
        "operator",
    ];
    let made = place.run(&[&create[..], &["--log", "trace"]].concat()).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    secrets.add("a printed password", &password_in(&made));
    secrets.are_not_in("the log of a command", &made.stderr);

    let server = Serving::start(place.folder.path(), &place.arguments(&["--log", "trace"])).await;
    sign_in_and_out(&server, &mut secrets).await;
    let again = json!({ "email": "ana@example.com", "password": NEW_PASSWORD });
    let last = server.caller().post("/v1/auth/login", again).await.expect(200);
    secrets.add_tokens(&last);
    send_malformed(
        &server,
        last["access_token"].as_str().expect("a token is text"),
        &secrets,
    )
    .await;
    server.terminate().await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("/v1/auth/login"), "it logs its requests");

    let mut hidden = secrets;
    hidden.add("a hash of a password", "$argon2id$");
    let key_file = fs::read_to_string(place.folder.path().join("data/signing.key"));
    for line in key_file.expect("the key file is there").lines() {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_=".contains(c));
        words
            .filter(|word| word.len() >= 40)
            .for_each(|word| hidden.add("a signing key", word));
    }
    let key_file = fs::read_to_string(place.folder.path().join("data/journal.key"));
    let journal: Value = serde_json::from_str(&key_file.expect("the key file is there")).expect("it is JSON");
    let secret = journal["keys"][0]["secret"].as_str().expect("a key has a secret");
    hidden.add("a key of the journal", secret);
    hidden.are_not_in("the log", &without_paths(&ended.stderr));
    hidden.are_not_in("the output", &ended.stdout);
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_logged_on_sqlite() {
    nothing_secret_is_logged(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_logged_on_postgres() {
    nothing_secret_is_logged(Backend::Postgres).await;
}

#[tokio::test]
async fn a_bad_setting_is_refused_without_its_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let redis = ["--redis-url", "http://florin:hunter2hunter2@127.0.0.1"];
    let ended = run(folder.path(), &[&["verify", "--log", "trace"], &redis[..]].concat()).await;
    assert!(
        !ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_shown_without_their_secrets() {
    harness::run(Backend::Sqlite, |bank| async move {
        let mut config = bank.config.clone();
        config.database_url = "postgres://florin:hunter2@127.0.0.1/florin".to_owned();
        config.redis_url = Some(SecretString::from("redis://florin:hunter2@127.0.0.1"));
        config.mail = Some(MailConfig {
            smtp_url: SecretString::from("smtps://florin:hunter2@127.0.0.1"),
            from: "florin@bank.example".to_owned(),
        });
        let shown = format!("{config:?}");
        assert!(shown.contains("queue_max") && !shown.contains("hunter2"), "{shown}");
    })
    .await;
}
