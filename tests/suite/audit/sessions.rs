//! Sessions: where one began, and every end that is not part of another change.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use secrecy::SecretString;
use serde_json::json;
use service::identity::{IdentityError, LIVE_MAX};
use service::values::SessionId;
use uuid::Uuid;

use super::{client, is_from_client, leaves_no_line, session_of, sign_in, try_sign_in};
use crate::requests::quiet_customer;

on_every_backend!(
    a_sign_in_leaves_a_line,
    signing_out_leaves_a_line_for_each_session,
    sessions_that_their_owner_ends_leave_a_line_each,
    the_oldest_of_too_many_sessions_leaves_a_line,
    a_refresh_leaves_no_line_and_a_reused_token_one,
);

async fn a_sign_in_leaves_a_line(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, here) = sign_in(&bank.services, "ana@example.com").await;
    let line = bank.line_of("user.signed_in").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(ana.user), None, Some(ana.user))
    );
    line.expect_subject("session", session_of(&here).0);
    is_from_client(&line);
    assert_eq!((line.before, line.after, line.email_digest), (None, None, None));
    assert_eq!(bank.lines_of("user.sign_in_failed").await, []);
}

async fn signing_out_leaves_a_line_for_each_session(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, here) = sign_in(&bank.services, "ana@example.com").await;
    let (other, there) = sign_in(&bank.services, "ana@example.com").await;
    let identity = &bank.services.identity;
    let sign_out = async || {
        let signed_out = identity.sign_out(&here, Some(&other.refresh_token)).await;
        signed_out.expect("ana can sign out");
    };
    sign_out().await;
    let lines = bank.lines_of("session.ended").await;
    let subjects: BTreeSet<_> = lines.iter().filter_map(|line| line.subject.clone()).collect();
    let expected = [&here, &there].map(|actor| ("session".to_owned(), session_of(actor).0));
    assert_eq!((lines.len(), subjects), (2, expected.into()));
    for line in lines {
        assert_eq!(
            (line.actor, line.api_key, line.person),
            (Some(ana.user), None, Some(ana.user))
        );
        is_from_client(&line);
        assert_eq!(
            (line.before, line.after),
            (None, Some(json!({ "reason": "signed_out" })))
        );
    }
    // Both have ended already.
    leaves_no_line(&bank, sign_out).await;
}

async fn sessions_that_their_owner_ends_leave_a_line_each(bank: Arc<TestBank>) {
    quiet_customer(&bank, "ana").await;
    let identity = &bank.services.identity;
    let (_, here) = sign_in(&bank.services, "ana@example.com").await;
    let (_, there) = sign_in(&bank.services, "ana@example.com").await;
    identity
        .end_session(&here, session_of(&there))
        .await
        .expect("ana can end it");
    let line = bank.line_of("session.ended").await;
    assert_eq!((line.actor, line.person), (Some(here.user), Some(here.user)));
    line.expect_subject("session", session_of(&there).0);
    is_from_client(&line);
    assert_eq!(line.after, Some(json!({ "reason": "ended_by_owner" })));
    leaves_no_line(&bank, async || {
        for id in [session_of(&there), SessionId(Uuid::from_u128(7))] {
            let unknown = identity.end_session(&here, id).await;
            assert!(matches!(unknown, Err(IdentityError::SessionNotFound)), "{unknown:?}");
        }
    })
    .await;
    sign_in(&bank.services, "ana@example.com").await;
    identity.end_sessions(&here).await.expect("ana can end all");
    assert_eq!(bank.lines_of("session.ended").await.len(), 3);
    leaves_no_line(&bank, async || {
        identity.end_sessions(&here).await.expect("there is none");
    })
    .await;
}

async fn the_oldest_of_too_many_sessions_leaves_a_line(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let mut oldest = None;
    for _ in 0..LIVE_MAX {
        // Otherwise all of them are equally old.
        bank.advance(TimeDelta::milliseconds(1)).await;
        let (_, actor) = sign_in(&bank.services, "ana@example.com").await;
        oldest = oldest.or(Some(session_of(&actor)));
    }
    assert_eq!(bank.lines_of("session.ended").await, []);
    bank.advance(TimeDelta::milliseconds(1)).await;
    sign_in(&bank.services, "ana@example.com").await;
    let line = bank.line_of("session.ended").await;
    let oldest = oldest.expect("there is one");
    assert_eq!((line.actor, line.person), (Some(ana.user), Some(ana.user)));
    line.expect_subject("session", oldest.0);
    is_from_client(&line);
    assert_eq!((line.before, line.after), (None, Some(json!({ "reason": "too_many" }))));
}

async fn a_refresh_leaves_no_line_and_a_reused_token_one(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let identity = &bank.services.identity;
    let (first, here) = sign_in(&bank.services, "ana@example.com").await;
    leaves_no_line(&bank, async || {
        let refreshed = identity.refresh(&first.refresh_token, &client()).await;
        assert!(refreshed.is_ok(), "a new token is exchanged");
        let forged = identity
            .refresh(&SecretString::from("florin_rt_forged"), &client())
            .await;
        assert!(matches!(forged.err(), Some(IdentityError::InvalidRefreshToken)));
    })
    .await;
    bank.advance(TimeDelta::seconds(11)).await;
    let reuse = async || {
        let reused = identity.refresh(&first.refresh_token, &client()).await;
        assert!(matches!(reused.err(), Some(IdentityError::InvalidRefreshToken)));
    };
    reuse().await;
    let line = bank.line_of("session.token_reused").await;
    // It is not known whether it was ana or a thief.
    assert_eq!((line.actor, line.api_key, line.person), (None, None, Some(ana.user)));
    line.expect_subject("session", session_of(&here).0);
    is_from_client(&line);
    assert_eq!((line.before, line.after), (None, None));
    assert_eq!(bank.lines_of("session.ended").await, []);
    leaves_no_line(&bank, reuse).await;
    assert!(try_sign_in(&bank.services, "ana@example.com", PASSWORD).await.is_ok());
}
