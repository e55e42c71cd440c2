//! Every key that a person has made, for the export of what the bank has about them.

use super::{ApiKey, ApiKeys, repo};
use crate::db::Fault;
use crate::page::{Page, PageRequest};
use crate::values::{ApiKeyId, Timestamp, UserId};

impl ApiKeys {
    /// The keys of a user, newest first, each with when it was revoked; `None` while it is not.
    pub async fn of_owner(
        &self,
        owner: UserId,
        request: PageRequest<ApiKeyId>,
    ) -> Result<Page<(ApiKey, Option<Timestamp>), ApiKeyId>, Fault> {
        let found = repo::of_owner(&self.db.read, owner, &request, self.clock.now()).await?;
        Ok(Page::of(found, &request, |(key, _)| key.id))
    }
}
