//! The ends of sessions, and how many a user may have.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use service::identity::{IdentityError, LIVE_MAX, SESSION_LIFE, SessionTokens, TokenError};
use service::values::{Role, SessionId};

use super::{authenticate, client, ended_for, is_refused, refresh, refreshed, sign_in, staff, try_sign_in};

on_every_backend!(
    signing_out_ends_this_session_only,
    signing_out_ends_the_session_of_the_refresh_token_too,
    a_new_password_ends_the_other_sessions,
    a_wrong_old_password_changes_nothing,
    a_suspended_user_is_out_at_once,
    a_new_role_ends_all_sessions,
    a_user_has_fifty_sessions_at_most,
    a_failed_sign_in_begins_no_session,
    sessions_are_ended_one_by_one_or_together,
    another_users_session_does_not_exist,
    a_sign_in_beside_a_suspension_leaves_no_session,
    old_sessions_are_deleted,
    no_token_and_no_hash_is_shown,
);

async fn live(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL")
        .await
}

/// A later session, so that the order of the two is known: the clock stands still otherwise.
async fn sign_in_later(bank: &TestBank, email: &str) -> SessionTokens {
    bank.advance(TimeDelta::milliseconds(1)).await;
    sign_in(&bank.services, email).await
}

async fn signing_out_ends_this_session_only(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, other) = (
        sign_in(&bank.services, &ana.email).await,
        sign_in(&bank.services, &ana.email).await,
    );
    let actor = authenticate(&bank.services, &here).expect("a new token is good");
    let signed_out = bank.services.identity.sign_out(&actor, None).await;
    signed_out.expect("a user can sign out");
    assert_eq!(authenticate(&bank.services, &here), Err(TokenError::Ended));
    is_refused(refresh(&bank.services, &here.refresh_token).await);
    assert!(authenticate(&bank.services, &other).is_ok());
    refreshed(&bank.services, &other.refresh_token).await;
}

async fn signing_out_ends_the_session_of_the_refresh_token_too(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let [here, other, bens] = [
        sign_in(&bank.services, &ana.email).await,
        sign_in(&bank.services, &ana.email).await,
        sign_in(&bank.services, &ben.email).await,
    ];
    let actor = authenticate(&bank.services, &here).expect("a new token is good");
    for token in [&other.refresh_token, &bens.refresh_token] {
        let signed_out = bank.services.identity.sign_out(&actor, Some(token)).await;
        signed_out.expect("a user can sign out");
    }
    for tokens in [&here, &other] {
        assert_eq!(authenticate(&bank.services, tokens), Err(TokenError::Ended));
    }
    assert!(
        authenticate(&bank.services, &bens).is_ok(),
        "another user is signed out"
    );
}

async fn a_new_password_ends_the_other_sessions(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, other) = (
        sign_in(&bank.services, &ana.email).await,
        sign_in(&bank.services, &ana.email).await,
    );
    let actor = authenticate(&bank.services, &here).expect("a new token is good");
    let new = "violet tractor under glass";
    let identity = &bank.services.identity;
    identity
        .change_password(&actor, PASSWORD.into(), new.into(), &client())
        .await
        .expect("a password can be changed");
    assert_eq!(authenticate(&bank.services, &other), Err(TokenError::Ended));
    is_refused(refresh(&bank.services, &other.refresh_token).await);
    assert!(authenticate(&bank.services, &here).is_ok());
    refreshed(&bank.services, &here.refresh_token).await;
    assert!(matches!(
        try_sign_in(&bank.services, &ana.email, PASSWORD).await,
        Err(IdentityError::InvalidCredentials)
    ));
    assert!(try_sign_in(&bank.services, &ana.email, new).await.is_ok());
}

async fn a_wrong_old_password_changes_nothing(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let other = sign_in(&bank.services, &ana.email).await;
    let identity = &bank.services.identity;
    let wrong = identity
        .change_password(
            &ana.actor,
            "correct horse batterz".into(),
            "violet tractor under glass".into(),
            &client(),
        )
        .await;
    assert!(matches!(wrong, Err(IdentityError::InvalidCredentials)));
    let weak = identity
        .change_password(&ana.actor, PASSWORD.into(), "short".into(), &client())
        .await;
    assert!(matches!(weak, Err(IdentityError::WeakPassword(_))));
    assert!(authenticate(&bank.services, &other).is_ok());
    sign_in(&bank.services, &ana.email).await;
}

async fn a_suspended_user_is_out_at_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, support) = staff(&bank, "support", Role::Support).await;
    let (one, two) = (
        sign_in(&bank.services, &ana.email).await,
        sign_in(&bank.services, &ana.email).await,
    );
    let identity = &bank.services.identity;
    let suspended = identity.suspend(&support, ana.actor.user).await;
    assert_eq!(suspended.expect("a user can be suspended").status.as_str(), "suspended");
    for tokens in [&one, &two] {
        assert_eq!(authenticate(&bank.services, tokens), Err(TokenError::Ended));
        is_refused(refresh(&bank.services, &tokens.refresh_token).await);
    }
    assert!(matches!(
        try_sign_in(&bank.services, &ana.email, PASSWORD).await,
        Err(IdentityError::InvalidCredentials)
    ));
    identity
        .activate(&support, ana.actor.user)
        .await
        .expect("a user can be activated");
    assert_eq!(
        authenticate(&bank.services, &one),
        Err(TokenError::Ended),
        "no session comes back"
    );
    assert!(authenticate(&bank.services, &sign_in(&bank.services, &ana.email).await).is_ok());
}

async fn a_new_role_ends_all_sessions(bank: Arc<TestBank>) {
    let (operator, _) = staff(&bank, "oda", Role::Operator).await;
    let (_, admin) = staff(&bank, "admin", Role::Admin).await;
    let old = sign_in(&bank.services, &operator.email).await;
    let changed = bank
        .services
        .identity
        .set_role(&admin, operator.id, Role::Auditor)
        .await;
    assert_eq!(changed.expect("a role can be changed").role, Role::Auditor);
    assert_eq!(authenticate(&bank.services, &old), Err(TokenError::Ended));
    is_refused(refresh(&bank.services, &old.refresh_token).await);
    let new = sign_in(&bank.services, &operator.email).await;
    let actor = authenticate(&bank.services, &new).expect("a new token is good");
    assert_eq!(actor.role, Role::Auditor);
    // The same role again changes nothing.
    let again = bank
        .services
        .identity
        .set_role(&admin, operator.id, Role::Auditor)
        .await;
    again.expect("nothing is to be done");
    assert!(authenticate(&bank.services, &new).is_ok());
}

async fn a_user_has_fifty_sessions_at_most(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    // The harness has signed ana in once.
    let first = sign_in_later(&bank, &ana.email).await;
    for _ in 2..LIVE_MAX {
        sign_in_later(&bank, &ana.email).await;
    }
    assert_eq!((live(&bank).await, ended_for(&bank, "too_many").await), (50, 0));
    for expected in [1, 2] {
        sign_in_later(&bank, &ana.email).await;
        assert_eq!((live(&bank).await, ended_for(&bank, "too_many").await), (50, expected));
    }
    assert_eq!(authenticate(&bank.services, &first), Err(TokenError::Ended));
    let listed = bank.services.identity.sessions(ana.actor.user).await;
    let listed = listed.expect("sessions can be listed");
    assert_eq!(listed.len() as u64, LIVE_MAX);
    assert!(listed.is_sorted_by(|newer, older| newer.id > older.id));
}

async fn a_failed_sign_in_begins_no_session(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let before = bank.number("SELECT count(*) AS n FROM sessions").await;
    for (email, password) in [
        (ana.email.as_str(), "correct horse batterz"),
        ("nobody@example.com", PASSWORD),
    ] {
        assert!(matches!(
            try_sign_in(&bank.services, email, password).await,
            Err(IdentityError::InvalidCredentials)
        ));
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM sessions").await, before);
}

async fn sessions_are_ended_one_by_one_or_together(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let identity = &bank.services.identity;
    let [one, two, three] = [
        sign_in_later(&bank, &ana.email).await,
        sign_in_later(&bank, &ana.email).await,
        sign_in_later(&bank, &ana.email).await,
    ];
    let listed = identity.sessions(ana.actor.user).await.expect("sessions can be listed");
    assert_eq!(listed.len(), 4, "the harness has signed ana in, too");
    assert!(
        listed[..3]
            .iter()
            .all(|session| session.user_agent.as_deref() == Some("test/1"))
    );
    let newest = listed[0].id;
    identity.end_session(&ana.actor, newest).await.expect("it can be ended");
    assert_eq!(authenticate(&bank.services, &three), Err(TokenError::Ended));
    assert!(authenticate(&bank.services, &one).is_ok());
    let again = identity.end_session(&ana.actor, newest).await;
    assert!(matches!(again, Err(IdentityError::SessionNotFound)));
    identity.end_sessions(&ana.actor).await.expect("they can be ended");
    for tokens in [&one, &two] {
        assert_eq!(authenticate(&bank.services, tokens), Err(TokenError::Ended));
    }
    assert_eq!(live(&bank).await, 0);
}

async fn another_users_session_does_not_exist(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let identity = &bank.services.identity;
    let bens = identity.sessions(ben.actor.user).await.expect("sessions can be listed")[0].id;
    let unknown = SessionId(ana.actor.user.0);
    for id in [bens, unknown] {
        let ended = identity.end_session(&ana.actor, id).await;
        assert!(matches!(ended, Err(IdentityError::SessionNotFound)), "{ended:?}");
    }
    identity.end_sessions(&ana.actor).await.expect("one's own can be ended");
    assert_eq!(live(&bank).await, 1, "ben is still signed in");
}

async fn a_sign_in_beside_a_suspension_leaves_no_session(bank: Arc<TestBank>) {
    let (_, support) = staff(&bank, "support", Role::Support).await;
    let identity = &bank.services.identity;
    for round in 0..5 {
        let ana = bank.customer(&format!("ana{round}")).await;
        let ((), signed_in) = tokio::join!(
            async {
                identity
                    .suspend(&support, ana.actor.user)
                    .await
                    .expect("a user can be suspended");
            },
            try_sign_in(&bank.services, &ana.email, PASSWORD)
        );
        let listed = identity.sessions(ana.actor.user).await.expect("sessions can be listed");
        assert!(listed.is_empty(), "a suspended user has a session");
        if let Ok(tokens) = signed_in {
            assert_eq!(authenticate(&bank.services, &tokens), Err(TokenError::Ended));
        }
    }
}

async fn old_sessions_are_deleted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let ended = sign_in(&bank.services, &ana.email).await;
    let actor = authenticate(&bank.services, &ended).expect("a new token is good");
    let identity = &bank.services.identity;
    identity.sign_out(&actor, None).await.expect("a user can sign out");
    let count = async || bank.number("SELECT count(*) AS n FROM sessions").await;
    bank.advance(TimeDelta::hours(24)).await;
    let deleted = async || {
        identity
            .delete_old_sessions()
            .await
            .expect("old sessions can be deleted")
    };
    assert_eq!((deleted().await, count().await), (0, 2));
    bank.advance(TimeDelta::seconds(1)).await;
    assert_eq!((deleted().await, count().await), (1, 1));
    bank.advance(SESSION_LIFE).await;
    assert_eq!((deleted().await, count().await), (1, 0));
}

/// Each secret is looked for in whatever a log could show.
async fn no_token_and_no_hash_is_shown(bank: Arc<TestBank>) {
    use sea_orm::EntityTrait;
    let ana = bank.customer("ana").await;
    let tokens = sign_in(&bank.services, &ana.email).await;
    let rows = entity::sessions::Entity::find().all(&bank.db.read).await;
    let rows = rows.expect("sessions can be read");
    let listed = bank.services.identity.sessions(ana.actor.user).await;
    let shown = format!(
        "{rows:?} {rows:#?} {listed:?} {:?} {:?} {:?} {:?}",
        tokens.access_token,
        tokens.refresh_token,
        refresh(&bank.services, &SecretString::from("florin_rt_secret"))
            .await
            .err(),
        authenticate(&bank.services, &tokens),
    );
    for row in &rows {
        for bytes in [&row.nonce.0, &row.token_hash.0] {
            assert!(bytes.len() >= 16);
            assert!(!shown.contains(&format!("{bytes:?}")), "bytes are shown");
            assert!(!shown.contains(&service::db::hex(bytes)), "bytes are shown");
        }
    }
    for secret in [&tokens.access_token, &tokens.refresh_token] {
        assert!(!shown.contains(secret.expose_secret()), "a token is shown");
    }
    assert!(!shown.contains("florin_rt_secret"));
    assert!(
        shown.contains("HiddenBytes(..)"),
        "what is looked for is looked for in the rows"
    );
}
