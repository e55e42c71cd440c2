//! The program `florin`, run as a process, as people and their scripts use it.

mod clock;
mod commands;
mod crash;
mod databases;
mod demo;
mod environment;
mod files;
mod full_disk;
mod imports;
mod journal;
mod keys;
mod log_lines;
mod logs;
mod one_time;
mod operators;
mod personal_data;
mod readme;
mod receipts;
mod replicas;
mod reports;
mod secrets;
mod settings;
mod shell;
mod slices;
mod starting;
mod stopping;
mod terminal;
mod transactions;
mod verify;
mod webhooks;

use std::fs;
use std::future::Future;
use std::time::{Duration, Instant};

use harness::program::{Ended, Serving, run};
use harness::{Answer, Backend, Caller, Delays, servers::PostgresServer};
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The folder and database of one bank, and the arguments with which the program finds them.
pub struct Place {
    pub folder: TempDir,
    pub url: String,
    database: Option<String>,
}

impl Place {
    /// An empty folder, and on PostgreSQL an empty database.
    pub async fn new(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        match backend {
            Backend::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("data/florin.db").display());
                Self {
                    folder,
                    url,
                    database: None,
                }
            }
            Backend::Postgres => {
                let server = PostgresServer::shared()
                    .await
                    .unwrap_or_else(|error| panic!("{error:#}"));
                let unique = folder
                    .path()
                    .file_name()
                    .expect("a folder has a name")
                    .to_string_lossy()
                    .replace('.', "");
                let name = format!("florin_program_{unique}");
                server.create_database(&name).await.expect("a database can be made");
                Self {
                    folder,
                    url: server.url(&name),
                    database: Some(name),
                }
            }
        }
    }

    /// Runs a command of the program on this bank.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        run(self.folder.path(), &self.arguments(arguments)).await
    }

    /// Serves this bank.
    pub async fn serve(&self) -> Serving {
        Serving::start(self.folder.path(), &self.arguments(&["--log", "warn"])).await
    }

    /// The arguments with the database's URL; on SQLite the program finds its file by itself.
    pub fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let mut all = arguments.to_vec();
        if self.database.is_some() {
            all.extend(["--database-url", &self.url]);
        }
        all
    }

    /// Changes the data directly in the database, without the bank.
    pub async fn tamper(&self, statement: &str) {
        let db = Database::connect(&self.url)
            .await
            .expect("the bank's database can be opened");
        let done = db.execute_unprepared(statement).await.expect("the statement is one");
        assert_eq!(done.rows_affected(), 1, "{statement}");
        db.close().await.expect("a connection can be closed");
    }

    /// Removes the PostgreSQL database; the folder is removed when it is dropped.
    pub async fn remove(self) {
        if let Some(name) = &self.database {
            let server = PostgresServer::shared()
                .await
                .unwrap_or_else(|error| panic!("{error:#}"));
            server.drop_database(name).await.expect("a database can be dropped");
        }
    }
}

/// A user who is signed in to a running program.
pub struct User {
    pub caller: Caller,
    pub wallet: Option<String>,
}

const PASSWORD: &str = harness::bank::PASSWORD;

/// Registers a customer and signs in.
pub async fn customer(server: &Serving, name: &str) -> User {
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "password": PASSWORD, "full_name": name });
    let made = server.caller().post("/v1/auth/register", body).await.expect(201);
    let wallet = made["wallet"]["id"].as_str().map(str::to_owned);
    User {
        caller: sign_in(server, &email, PASSWORD).await,
        wallet,
    }
}

/// Makes an operator with a command while the server runs, and signs in.
pub async fn operator(place: &Place, server: &Serving) -> Caller {
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
    let made = place.run(&create).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    sign_in(server, "op@example.com", &password_in(&made)).await
}

/// The generated password that the command printed.
pub fn password_in(made: &Ended) -> String {
    let line = made.stdout.lines().find_map(|line| line.strip_prefix("password "));
    line.unwrap_or_else(|| panic!("no password: {made:?}")).to_owned()
}

pub async fn sign_in(server: &Serving, email: &str, password: &str) -> Caller {
    let body = json!({ "email": email, "password": password });
    let token = server.caller().post("/v1/auth/login", body).await.expect(200);
    server
        .caller()
        .with_token(token["access_token"].as_str().expect("a token is text"))
}

/// Two customers, the first with money.
pub async fn two_customers(place: &Place, server: &Serving, amount: &str) -> (User, User) {
    let (ana, ben) = (customer(server, "ana").await, customer(server, "ben").await);
    let operator = operator(place, server).await;
    let path = format!("/v1/wallets/{}/deposits", ana.wallet());
    operator
        .post(&path, json!({ "amount": amount, "method": "visa" }))
        .await
        .expect(201);
    (ana, ben)
}

impl User {
    /// The first wallet's id.
    pub fn wallet(&self) -> &str {
        self.wallet.as_deref().expect("a customer has a wallet")
    }

    /// A transfer of one unit to another user.
    pub fn one_to(&self, other: &Self) -> Value {
        json!({ "source_wallet_id": self.wallet(), "destination_wallet_id": other.wallet(), "amount": "1" })
    }

    pub async fn balance(&self) -> String {
        let wallet = self
            .caller
            .get(&format!("/v1/wallets/{}", self.wallet()))
            .await
            .expect(200);
        wallet["balance"].as_str().expect("a balance is text").to_owned()
    }
}

/// An import holds SQLite's write lock for at most 100 ms at a time, and leaves it free for an eighth of the time. A
/// waiting writer tries again after at most 100 ms. So beside an import half of the payments wait for at most two
/// tries, and nineteen of twenty for at most ten. The delays without an import are subtracted, since a slow machine
/// delays these as well.
pub fn payments_are_not_held_up(alone: &Delays, beside: &Delays) {
    println!("payments alone: {alone}; beside the import: {beside}");
    assert!(beside.len() >= 20, "{beside}");
    for (percent, held_up) in [(50, Duration::from_millis(200)), (95, Duration::from_secs(1))] {
        let added = beside.percentile(percent).saturating_sub(alone.percentile(percent));
        assert!(added <= held_up, "alone: {alone}; beside the import: {beside}");
    }
}

/// How long something takes.
pub async fn timed<T>(what: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (what.await, began.elapsed())
}

/// Sends a request that may be cut off; `None` if no answer came.
pub async fn try_post(caller: &Caller, path: &str, key: &str, body: &Value) -> Option<Answer> {
    let request = caller
        .request(Method::POST, path)
        .header("idempotency-key", key)
        .json(body);
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.ok()?;
    let json = serde_json::from_str(&text).unwrap_or_default();
    Some(Answer {
        status,
        headers,
        json,
        text,
    })
}

/// Fails unless `florin verify` finds that the books balance.
pub async fn verifies(place: &Place) {
    let verified = place.run(&["verify"]).await;
    assert_eq!(verified.status, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("the books balance"), "{verified:?}");
}

/// The names below a folder, sorted.
pub fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder can be listed");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
