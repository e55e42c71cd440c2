//! Who is calling: registration, sign-in, sessions, one-time tokens.

mod admins;
mod api_keys;
mod askers;
mod ended_elsewhere;
mod keys;
mod one_time;
mod passwords;
mod refreshes;
mod registration;
mod sessions;
mod throttle;
mod user_list;

use std::net::IpAddr;
use std::sync::Arc;

use harness::TestBank;
use harness::bank::PASSWORD;
use secrecy::{ExposeSecret, SecretString};
use service::Services;
use service::actor::Actor;
use service::actor::ClientInfo;
use service::identity::{Email, FullName, IdentityError, SessionTokens, TokenError, User};
use service::values::Role;

fn client() -> ClientInfo {
    ClientInfo::new(Some(IpAddr::from([192, 0, 2, 7])), Some("test/1"))
}

async fn sign_in(services: &Services, email: &str) -> SessionTokens {
    let signed_in = try_sign_in(services, email, PASSWORD).await;
    signed_in.unwrap_or_else(|error| panic!("{email} cannot sign in: {error}"))
}

async fn try_sign_in(services: &Services, email: &str, password: &str) -> Result<SessionTokens, IdentityError> {
    services
        .identity
        .sign_in(email, SecretString::from(password), &client())
        .await
}

async fn refresh(services: &Services, token: &SecretString) -> Result<SessionTokens, IdentityError> {
    services.identity.refresh(token, &client()).await
}

async fn refreshed(services: &Services, token: &SecretString) -> SessionTokens {
    let refreshed = refresh(services, token).await;
    refreshed.unwrap_or_else(|error| panic!("the token is not exchanged: {error}"))
}

/// Fails unless the token is answered as one that is not valid.
#[track_caller]
fn is_refused(outcome: Result<SessionTokens, IdentityError>) {
    match outcome {
        Ok(_) => panic!("the token was exchanged"),
        Err(IdentityError::InvalidRefreshToken) => {}
        Err(error) => panic!("{error}"),
    }
}

fn authenticate(services: &Services, tokens: &SessionTokens) -> Result<Actor, TokenError> {
    services.identity.authenticate(tokens.access_token.expose_secret())
}

/// A user of any role.
async fn staff(bank: &TestBank, name: &str, role: Role) -> (User, Actor) {
    let email = Email::try_new(&format!("{name}@example.com")).expect("a test's name makes an address");
    let name = FullName::try_new(name).expect("a test's name is a name");
    let made = bank
        .services
        .identity
        .create_user(email, name, SecretString::from(PASSWORD), role)
        .await;
    let user = made.expect("a user can be made");
    let actor = Actor::new(user.id, user.role);
    (user, actor)
}

/// Two processes on the same database, neither of which watches for ended sessions.
async fn pair(bank: &TestBank) -> [Arc<Services>; 2] {
    [bank.services.clone(), bank.replica().await]
}

/// How many sessions ended for a reason.
async fn ended_for(bank: &TestBank, reason: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM sessions WHERE end_reason = '{reason}'");
    bank.number(&sql).await
}
