//! Who may make a token for whom.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use serde_json::json;
use service::actor::Actor;
use service::identity::IdentityError;
use service::values::{Role, UserId};

use super::{address, confirm, lines, made_for, stored};
use crate::identity::{authenticate, pair, sign_in, staff, try_sign_in};

on_every_backend!(
    staff_make_tokens_for_customers_and_admins_for_staff,
    a_user_who_is_not_active_gets_no_token,
    an_asker_who_has_changed_makes_none,
    staff_change_an_address_with_a_token,
);

async fn staff_make_tokens_for_customers_and_admins_for_staff(bank: Arc<TestBank>) {
    let roles = [
        Role::Customer,
        Role::Support,
        Role::Operator,
        Role::Auditor,
        Role::Admin,
    ];
    let mut users = Vec::new();
    for role in roles {
        users.push(staff(&bank, role.as_str(), role).await.0);
    }
    let identity = &bank.services.identity;
    let mut made = 0;
    for role in [Role::Support, Role::Operator, Role::Admin] {
        let (own, maker) = staff(&bank, &format!("maker-{role}"), role).await;
        for user in &users {
            let token = identity.make_reset_token(&maker, user.id).await;
            if user.role == Role::Customer || role == Role::Admin {
                made += i64::from(token.is_ok());
            } else {
                assert!(
                    matches!(token, Err(IdentityError::AdminsOnly)),
                    "{role} for {}",
                    user.role
                );
            }
        }
        let token = identity.make_reset_token(&maker, own.id).await;
        assert!(matches!(token, Err(IdentityError::OwnReset)), "{role}");
        let unknown = UserId(uuid::Uuid::max());
        let token = identity.make_reset_token(&maker, unknown).await;
        assert!(matches!(token, Err(IdentityError::UserNotFound)), "{role}");
    }
    assert_eq!(made, 7);
    assert_eq!(
        lines(&bank, "user.reset_requested").await,
        (7, 0),
        "a refusal leaves none"
    );
    assert_eq!(stored(&bank).await, 5);
}

async fn a_user_who_is_not_active_gets_no_token(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (ana, _) = staff(&bank, "ana", Role::Customer).await;
    let identity = &bank.services.identity;
    let refusals = async || {
        let new = address("a@example.com");
        [
            identity.make_reset_token(&admin, ana.id).await.err(),
            identity.make_email_token(&admin, ana.id, new).await.err(),
        ]
    };
    identity.suspend(&admin, ana.id).await.expect("ana can be suspended");
    for refused in refusals().await {
        assert!(matches!(refused, Some(IdentityError::NotActive)), "{refused:?}");
    }
    identity.erase(&admin, ana.id).await.expect("ana has no wallet");
    for refused in refusals().await {
        assert!(matches!(refused, Some(IdentityError::Erased)), "{refused:?}");
    }
    assert_eq!(stored(&bank).await, 0);
}

async fn an_asker_who_has_changed_makes_none(bank: Arc<TestBank>) {
    let [here, there] = pair(&bank).await;
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (ana, _) = staff(&bank, "ana", Role::Customer).await;
    let (sue, _) = staff(&bank, "sue", Role::Support).await;
    let tokens = sign_in(&here, &sue.email).await;
    let by_sue = authenticate(&there, &tokens).expect("a new token is good");
    made_for(&there, &by_sue, ana.id).await;
    let demoted = here.identity.set_role(&admin, sue.id, Role::Customer).await;
    demoted.expect("sue can get another role");
    // The other replica has not looked yet, and a command has read the role before.
    for actor in [by_sue, Actor::new(sue.id, Role::Support)] {
        for services in [&here, &there] {
            let token = services.identity.make_reset_token(&actor, ana.id).await;
            assert!(matches!(token, Err(IdentityError::AskerChanged)));
        }
    }
    assert_eq!(lines(&bank, "user.reset_requested").await, (1, 0));
    there.stop().await;
}

async fn staff_change_an_address_with_a_token(bank: Arc<TestBank>) {
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let (ana, _) = staff(&bank, "ana", Role::Customer).await;
    staff(&bank, "ben", Role::Customer).await;
    let services = &bank.services;
    let identity = &services.identity;
    let taken = identity
        .make_email_token(&support, ana.id, address("ben@example.com"))
        .await;
    assert!(matches!(taken, Err(IdentityError::EmailTaken)));
    let made = identity
        .make_email_token(&support, ana.id, address("ana.silva@example.com"))
        .await;
    let made = made.unwrap_or_else(|error| panic!("no token is made: {error}"));
    assert!(
        try_sign_in(services, "ana@example.com", PASSWORD).await.is_ok(),
        "nothing is changed yet"
    );
    confirm(services, &made.token).await.expect("the token is good");
    assert!(try_sign_in(services, "ana@example.com", PASSWORD).await.is_err());
    assert!(try_sign_in(services, "ana.silva@example.com", PASSWORD).await.is_ok());
    assert_eq!(lines(&bank, "user.email_requested").await, (1, 0));
    let asked = bank.line_of("user.email_requested").await;
    assert_eq!(
        (asked.before, asked.after),
        (None, None),
        "the address may be another person's"
    );
    let line = bank.line_of("user.email_changed").await;
    assert_eq!(line.before, Some(json!({ "email": "ana@example.com" })));
    assert_eq!(line.after, Some(json!({ "email": "ana.silva@example.com" })));
}
