//! `/v1/users`: who is signed in.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::identity::User;
use uuid::Uuid;

use super::Tag;
use crate::auth::SignedIn;
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{Json, RoleWord, Time, UserStatusWord};

/// The handlers of `/v1/users`.
pub struct UsersApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// A person or program that may sign in.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "User", example)]
pub struct UserView {
    /// Names the user, for instance in the `user_id` of a wallet.
    pub id: Uuid,
    /// The e-mail address to sign in with, in lower case.
    pub email: String,
    /// The name of the person or program, 1 to 200 characters.
    pub full_name: String,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub role: RoleWord,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: UserStatusWord,
    /// When the user was made (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When the user last changed (RFC 3339, UTC, microseconds).
    pub updated_at: Time,
}

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl UsersApi {
    /// Who am I
    ///
    /// The user whom the access token belongs to.
    #[oai(path = "/me", method = "get", operation_id = "users_me")]
    async fn me(&self, SignedIn(actor): SignedIn) -> ApiResult<Json<UserView>> {
        let user = self.services.identity.user(actor.user).await?;
        Ok(Json(user.into()))
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            email: user.email,
            full_name: user.full_name,
            role: user.role.into(),
            status: user.status.into(),
            created_at: Time(user.created_at),
            updated_at: Time(user.updated_at),
        }
    }
}

impl Example for UserView {
    fn example() -> Self {
        Self {
            id: samples::USER_ID,
            email: samples::EMAIL.to_owned(),
            full_name: samples::FULL_NAME.to_owned(),
            role: RoleWord::Customer,
            status: UserStatusWord::Active,
            created_at: samples::time(),
            updated_at: samples::time(),
        }
    }
}
