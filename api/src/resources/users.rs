//! `/v1/users`: who is signed in, and what staff change of others.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use service::Services;
use service::actor::Permissions;
use service::identity::{User, check_password};
use service::values::{Role, UserId};
use uuid::Uuid;

use super::Tag;
use crate::auth::{AnyCaller, Session, UsersManage, UsersSuspend};
use crate::client::RequestClient;
use crate::fields::Input;
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{Json, NoBody, NoContent, RoleWord, Time, UserStatusWord};

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

/// The caller, and what they may do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "OwnUser", example)]
pub struct OwnUserView {
    /// Names the user, for instance in the `user_id` of a wallet.
    id: Uuid,
    /// The e-mail address to sign in with, in lower case.
    email: String,
    /// The name of the person or program, 1 to 200 characters.
    full_name: String,
    role: RoleWord,
    status: UserStatusWord,
    /// When the user was made (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When the user last changed (RFC 3339, UTC, microseconds).
    updated_at: Time,
    /// What the caller may do, in the words of scopes: what the role allows, and with an API key only what its scopes name
    /// too.
    permissions: Vec<String>,
}

/// The old and the new password.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "PasswordChange", example)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeInput {
    #[oai(validator(max_length = 128))]
    current_password: String,
    /// 12 to 128 characters.
    #[oai(validator(min_length = 12, max_length = 128))]
    new_password: String,
}

/// The role that a user gets.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "RoleChange", example)]
#[serde(deny_unknown_fields)]
pub struct RoleChangeInput {
    role: RoleWord,
}

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl UsersApi {
    /// Who am I
    ///
    /// The user whom the access token belongs to, and what the caller may do.
    #[oai(path = "/me", method = "get", operation_id = "users_me")]
    async fn me(&self, AnyCaller(actor): AnyCaller) -> ApiResult<Json<OwnUserView>> {
        let user = self.services.identity.user(actor.user).await?;
        Ok(Json(OwnUserView::of(user.into(), actor.permissions)))
    }

    /// Change my password
    ///
    /// Ends all other sessions. For people who have signed in, not for API keys.
    #[oai(path = "/me/password", method = "post", operation_id = "users_password")]
    async fn password(
        &self,
        Session(actor): Session,
        client: RequestClient,
        body: Json<PasswordChangeInput>,
    ) -> ApiResult<NoContent> {
        let PasswordChangeInput {
            current_password,
            new_password,
        } = body.0;
        let identity = &self.services.identity;
        identity
            .change_password(&actor, current_password.into(), new_password.into(), &client.0)
            .await?;
        Ok(NoContent)
    }

    /// Suspend a user
    ///
    /// The user cannot sign in, refresh or move money any more: at once on this server, within one second on every other
    /// one. Only an admin suspends staff, and staff cannot suspend themselves. The body is empty.
    #[oai(path = "/:user_id/suspend", method = "post", operation_id = "users_suspend")]
    async fn suspend(
        &self,
        UsersSuspend(actor): UsersSuspend,
        user_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<Json<UserView>> {
        let user = self.services.identity.suspend(&actor, UserId(user_id.0)).await?;
        Ok(Json(user.into()))
    }

    /// Activate a user
    ///
    /// The user may sign in again. Only an admin activates staff, and staff cannot activate themselves. The body is empty.
    #[oai(path = "/:user_id/activate", method = "post", operation_id = "users_activate")]
    async fn activate(
        &self,
        UsersSuspend(actor): UsersSuspend,
        user_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<Json<UserView>> {
        let user = self.services.identity.activate(&actor, UserId(user_id.0)).await?;
        Ok(Json(user.into()))
    }

    /// Give a user another role
    ///
    /// Ends all sessions of the user. Admins cannot change their own role.
    #[oai(path = "/:user_id/role", method = "post", operation_id = "users_role")]
    async fn role(
        &self,
        UsersManage(actor): UsersManage,
        user_id: Path<Uuid>,
        body: Json<RoleChangeInput>,
    ) -> ApiResult<Json<UserView>> {
        let (id, role) = (UserId(user_id.0), body.0.role.into());
        let user = self.services.identity.set_role(&actor, id, role).await?;
        Ok(Json(user.into()))
    }
}

impl Input for PasswordChangeInput {
    fn refusal(&self) -> Option<&'static str> {
        let is_password = check_password(&self.new_password.as_str().into()).is_ok();
        (!is_password).then_some("must have 12 to 128 characters")
    }
}

impl Input for RoleChangeInput {}

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

impl OwnUserView {
    fn of(user: UserView, permissions: Permissions) -> Self {
        let words = permissions.iter().map(|permission| permission.as_str().to_owned());
        Self {
            id: user.id,
            email: user.email,
            full_name: user.full_name,
            role: user.role,
            status: user.status,
            created_at: user.created_at,
            updated_at: user.updated_at,
            permissions: words.collect(),
        }
    }
}

impl Example for OwnUserView {
    fn example() -> Self {
        Self::of(UserView::example(), Permissions::of(Role::Customer))
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

impl Example for PasswordChangeInput {
    fn example() -> Self {
        Self {
            current_password: samples::PASSWORD.to_owned(),
            new_password: samples::NEW_PASSWORD.to_owned(),
        }
    }
}

impl Example for RoleChangeInput {
    fn example() -> Self {
        Self {
            role: RoleWord::Operator,
        }
    }
}
