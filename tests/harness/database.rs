//! A migrated database for one test: a SQLite file, or a clone of the template on the PostgreSQL that all tests share.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use service::db::Db;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::bank::Backend;
use crate::servers::PostgresServer;

const TEMPLATE: &str = "florin_template";
const SQLITE_FILE: &str = "florin.db";

/// A migrated database for one test alone.
pub struct TestDatabase {
    pub url: String,
    pub folder: TempDir,
    postgres: Option<String>,
}

impl TestDatabase {
    /// Makes a migrated database: a new file, or a clone of the migrated template.
    pub async fn new(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let made = Self::in_folder(new_folder());
                migrate(&made.url).await;
                made
            }
            Backend::Postgres => Self::clone_of(TEMPLATE).await,
        }
    }

    /// A copy of a database that `new` has made. No connection to it may be open.
    pub async fn copy(&self) -> Self {
        if let Some(name) = &self.postgres {
            return Self::clone_of(name).await;
        }
        let folder = new_folder();
        // The last connection has emptied the write-ahead log, and normally removed it.
        for name in [SQLITE_FILE.to_owned(), format!("{SQLITE_FILE}-wal")] {
            let original = self.folder.path().join(&name);
            if original.exists() {
                fs::copy(original, folder.path().join(&name)).expect("a closed database can be copied");
            }
        }
        Self::in_folder(folder)
    }

    /// Makes a migrated database on a server that the test has started. It is removed together with the server.
    pub async fn on(server: &PostgresServer, name: &str) -> Self {
        server.create_database(name).await.expect("a database can be made");
        let url = server.url(name);
        migrate(&url).await;
        Self::at(url)
    }

    /// A database, or a schema of one, that is removed by other means than `drop`.
    pub(crate) fn at(url: String) -> Self {
        Self {
            url,
            folder: new_folder(),
            postgres: None,
        }
    }

    /// The SQLite file in a folder.
    fn in_folder(folder: TempDir) -> Self {
        Self {
            url: format!("sqlite://{}", folder.path().join(SQLITE_FILE).display()),
            folder,
            postgres: None,
        }
    }

    /// A clone of a database of the PostgreSQL that all tests share.
    async fn clone_of(original: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let server = postgres_with_template().await;
        let name = format!("florin_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server
            .create_database_from_template(&name, original)
            .await
            .expect("a database without connections can be cloned");
        Self {
            url: server.url(&name),
            folder: new_folder(),
            postgres: Some(name),
        }
    }

    /// Drops a cloned PostgreSQL database. A SQLite file is removed with its folder, when this value is dropped.
    pub async fn drop(&self) {
        if let Some(name) = &self.postgres {
            let server = postgres_with_template().await;
            server
                .drop_database(name)
                .await
                .expect("a test's database can be dropped");
        }
    }
}

fn new_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

pub(crate) async fn postgres_with_template() -> &'static PostgresServer {
    static READY: OnceCell<()> = OnceCell::const_new();
    let server = PostgresServer::shared()
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    READY
        .get_or_init(|| async {
            server
                .create_database(TEMPLATE)
                .await
                .expect("the template can be made");
            migrate(&server.url(TEMPLATE)).await;
        })
        .await;
    server
}

pub(crate) async fn migrate(url: &str) {
    let db = Db::connect(url).await.expect("a new database can be opened");
    migration::up(&db.write).await.expect("a new database can be migrated");
    db.close().await;
}
