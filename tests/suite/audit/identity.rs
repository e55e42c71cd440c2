//! Who was made, and what staff and people changed of users.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use secrecy::SecretString;
use serde_json::json;
use service::actor::Actor;
use service::clock::Clock;
use service::identity::{FullName, IdentityError};
use service::values::Role;

use super::{NEW_PASSWORD, client, email, is_from_client, leaves_no_line, registration, sign_in, staff};

on_every_backend!(
    a_registration_leaves_a_line,
    a_user_who_is_made_at_the_terminal_leaves_a_line_without_an_actor,
    a_suspension_and_an_activation_leave_a_line_each,
    a_new_role_leaves_a_line,
    what_changes_nothing_leaves_no_line,
    refused_changes_of_users_leave_no_line,
    a_change_of_ones_own_password_leaves_a_line,
    a_password_that_an_admin_sets_leaves_a_line,
);

async fn a_registration_leaves_a_line(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let registered = identity.register(registration("ana@example.com"), &client()).await;
    let (user, _) = registered.expect("ana can register");
    let line = bank.line_of("user.registered").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(user.id), None, Some(user.id))
    );
    line.expect_subject("user", user.id.0);
    is_from_client(&line);
    assert_eq!((line.before, line.after), (None, Some(json!({ "role": "customer" }))));
    assert_eq!((line.at, line.email_digest), (bank.clock.now(), None));
    leaves_no_line(&bank, async || {
        let taken = identity.register(registration("ANA@example.com"), &client()).await;
        assert!(matches!(taken, Err(IdentityError::EmailTaken)), "{taken:?}");
    })
    .await;
}

async fn a_user_who_is_made_at_the_terminal_leaves_a_line_without_an_actor(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let make = async |password: &str| {
        let name = FullName::try_new("Oda").expect("this is a name");
        let password = SecretString::from(password);
        identity
            .create_user(email("oda@example.com"), name, password, Role::Operator)
            .await
    };
    let user = make(PASSWORD).await.expect("a user can be made");
    let line = bank.line_of("user.created").await;
    assert_eq!((line.actor, line.api_key, line.person), (None, None, Some(user.id)));
    line.expect_subject("user", user.id.0);
    line.expect_client(None, None, None);
    assert_eq!((line.before, line.after), (None, Some(json!({ "role": "operator" }))));
    leaves_no_line(&bank, async || {
        let taken = make(PASSWORD).await;
        assert!(matches!(taken, Err(IdentityError::EmailTaken)), "{taken:?}");
        let weak = make("short").await;
        assert!(matches!(weak, Err(IdentityError::WeakPassword(_))), "{weak:?}");
    })
    .await;
}

async fn a_suspension_and_an_activation_leave_a_line_each(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let support = staff(&bank, "sue", Role::Support).await;
    let ana = bank.customer("ana").await;
    sign_in(&bank.services, &ana.email).await;
    let user = ana.actor.user;
    identity.suspend(&support, user).await.expect("ana can be suspended");
    let line = bank.line_of("user.suspended").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(support.user), None, Some(user))
    );
    line.expect_subject("user", user.0);
    is_from_client(&line);
    assert_eq!(line.before, Some(json!({ "status": "active" })));
    // The harness has signed ana in, too.
    assert_eq!(line.after, Some(json!({ "status": "suspended", "sessions_ended": 2 })));
    identity.activate(&support, user).await.expect("ana can be activated");
    let line = bank.line_of("user.activated").await;
    assert_eq!((line.actor, line.person), (Some(support.user), Some(user)));
    line.expect_subject("user", user.0);
    is_from_client(&line);
    assert_eq!(line.before, Some(json!({ "status": "suspended" })));
    assert_eq!(line.after, Some(json!({ "status": "active", "sessions_ended": 0 })));
    // The sessions that ended with the suspension are counted in its line.
    assert_eq!(bank.lines_of("session.ended").await, []);
}

async fn a_new_role_leaves_a_line(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let admin = staff(&bank, "dora", Role::Admin).await;
    let ana = bank.customer("ana").await;
    let user = ana.actor.user;
    identity
        .set_role(&admin, user, Role::Support)
        .await
        .expect("ana can get another role");
    let line = bank.line_of("user.role_changed").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(admin.user), None, Some(user))
    );
    line.expect_subject("user", user.0);
    is_from_client(&line);
    assert_eq!(line.before, Some(json!({ "role": "customer" })));
    assert_eq!(line.after, Some(json!({ "role": "support", "sessions_ended": 1 })));
}

async fn what_changes_nothing_leaves_no_line(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let admin = staff(&bank, "dora", Role::Admin).await;
    let user = bank.user("ana", Role::Customer).await.id;
    identity.suspend(&admin, user).await.expect("ana can be suspended");
    leaves_no_line(&bank, async || {
        identity.suspend(&admin, user).await.expect("ana stays suspended");
        let same = identity.set_role(&admin, user, Role::Customer).await;
        same.expect("ana stays a customer");
    })
    .await;
    identity.activate(&admin, user).await.expect("ana can be activated");
    leaves_no_line(&bank, async || {
        identity.activate(&admin, user).await.expect("ana stays active");
    })
    .await;
}

async fn refused_changes_of_users_leave_no_line(bank: Arc<TestBank>) {
    let identity = &bank.services.identity;
    let admin = staff(&bank, "dora", Role::Admin).await;
    let support = staff(&bank, "sue", Role::Support).await;
    let ana = bank.customer("ana").await;
    let user = ana.actor.user;
    // Another role than the stored one, as a token that is too old has.
    let stale = Actor::new(support.user, Role::Admin);
    leaves_no_line(&bank, async || {
        let refused = [
            identity.suspend(&support, support.user).await.err(),
            identity.suspend(&support, admin.user).await.err(),
            identity.set_role(&support, user, Role::Admin).await.err(),
            identity.set_role(&admin, admin.user, Role::Customer).await.err(),
            identity.suspend(&stale, user).await.err(),
            identity.set_role(&stale, user, Role::Admin).await.err(),
            identity.set_password(&support, user, NEW_PASSWORD.into()).await.err(),
            identity.set_password(&stale, user, NEW_PASSWORD.into()).await.err(),
            identity.set_password(&admin, user, "short".into()).await.err(),
            identity
                .change_password(&ana.actor, PASSWORD.into(), "short".into(), &client())
                .await
                .err(),
        ];
        assert!(refused.iter().all(Option::is_some), "{refused:?}");
    })
    .await;
}

async fn a_change_of_ones_own_password_leaves_a_line(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (_, here) = sign_in(&bank.services, &ana.email).await;
    let changed = bank
        .services
        .identity
        .change_password(&here, PASSWORD.into(), NEW_PASSWORD.into(), &client())
        .await;
    changed.expect("a password can be changed");
    let line = bank.line_of("user.password_changed").await;
    let user = ana.actor.user;
    assert_eq!((line.actor, line.api_key, line.person), (Some(user), None, Some(user)));
    line.expect_subject("user", user.0);
    is_from_client(&line);
    // The session that the harness has begun.
    assert_eq!((line.before, line.after), (None, Some(json!({ "sessions_ended": 1 }))));
}

async fn a_password_that_an_admin_sets_leaves_a_line(bank: Arc<TestBank>) {
    let admin = staff(&bank, "dora", Role::Admin).await;
    let ana = bank.customer("ana").await;
    let user = ana.actor.user;
    let set = bank
        .services
        .identity
        .set_password(&admin, user, NEW_PASSWORD.into())
        .await;
    set.expect("a password can be set");
    let line = bank.line_of("user.password_set").await;
    assert_eq!(
        (line.actor, line.api_key, line.person),
        (Some(admin.user), None, Some(user))
    );
    line.expect_subject("user", user.0);
    is_from_client(&line);
    assert_eq!((line.before, line.after), (None, Some(json!({ "sessions_ended": 1 }))));
}
