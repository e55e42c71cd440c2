//! What an erasure needs of a person's wallets: whether all are closed, and that the texts of what they asked for go.

use sea_orm::ConnectionTrait;

use super::{Wallets, repo};
use crate::db::Fault;
use crate::ledger::erase_some_texts;
use crate::values::{RecordId, UserId, WalletId};

pub(crate) use crate::ledger::TextsRange;

impl Wallets {
    /// The wallets of a user that are not closed. A closed one stays closed.
    pub(crate) async fn unclosed(&self, db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
        repo::unclosed_of(db, user).await
    }

    /// Erases the texts of the next rows of a range after an id, and gives where the rest of it begins; `None` at its
    /// end.
    pub(crate) async fn erase_some_texts(
        &self,
        range: TextsRange,
        after: Option<RecordId>,
    ) -> Result<Option<RecordId>, Fault> {
        erase_some_texts(&self.db, range, after).await
    }
}
