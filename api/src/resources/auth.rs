//! `/v1/auth`: become a customer, sign in.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service::Services;
use service::identity::{AccessToken, Registration, check_password};

use super::Tag;
use super::users::UserView;
use super::wallet_view::WalletView;
use crate::fields::Input;
use crate::problem::{ApiResult, Problem};
use crate::samples;
use crate::wire::{CURRENCY_EXPECTED, Created, EmailInput, FullNameInput, Json, Located, currency_of};

/// The handlers of `/v1/auth`.
pub struct AuthApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// What a person gives to become a customer.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "Registration", example)]
#[serde(deny_unknown_fields)]
pub struct RegistrationInput {
    /// Stored and compared in lower case and in the Unicode form NFC. Any script; only visible characters.
    email: EmailInput,
    /// 12 to 128 characters.
    #[oai(validator(min_length = 12, max_length = 128))]
    password: String,
    /// 1 to 200 visible characters, stored in the Unicode form NFC.
    full_name: FullNameInput,
    /// ISO 4217; the currency of the first wallet, the server's own by default.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

/// A new customer and their first wallet.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RegisteredUser")]
pub struct RegisteredView {
    user: UserView,
    wallet: WalletView,
}

/// Sign-in data.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "Credentials", example)]
#[serde(deny_unknown_fields)]
pub struct CredentialsInput {
    #[oai(validator(max_length = 254))]
    email: String,
    #[oai(validator(max_length = 128))]
    password: String,
}

/// An access token for the Authorization header.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Token", example)]
pub struct TokenView {
    access_token: String,
    /// Always `Bearer`.
    #[oai(validator(pattern = "^Bearer$"))]
    token_type: String,
    /// Seconds until the access token is refused.
    expires_in: i64,
}

#[OpenApi(prefix_path = "/v1/auth", tag = "Tag::Authentication")]
impl AuthApi {
    /// Become a customer
    ///
    /// Makes a user with the role customer and opens their first wallet. After `outcome_unknown` (503), signing in
    /// opens the wallet if the user is registered.
    #[oai(path = "/register", method = "post", operation_id = "auth_register")]
    async fn register(&self, body: Json<RegistrationInput>) -> ApiResult<Created<RegisteredView>> {
        let registration = body.0.try_into()?;
        let (user, wallet) = self.services.identity.register(registration).await?;
        Ok(Created(RegisteredView {
            user: user.into(),
            wallet: wallet.into(),
        }))
    }

    /// Sign in
    ///
    /// Gives an access token for 15 minutes. A wrong password and an unknown e-mail address get the same answer.
    #[oai(path = "/login", method = "post", operation_id = "auth_login")]
    async fn login(&self, body: Json<CredentialsInput>) -> ApiResult<Json<TokenView>> {
        let CredentialsInput { email, password } = body.0;
        let token = self.services.identity.sign_in(&email, password.into()).await?;
        Ok(Json(token.into()))
    }
}

/// The new user can read this path once they have signed in.
impl Located for RegisteredView {
    fn location(&self) -> String {
        "/v1/users/me".to_owned()
    }
}

impl Input for RegistrationInput {
    fn refusal(&self) -> Option<&'static str> {
        let is_password = check_password(&self.password.as_str().into()).is_ok();
        let is_known = |code: &String| currency_of(code).is_ok();
        if !is_password {
            Some("must have 12 to 128 characters")
        } else if !self.currency.as_ref().is_none_or(is_known) {
            Some(CURRENCY_EXPECTED)
        } else {
            None
        }
    }
}

impl Input for CredentialsInput {}

impl TryFrom<RegistrationInput> for Registration {
    type Error = Problem;

    fn try_from(input: RegistrationInput) -> Result<Self, Problem> {
        let currency = input.currency.as_deref().map(currency_of).transpose()?;
        Ok(Self {
            email: input.email.0,
            password: input.password.into(),
            full_name: input.full_name.0,
            currency,
        })
    }
}

impl From<AccessToken> for TokenView {
    fn from(token: AccessToken) -> Self {
        Self {
            access_token: token.token.expose_secret().to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: token.expires_in_s,
        }
    }
}

impl Example for RegistrationInput {
    fn example() -> Self {
        Self {
            email: EmailInput::try_new(samples::EMAIL).expect("the sample is an e-mail address"),
            password: samples::PASSWORD.to_owned(),
            full_name: FullNameInput::try_new(samples::FULL_NAME).expect("the sample is a name"),
            currency: Some("USD".to_owned()),
        }
    }
}

impl Example for CredentialsInput {
    fn example() -> Self {
        Self {
            email: samples::EMAIL.to_owned(),
            password: samples::PASSWORD.to_owned(),
        }
    }
}

impl Example for TokenView {
    fn example() -> Self {
        Self {
            access_token: "eyJhbGciOiJIUzI1NiJ9...".to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: 900,
        }
    }
}
