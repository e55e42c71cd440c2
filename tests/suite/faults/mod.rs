//! Servers, connections and processes that fail under load: the journal stays sound, no money is created or lost, and
//! no answer is wrong.

mod answers;
mod audit;
mod batches;
mod clocks;
mod freezes;
mod going_back;
mod isolation;
mod kills;
mod late;
mod locks;
mod opposite;
mod reading;
mod unconfirmed;
mod wrong_clocks;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Backend, ManualClock, Proxy, TestBank, all_at_once};
use service::Services;
use service::db::Db;
use service::identity::Actor;
use service::ledger::SubmitError;
use service::transfers::{Asking, TransferError, TransferOutcome};
use service::values::{Money, TransferId, WalletId};
use tokio::task::JoinSet;

use crate::doubts::proxy_of;
use crate::requests::{key, new_transfer, quiet_customer};

/// The first balance of each wallet.
const FUNDS: i64 = 1_000;
/// The amount of each transfer.
const AMOUNT: &str = "0.01";
/// How long a client waits after a fault before it tries again.
const PAUSE: Duration = Duration::from_millis(10);
/// The largest number of connections in a bank's pool.
const CONNECTIONS_MAX: u32 = 10;
/// Requests that are repeated at the same time.
const AT_ONCE: usize = 200;

/// A bank on its own PostgreSQL server, which it reaches through a proxy.
struct OwnBank {
    server: PostgresServer,
    way: Proxy,
    bank: Arc<TestBank>,
    customers: Customers,
}

/// Customers who pay each other; each has one wallet.
#[derive(Clone)]
struct Customers(Arc<Vec<(Actor, WalletId)>>);

/// A transfer that was requested until it was answered.
struct Paid {
    key: String,
    from: usize,
    to: usize,
    id: TransferId,
}

/// Clients of several replicas, who move money between the customers. Each transfer has its own key.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Vec<Arc<AtomicUsize>>,
    clients: JoinSet<Vec<Paid>>,
}

/// A replica with its own clock.
async fn start(bank: &TestBank, clock: &Arc<ManualClock>) -> Services {
    let db = Db::connect(&bank.config.database_url).await.expect("it can be opened");
    Services::start(&bank.config, db, clock.clone()).expect("the services start")
}

impl OwnBank {
    async fn start(settings: &[(&str, &str)], customers: usize) -> Self {
        let started = PostgresServer::start(Durability::Fast, settings).await;
        let server = started.unwrap_or_else(|error| panic!("{error:#}"));
        let database = TestDatabase::on(&server, "bank").await;
        let (way, url) = proxy_of(&database).await;
        let clock = Arc::new(ManualClock::new());
        let bank = TestBank::open_with(Backend::Postgres, database, clock, |config| config.database_url = url).await;
        let customers = Customers::of(&bank, customers).await;
        Self {
            server,
            way,
            bank: Arc::new(bank),
            customers,
        }
    }

    /// The bank's own services, and another replica.
    async fn two_replicas(&self) -> [Arc<Services>; 2] {
        [self.bank.services.clone(), self.bank.replica().await]
    }

    /// Returns once the bank's pool has no broken connection left. The pool uses its connections in turn, and checks
    /// only those that were idle for a while.
    async fn until_connected(&self) {
        let mut answered = 0;
        while answered < 2 * CONNECTIONS_MAX {
            answered = match self.bank.services.ops.ping().await {
                Ok(()) => answered + 1,
                Err(_) => 0,
            };
        }
    }

    async fn close(self) {
        self.bank.close().await;
    }
}

impl Customers {
    async fn of(bank: &TestBank, count: usize) -> Self {
        let mut customers = Vec::new();
        for number in 0..count {
            let customer = quiet_customer(bank, &format!("customer{number}")).await;
            bank.fund(customer.1, &FUNDS.to_string(), "visa").await;
            customers.push(customer);
        }
        Self(Arc::new(customers))
    }

    fn wallets(&self) -> Vec<WalletId> {
        self.0.iter().map(|(_, wallet)| *wallet).collect()
    }

    async fn ask(
        &self,
        services: &Services,
        paid: (usize, usize),
        name: &str,
    ) -> Result<TransferOutcome, TransferError> {
        let ((actor, source), (_, destination)) = (self.0[paid.0].clone(), self.0[paid.1].clone());
        let new = new_transfer(source, destination, AMOUNT);
        services
            .transfers
            .submit(Asking::by(&actor).with_key(key(name)), new)
            .await
    }

    /// Repeats a request until it is answered. A fault means that nothing was begun, so the transfer that follows it
    /// must be new. It may be a replay only after an unknown outcome.
    async fn pay(&self, services: &Services, from: usize, to: usize, key: String) -> Paid {
        let mut in_doubt = false;
        loop {
            match self.ask(services, (from, to), &key).await {
                Ok(receipt) => {
                    assert!(
                        in_doubt || !receipt.replayed,
                        "{key} was answered with a fault, and made"
                    );
                    let id = receipt.transfer.transfer.id;
                    return Paid { key, from, to, id };
                }
                Err(TransferError::Submit(error)) => in_doubt |= matches!(error, SubmitError::OutcomeUnknown),
                Err(other) => panic!("{key}: {other}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Repeats every request under its key. A stored transfer must be replayed, and a lost one is made anew. Returns
    /// the number of lost transfers.
    async fn ask_again(&self, services: &Services, paid: &mut [Paid]) -> usize {
        let mut lost = 0;
        for some in paid.chunks_mut(AT_ONCE) {
            let receipts = all_at_once(some.iter().map(|one| self.ask(services, (one.from, one.to), &one.key))).await;
            for (one, receipt) in some.iter_mut().zip(receipts) {
                let receipt = receipt.expect("nothing is in its way");
                if receipt.replayed {
                    assert_eq!(receipt.transfer.transfer.id, one.id, "{} was made twice", one.key);
                } else {
                    lost += 1;
                    one.id = receipt.transfer.transfer.id;
                }
            }
        }
        lost
    }

    /// Fails unless each of these transfers has moved its money once, nothing else has moved money, and the books are
    /// sound.
    async fn assert_moved_once(&self, bank: &TestBank, paid: &[Paid]) {
        let amount = crate::requests::money(AMOUNT).units();
        let funds = crate::requests::money(&FUNDS.to_string()).units();
        let mut balances = vec![funds; self.0.len()];
        for one in paid {
            balances[one.from] -= amount;
            balances[one.to] += amount;
        }
        let expected: Vec<String> = balances
            .into_iter()
            .map(|units| Money::from_units(units).expect("it is small").to_string())
            .collect();
        assert_eq!(bank.balances(&self.wallets()).await, expected);
        bank.assert_journal_is_sound().await;
    }
}

impl Load {
    fn start(replicas: &[Arc<Services>], customers: &Customers, clients_each: usize) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let load = STARTED.fetch_add(1, Ordering::SeqCst);
        let stop = Arc::new(AtomicBool::new(false));
        let answered: Vec<_> = replicas.iter().map(|_| Arc::new(AtomicUsize::new(0))).collect();
        let mut clients = JoinSet::new();
        for (replica, services) in replicas.iter().enumerate() {
            for client in 0..clients_each {
                let client = Client {
                    name: format!("load-{load}-{replica}-{client}"),
                    first: client,
                    services: services.clone(),
                    customers: customers.clone(),
                    answered: answered[replica].clone(),
                    stop: stop.clone(),
                };
                clients.spawn(client.run());
            }
        }
        Self {
            stop,
            answered,
            clients,
        }
    }

    /// Returns once every replica has answered `more` further requests.
    async fn until_answered(&self, more: usize) {
        let now = |counter: &Arc<AtomicUsize>| counter.load(Ordering::SeqCst);
        let wanted: Vec<usize> = self.answered.iter().map(|counter| now(counter) + more).collect();
        while self
            .answered
            .iter()
            .zip(&wanted)
            .any(|(counter, wanted)| now(counter) < *wanted)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns once one replica has answered `more` further requests.
    async fn until_one_answered(&self, replica: usize, more: usize) {
        let wanted = self.answered[replica].load(Ordering::SeqCst) + more;
        while self.answered[replica].load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets every client wait for its last answer, then ends them all.
    async fn stop(self) -> Vec<Paid> {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await.into_iter().flatten().collect()
    }
}

struct Client {
    name: String,
    first: usize,
    services: Arc<Services>,
    customers: Customers,
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Client {
    async fn run(self) -> Vec<Paid> {
        let count = self.customers.0.len();
        let mut paid = Vec::new();
        while !self.stop.load(Ordering::SeqCst) {
            let number = paid.len();
            let from = (self.first + number) % count;
            let to = (from + 1 + number % (count - 1)) % count;
            let key = format!("{}-{number}", self.name);
            paid.push(self.customers.pay(&self.services, from, to, key).await);
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
        paid
    }
}
