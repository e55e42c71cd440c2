//! Failed sign-ins: a line for each, whether the address is known or not, and none for a try that was not made.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use service::identity::IdentityError;
use service::values::Role;

use super::{NEW_PASSWORD, WRONG_PASSWORD, client, is_from_client, leaves_no_line, sign_in, staff, try_sign_in};
use crate::requests::quiet_customer;

on_every_backend!(
    a_wrong_password_leaves_a_line_about_its_user,
    an_unknown_address_leaves_a_line_about_no_one,
    the_digest_tells_whether_two_named_one_address,
    a_suspended_user_leaves_the_same_line,
    a_wrong_old_password_leaves_a_line_with_its_actor,
    a_throttled_try_leaves_no_line,
);

async fn fail(bank: &TestBank, email: &str, password: &str) {
    let failed = try_sign_in(&bank.services, email, password).await.err();
    assert!(matches!(failed, Some(IdentityError::InvalidCredentials)), "{failed:?}");
}

async fn a_wrong_password_leaves_a_line_about_its_user(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    fail(&bank, "ana@example.com", WRONG_PASSWORD).await;
    let line = bank.line_of("user.sign_in_failed").await;
    assert_eq!((line.actor, line.api_key, line.person), (None, None, Some(ana.user)));
    line.expect_subject("user", ana.user.0);
    is_from_client(&line);
    assert!(line.email_digest.is_some());
    assert_eq!((line.before, line.after), (None, None));
}

async fn an_unknown_address_leaves_a_line_about_no_one(bank: Arc<TestBank>) {
    for email in ["nobody@example.com", "no address", "", "a\u{0}b"] {
        fail(&bank, email, PASSWORD).await;
    }
    let lines = bank.lines_of("user.sign_in_failed").await;
    assert_eq!(lines.len(), 4);
    for line in lines {
        assert_eq!((line.actor, line.api_key, line.person), (None, None, None));
        assert_eq!(line.subject, None);
        is_from_client(&line);
        assert!(line.email_digest.is_some());
        assert_eq!((line.before, line.after), (None, None));
    }
}

async fn the_digest_tells_whether_two_named_one_address(bank: Arc<TestBank>) {
    let mut digests = Vec::new();
    for email in ["eve@example.com", " EVE@Example.com ", "eva@example.com"] {
        fail(&bank, email, PASSWORD).await;
        let lines = bank.lines_of("user.sign_in_failed").await;
        let new = lines.into_iter().filter_map(|line| line.email_digest);
        let new = new.collect::<Vec<_>>();
        let known = digests.len();
        assert_eq!(new.len(), known + 1);
        digests = new;
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(
        digests.len(),
        2,
        "the spelling makes no difference, another address does"
    );
}

async fn a_suspended_user_leaves_the_same_line(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let support = staff(&bank, "sue", Role::Support).await;
    let suspended = bank.services.identity.suspend(&support, ana.user).await;
    suspended.expect("ana can be suspended");
    fail(&bank, "ana@example.com", PASSWORD).await;
    let line = bank.line_of("user.sign_in_failed").await;
    assert_eq!((line.actor, line.person), (None, Some(ana.user)));
    line.expect_subject("user", ana.user.0);
    assert_eq!(bank.lines_of("user.signed_in").await, []);
}

/// A thief of a token may guess the password.
async fn a_wrong_old_password_leaves_a_line_with_its_actor(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, here) = sign_in(&bank.services, "ana@example.com").await;
    let changed = bank
        .services
        .identity
        .change_password(&here, WRONG_PASSWORD.into(), NEW_PASSWORD.into(), &client())
        .await;
    assert!(matches!(changed, Err(IdentityError::InvalidCredentials)), "{changed:?}");
    let line = bank.line_of("user.sign_in_failed").await;
    assert_eq!((line.actor, line.person), (Some(ana.user), Some(ana.user)));
    line.expect_subject("user", ana.user.0);
    is_from_client(&line);
    assert_eq!(bank.lines_of("user.password_changed").await, []);
}

async fn a_throttled_try_leaves_no_line(bank: Arc<TestBank>) {
    for _ in 0..5 {
        fail(&bank, "nobody@example.com", PASSWORD).await;
    }
    assert_eq!(bank.lines_of("user.sign_in_failed").await.len(), 5);
    leaves_no_line(&bank, async || {
        let refused = try_sign_in(&bank.services, "nobody@example.com", PASSWORD).await.err();
        assert!(matches!(refused, Some(IdentityError::Throttled { .. })), "{refused:?}");
    })
    .await;
}
