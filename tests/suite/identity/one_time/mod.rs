//! One-time tokens: who makes one for whom, what it does once, what ends it, and that it comes by mail.

mod mails;
mod makers;
mod profile;
mod recipients;
mod uses;

use std::sync::Arc;

use harness::{SmtpServer, TestBank};
use secrecy::SecretString;
use service::Services;
use service::actor::Actor;
use service::identity::{Email, FullName, IdentityError, OneTimeToken, ProfileChange};
use service::values::UserId;

use super::client;

const NEW_PASSWORD: &str = "violet tractor under glass";
const OTHER_PASSWORD: &str = "seven lamps behind a door";

fn address(text: &str) -> Email {
    Email::try_new(text).expect("a test's address is one")
}

async fn made_for(services: &Services, maker: &Actor, user: UserId) -> OneTimeToken {
    let made = services.identity.make_reset_token(maker, user).await;
    made.unwrap_or_else(|error| panic!("no token is made: {error}"))
}

async fn reset(services: &Services, token: &SecretString, password: &str) -> Result<(), IdentityError> {
    services
        .identity
        .reset_password(token, password.into(), &client())
        .await
}

async fn confirm(services: &Services, token: &SecretString) -> Result<(), IdentityError> {
    services.identity.confirm_email(token, &client()).await
}

fn to_email(text: &str) -> ProfileChange {
    ProfileChange {
        email: Some(address(text)),
        ..ProfileChange::default()
    }
}

fn to_name(text: &str) -> ProfileChange {
    ProfileChange {
        full_name: Some(FullName::try_new(text).expect("a test's name is one")),
        ..ProfileChange::default()
    }
}

/// Fails unless the token is answered as one that is not valid.
#[track_caller]
fn is_no_token(done: Result<(), IdentityError>) {
    match done {
        Ok(()) => panic!("the token was used"),
        Err(IdentityError::InvalidOneTimeToken) => {}
        Err(error) => panic!("{error}"),
    }
}

/// How many lines the audit log has of an action: with an actor, and without one.
async fn lines(bank: &TestBank, action: &str) -> (usize, usize) {
    let lines = bank.lines_of(action).await;
    let with_actor = lines.iter().filter(|line| line.actor.is_some()).count();
    (with_actor, lines.len() - with_actor)
}

async fn stored(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM one_time_tokens").await
}

/// Another process on the same database, which sends its mails to a server.
async fn with_mail(bank: &TestBank, server: &SmtpServer) -> Arc<Services> {
    bank.replica_with(|config| config.mail = Some(server.config())).await
}
