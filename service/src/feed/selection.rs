//! What a follower counts of each commit, and how it is read where it was not handed over.

use std::future::Future;

use sea_orm::ConnectionTrait;

use super::{Completed, repo};
use crate::db::Fault;
use crate::values::{RecordId, TransferKind};

/// Which items a follower gets.
pub trait Selection: Clone + Send + Sync + 'static {
    /// What it counts.
    type Item: Clone + Send + Sync + 'static;

    /// True if the follower wants an item that was handed over.
    fn has(&self, item: &Self::Item) -> bool;

    /// Reads the items of the records after one id, up to and including another, in the order of ids.
    fn read(
        &self,
        db: &impl ConnectionTrait,
        after: RecordId,
        through: RecordId,
    ) -> impl Future<Output = Result<FoundRecords<Self::Item>, Fault>> + Send;
}

/// What was read, and how many records were there, wanted or not: they are compared with what the rows count.
#[derive(Debug)]
pub struct FoundRecords<T> {
    /// How many transfers.
    pub transfers: u64,
    /// How many changes; `None` if they were not looked for.
    pub changes: Option<u64>,
    /// Those that the follower wants.
    pub items: Vec<T>,
}

/// Completed movements of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedFilter {
    /// Every kind.
    All,
    /// Deposits and withdrawals.
    Payments,
}

impl Selection for FeedFilter {
    type Item = Completed;

    fn has(&self, completed: &Completed) -> bool {
        match self {
            Self::All => true,
            Self::Payments => matches!(completed.kind, TransferKind::Deposit | TransferKind::Withdrawal),
        }
    }

    async fn read(
        &self,
        db: &impl ConnectionTrait,
        after: RecordId,
        through: RecordId,
    ) -> Result<FoundRecords<Completed>, Fault> {
        repo::movements(db, *self, after, through).await
    }
}
