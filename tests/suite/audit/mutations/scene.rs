//! The bank in which mutations are tried: staff, customers who are made as they are needed, and a process of its own
//! for each mutation.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::{SmtpServer, TestBank};
use service::Services;
use service::config::Config;
use service::db::Db;
use service::identity::{Actor, SessionTokens};
use service::merchants::Merchants;
use service::values::{Role, WalletId};
use service::wallets::Expected;
use service::workers::Workers;

use super::{Act, ActAnswer, AnsweredError, Case, Mutation, StoredState};
use crate::audit::{calling, sign_in, staff};
use crate::requests::quiet_customer;

/// Whether lines can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogState {
    Open,
    /// The second of a line's two rows cannot be written.
    Hidden,
}

/// The bank's own services prepare; `services` are another process, which is begun anew for each mutation, so that it
/// has neither connections nor memories of an earlier one.
pub struct Scene {
    pub services: Arc<Services>,
    pub admin: Actor,
    pub support: Actor,
    pub operator: Actor,
    pub bank: Arc<TestBank>,
    smtp: SmtpServer,
    numbers: AtomicU64,
}

/// A customer with an empty wallet in USD.
pub struct SceneCustomer {
    pub actor: Actor,
    pub wallet: WalletId,
    pub email: String,
}

/// A mutation that was tried.
pub struct Tried {
    pub answer: ActAnswer,
    pub before: StoredState,
    pub after: StoredState,
}

impl Scene {
    pub async fn set(bank: Arc<TestBank>) -> Self {
        Self {
            services: bank.services.clone(),
            admin: staff(&bank, "dora", Role::Admin).await,
            support: staff(&bank, "sue", Role::Support).await,
            operator: calling(&bank.operator_actor().await),
            smtp: SmtpServer::start().await,
            numbers: AtomicU64::new(0),
            bank,
        }
    }

    /// Begins a process on the bank's database. It sends mails, and asks its database for nothing by itself: its
    /// reports are kept fresh on the connections of the bank.
    pub async fn begin(&mut self, url: &str) {
        let config = Config {
            database_url: url.to_owned(),
            mail: Some(self.smtp.config()),
            ..self.bank.config.clone()
        };
        let db = Db::connect(url).await.expect("the database can be opened");
        let started = Services::start(&config, db, self.bank.clock.clone());
        let mut services = started.expect("the services start");
        services.merchants = Merchants::start(&self.bank.db, Workers::new());
        self.services = Arc::new(services);
    }

    /// Prepares a mutation, does it in a process of its own, and ends the process.
    pub async fn tried(&mut self, case: Case, log: LogState) -> Tried {
        let url = self.bank.database.url.clone();
        self.begin(&url).await;
        let act = case(self).await;
        let before = StoredState::of(&self.bank).await;
        if log == LogState::Hidden {
            self.bank.execute("ALTER TABLE audit_details RENAME TO elsewhere").await;
        }
        let answer = act.await;
        self.services.stop().await;
        if log == LogState::Hidden {
            self.bank.execute("ALTER TABLE elsewhere RENAME TO audit_details").await;
        }
        let after = StoredState::of(&self.bank).await;
        Tried { answer, before, after }
    }

    /// A mutation of the process.
    pub fn act<T, E, F>(&self, work: impl FnOnce(Arc<Services>) -> F) -> Act
    where
        T: 'static,
        E: AnsweredError + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let work = work(self.services.clone());
        Box::pin(async move { ActAnswer::of(work.await) })
    }

    /// Another number each time.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// An address that no user has.
    pub fn address(&self) -> String {
        format!("eve{}@example.com", self.number())
    }

    /// A new customer, who calls from the client.
    pub async fn customer(&self) -> SceneCustomer {
        let name = format!("ana{}", self.number());
        let (actor, wallet) = quiet_customer(&self.bank, &name).await;
        SceneCustomer {
            actor: calling(&actor),
            wallet,
            email: format!("{name}@example.com"),
        }
    }

    /// A new customer who is suspended.
    pub async fn suspended_customer(&self) -> SceneCustomer {
        let customer = self.customer().await;
        let suspended = self.bank.services.identity.suspend(&self.admin, customer.actor.user);
        suspended.await.expect("a customer can be suspended");
        customer
    }

    /// The tokens of a new session, and its actor.
    pub async fn session_of(&self, email: &str) -> (SessionTokens, Actor) {
        sign_in(&self.bank.services, email).await
    }

    /// A new customer's wallet that is closed.
    pub async fn closed_wallet(&self) -> WalletId {
        let wallet = self.customer().await.wallet;
        self.close(wallet).await;
        wallet
    }

    /// Closes an empty wallet.
    pub async fn close(&self, wallet: WalletId) {
        let wallets = &self.bank.services.wallets;
        let closed = wallets.close(&self.operator, wallet, Expected::Anything).await;
        closed.expect("an empty wallet can be closed");
    }

    /// Support, with a token that was signed while they were an admin.
    pub fn former_admin(&self) -> Actor {
        calling(&Actor::new(self.support.user, Role::Admin))
    }
}

impl Tried {
    /// Fails unless everything is as it was.
    #[track_caller]
    pub fn expect_nothing(&self, mutation: &Mutation) {
        let lines = self.after.lines_since(&self.before);
        assert!(lines.is_empty(), "{mutation} leaves {lines:?}");
        assert!(
            !self.after.rows_differ_from(&self.before),
            "{mutation} changes something"
        );
    }
}
