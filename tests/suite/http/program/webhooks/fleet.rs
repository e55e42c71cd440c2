//! Two servers on a PostgreSQL of their own, each of which may be killed and started again, and clients who go on asking.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use harness::Caller;
use harness::program::Serving;
use harness::servers::{Durability, PostgresServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{PAUSE, SENDING};
use crate::program::{customer, password_in, sign_in, try_post};

/// The servers, the database and the customers.
pub struct Fleet {
    folder: TempDir,
    pub database: PostgresServer,
    url: String,
    servers: [Option<Serving>; 2],
    pub clients: Arc<FleetClients>,
}

/// What clients know: where the servers are now, and who pays whom.
pub struct FleetClients {
    addresses: Mutex<[SocketAddr; 2]>,
    token: String,
    pub operator: String,
    wallets: Vec<String>,
    stop: AtomicBool,
    pub answered: AtomicUsize,
}

impl Fleet {
    pub async fn start() -> Self {
        let started = PostgresServer::start(Durability::Fast, &[]).await;
        let database = started.unwrap_or_else(|error| panic!("{error:#}"));
        database.create_database("bank").await.expect("a database can be made");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let url = database.url("bank");
        let path = folder.path();
        let servers = [serve(path, &url).await, serve(path, &url).await];
        let ana = customer(&servers[0], "ana").await;
        let operator = operator(path, &url, &servers[0]).await;
        let mut wallets = vec![ana.wallet().to_owned()];
        for currency in ["EUR", "GBP"] {
            let opened = ana.caller.post("/v1/wallets", json!({ "currency": currency })).await;
            opened.expect(201);
        }
        let ben = customer(&servers[0], "ben").await;
        wallets.push(ben.wallet().to_owned());
        let deposit = json!({ "amount": "1000000", "method": "visa" });
        let deposited = operator
            .post(&format!("/v1/wallets/{}/deposits", wallets[0]), deposit)
            .await;
        deposited.expect(201);
        let clients = FleetClients {
            addresses: Mutex::new([servers[0].address, servers[1].address]),
            token: ana.caller.token.clone().expect("a customer has a token"),
            operator: operator.token.clone().expect("an operator has a token"),
            wallets,
            stop: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
        };
        Self {
            folder,
            database,
            url,
            servers: servers.map(Some),
            clients: Arc::new(clients),
        }
    }

    /// The URL of the bank's database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills a server, and starts another one in its place.
    pub async fn kill(&mut self, number: usize) {
        if let Some(server) = self.servers[number].take() {
            server.kill().await;
        }
        let next = serve(self.folder.path(), &self.url).await;
        self.clients.addresses.lock().unwrap_or_else(PoisonError::into_inner)[number] = next.address;
        self.servers[number] = Some(next);
    }

    /// Kills PostgreSQL, and starts it again.
    pub async fn kill_database(&mut self) {
        self.database.kill().expect("a server can be killed");
        self.database.start_again().await.expect("the server starts again");
    }

    /// Starts clients; each sends one transfer after another until `stop`.
    pub fn load(&self, clients: usize) -> JoinSet<()> {
        let mut load = JoinSet::new();
        for number in 0..clients {
            load.spawn(self.clients.clone().run(number));
        }
        load
    }

    pub async fn end(self) {
        for server in self.servers.into_iter().flatten() {
            server.kill().await;
        }
    }
}

impl FleetClients {
    /// A caller at one of the servers, where it is now.
    pub fn caller(&self, number: usize, token: &str) -> Caller {
        let addresses = *self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        Caller::at(addresses[number % 2]).with_token(token)
    }

    /// Returns once so many more requests were answered.
    pub async fn until_answered(&self, more: usize) {
        let wanted = self.answered.load(Ordering::SeqCst) + more;
        while self.answered.load(Ordering::SeqCst) < wanted {
            sleep(PAUSE).await;
        }
    }

    /// Lets every client wait for its last answer.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    async fn run(self: Arc<Self>, number: usize) {
        let mut sent = 0;
        while !self.stop.load(Ordering::SeqCst) {
            // Every fifth is refused and recorded.
            let amount = if sent % 5 == 4 { "90000000" } else { "0.01" };
            self.settle(number, &format!("client-{number}-{sent}"), amount).await;
            self.answered.fetch_add(1, Ordering::SeqCst);
            sent += 1;
        }
    }

    /// Asks under one key until there is an outcome.
    pub async fn settle(&self, number: usize, key: &str, amount: &str) -> Value {
        let body = json!({
            "source_wallet_id": self.wallets[0], "destination_wallet_id": self.wallets[1], "amount": amount,
        });
        for attempt in number.. {
            let caller = self.caller(attempt, &self.token);
            if let Some(answer) = try_post(&caller, "/v1/transfers", key, &body).await
                && matches!(answer.status, 201 | 422)
            {
                return answer.json;
            }
            sleep(PAUSE).await;
        }
        unreachable!("there is always another attempt")
    }
}

async fn serve(folder: &Path, url: &str) -> Serving {
    let arguments = [&SENDING[..], &["--database-url", url]].concat();
    Serving::start(folder, &arguments).await
}

async fn operator(folder: &Path, url: &str, server: &Serving) -> Caller {
    let create = "user create --email op@example.com --full-name Op --role operator --database-url";
    let arguments: Vec<&str> = create.split(' ').chain([url]).collect();
    let made = harness::program::run(folder, &arguments).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    sign_in(server, "op@example.com", &password_in(&made)).await
}
