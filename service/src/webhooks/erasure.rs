//! What an erasure takes of a person's webhooks: endpoints and secrets at once, deliveries some at a time.

use sea_orm::DatabaseTransaction;

use super::repo::{self, Cleaning};
use crate::db::{Db, Fault};
use crate::identity::{ErasedRows, ErasureStep};
use crate::values::{Timestamp, UserId};

/// Erases webhooks together with their owner.
pub(crate) struct WebhookErasure {
    db: Db,
}

impl WebhookErasure {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

impl ErasedRows for WebhookErasure {
    /// The process that sends finds the endpoints gone before its next event, and writes nothing of them any more.
    fn begin<'tx>(&self, tx: &'tx DatabaseTransaction, user: UserId, now: Timestamp) -> ErasureStep<'tx, ()> {
        Box::pin(repo::delete_of_user(tx, user, now))
    }

    fn erase_some(&self, user: UserId) -> ErasureStep<'_, bool> {
        Box::pin(async move {
            let work = self.db.transaction(move |tx| {
                Box::pin(async move { repo::delete_deliveries_of_deleted(tx, Some(user)).await })
            });
            let removed: Result<Cleaning, Fault> = work.await;
            Ok(removed? == Cleaning::More)
        })
    }
}
