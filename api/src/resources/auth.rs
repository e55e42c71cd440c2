//! `/v1/auth`: become a customer, sign in, go on with a session, sign out.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service::Services;
use service::identity::{IdentityError, Registration, SessionTokens, check_password};

use super::Tag;
use super::users::UserView;
use super::wallet_view::WalletView;
use crate::auth::Session;
use crate::client::RequestClient;
use crate::fields::Input;
use crate::problem::{ApiResult, Problem};
use crate::samples;
use crate::wire::{
    CURRENCY_EXPECTED, Created, EmailInput, FullNameInput, Json, JsonOrNothing, Located, NoContent, SessionMode,
    SetCookie, WithCookie, currency_of,
};

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

/// A refresh token.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "RefreshRequest", example)]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    /// The newest refresh token of the session. Missing where the token is in the cookie.
    #[oai(validator(max_length = 200))]
    refresh_token: Option<String>,
}

/// The tokens of a session: one for the Authorization header, one to get the next two. It has no Debug, so that no log can
/// show them.
#[derive(Object, Serialize)]
#[oai(rename = "Token", example)]
pub struct TokenView {
    access_token: String,
    /// Always `Bearer`.
    #[oai(validator(pattern = "^Bearer$"))]
    token_type: String,
    /// Seconds until the access token is refused.
    expires_in: i64,
    /// Can be exchanged once for the next tokens. Null where it is in the cookie.
    refresh_token: Option<String>,
    /// Seconds until the session ends, and with it every refresh token of it.
    refresh_expires_in: i64,
}

#[OpenApi(prefix_path = "/v1/auth", tag = "Tag::Authentication")]
impl AuthApi {
    /// Become a customer
    ///
    /// Makes a user with the role customer and opens their first wallet. After `outcome_unknown` (503), signing in
    /// opens the wallet if the user is registered.
    #[oai(path = "/register", method = "post", operation_id = "auth_register")]
    async fn register(
        &self,
        client: RequestClient,
        body: Json<RegistrationInput>,
    ) -> ApiResult<Created<RegisteredView>> {
        let registration = body.0.try_into()?;
        let registrations = &self.services.identity.throttles().registrations;
        registrations
            .count(client.0.address)
            .await
            .map_err(IdentityError::from)?;
        let (user, wallet) = self.services.identity.register(registration, &client.0).await?;
        Ok(Created(RegisteredView {
            user: user.into(),
            wallet: wallet.into(),
        }))
    }

    /// Sign in
    ///
    /// Begins a session: an access token for 15 minutes, and a refresh token to get the next ones for 30 days. A wrong
    /// password and an unknown e-mail address get the same answer.
    #[oai(path = "/login", method = "post", operation_id = "auth_login")]
    async fn login(
        &self,
        client: RequestClient,
        /// `cookie`, to get the refresh token in a cookie that scripts of a page cannot read.
        #[oai(name = "X-Florin-Session")]
        mode: SessionMode,
        body: Json<CredentialsInput>,
    ) -> ApiResult<WithCookie<Json<TokenView>>> {
        let CredentialsInput { email, password } = body.0;
        let identity = &self.services.identity;
        let tokens = identity.sign_in(&email, password.into(), &client.0).await?;
        Ok(answer(&tokens, &mode))
    }

    /// Get the next tokens
    ///
    /// Exchanges a refresh token, once. The same token gets the same successor again for 10 s, while the successor is not
    /// used: after a lost answer, or from a second tab. Later it ends the session, since one of the two who have it may
    /// have stolen it.
    #[oai(path = "/refresh", method = "post", operation_id = "auth_refresh")]
    async fn refresh(
        &self,
        client: RequestClient,
        /// `cookie`, where the refresh token is in the cookie. Without it the cookie is ignored.
        #[oai(name = "X-Florin-Session")]
        mode: SessionMode,
        body: JsonOrNothing<RefreshInput>,
    ) -> ApiResult<WithCookie<Json<TokenView>>> {
        let token = match (&mode, body.0.token()) {
            (SessionMode::Cookie(Some(token)), _) => token.clone(),
            (SessionMode::Cookie(None), _) => return Err(IdentityError::InvalidRefreshToken.into()),
            (SessionMode::Body, Some(token)) => token,
            (SessionMode::Body, None) => {
                return Err(Problem::invalid_field("refresh_token", "this field is required"));
            }
        };
        let tokens = self.services.identity.refresh(&token, &client.0).await?;
        Ok(answer(&tokens, &mode))
    }

    /// Sign out
    ///
    /// Ends this session: its access and refresh tokens are refused from now on, by other servers of the bank within one
    /// second. With a refresh token of another session of yours, that one ends, too.
    #[oai(path = "/logout", method = "post", operation_id = "auth_logout")]
    async fn logout(
        &self,
        Session(actor): Session,
        /// `cookie`, where the refresh token is in the cookie. Without it the cookie is ignored.
        #[oai(name = "X-Florin-Session")]
        mode: SessionMode,
        body: JsonOrNothing<RefreshInput>,
    ) -> ApiResult<WithCookie<NoContent>> {
        let (token, cookie) = match mode {
            SessionMode::Cookie(token) => (token, SetCookie::forget()),
            SessionMode::Body => (body.0.token(), None),
        };
        self.services.identity.sign_out(&actor, token.as_ref()).await?;
        Ok(WithCookie {
            answer: NoContent,
            cookie,
        })
    }
}

/// Puts the refresh token where the caller wants it: into the body, or into the cookie and nowhere else.
fn answer(tokens: &SessionTokens, mode: &SessionMode) -> WithCookie<Json<TokenView>> {
    let (in_body, cookie) = match mode {
        SessionMode::Body => (Some(tokens.refresh_token.expose_secret().to_owned()), None),
        SessionMode::Cookie(_) => {
            let cookie = SetCookie::keep(&tokens.refresh_token, tokens.refresh_expires_in_s);
            (None, cookie)
        }
    };
    let view = TokenView {
        access_token: tokens.access_token.expose_secret().to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: tokens.expires_in_s,
        refresh_token: in_body,
        refresh_expires_in: tokens.refresh_expires_in_s,
    };
    WithCookie {
        answer: Json(view),
        cookie,
    }
}

impl RefreshInput {
    fn token(self) -> Option<SecretString> {
        self.refresh_token.map(SecretString::from)
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
impl Input for RefreshInput {}

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

impl Example for RefreshInput {
    fn example() -> Self {
        Self {
            refresh_token: Some(samples::REFRESH_TOKEN.to_owned()),
        }
    }
}

impl Example for TokenView {
    fn example() -> Self {
        Self {
            access_token: "eyJhbGciOiJFZERTQSJ9...".to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: 900,
            refresh_token: Some(samples::REFRESH_TOKEN.to_owned()),
            refresh_expires_in: 2_592_000,
        }
    }
}
