//! Two banks in one PostgreSQL database. Each has a schema of its own, which only its connections' `search_path` names.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait, Database};
use tokio::sync::OnceCell;

use crate::clock::ManualClock;
use crate::database::{TestDatabase, migrate, postgres_with_template};
use crate::servers::PostgresServer;
use crate::{Backend, TestBank};

/// The names of the two schemas.
pub const NAMES: [&str; 2] = ["slice_a", "slice_b"];

const TEMPLATE: &str = "florin_slices_template";

/// Both banks and their common database.
pub struct Slices {
    pub banks: [Arc<TestBank>; 2],
    database: String,
}

impl Slices {
    /// Opens two banks.
    pub async fn open() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let server = server_with_template().await;
        let database = format!("florin_slices_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server
            .create_database_from_template(&database, TEMPLATE)
            .await
            .expect("the template can be cloned");
        let [a, b] = NAMES.map(|schema| TestDatabase::at(url_in(&server.url(&database), schema)));
        let clock = Arc::new(ManualClock::new());
        let open =
            async |database| Arc::new(TestBank::open_with(Backend::Postgres, database, clock.clone(), |_| ()).await);
        Self {
            banks: [open(a).await, open(b).await],
            database,
        }
    }

    /// Closes both and removes their database.
    pub async fn close(self) {
        for bank in &self.banks {
            bank.close().await;
        }
        let server = server_with_template().await;
        server
            .drop_database(&self.database)
            .await
            .expect("a test's database can be dropped");
    }
}

/// Runs a scenario in both schemas at once. Then proves the books of both banks, and that no table is outside the
/// schemas.
pub async fn run<S, F>(scenario: S)
where
    S: Fn(Arc<TestBank>) -> F,
    F: Future<Output = ()>,
{
    let slices = Slices::open().await;
    let [a, b] = &slices.banks;
    tokio::join!(scenario(a.clone()), scenario(b.clone()));
    for (bank, schema) in slices.banks.iter().zip(NAMES) {
        bank.assert_books_balance().await;
        let own = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = current_schema()";
        let everywhere = "SELECT count(*) / 2 AS n FROM pg_tables WHERE schemaname !~ '^pg_|^information_schema$'";
        assert_eq!(bank.number(own).await, bank.number(everywhere).await);
        let users = format!("SELECT count(*) AS n FROM {schema}.users");
        assert!(
            bank.number(&users).await > 0,
            "the scenario ran elsewhere than in {schema}"
        );
    }
    slices.close().await;
}

/// The URL of a database, with one of its schemas as the search path.
#[must_use]
pub fn url_in(url: &str, schema: &str) -> String {
    format!("{url}&options=-csearch_path%3D{schema}")
}

async fn server_with_template() -> &'static PostgresServer {
    static READY: OnceCell<()> = OnceCell::const_new();
    let server = postgres_with_template().await;
    READY
        .get_or_init(|| async {
            server
                .create_database(TEMPLATE)
                .await
                .expect("the template can be made");
            let db = Database::connect(server.url(TEMPLATE)).await.expect("it can be opened");
            for schema in NAMES {
                let made = db.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await;
                made.expect("a schema can be made");
            }
            db.close().await.expect("a connection can be closed");
            for schema in NAMES {
                migrate(&url_in(&server.url(TEMPLATE), schema)).await;
            }
        })
        .await;
    server
}
