//! Every endpoint of a person, for the export of what the bank has about them.

use super::repo::{self, HookReach};
use super::{Webhook, Webhooks, WebhooksError};
use crate::page::{Page, PageRequest};
use crate::values::{UserId, WebhookId};

impl Webhooks {
    /// The endpoints of a user, newest first, without their secrets. The caller answers for who may read it.
    pub async fn of_owner(
        &self,
        owner: UserId,
        request: PageRequest<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, WebhooksError> {
        let ledger = self.source.ledger().await?;
        let found = repo::list(&self.db.read, (HookReach::One(owner), None), &request, ledger).await?;
        let found = self.with_public_keys(found).await?;
        Ok(Page::of(found, &request, |webhook| webhook.id))
    }
}
