//! All transfers of a person, for the export of what the bank has about them: those of their wallets, as they see them, and
//! what they asked for on wallets of others.

use super::shown::{Showing, Viewer};
use super::{ShownTransfer, TransferFilter, Transfers, repo};
use crate::db::Fault;
use crate::page::{Page, PageRequest};
use crate::values::{TransferId, UserId};

impl Transfers {
    /// Transfers of a user's wallets, and refusals of what the user asked for elsewhere, newest first: what the list
    /// shows to a customer.
    pub async fn of_user(
        &self,
        user: UserId,
        request: PageRequest<TransferId>,
    ) -> Result<Page<ShownTransfer, TransferId>, Fault> {
        let scope = repo::Scope::Customer {
            user,
            wallets: repo::wallets_of(&self.db.read, user).await?,
            is_one: false,
        };
        let viewer = Viewer::Customer {
            user,
            wallets: scope.wallets(),
        };
        let showing = Showing {
            viewer,
            now: self.clock.now(),
        };
        repo::list(&self.db.read, &scope, &TransferFilter::default(), &request, showing).await
    }

    /// Transfers that a user asked for and `of_user` does not give, newest first: neither side is the user's. A page may be
    /// short.
    pub async fn asked_by(
        &self,
        user: UserId,
        request: PageRequest<TransferId>,
    ) -> Result<Page<ShownTransfer, TransferId>, Fault> {
        let own = repo::wallets_of(&self.db.read, user).await?;
        let found = repo::asked_by(&self.db.read, user, &request).await?;
        let Page { mut items, next } = Page::of(found, &request, |transfer| transfer.id);
        items.retain(|transfer| !own.contains(&transfer.source) && !own.contains(&transfer.destination));
        let viewer = Viewer::Customer { user, wallets: &own };
        let items = repo::shown(&self.db.read, items, self.clock.now(), viewer).await?;
        Ok(Page { items, next })
    }
}
