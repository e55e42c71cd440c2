//! Users as staff look them up: lists, searches, and where a user is signed in.

use super::{Identity, IdentityError, LiveSession, User, UserFilter, repo};
use crate::db::Fault;
use crate::page::{Page, PageRequest};
use crate::values::UserId;

impl Identity {
    /// Users, newest first. Where a search finds many, a page looks at 10 000 users at most, and may have less than the
    /// limit beside a key for the next one.
    pub async fn users(&self, filter: &UserFilter, request: PageRequest<UserId>) -> Result<Page<User, UserId>, Fault> {
        repo::list_users(&self.db.read, filter, &request).await
    }

    /// The live sessions of any user, newest first; at most 50.
    pub async fn sessions_of(&self, id: UserId) -> Result<Vec<LiveSession>, IdentityError> {
        self.user(id).await?;
        self.sessions(id).await
    }
}
