//! What a batch is decided on, read by a connection outside of a transaction or with the turn held.

use super::{RepoConnection, RepoTurn, Tx, count_statements, postgres, sqlite, unless_silent};
use crate::db::Fault;
use crate::ledger::store::{Lookups, MissingOriginals};
use crate::ledger::types::{Original, Transfer};
use crate::values::{Digest, Timestamp, WalletId};

impl Lookups for RepoConnection {
    async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::find_by_keys(&mut self.connection, keys)).await
    }

    async fn read_originals(&mut self, missing: &MissingOriginals) -> Result<Vec<Original>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::holds::read_originals(&mut self.connection, missing)).await
    }

    async fn first_expiries(&mut self, wallets: &[WalletId]) -> Result<Vec<(WalletId, Timestamp)>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::holds::first_expiries(&mut self.connection, wallets)).await
    }

    async fn expiring_holds(
        &mut self,
        wallets: &[WalletId],
        until: Timestamp,
        limit_each: usize,
    ) -> Result<Vec<Original>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::holds::expiring(
            &mut self.connection,
            wallets,
            until,
            limit_each,
        ))
        .await
    }
}

impl Lookups for RepoTurn {
    async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::find_by_keys(&mut *tx, keys)).await,
            Tx::Sqlite(turn) => sqlite::find_by_keys(&mut turn.tx, keys).await,
        }
    }

    async fn read_originals(&mut self, missing: &MissingOriginals) -> Result<Vec<Original>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::holds::read_originals(&mut *tx, missing)).await,
            Tx::Sqlite(turn) => sqlite::holds::read_originals(&mut turn.tx, missing).await,
        }
    }

    async fn first_expiries(&mut self, wallets: &[WalletId]) -> Result<Vec<(WalletId, Timestamp)>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::holds::first_expiries(&mut *tx, wallets)).await,
            Tx::Sqlite(turn) => sqlite::holds::first_expiries(&mut turn.tx, wallets).await,
        }
    }

    async fn expiring_holds(
        &mut self,
        wallets: &[WalletId],
        until: Timestamp,
        limit_each: usize,
    ) -> Result<Vec<Original>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::holds::expiring(&mut *tx, wallets, until, limit_each)).await,
            Tx::Sqlite(turn) => sqlite::holds::expiring(&mut turn.tx, wallets, until, limit_each).await,
        }
    }
}
