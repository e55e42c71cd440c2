//! What a token does, once; and what ends it.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{Backend, TestBank, all_at_once, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service::actor::ClientInfo;
use service::clock::Clock;
use service::identity::{IdentityError, TokenError};
use service::values::{Role, UserStatus};
use sha2::{Digest, Sha256};

use super::{NEW_PASSWORD, OTHER_PASSWORD, is_no_token, lines, made_for, reset, stored};
use crate::identity::{authenticate, client, ended_for, is_refused, pair, refresh, sign_in, staff, try_sign_in};

on_every_backend!(
    a_token_sets_a_password_once,
    a_token_ends_after_half_an_hour,
    a_newer_token_ends_the_older_one,
    uses_at_the_same_time_count_once,
    a_suspended_user_sets_no_password,
    a_weak_password_leaves_the_token,
    a_new_password_or_role_ends_the_token,
    only_a_digest_is_stored_and_not_for_long,
    wrong_tokens_are_throttled_by_address,
);

const ROUNDS: usize = 3;
/// Uses of one token at a time.
const USES: usize = 6;

async fn a_token_sets_a_password_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let tokens = sign_in(services, &ana.email).await;
    let made = made_for(services, &support, ana.actor.user).await;
    assert_eq!(made.expires_at, bank.clock.now() + TimeDelta::minutes(30));
    let text = made.token.expose_secret();
    assert!(
        text.starts_with("florin_ot_") && text.len() == 59,
        "{} characters",
        text.len()
    );
    authenticate(services, &tokens).expect("making a token ends no session");

    let done = reset(services, &made.token, NEW_PASSWORD).await;
    done.expect("the token is good");
    assert_eq!(authenticate(services, &tokens), Err(TokenError::Ended));
    is_refused(refresh(services, &tokens.refresh_token).await);
    assert_eq!(ended_for(&bank, "password_changed").await, 2, "all sessions have ended");
    assert!(try_sign_in(services, &ana.email, PASSWORD).await.is_err());
    assert!(try_sign_in(services, &ana.email, NEW_PASSWORD).await.is_ok());

    is_no_token(reset(services, &made.token, OTHER_PASSWORD).await);
    assert!(try_sign_in(services, &ana.email, NEW_PASSWORD).await.is_ok());
    assert_eq!(lines(&bank, "user.reset_requested").await, (1, 0));
    assert_eq!(lines(&bank, "user.password_reset").await, (0, 1));
    let line = bank.line_of("user.password_reset").await;
    assert_eq!(line.after, Some(json!({ "sessions_ended": 2 })));
    line.expect_client(Some("192.0.2.7"), Some("test/1"), None);
}

async fn a_token_ends_after_half_an_hour(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let made = made_for(services, &support, ana.actor.user).await;
    bank.advance(TimeDelta::minutes(30)).await;
    is_no_token(reset(services, &made.token, NEW_PASSWORD).await);
    let made = made_for(services, &support, ana.actor.user).await;
    bank.advance(TimeDelta::minutes(30) - TimeDelta::microseconds(1)).await;
    let done = reset(services, &made.token, NEW_PASSWORD).await;
    done.expect("it is good to its last moment");
}

async fn a_newer_token_ends_the_older_one(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let older = made_for(services, &support, ana.actor.user).await;
    let bens = made_for(services, &support, ben.actor.user).await;
    let newer = made_for(services, &support, ana.actor.user).await;
    assert_eq!(stored(&bank).await, 2, "one a user");
    is_no_token(reset(services, &older.token, NEW_PASSWORD).await);
    for token in [&newer.token, &bens.token] {
        reset(services, token, NEW_PASSWORD).await.expect("it is the newest");
    }
    assert!(try_sign_in(services, &ben.email, NEW_PASSWORD).await.is_ok());
}

async fn uses_at_the_same_time_count_once(bank: Arc<TestBank>) {
    let replicas = pair(&bank).await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    for round in 0..ROUNDS {
        let (user, _) = staff(&bank, &format!("ana{round}"), Role::Customer).await;
        let made = made_for(&replicas[0], &support, user.id).await;
        let tries = (0..USES).map(|number| {
            let (services, token) = (&replicas[number % 2], &made.token);
            let password = [NEW_PASSWORD, OTHER_PASSWORD][number % 2];
            async move { reset(services, token, password).await }
        });
        let mut used = 0;
        for done in all_at_once(tries).await {
            match done {
                Ok(()) => used += 1,
                Err(IdentityError::InvalidOneTimeToken) => {}
                // Nothing happened.
                Err(IdentityError::Fault(fault)) if fault.is_conflict() => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(used, 1);
        let mut good = 0;
        for password in [NEW_PASSWORD, OTHER_PASSWORD] {
            good += usize::from(try_sign_in(&replicas[0], &user.email, password).await.is_ok());
        }
        assert_eq!(good, 1, "one password is set");
    }
    assert_eq!(lines(&bank, "user.password_reset").await, (0, ROUNDS));
    replicas[1].stop().await;
}

async fn a_suspended_user_sets_no_password(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let made = made_for(services, &support, ana.actor.user).await;
    // Not by the bank, which deletes the token.
    let set = |status: &str| format!("UPDATE users SET status = '{status}' WHERE email = 'ana@example.com'");
    bank.execute(&set("suspended")).await;
    is_no_token(reset(services, &made.token, NEW_PASSWORD).await);
    bank.execute(&set("active")).await;

    let suspended = services.identity.suspend(&support, ana.actor.user).await;
    assert_eq!(suspended.expect("ana can be suspended").status, UserStatus::Suspended);
    is_no_token(reset(services, &made.token, NEW_PASSWORD).await);
    let activated = services.identity.activate(&support, ana.actor.user).await;
    activated.expect("ana can be activated");
    is_no_token(reset(services, &made.token, NEW_PASSWORD).await);
    assert!(try_sign_in(services, &ana.email, PASSWORD).await.is_ok());
    assert_eq!(lines(&bank, "user.password_reset").await, (0, 0));
}

async fn a_weak_password_leaves_the_token(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let made = made_for(services, &support, ana.actor.user).await;
    for weak in ["short", "password1234", "ana@example.com"] {
        let refused = reset(services, &made.token, weak).await;
        assert!(
            matches!(refused, Err(IdentityError::WeakPassword(_))),
            "{weak}: {refused:?}"
        );
    }
    assert!(try_sign_in(services, &ana.email, PASSWORD).await.is_ok());
    let done = reset(services, &made.token, NEW_PASSWORD).await;
    done.expect("the token is good still");
}

async fn a_new_password_or_role_ends_the_token(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    for what in ["changed", "set", "role"] {
        let (user, actor) = staff(&bank, what, Role::Customer).await;
        let made = made_for(services, &support, user.id).await;
        let identity = &services.identity;
        let done = match what {
            "changed" => {
                let (old, new) = (PASSWORD.into(), OTHER_PASSWORD.into());
                identity.change_password(&actor, old, new, &client()).await
            }
            "set" => identity.set_password(&admin, user.id, OTHER_PASSWORD.into()).await,
            // Otherwise support could take over an admin.
            _ => identity.set_role(&admin, user.id, Role::Admin).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{what}: {error}"));
        is_no_token(reset(services, &made.token, NEW_PASSWORD).await);
    }
    assert_eq!(stored(&bank).await, 0);
}

async fn only_a_digest_is_stored_and_not_for_long(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let services = &bank.services;
    let made = made_for(services, &support, ana.actor.user).await;
    let digest = Sha256::digest(made.token.expose_secret());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = match bank.backend {
        Backend::Postgres => "encode(digest, 'hex')",
        Backend::Sqlite => "lower(hex(digest))",
    };
    let sql = format!("SELECT count(*) AS n FROM one_time_tokens WHERE {hex} = '{digest}' AND email IS NULL");
    assert_eq!(bank.number(&sql).await, 1);

    bank.advance(TimeDelta::minutes(29)).await;
    assert_eq!(services.identity.delete_expired_tokens().await.ok(), Some(0));
    bank.advance(TimeDelta::minutes(1)).await;
    assert_eq!(services.identity.delete_expired_tokens().await.ok(), Some(1));
    assert_eq!(stored(&bank).await, 0);
}

async fn wrong_tokens_are_throttled_by_address(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let identity = &bank.services.identity;
    let made = made_for(&bank.services, &support, ana.actor.user).await;
    let wrong = SecretString::from("florin_ot_of_nothing");
    let from = |text: &str| ClientInfo::new(text.parse().ok(), None);
    for _ in 0..50 {
        is_no_token(identity.confirm_email(&wrong, &from("192.0.2.1")).await);
    }
    let good = identity
        .reset_password(&made.token, NEW_PASSWORD.into(), &from("192.0.2.1"))
        .await;
    assert!(matches!(good, Err(IdentityError::Throttled { .. })), "{good:?}");
    let elsewhere = identity
        .reset_password(&made.token, NEW_PASSWORD.into(), &from("192.0.2.2"))
        .await;
    elsewhere.expect("another address is not concerned");
}
