//! A bank for one test: its own database, its own services, served on a loopback port.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use api::app::app;
use api::edge::{self, ConnectionLimits};
use api::resources::event_view::event_text;
use secrecy::SecretString;
use serde_json::Value;
use service::Services;
use service::actor::ClientInfo;
use service::clock::Clock;
use service::config::{Config, ReportAccess, TokenAlgorithm};
use service::db::{ConnectSettings, Db};
use service::identity::{Actor, Email, FullName, Registration, User};
use service::transfers::{Asking, NewPayment};
use service::values::{Currency, Method, Money, Role, WalletId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::callers::{Caller, Customer, http_client};
use crate::clock::{ManualClock, set_bank_time};
use crate::database::TestDatabase;

/// The database that a bank runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// The password of every user in tests.
pub const PASSWORD: &str = "correct horse battery";

const QUEUE_MAX: usize = 8192;
/// The largest upload that a test's bank accepts.
pub const UPLOAD_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A bank for one test.
pub struct TestBank {
    pub backend: Backend,
    pub database: TestDatabase,
    pub config: Config,
    pub db: Db,
    pub services: Arc<Services>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    server: JoinHandle<()>,
    http: reqwest::Client,
}

/// Runs a scenario on a new bank, then proves the bank's books and removes the bank.
pub async fn run<S, F>(backend: Backend, scenario: S)
where
    S: FnOnce(Arc<TestBank>) -> F,
    F: Future<Output = ()>,
{
    let bank = Arc::new(TestBank::open(backend).await);
    scenario(bank.clone()).await;
    bank.assert_books_balance().await;
    bank.close().await;
}

impl TestBank {
    /// Opens a bank on a database of its own.
    pub async fn open(backend: Backend) -> Self {
        let database = TestDatabase::new(backend).await;
        let clock = Arc::new(ManualClock::new());
        Self::open_on(backend, database, clock, QUEUE_MAX).await
    }

    /// Opens a bank on a given database, with a queue of a given size.
    pub async fn open_on(backend: Backend, database: TestDatabase, clock: Arc<ManualClock>, queue_max: usize) -> Self {
        Self::open_with(backend, database, clock, |config| config.queue_max = queue_max).await
    }

    /// Opens a bank on a given database, with settings that `set` changes.
    pub async fn open_with(
        backend: Backend,
        database: TestDatabase,
        clock: Arc<ManualClock>,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(&database);
        set(&mut config);
        set_bank_time(&database.url, clock.now()).await;
        let (db, services) = start(&config, clock.clone()).await;
        let services = Arc::new(services);
        // Only the import workers run: a test performs the steps of the other workers itself.
        services.imports.serve(Vec::new());
        let (address, server) = serve(services.clone()).await;
        let http = http_client();
        Self {
            backend,
            database,
            config,
            db,
            services,
            clock,
            address,
            server,
            http,
        }
    }

    /// A second set of services on the same database, key and settings, as another replica has.
    pub async fn replica(&self) -> Arc<Services> {
        Arc::new(start(&self.config, self.clock.clone()).await.1)
    }

    /// Like `replica`, with settings that `set` changes.
    pub async fn replica_with(&self, set: impl FnOnce(&mut Config)) -> Arc<Services> {
        let mut config = self.config.clone();
        set(&mut config);
        Arc::new(start(&config, self.clock.clone()).await.1)
    }

    /// Starts the workers of this bank that tell of events: to streams, and to webhooks.
    pub fn tells_events(&self) {
        tells_events(&self.services);
    }

    /// A caller without a token.
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        self.caller(None)
    }

    /// A caller with a token, valid or not.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Caller {
        self.caller(Some(token.to_owned()))
    }

    /// A program with a new API key of a caller's, of which `key` says what it may.
    pub async fn key(&self, owner: &Caller, key: Value) -> Caller {
        let made = owner.post("/v1/api-keys", key).await.expect(201);
        self.with_token(made["secret"].as_str().expect("a new key has a secret"))
    }

    /// A new customer with an empty wallet in USD.
    pub async fn customer(&self, name: &str) -> Customer {
        let email = format!("{name}@example.com");
        let registration = Registration {
            email: Email::try_new(&email).expect("a test's name makes an address"),
            password: SecretString::from(PASSWORD),
            full_name: FullName::try_new(name).expect("a test's name is a name"),
            currency: None,
        };
        let (user, wallet) = self
            .services
            .identity
            .register(registration, &ClientInfo::default())
            .await
            .expect("a customer can register");
        let actor = Actor::new(user.id, user.role);
        Customer {
            caller: self.sign_in(&email).await,
            actor,
            email,
            wallet: wallet.id,
        }
    }

    /// A new customer with money in their wallet.
    pub async fn customer_with(&self, name: &str, amount: &str) -> Customer {
        let customer = self.customer(name).await;
        self.fund(customer.wallet, amount, "visa").await;
        customer
    }

    /// A caller who is an operator; every call gives the same user.
    pub async fn operator(&self) -> Caller {
        self.operator_actor().await;
        self.sign_in("operator@example.com").await
    }

    /// The operator, for calls to the services without HTTP.
    pub async fn operator_actor(&self) -> Actor {
        let email = Email::try_new("operator@example.com").expect("this is an address");
        let identity = &self.services.identity;
        let user = match identity.user_by_email(&email).await {
            Ok(user) => user,
            Err(_) => self.user("operator", Role::Operator).await,
        };
        Actor::new(user.id, user.role)
    }

    /// A new user of any role, without a wallet.
    pub async fn user(&self, name: &str, role: Role) -> User {
        let email = Email::try_new(&format!("{name}@example.com")).expect("a test's name makes an address");
        let full_name = FullName::try_new(name).expect("a test's name is a name");
        let password = SecretString::from(PASSWORD);
        let identity = &self.services.identity;
        let made = identity.create_user(email, full_name, password, role).await;
        made.expect("a user can be made")
    }

    /// Deposits into a wallet, without HTTP.
    pub async fn fund(&self, wallet: WalletId, amount: &str, method: &str) {
        let deposit = NewPayment::new(
            wallet,
            Some(Money::parse_unsigned(amount).expect("a test's amount is one")),
            Method::try_new(method).expect("a test's method is one"),
        );
        let operator = self.operator_actor().await;
        self.services
            .transfers
            .deposit(Asking::by(&operator), deposit)
            .await
            .expect("a test can fund a wallet");
    }

    /// Opens a payment method in a currency, as an operator's first payment by it does.
    pub async fn open_method(&self, method: &str, currency: &str) -> WalletId {
        let method = Method::try_new(method).expect("a test's method is one");
        let currency = Currency::from_code(currency).expect("a test's currency is one");
        let operator = self.operator_actor().await;
        let opened = self.services.wallets.open_method(&operator, &method, currency).await;
        opened.expect("a method can be opened")
    }

    /// Opens a further wallet of a customer.
    pub async fn open_wallet(&self, customer: &Customer, currency: &str) -> WalletId {
        let currency = Currency::from_code(currency).expect("a test's currency is one");
        self.services
            .wallets
            .open(&customer.actor, currency)
            .await
            .expect("a wallet can be opened")
            .id
    }

    /// Stops the server and removes the database.
    pub async fn close(&self) {
        self.server.abort();
        self.db.close().await;
        self.database.drop().await;
    }

    /// A caller who signs in anew.
    pub async fn sign_in(&self, email: &str) -> Caller {
        let token = self.token(email).await;
        self.caller(Some(token))
    }

    async fn token(&self, email: &str) -> String {
        use secrecy::ExposeSecret;
        let tokens = self
            .services
            .identity
            .sign_in(email, SecretString::from(PASSWORD), &ClientInfo::default())
            .await
            .expect("signing in works");
        tokens.access_token.expose_secret().to_owned()
    }

    fn caller(&self, token: Option<String>) -> Caller {
        Caller::new(self.http.clone(), format!("http://{}", self.address), token)
    }
}

/// Starts the workers of a replica that tell of events: to streams, and to webhooks.
pub fn tells_events(services: &Services) {
    services.events.serve();
    services.webhooks.serve(event_text);
}

fn config(database: &TestDatabase) -> Config {
    Config {
        database_url: database.url.clone(),
        // The tests' PostgreSQL runs without fsync for speed, and the bank would not accept it otherwise.
        allows_unsafe_database: true,
        generic_plans: true,
        signing_key_file: database.folder.path().join("signing.key"),
        journal_key_file: database.folder.path().join("journal.key"),
        token_algorithm: TokenAlgorithm::default(),
        rate_limit_per_minute: 0,
        currency: Currency::from_code("USD").expect("USD is a currency"),
        queue_max: QUEUE_MAX,
        data_dir: database.folder.path().to_owned(),
        upload_max_bytes: UPLOAD_MAX_BYTES,
        disk_reserve_bytes: 0,
        redis_url: None,
        mail: None,
        reports: ReportAccess::Operator,
        // The receivers of tests are on this machine.
        webhooks_private: true,
    }
}

async fn start(config: &Config, clock: Arc<ManualClock>) -> (Db, Services) {
    let settings = ConnectSettings {
        generic_plans: config.generic_plans,
    };
    let db = Db::connect_with(&config.database_url, settings)
        .await
        .expect("a test's database can be opened");
    let services = Services::start(config, db.clone(), clock).expect("the services start");
    let warmed_up = services.warm_up().await;
    warmed_up.expect("what the reports rest on can be read");
    (db, services)
}

async fn serve(services: Arc<Services>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let app = app(services, vec!["https://app.example".to_owned()]).expect("the app can be built");
    let server = tokio::spawn(async move {
        edge::serve(listener, app, ConnectionLimits::default(), std::future::pending())
            .await
            .expect("serving does not fail");
    });
    (address, server)
}
