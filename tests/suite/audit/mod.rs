//! The audit log: which line each change leaves, that refused changes leave none, and what no line tells.

mod api_keys;
mod failures;
mod identity;
mod imports;
mod mutations;
mod over_http;
mod secrets;
mod sessions;
mod starts;
mod stored;

use std::net::IpAddr;
use std::time::Duration;

use harness::TestBank;
use harness::audit::RecordedLine;
use harness::bank::PASSWORD;
use secrecy::{ExposeSecret, SecretString};
use service::Services;
use service::actor::{Actor, ClientInfo, Credential};
use service::identity::{Email, FullName, IdentityError, Registration, SessionTokens};
use service::values::{ImportKind, Role, SessionId};
use tokio::time::timeout;

const NEW_PASSWORD: &str = "violet tractor under glass";
const WRONG_PASSWORD: &str = "correct horse batterz";
const PATIENCE: Duration = Duration::from_secs(60);

/// The client of a request.
fn client() -> ClientInfo {
    ClientInfo::new(Some(IpAddr::from([192, 0, 2, 7])), Some("test/1")).asking("request-1")
}

/// Fails unless a line tells of that client.
#[track_caller]
fn is_from_client(line: &RecordedLine) {
    line.expect_client(Some("192.0.2.7"), Some("test/1"), Some("request-1"));
}

/// The same caller, with the client of a request.
fn calling(actor: &Actor) -> Actor {
    actor.clone().from_client(client())
}

/// A member of staff, who calls from the client.
async fn staff(bank: &TestBank, name: &str, role: Role) -> Actor {
    let user = bank.user(name, role).await;
    calling(&Actor::new(user.id, user.role))
}

fn email(text: &str) -> Email {
    Email::try_new(text).expect("a test's address is one")
}

fn registration(address: &str) -> Registration {
    Registration {
        email: email(address),
        password: SecretString::from(PASSWORD),
        full_name: FullName::try_new("Ana Lima").expect("this is a name"),
        currency: None,
    }
}

async fn try_sign_in(services: &Services, email: &str, password: &str) -> Result<SessionTokens, IdentityError> {
    services
        .identity
        .sign_in(email, SecretString::from(password), &client())
        .await
}

/// The tokens of a new session, and its actor, who calls from the client.
async fn sign_in(services: &Services, email: &str) -> (SessionTokens, Actor) {
    let tokens = try_sign_in(services, email, PASSWORD).await;
    let tokens = tokens.unwrap_or_else(|error| panic!("{email} cannot sign in: {error}"));
    let actor = services.identity.authenticate(tokens.access_token.expose_secret());
    (tokens, calling(&actor.expect("a new token is good")))
}

#[track_caller]
fn session_of(actor: &Actor) -> SessionId {
    match actor.credential {
        Credential::Session(id) => id,
        Credential::ApiKey(_) | Credential::Internal => panic!("no session: {actor:?}"),
    }
}

/// Waits until the uploads that were accepted are imported.
async fn until_imported(bank: &TestBank) {
    let look = async {
        while bank.services.imports.is_importing(ImportKind::Activities) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, look).await.expect("an import comes to its end");
}

/// Runs what must leave no line.
async fn leaves_no_line(bank: &TestBank, work: impl AsyncFnOnce()) {
    let before = bank.audit_lines().await;
    work().await;
    let after = bank.audit_lines().await;
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(new.is_empty(), "{new:?}");
}
