//! API keys: what they allow, and when they end. Without HTTP, which `tests/suite/http/api_keys` has.

mod recorded;
mod scopes;
mod stored;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use service::Services;
use service::actor::{Actor, Credential, Permission};
use service::clock::Clock;
use service::identity::api_keys::{ApiKey, ApiKeyError, KeyRefusal, NewApiKey, RollOverlap};
use service::page::PageRequest;
use service::values::{ApiKeyId, Role, UserId, WalletId};
use uuid::Uuid;

use super::staff;
use crate::requests::quiet_customer;

on_every_backend!(
    a_key_acts_for_its_owner_until_it_is_revoked,
    a_key_may_what_its_scopes_and_its_owners_role_both_allow,
    a_key_with_a_list_of_wallets_may_use_no_other,
    a_key_with_addresses_is_refused_from_elsewhere,
    a_key_ends_at_its_time,
    a_rolled_key_has_two_secrets_until_the_overlap_ends,
    a_second_roll_ends_the_oldest_secret_at_once,
    another_replica_refuses_a_revoked_key_within_a_second,
    the_keys_of_a_suspended_user_are_refused_within_a_second,
    a_key_manages_no_keys,
    an_admin_revokes_the_keys_of_others_and_rolls_none,
);

/// The longest time until a change counts on another replica.
const WITHIN: Duration = Duration::from_secs(1);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

fn key_for(scopes: &[&str]) -> NewApiKey {
    NewApiKey {
        name: "a test's".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        wallets: None,
        addresses: None,
        expires_at: None,
    }
}

async fn make(services: &Services, actor: &Actor, new: NewApiKey) -> (ApiKey, SecretString) {
    let made = services.identity.api_keys.create(actor, new).await;
    made.expect("a key can be made")
}

async fn ask(services: &Services, secret: &SecretString) -> Result<Actor, KeyRefusal> {
    services
        .identity
        .api_keys
        .authenticate(secret.expose_secret(), None)
        .await
}

#[track_caller]
fn is_invalid(found: Result<Actor, KeyRefusal>) {
    assert!(matches!(found, Err(KeyRefusal::Invalid)), "{found:?}");
}

/// A program with a new key: its actor, and the key's id.
async fn program(services: &Services, owner: &Actor, new: NewApiKey) -> (Actor, ApiKeyId) {
    let (key, secret) = make(services, owner, new).await;
    let actor = ask(services, &secret).await.expect("a new key is good");
    (actor, key.id)
}

/// Asks until an answer is as expected, and fails when it is not within a second.
async fn soon(services: &Services, secret: &SecretString, is_so: impl Fn(&Result<Actor, KeyRefusal>) -> bool) {
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        let found = ask(services, secret).await;
        if is_so(&found) {
            return;
        }
        assert!(asked - began < WITHIN, "still {found:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn all_of(services: &Services, actor: &Actor, owner: Option<UserId>) -> Vec<ApiKeyId> {
    let request = PageRequest {
        limit: 500,
        after: None,
    };
    let page = services.identity.api_keys.list(actor, owner, request).await;
    page.expect("keys can be listed")
        .items
        .iter()
        .map(|key| key.id)
        .collect()
}

async fn a_key_acts_for_its_owner_until_it_is_revoked(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (ben, _) = quiet_customer(&bank, "ben").await;
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (key, secret) = make(&bank.services, &ana, key_for(&["transfers:read", "wallets:read"])).await;
    let actor = ask(&bank.services, &secret).await.expect("the key is good");
    assert_eq!((actor.user, actor.role), (ana.user, Role::Customer));
    assert_eq!(actor.credential, Credential::ApiKey(key.id));
    assert!(actor.may(Permission::WalletsRead) && !actor.may(Permission::TransfersWrite));
    assert_eq!(keys.get(&ana, key.id).await.expect("ana sees it"), key);
    assert_eq!(keys.get(&admin, key.id).await.expect("an admin sees it"), key);
    // To another customer it does not exist.
    assert!(matches!(keys.get(&ben, key.id).await, Err(ApiKeyError::NotFound)));
    assert!(matches!(keys.revoke(&ben, key.id).await, Err(ApiKeyError::NotFound)));
    let rolled = keys.roll(&ben, key.id, RollOverlap::default()).await;
    assert!(matches!(rolled, Err(ApiKeyError::NotFound)));
    let request = PageRequest { limit: 1, after: None };
    let listed = keys.list(&ben, Some(ana.user), request).await;
    assert!(matches!(listed, Err(ApiKeyError::Forbidden)));
    assert_eq!(all_of(&bank.services, &ben, None).await, []);
    for (actor, owner) in [(&ana, None), (&admin, None), (&admin, Some(ana.user))] {
        assert_eq!(all_of(&bank.services, actor, owner).await, [key.id]);
    }
    ask(&bank.services, &secret).await.expect("it is still good");
    keys.revoke(&ana, key.id).await.expect("ana may revoke it");
    is_invalid(ask(&bank.services, &secret).await);
    assert!(matches!(keys.get(&ana, key.id).await, Err(ApiKeyError::NotFound)));
    assert!(matches!(keys.revoke(&ana, key.id).await, Err(ApiKeyError::NotFound)));
    assert_eq!(all_of(&bank.services, &admin, None).await, []);
}

async fn a_key_may_what_its_scopes_and_its_owners_role_both_allow(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let (_, secret) = make(
        &bank.services,
        &operator,
        key_for(&["deposits:write", "transfers:read"]),
    )
    .await;
    let actor = ask(&bank.services, &secret).await.expect("the key is good");
    assert!(actor.may(Permission::DepositsWrite) && actor.may(Permission::TransfersRead));
    assert!(!actor.may(Permission::TransfersReadAll), "the scopes do not name it");
    // Another process makes the operator a customer.
    let user = bank.literal(operator.user.0);
    bank.execute(&format!("UPDATE users SET role = 'customer' WHERE id = {user}"))
        .await;
    let is_less = |found: &Result<Actor, KeyRefusal>| {
        let actor = found.as_ref().expect("the key is still good");
        actor.role == Role::Customer && !actor.may(Permission::DepositsWrite) && actor.may(Permission::TransfersRead)
    };
    soon(&bank.services, &secret, is_less).await;
}

async fn a_key_with_a_list_of_wallets_may_use_no_other(bank: Arc<TestBank>) {
    let (ana, first) = quiet_customer(&bank, "ana").await;
    let (ben, bens) = quiet_customer(&bank, "ben").await;
    let limited = |wallet| NewApiKey {
        wallets: Some(vec![wallet, wallet]),
        ..key_for(&["transfers:write"])
    };
    let (key, secret) = make(&bank.services, &ana, limited(first)).await;
    assert_eq!(key.wallets.as_deref(), Some(&[first][..]));
    let actor = ask(&bank.services, &secret).await.expect("the key is good");
    assert!(actor.may_use(first) && !actor.may_use(bens));
    let (_, secret) = make(&bank.services, &ben, key_for(&["transfers:write"])).await;
    let actor = ask(&bank.services, &secret).await.expect("the key is good");
    assert!(actor.may_use(bens), "without a list there is no limit");
    // Those who see every wallet may name any.
    let operator = bank.operator_actor().await;
    let (key, _) = make(
        &bank.services,
        &operator,
        NewApiKey {
            scopes: vec!["deposits:write".to_owned()],
            ..limited(bens)
        },
    )
    .await;
    assert_eq!(key.wallets.as_deref(), Some(&[bens][..]));
    for wallet in [bens, WalletId(Uuid::from_u128(7))] {
        let refused = bank.services.identity.api_keys.create(&ana, limited(wallet)).await;
        assert!(matches!(refused, Err(ApiKeyError::Refused(faults)) if faults.len() == 2));
    }
}

async fn a_key_with_addresses_is_refused_from_elsewhere(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let new = NewApiKey {
        addresses: Some(vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()]),
        ..key_for(&["wallets:read"])
    };
    let (_, secret) = make(&bank.services, &ana, new).await;
    let from = async |text: &str| {
        let address: IpAddr = text.parse().expect("it is an address");
        let keys = &bank.services.identity.api_keys;
        keys.authenticate(secret.expose_secret(), Some(address)).await
    };
    for near in ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.9", "2001:db8::7"] {
        from(near).await.expect(near);
    }
    for far in ["192.0.3.0", "2001:db8::8", "::ffff:192.0.3.9", "127.0.0.1"] {
        is_invalid(from(far).await);
    }
    is_invalid(ask(&bank.services, &secret).await);
}

async fn a_key_ends_at_its_time(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let end = bank.clock.now() + TimeDelta::hours(1);
    let new = NewApiKey {
        expires_at: Some(end),
        ..key_for(&["wallets:read"])
    };
    let (key, secret) = make(&bank.services, &ana, new).await;
    assert_eq!(key.expires_at, Some(end));
    bank.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1)).await;
    ask(&bank.services, &secret).await.expect("its time has not come");
    bank.advance(TimeDelta::microseconds(1)).await;
    let ended = ask(&bank.services, &secret).await;
    assert!(matches!(ended, Err(KeyRefusal::Expired)), "{ended:?}");
    let keys = &bank.services.identity.api_keys;
    assert_eq!(keys.get(&ana, key.id).await.expect("it is still listed").id, key.id);
    let rolled = keys.roll(&ana, key.id, RollOverlap::default()).await;
    assert!(matches!(rolled, Err(ApiKeyError::Expired)));
}

async fn a_rolled_key_has_two_secrets_until_the_overlap_ends(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (key, old) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let overlap = RollOverlap::try_new(60).expect("it is an overlap");
    let (rolled, new) = keys.roll(&ana, key.id, overlap).await.expect("ana may roll it");
    let end = bank.clock.now() + TimeDelta::seconds(60);
    assert_eq!(
        rolled,
        ApiKey {
            former_ends_at: Some(end),
            ..key
        }
    );
    assert_ne!(old.expose_secret(), new.expose_secret());
    for secret in [&old, &new] {
        let actor = ask(&bank.services, secret).await.expect("both are good");
        assert_eq!(actor.credential, Credential::ApiKey(rolled.id));
    }
    bank.advance(TimeDelta::seconds(60)).await;
    let ended = ask(&bank.services, &old).await;
    assert!(matches!(ended, Err(KeyRefusal::Expired)), "{ended:?}");
    ask(&bank.services, &new).await.expect("the new one stays");
    let shown = keys.get(&ana, rolled.id).await.expect("ana sees it");
    assert_eq!(shown.former_ends_at, None);
}

async fn a_second_roll_ends_the_oldest_secret_at_once(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (key, first) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let roll = async |overlap| keys.roll(&ana, key.id, overlap).await.expect("ana may roll it").1;
    let second = roll(RollOverlap::default()).await;
    ask(&bank.services, &first).await.expect("it is good for a day");
    let third = roll(RollOverlap::default()).await;
    is_invalid(ask(&bank.services, &first).await);
    for secret in [&second, &third] {
        ask(&bank.services, secret).await.expect("it is good");
    }
    let fourth = roll(RollOverlap::try_new(0).expect("it is an overlap")).await;
    for secret in [&first, &second, &third] {
        is_invalid(ask(&bank.services, secret).await);
    }
    ask(&bank.services, &fourth).await.expect("it is good");
    keys.revoke(&ana, key.id).await.expect("ana may revoke it");
    is_invalid(ask(&bank.services, &fourth).await);
}

async fn another_replica_refuses_a_revoked_key_within_a_second(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let replica = bank.replica().await;
    for _ in 0..3 {
        let (key, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
        ask(&replica, &secret).await.expect("every replica knows it");
        bank.services
            .identity
            .api_keys
            .revoke(&ana, key.id)
            .await
            .expect("ana may revoke it");
        is_invalid(ask(&bank.services, &secret).await);
        soon(&replica, &secret, |found| matches!(found, Err(KeyRefusal::Invalid))).await;
    }
    replica.stop().await;
}

async fn the_keys_of_a_suspended_user_are_refused_within_a_second(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (ben, _) = quiet_customer(&bank, "ben").await;
    let (_, anas) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let (_, bens) = make(&bank.services, &ben, key_for(&["wallets:read"])).await;
    ask(&bank.services, &anas).await.expect("it is good");
    let user = bank.literal(ana.user.0);
    let set = async |status: &str| {
        bank.execute(&format!("UPDATE users SET status = '{status}' WHERE id = {user}"))
            .await;
    };
    set("suspended").await;
    soon(&bank.services, &anas, |found| matches!(found, Err(KeyRefusal::Invalid))).await;
    ask(&bank.services, &bens).await.expect("ben is not suspended");
    set("active").await;
    soon(&bank.services, &anas, Result::is_ok).await;
}

async fn a_key_manages_no_keys(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    for scope in ["api_keys:write", "api_keys:manage", "users:manage"] {
        let refused = keys.create(&admin, key_for(&[scope])).await;
        assert!(
            matches!(refused, Err(ApiKeyError::Refused(faults)) if faults.len() == 1),
            "{scope}"
        );
    }
    let (key, secret) = make(&bank.services, &admin, key_for(&["transfers:read"])).await;
    let program = ask(&bank.services, &secret).await.expect("it is good");
    let is_forbidden = |refused: Option<ApiKeyError>| assert!(matches!(refused, Some(ApiKeyError::Forbidden)));
    is_forbidden(keys.create(&program, key_for(&["transfers:read"])).await.err());
    is_forbidden(keys.get(&program, key.id).await.err());
    is_forbidden(keys.revoke(&program, key.id).await.err());
    is_forbidden(keys.roll(&program, key.id, RollOverlap::default()).await.err());
    let request = PageRequest { limit: 1, after: None };
    is_forbidden(keys.list(&program, None, request).await.err());
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 1);
}

/// With a new secret an admin could act as the customer.
async fn an_admin_revokes_the_keys_of_others_and_rolls_none(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, admin) = staff(&bank, "dora", Role::Admin).await;
    let (key, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let rolled = keys.roll(&admin, key.id, RollOverlap::default()).await;
    assert!(matches!(rolled, Err(ApiKeyError::NotFound)));
    ask(&bank.services, &secret).await.expect("it has its secret still");
    keys.revoke(&admin, key.id).await.expect("an admin may revoke it");
    is_invalid(ask(&bank.services, &secret).await);
}
