//! What users change of themselves, in a bank that sends no mails.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::json;
use service::identity::{IdentityError, ProfileChange};
use service::values::Role;

use super::{address, lines, stored, to_email, to_name};
use crate::identity::{client, staff};

on_every_backend!(
    a_name_is_changed_at_once,
    without_mails_no_address_is_changed_and_nothing_beside_it,
    a_user_who_was_suspended_changes_nothing,
);

async fn a_name_is_changed_at_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let identity = &bank.services.identity;
    let changed = identity.change_profile(&ana.actor, to_name("Ana  Silva")).await;
    let changed = changed.expect("a name can be changed");
    assert_eq!(
        (changed.full_name.as_str(), changed.email.as_str()),
        ("Ana Silva", "ana@example.com")
    );
    let user = identity.user(ana.actor.user).await.expect("ana is there");
    assert_eq!(user, changed);
    let again = identity.change_profile(&ana.actor, to_name("Ana Silva")).await;
    assert_eq!(again.expect("the same name is fine"), changed);
    assert_eq!(
        lines(&bank, "user.name_changed").await,
        (1, 0),
        "nothing changed the second time"
    );
    let line = bank.line_of("user.name_changed").await;
    assert_eq!(line.before, Some(json!({ "full_name": "ana" })));
    assert_eq!(line.after, Some(json!({ "full_name": "Ana Silva" })));
}

async fn without_mails_no_address_is_changed_and_nothing_beside_it(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let identity = &bank.services.identity;
    let both = ProfileChange {
        full_name: to_name("Ana Silva").full_name,
        ..to_email("ana.silva@example.com")
    };
    for change in [both, to_email("ana.silva@example.com")] {
        let refused = identity.change_profile(&ana.actor, change).await;
        assert!(matches!(refused, Err(IdentityError::MailNotConfigured)), "{refused:?}");
    }
    for email in ["ana@example.com", "nobody@example.com"] {
        let refused = identity.forgotten(address(email), &client()).await;
        assert!(matches!(refused, Err(IdentityError::MailNotConfigured)), "{refused:?}");
    }
    let user = identity.user(ana.actor.user).await.expect("ana is there");
    assert_eq!(
        (user.full_name.as_str(), user.email.as_str()),
        ("ana", "ana@example.com")
    );
    assert_eq!(stored(&bank).await, 0);
    assert_eq!(identity.mail_counts(), None);
}

async fn a_user_who_was_suspended_changes_nothing(bank: Arc<TestBank>) {
    let (ana, by_ana) = staff(&bank, "ana", Role::Customer).await;
    let (_, support) = staff(&bank, "sue", Role::Support).await;
    let identity = &bank.services.identity;
    identity.suspend(&support, ana.id).await.expect("ana can be suspended");
    let refused = identity.change_profile(&by_ana, to_name("Ana Silva")).await;
    assert!(matches!(refused, Err(IdentityError::AskerChanged)), "{refused:?}");
    assert_eq!(lines(&bank, "user.name_changed").await, (0, 0));
}
