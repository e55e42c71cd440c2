//! `/v1/users` for staff: lists, searches, one user, and where a user is signed in.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::identity::UserFilter;
use service::values::UserId;
use uuid::Uuid;

use super::Tag;
use super::sessions::SessionView;
use super::users::UserView;
use crate::auth::{UsersRead, UsersSuspend};
use crate::problem::ApiResult;
use crate::wire::{CursorText, Json, ListQuery, Listed, PageLimit, RoleWord, SearchText, UserStatusWord, page_request};

/// The handlers of `/v1/users` with which staff look users up.
pub struct UserListApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl UserListApi {
    /// List users
    ///
    /// Newest first. A page may hold fewer items than `limit` beside a `next_cursor`: go on until it is null.
    #[oai(path = "/", method = "get", operation_id = "users_list")]
    async fn list(
        &self,
        _reader: UsersRead,
        /// Only those whose e-mail address or name begins so, in any case, or whose id this is.
        q: Query<Option<SearchText>>,
        /// Only those with this role.
        role: Query<Option<RoleWord>>,
        /// Only those with this status.
        status: Query<Option<UserStatusWord>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<UserView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let filter = UserFilter {
            search: q.0.map(|search| search.0),
            role: role.0.map(Into::into),
            status: status.0.map(Into::into),
        };
        let page = self.services.identity.users(&filter, request).await?;
        Ok(Json(Listed::of(page, UserView::from)))
    }

    /// Look at a user
    ///
    /// Any user, for staff; everyone has `/v1/users/me`.
    #[oai(path = "/:user_id", method = "get", operation_id = "users_get")]
    async fn get(&self, _reader: UsersRead, user_id: Path<Uuid>) -> ApiResult<Json<UserView>> {
        let user = self.services.identity.user(UserId(user_id.0)).await?;
        Ok(Json(user.into()))
    }

    /// List a user's sessions
    ///
    /// Where a user is signed in, newest first; at most 50, so that there is one page. To end them, suspend the user.
    #[oai(path = "/:user_id/sessions", method = "get", operation_id = "users_sessions")]
    async fn sessions(
        &self,
        UsersSuspend(actor): UsersSuspend,
        user_id: Path<Uuid>,
    ) -> ApiResult<Json<Listed<SessionView>>> {
        let sessions = self.services.identity.sessions_of(UserId(user_id.0)).await?;
        let items = sessions.into_iter().map(|session| SessionView::of(session, &actor));
        Ok(Json(Listed {
            items: items.collect(),
            next_cursor: None,
        }))
    }
}
