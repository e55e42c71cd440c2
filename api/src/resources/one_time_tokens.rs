//! One-time tokens: a password that was forgotten, an address that changes; and what users change of themselves.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service::Services;
use service::identity::{OneTimeToken, ProfileChange, check_password};
use service::values::UserId;
use uuid::Uuid;

use super::Tag;
use super::users::UserView;
use crate::auth::{Session, UsersReset};
use crate::client::RequestClient;
use crate::fields::Input;
use crate::problem::{ApiResult, Problem};
use crate::samples;
use crate::wire::{EmailInput, FullNameInput, Json, NoBody, NoContent, ShownOnce, Time, Undisclosed};

/// The handlers that make a one-time token, mail one, or take one.
pub struct RecoveryApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The handlers of `/v1/users/me` with which users change their name or address.
pub struct ProfileApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// Whose password was forgotten.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "ForgottenPassword", example)]
#[serde(deny_unknown_fields)]
pub struct ForgottenInput {
    /// The e-mail address to sign in with.
    email: EmailInput,
}

/// A one-time token, and the password that it sets.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "PasswordReset", example)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetInput {
    /// The whole token, from the mail or from staff. Half an hour after it was made it ends by itself.
    #[oai(validator(max_length = 200))]
    token: String,
    /// 12 to 128 characters.
    #[oai(validator(min_length = 12, max_length = 128))]
    new_password: String,
}

/// A one-time token that was made for a new address.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "EmailConfirmation", example)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmationInput {
    /// The whole token, from the mail or from staff. Half an hour after it was made it ends by itself.
    #[oai(validator(max_length = 200))]
    token: String,
}

/// What a user changes of themselves: at least one of the two.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "ProfileChange", example)]
#[serde(deny_unknown_fields)]
pub struct ProfileChangeInput {
    /// Counts at once.
    full_name: Option<FullNameInput>,
    /// Counts once the token that is mailed to it was sent to /v1/auth/confirm-email.
    email: Option<EmailInput>,
}

/// A one-time token, which is shown this once. It has no Debug, so that no log can show it.
#[derive(Object, Serialize)]
#[oai(rename = "OneTimeToken", example)]
pub struct OneTimeTokenView {
    /// Give it to the user, who sends it to /v1/auth/reset with a new password.
    token: String,
    /// When it ends by itself (RFC 3339, UTC, microseconds).
    expires_at: Time,
}

#[OpenApi]
impl RecoveryApi {
    /// Say that I forgot my password
    ///
    /// Mails a one-time token to the user with this address, if there is one. The answer is the same in any case, and
    /// comes before the bank looks. A bank that sends no mails answers 422 `mail_not_configured`: ask an operator.
    #[oai(
        path = "/v1/auth/forgotten",
        method = "post",
        operation_id = "auth_forgotten",
        tag = "Tag::Authentication"
    )]
    async fn forgotten(&self, client: RequestClient, body: Json<ForgottenInput>) -> ApiResult<Undisclosed> {
        self.services.identity.forgotten(body.0.email.0, &client.0).await?;
        Ok(Undisclosed)
    }

    /// Set a new password with a token
    ///
    /// Ends all sessions of the user. The token works once, and a newer one ends it. Half an hour after it was made it ends
    /// by itself. A password that is refused leaves the token as it is.
    #[oai(
        path = "/v1/auth/reset",
        method = "post",
        operation_id = "auth_reset",
        tag = "Tag::Authentication"
    )]
    async fn reset(&self, client: RequestClient, body: Json<PasswordResetInput>) -> ApiResult<NoContent> {
        let (token, new) = (
            SecretString::from(body.0.token),
            SecretString::from(body.0.new_password),
        );
        self.services.identity.reset_password(&token, new, &client.0).await?;
        Ok(NoContent)
    }

    /// Confirm a new e-mail address
    ///
    /// From now on the user signs in with the address that this token was made for, and the bank mails the old address.
    /// No session ends. The token works once, and a newer one ends it. Half an hour after it was made it ends by itself.
    #[oai(
        path = "/v1/auth/confirm-email",
        method = "post",
        operation_id = "auth_confirm_email",
        tag = "Tag::Authentication"
    )]
    async fn confirm_email(&self, client: RequestClient, body: Json<EmailConfirmationInput>) -> ApiResult<NoContent> {
        let token = SecretString::from(body.0.token);
        self.services.identity.confirm_email(&token, &client.0).await?;
        Ok(NoContent)
    }

    /// Make a token for a user who forgot their password
    ///
    /// Shown once, and mailed to the user where the bank sends mails. Support and operators make one for customers,
    /// admins for staff too. No one makes one for themselves. It ends the older token of the user. The body is empty.
    #[oai(
        path = "/v1/users/:user_id/reset",
        method = "post",
        operation_id = "users_reset",
        tag = "Tag::Users"
    )]
    async fn make_reset(
        &self,
        UsersReset(actor): UsersReset,
        user_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<ShownOnce<OneTimeTokenView>> {
        let made = self
            .services
            .identity
            .make_reset_token(&actor, UserId(user_id.0))
            .await?;
        Ok(ShownOnce(made.into()))
    }
}

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl ProfileApi {
    /// Change my name or address
    ///
    /// A name counts at once. For an address a one-time token is mailed to it, and the address in the answer is the old
    /// one until that token was sent to `/v1/auth/confirm-email`. An address that is taken gets the same answer, and no
    /// mail. A bank that sends no mails answers 422 `mail_not_configured`, and changes nothing.
    #[oai(path = "/me", method = "patch", operation_id = "users_change_me")]
    async fn change_me(&self, Session(actor): Session, body: Json<ProfileChangeInput>) -> ApiResult<Json<UserView>> {
        let change = body.0.try_into()?;
        let user = self.services.identity.change_profile(&actor, change).await?;
        Ok(Json(user.into()))
    }
}

impl Input for ForgottenInput {}
impl Input for EmailConfirmationInput {}
impl Input for ProfileChangeInput {}

impl Input for PasswordResetInput {
    fn refusal(&self) -> Option<&'static str> {
        let is_password = check_password(&self.new_password.as_str().into()).is_ok();
        (!is_password).then_some("must have 12 to 128 characters")
    }
}

impl TryFrom<ProfileChangeInput> for ProfileChange {
    type Error = Problem;

    fn try_from(input: ProfileChangeInput) -> Result<Self, Problem> {
        if input.full_name.is_none() && input.email.is_none() {
            return Err(Problem::invalid_field("", "must have full_name, email or both"));
        }
        Ok(Self {
            full_name: input.full_name.map(|name| name.0),
            email: input.email.map(|email| email.0),
        })
    }
}

impl From<OneTimeToken> for OneTimeTokenView {
    fn from(made: OneTimeToken) -> Self {
        Self {
            token: made.token.expose_secret().to_owned(),
            expires_at: Time(made.expires_at),
        }
    }
}

impl Example for ForgottenInput {
    fn example() -> Self {
        Self {
            email: EmailInput::try_new(samples::EMAIL).expect("the sample is an e-mail address"),
        }
    }
}

impl Example for PasswordResetInput {
    fn example() -> Self {
        Self {
            token: samples::ONE_TIME_TOKEN.to_owned(),
            new_password: samples::NEW_PASSWORD.to_owned(),
        }
    }
}

impl Example for EmailConfirmationInput {
    fn example() -> Self {
        Self {
            token: samples::ONE_TIME_TOKEN.to_owned(),
        }
    }
}

impl Example for ProfileChangeInput {
    fn example() -> Self {
        Self {
            full_name: FullNameInput::try_new(samples::FULL_NAME),
            email: EmailInput::try_new(samples::NEW_EMAIL),
        }
    }
}

impl Example for OneTimeTokenView {
    fn example() -> Self {
        Self {
            token: samples::ONE_TIME_TOKEN.to_owned(),
            expires_at: samples::time(),
        }
    }
}
