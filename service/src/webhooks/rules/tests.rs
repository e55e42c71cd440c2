//! What a webhook may be, who may see it, and whose events it gets.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::events::{EventCursor, LedgerTag};
use crate::values::{ApiKeyId, RecordId, Timestamp, WebhookId};
use crate::webhooks::url::UrlRefusal;

const ANA: UserId = UserId(Uuid::from_u128(1));
const WALLETS: [WalletId; 2] = [WalletId(Uuid::from_u128(10)), WalletId(Uuid::from_u128(11))];

fn webhook(wallet_ids: Option<Vec<WalletId>>, is_bank_wide: bool) -> Webhook {
    Webhook {
        id: WebhookId(Uuid::from_u128(7)),
        user_id: ANA,
        url: "https://example.com/hook".to_owned(),
        types: None,
        wallet_ids,
        description: None,
        is_ordered: true,
        is_bank_wide,
        scheme: SigningScheme::Hmac,
        public_key: None,
        status: WebhookStatus::Disabled,
        disabled_reason: Some("it answered 410".to_owned()),
        sent_through: EventCursor::new(LedgerTag::of(Uuid::from_u128(5)), RecordId::BELOW_ALL),
        failing_since: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

fn key(role: Role, scopes: &[Permission], wallets: Option<&[WalletId]>) -> Actor {
    let scopes = Permissions::from_iter(scopes.iter().copied());
    Actor::with_key(
        (ANA, role),
        ApiKeyId(Uuid::from_u128(3)),
        scopes,
        wallets.map(Arc::from),
    )
}

#[test]
fn a_key_sees_the_endpoints_that_read_no_more_than_it_does() {
    use Permission::{EventsRead, TransfersRead, WebhooksWrite};
    let limited = key(Role::Customer, &[WebhooksWrite, TransfersRead], Some(&WALLETS[..1]));
    assert!(may_see(&limited, &webhook(Some(vec![WALLETS[0]]), false)));
    assert!(!may_see(&limited, &webhook(Some(WALLETS.to_vec()), false)));
    assert!(!may_see(&limited, &webhook(None, false)));
    let narrow = key(Role::Operator, &[WebhooksWrite, TransfersRead], None);
    assert!(may_see(&narrow, &webhook(None, false)) && !may_see(&narrow, &webhook(None, true)));
    let wide = key(Role::Operator, &[WebhooksWrite, TransfersRead, EventsRead], None);
    assert!(may_see(&wide, &webhook(None, true)));
}

#[test]
fn owners_see_their_own_and_managers_all() {
    let other = UserId(Uuid::from_u128(2));
    assert!(may_see(&Actor::new(ANA, Role::Customer), &webhook(None, true)));
    assert!(!may_see(&Actor::new(other, Role::Customer), &webhook(None, false)));
    assert!(!may_see(&Actor::new(ANA, Role::Support), &webhook(None, false)));
    assert!(may_see(&Actor::new(other, Role::Operator), &webhook(None, true)));
}

#[test]
fn an_endpoint_reads_no_more_than_the_key_that_made_it() {
    let new = || NewWebhook {
        url: "https://example.com/hook".to_owned(),
        ..NewWebhook::default()
    };
    let check = |actor: &Actor, new| check_new(new, actor, AddressPolicy::PublicOnly);
    let blind = key(Role::Customer, &[Permission::WebhooksWrite], None);
    assert!(matches!(check(&blind, new()), Err(WebhooksError::Forbidden)));
    let scopes = [Permission::WebhooksWrite, Permission::TransfersRead];
    let made = check(&key(Role::Operator, &scopes, Some(&WALLETS[..1])), new()).expect("it may");
    assert_eq!((made.is_bank_wide, made.wallet_ids), (false, Some(vec![WALLETS[0]])));
    let beyond = NewWebhook {
        wallet_ids: Some(WALLETS.to_vec()),
        ..new()
    };
    let refused = check(&key(Role::Customer, &scopes, Some(&WALLETS[..1])), beyond);
    assert!(matches!(refused, Err(WebhooksError::WalletNotFound(wallet)) if wallet == WALLETS[1]));
    let made = check(&Actor::new(ANA, Role::Operator), new()).expect("it may");
    assert_eq!((made.is_bank_wide, made.wallet_ids), (true, None));
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let before = webhook(Some(WALLETS.to_vec()), false);
    let ana = Actor::new(ANA, Role::Customer);
    let after = |patch| {
        let patch = check_patch(patch, &ana, AddressPolicy::PublicOnly);
        patched(&before, patch.expect("it may be changed so"))
    };
    assert_eq!(after(WebhookPatch::default()), before);
    let active = after(WebhookPatch {
        status: Some(WebhookStatus::Active),
        wallet_ids: Some(None),
        ..WebhookPatch::default()
    });
    let expected = Webhook {
        status: WebhookStatus::Active,
        disabled_reason: None,
        wallet_ids: None,
        ..before.clone()
    };
    assert_eq!(active, expected);
    let disabled = WebhookPatch {
        status: Some(WebhookStatus::Disabled),
        ..WebhookPatch::default()
    };
    let refused = check_patch(disabled, &ana, AddressPolicy::PublicOnly);
    assert!(matches!(refused, Err(WebhooksError::Invalid(faults)) if faults == [WebhookFault::Status]));
}

#[test]
fn every_refused_field_is_named() {
    let ana = Actor::new(ANA, Role::Customer);
    let faults_of = |refused: Result<(), WebhooksError>| match refused {
        Err(WebhooksError::Invalid(faults)) => faults,
        other => panic!("{other:?}"),
    };
    let (url, types) = ("ftp://example.com/".to_owned(), vec!["nope".to_owned()]);
    let expected = [
        WebhookFault::Url(UrlRefusal::NotHttps),
        WebhookFault::UnknownType {
            index: 0,
            word: "nope".to_owned(),
        },
        WebhookFault::WalletCount,
        WebhookFault::Description,
    ];
    let new = NewWebhook {
        url: url.clone(),
        types: Some(types.clone()),
        wallet_ids: Some(Vec::new()),
        description: Some(String::new()),
        ..NewWebhook::default()
    };
    let made = check_new(new, &ana, AddressPolicy::PublicOnly).map(drop);
    assert_eq!(faults_of(made), expected);
    let patch = WebhookPatch {
        url: Some(url),
        types: Some(Some(types)),
        wallet_ids: Some(Some(Vec::new())),
        description: Some(Some(String::new())),
        ..WebhookPatch::default()
    };
    let changed = check_patch(patch, &ana, AddressPolicy::PublicOnly).map(drop);
    assert_eq!(faults_of(changed), expected);
}

#[test]
fn the_events_of_an_owner_who_may_have_none_wait() {
    assert_eq!(scope_of(ANA, None, true), None);
    assert_eq!(scope_of(ANA, Some(Role::Auditor), true), None);
    let own = Some(EventScope::Own { user: ANA, only: None });
    assert_eq!(scope_of(ANA, Some(Role::Customer), true), own);
    assert_eq!(scope_of(ANA, Some(Role::Operator), false), own);
    assert_eq!(scope_of(ANA, Some(Role::Operator), true), Some(EventScope::All));
}
