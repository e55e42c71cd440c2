//! SQL that runs directly on a bank's database, without the bank. Only a person with the database's password could do
//! it.

use sea_orm::prelude::Uuid;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use service::values::{UserId, WalletId};

use crate::bank::{Backend, TestBank};

/// An open transaction that keeps its locks until it is released or dropped.
pub struct Held(DatabaseTransaction);

impl Held {
    /// Ends the transaction, so that others get its locks.
    pub async fn release(self) {
        self.0
            .rollback()
            .await
            .expect("a transaction without changes can be rolled back");
    }
}

impl TestBank {
    /// Runs and commits statements. They must suit both dialects, or the caller chooses them by `backend`.
    pub async fn execute(&self, sql: &str) {
        if let Err(error) = self.db.write.execute_unprepared(sql).await {
            panic!("{sql}\n{error}");
        }
    }

    /// Runs statements and rolls them back; tells whether the schema accepts them.
    pub async fn dry_run(&self, sql: &str) -> Result<(), DbErr> {
        let tx = self.db.write.begin().await?;
        let outcome = tx.execute_unprepared(sql).await;
        tx.rollback().await?;
        outcome.map(|_| ())
    }

    /// A whole number that a query gives as `n`.
    pub async fn number(&self, sql: &str) -> i64 {
        let query = Statement::from_string(self.db.backend(), sql);
        let row = self.db.read.query_one_raw(query).await.expect("the query runs");
        row.expect("the query gives a row")
            .try_get("", "n")
            .expect("`n` is a whole number")
    }

    /// The system wallet of a method, in USD.
    pub async fn system_wallet(&self, method: &str) -> WalletId {
        let sql = format!("SELECT id FROM wallets WHERE method = '{method}' AND currency = 'USD'");
        let query = Statement::from_string(self.db.backend(), sql);
        let row = self.db.read.query_one_raw(query).await.expect("the query runs");
        WalletId(
            row.expect("the method has been used")
                .try_get("", "id")
                .expect("`id` is an id"),
        )
    }

    /// An id as a literal of the backend's SQL.
    #[must_use]
    pub fn literal(&self, id: Uuid) -> String {
        match self.backend {
            Backend::Sqlite => format!("x'{}'", id.simple()),
            Backend::Postgres => format!("'{id}'"),
        }
    }

    /// Makes the database reject every transfer with this description (one word), as a fault of a single row.
    pub async fn refuse_described_as(&self, word: &str) {
        self.execute(&match self.backend {
            Backend::Postgres => {
                format!("ALTER TABLE transfers ADD CONSTRAINT no_{word} CHECK (description IS DISTINCT FROM '{word}')")
            }
            Backend::Sqlite => format!(
                "CREATE TRIGGER no_{word} BEFORE INSERT ON transfers WHEN NEW.description = '{word}' \
                 BEGIN SELECT RAISE(ABORT, 'no_{word}'); END"
            ),
        })
        .await;
    }

    /// Undoes `refuse_described_as`.
    pub async fn refuse_none_described_as(&self, word: &str) {
        self.execute(&match self.backend {
            Backend::Postgres => format!("ALTER TABLE transfers DROP CONSTRAINT no_{word}"),
            Backend::Sqlite => format!("DROP TRIGGER no_{word}"),
        })
        .await;
    }

    /// Disables the triggers that protect history from changes; on SQLite also the foreign keys.
    pub async fn unlock_history(&self) {
        match self.backend {
            Backend::Postgres => {
                for table in [
                    "entries",
                    "transfers",
                    "changes",
                    "journal",
                    "holds",
                    "batches",
                    "audit_lines",
                    "audit_details",
                ] {
                    self.execute(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await;
                }
            }
            Backend::Sqlite => {
                let query = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
                let query = Statement::from_string(self.db.backend(), query);
                for row in self.db.read.query_all_raw(query).await.expect("the schema can be read") {
                    let name: String = row.try_get("", "name").expect("a trigger has a name");
                    self.execute(&format!("DROP TRIGGER {name}")).await;
                }
                self.execute("PRAGMA foreign_keys = off").await;
            }
        }
    }

    /// Stops the committer at its next write until the hold is released; reads go on. On PostgreSQL it does not wait
    /// for a lock, so no lock time-out ends the wait. On SQLite the waiting commands are refused as `contended` after
    /// some seconds.
    pub async fn hold_commits(&self) -> Held {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        if self.backend == Backend::Postgres {
            self.execute(&format!("{WAITS_FOR_HOLD}{WAIT_IN_TRANSFERS}")).await;
        }
        let tx = self
            .db
            .write
            .begin_with_options(options)
            .await
            .expect("a transaction can begin");
        if self.backend == Backend::Postgres {
            tx.execute_unprepared("SELECT pg_advisory_xact_lock(4711)")
                .await
                .expect("the hold can be taken");
        }
        Held(tx)
    }

    /// Holds the turn on the journal until it is released or dropped. PostgreSQL only.
    pub async fn hold_turn(&self) -> Held {
        let tx = self.db.write.begin().await.expect("a transaction can begin");
        tx.execute_unprepared("SELECT number FROM journal WHERE number = 0 FOR UPDATE")
            .await
            .expect("the turn can be taken");
        Held(tx)
    }

    /// Holds the lock of migrations until it is released or dropped. PostgreSQL only.
    pub async fn hold_migrations(&self) -> Held {
        let tx = self.db.write.begin().await.expect("a transaction can begin");
        let sql = format!("SELECT pg_advisory_xact_lock({})", migration::LOCK);
        tx.execute_unprepared(&sql).await.expect("the lock is free");
        Held(tx)
    }

    /// Takes every connection of a pool of this bank until they are released, as requests that wait for a lock do.
    pub async fn hold_pool(&self, pool: &DatabaseConnection) -> Vec<Held> {
        let connections = match self.backend {
            Backend::Postgres => pool.get_postgres_connection_pool().options().get_max_connections(),
            Backend::Sqlite => pool.get_sqlite_connection_pool().options().get_max_connections(),
        };
        let mut held = Vec::new();
        for _ in 0..connections {
            held.push(Held(pool.begin().await.expect("a connection can be had")));
        }
        held
    }

    /// Locks one user, as a person in psql could, until it is released. PostgreSQL only.
    pub async fn lock_user(&self, user: UserId) -> Held {
        let tx = self.db.write.begin().await.expect("a transaction can begin");
        let sql = format!("SELECT 1 FROM users WHERE id = '{}' FOR UPDATE", user.0);
        tx.execute_unprepared(&sql).await.expect("a user can be locked");
        Held(tx)
    }

    /// Locks every user, until it is released. PostgreSQL only.
    pub async fn lock_users(&self) -> Held {
        let tx = self.db.write.begin().await.expect("a transaction can begin");
        let locked = tx.execute_unprepared("SELECT 1 FROM users FOR UPDATE").await;
        locked.expect("users can be locked");
        Held(tx)
    }

    /// Locks one wallet, as a person in psql could, until it is released. PostgreSQL only.
    pub async fn lock_wallet(&self, wallet: WalletId) -> Held {
        let tx = self.db.write.begin().await.expect("a transaction can begin");
        let sql = format!("SELECT 1 FROM wallets WHERE id = '{}' FOR UPDATE", wallet.0);
        tx.execute_unprepared(&sql).await.expect("a wallet can be locked");
        Held(tx)
    }
}

const WAITS_FOR_HOLD: &str = "
CREATE OR REPLACE FUNCTION test_wait_for_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT pg_try_advisory_xact_lock_shared(4711) LOOP PERFORM pg_sleep(0.002); END LOOP;
    RETURN NULL;
END $$;";

const WAIT_IN_TRANSFERS: &str = "
CREATE OR REPLACE TRIGGER test_held BEFORE INSERT ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION test_wait_for_hold();";
