//! Refresh tokens: exchanged once, given again for 10 s, and what a second use of one does.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, all_at_once, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use service::identity::{SESSION_LIFE, SessionTokens, TokenError};

use super::{authenticate, ended_for, is_refused, pair, refresh, refreshed, sign_in};

on_every_backend!(
    a_refresh_token_is_exchanged_once,
    a_repeat_gets_the_same_successor_for_ten_seconds,
    a_repeat_after_ten_seconds_ends_the_session,
    a_repeat_after_the_successor_was_used_ends_the_session,
    fifty_refreshes_at_once_make_one_step,
    a_forged_token_leaves_the_session_alone,
    a_session_ends_after_thirty_days,
);

async fn generation(bank: &TestBank) -> i64 {
    bank.number("SELECT max(generation) AS n FROM sessions").await
}

fn same(one: &SessionTokens, other: &SessionTokens) -> bool {
    one.refresh_token.expose_secret() == other.refresh_token.expose_secret()
}

async fn a_refresh_token_is_exchanged_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = sign_in(&bank.services, &ana.email).await;
    assert!(first.refresh_token.expose_secret().starts_with("florin_rt_"));
    assert_eq!(first.refresh_expires_in_s, SESSION_LIFE.num_seconds());
    let second = refreshed(&bank.services, &first.refresh_token).await;
    assert!(!same(&first, &second));
    let third = refreshed(&bank.services, &second.refresh_token).await;
    assert!(!same(&second, &third));
    for tokens in [&first, &second, &third] {
        assert_eq!(
            authenticate(&bank.services, tokens).map(|actor| actor.user),
            Ok(ana.actor.user)
        );
    }
    assert_eq!(generation(&bank).await, 2);
}

async fn a_repeat_gets_the_same_successor_for_ten_seconds(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = sign_in(&bank.services, &ana.email).await;
    let second = refreshed(&bank.services, &first.refresh_token).await;
    bank.advance(TimeDelta::seconds(10)).await;
    for services in pair(&bank).await {
        let again = refreshed(&services, &first.refresh_token).await;
        assert!(same(&second, &again), "a repeat gets another successor");
        assert!(authenticate(&services, &again).is_ok());
    }
    assert_eq!(generation(&bank).await, 1);
    refreshed(&bank.services, &second.refresh_token).await;
}

async fn a_repeat_after_ten_seconds_ends_the_session(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = sign_in(&bank.services, &ana.email).await;
    let second = refreshed(&bank.services, &first.refresh_token).await;
    bank.advance(TimeDelta::milliseconds(10_001)).await;
    is_refused(refresh(&bank.services, &first.refresh_token).await);
    is_refused(refresh(&bank.services, &second.refresh_token).await);
    for tokens in [&first, &second] {
        assert_eq!(authenticate(&bank.services, tokens), Err(TokenError::Ended));
    }
    assert_eq!(ended_for(&bank, "token_reused").await, 1);
}

async fn a_repeat_after_the_successor_was_used_ends_the_session(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let other = sign_in(&bank.services, &ana.email).await;
    let first = sign_in(&bank.services, &ana.email).await;
    let second = refreshed(&bank.services, &first.refresh_token).await;
    let third = refreshed(&bank.services, &second.refresh_token).await;
    is_refused(refresh(&bank.services, &first.refresh_token).await);
    is_refused(refresh(&bank.services, &third.refresh_token).await);
    for tokens in [&first, &second, &third] {
        assert_eq!(authenticate(&bank.services, tokens), Err(TokenError::Ended));
    }
    // The user's other session is another family.
    assert!(authenticate(&bank.services, &other).is_ok());
    refreshed(&bank.services, &other.refresh_token).await;
}

async fn fifty_refreshes_at_once_make_one_step(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let [here, there] = pair(&bank).await;
    let first = sign_in(&here, &ana.email).await;
    let calls = (0..50).map(|number| {
        let services = if number % 2 == 0 { &here } else { &there };
        refresh(services, &first.refresh_token)
    });
    let outcomes = all_at_once(calls).await;
    let tokens: Vec<SessionTokens> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|error| panic!("a refresh fails: {error}")))
        .collect();
    assert!(tokens.iter().all(|other| same(&tokens[0], other)));
    assert_eq!(generation(&bank).await, 1);
    refreshed(&there, &tokens[0].refresh_token).await;
}

async fn a_forged_token_leaves_the_session_alone(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = sign_in(&bank.services, &ana.email).await;
    let second = refreshed(&bank.services, &first.refresh_token).await;
    let third = refreshed(&bank.services, &second.refresh_token).await;
    for genuine in [&first, &second, &third] {
        let text = genuine.refresh_token.expose_secret();
        let last = if text.ends_with('A') { "Q" } else { "A" };
        let changed_secret = format!("{}{last}", &text[..text.len() - 1]);
        let changed_secret_inside = {
            let (head, tail) = text.split_at(60);
            let other = if tail.starts_with('B') { "C" } else { "B" };
            format!("{head}{other}{}", &tail[1..])
        };
        for forged in [
            changed_secret,
            changed_secret_inside,
            text[..40].to_owned(),
            format!("{text}x"),
        ] {
            is_refused(refresh(&bank.services, &SecretString::from(forged)).await);
        }
    }
    is_refused(refresh(&bank.services, &SecretString::from("florin_rt_")).await);
    assert!(authenticate(&bank.services, &third).is_ok());
    refreshed(&bank.services, &third.refresh_token).await;
}

async fn a_session_ends_after_thirty_days(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let mut tokens = sign_in(&bank.services, &ana.email).await;
    for _ in 0..29 {
        bank.advance(TimeDelta::days(1)).await;
        tokens = refreshed(&bank.services, &tokens.refresh_token).await;
    }
    assert_eq!(tokens.refresh_expires_in_s, TimeDelta::days(1).num_seconds());
    bank.advance(TimeDelta::days(1)).await;
    is_refused(refresh(&bank.services, &tokens.refresh_token).await);
    let listed = bank.services.identity.sessions(ana.actor.user).await;
    assert!(listed.expect("sessions can be listed").is_empty());
}
