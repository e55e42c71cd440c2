//! The keys that sign access tokens: how a file is made and kept, and how keys follow each other while banks run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use chrono::TimeDelta;
use harness::{Customer, JwtAlgorithm, TestBank, TestKey, is_verified_by, on_every_backend, part_of};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service::Services;
use service::clock::Clock;
use service::config::TokenAlgorithm;
use service::identity::{
    KeyChangeError, KeyFileError, KeyReport, KeySet, KeyState, TokenError, list_keys, retire_key, rotate_keys,
};
use uuid::Uuid;

on_every_backend!(
    the_key_file_is_the_owners_only_and_is_kept,
    a_damaged_key_file_is_not_replaced,
    a_new_key_verifies_for_a_minute_before_it_signs,
    an_old_key_ends_when_its_tokens_are_gone,
    a_retired_key_ends_with_the_next_reading,
    a_file_that_cannot_be_used_changes_nothing,
    changes_at_one_time_lose_no_key,
    a_key_that_must_stay_is_not_retired,
    public_keys_verify_tokens_without_the_bank,
    a_bank_may_sign_with_hs256,
);

fn file(bank: &TestBank) -> &Path {
    &bank.config.signing_key_file
}

fn rotate(bank: &TestBank) -> Vec<KeyReport> {
    let algorithm = bank.config.token_algorithm;
    rotate_keys(file(bank), algorithm, bank.clock.now()).expect("a key can be made")
}

/// The token of a new sign-in at one process.
async fn sign_in(services: &Services, customer: &Customer) -> String {
    let tokens = super::sign_in(services, &customer.email).await;
    tokens.access_token.expose_secret().to_owned()
}

fn kid_of(token: &str) -> Value {
    part_of(token, 0)["kid"].clone()
}

/// Whether a process accepts a token. The only other answer is that it is not one of the bank's.
fn accepts(services: &Services, token: &str) -> bool {
    match services.identity.authenticate(token) {
        Ok(_) => true,
        Err(TokenError::Invalid) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn reload(services: &Services) -> bool {
    services.identity.reload_keys().expect("the key file can be read")
}

async fn the_key_file_is_the_owners_only_and_is_kept(bank: Arc<TestBank>) {
    let path = file(&bank);
    let mode = || fs::metadata(path).expect("the key file is there").permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let before = fs::read(path).expect("the key file can be read");
    let ana = bank.customer("ana").await;
    let restarted = bank.replica().await;
    assert_eq!(fs::read(path).expect("the key file can be read"), before);
    let token = ana.caller.token.as_deref().expect("ana has signed in");
    assert!(accepts(&restarted, token), "tokens outlive a restart");
    // Replaced, it keeps its mode, here that of a secret which may only be read.
    fs::set_permissions(path, fs::Permissions::from_mode(0o400)).expect("the file is ours");
    rotate(&bank);
    assert_eq!(mode(), 0o400);
    let drafts = fs::read_dir(bank.database.folder.path()).expect("the folder can be read");
    let keys = drafts.filter(|entry| {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("signing."))
    });
    assert_eq!(keys.count(), 1, "no draft is left behind");
}

async fn a_damaged_key_file_is_not_replaced(bank: Arc<TestBank>) {
    let path = bank.database.folder.path().join("other.key");
    for damaged in ["", "short", "{}", "{\"keys\":[]}"] {
        fs::write(&path, damaged).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let refused = KeySet::open_or_create(&path, TokenAlgorithm::EdDsa, bank.clock.now()).err();
        assert!(
            matches!(refused, Some(KeyFileError::Malformed { .. })),
            "{damaged:?}: {refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).expect("it is still there"), damaged);
    }
}

async fn a_new_key_verifies_for_a_minute_before_it_signs(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, there) = (bank.services.clone(), bank.replica().await);
    let old = sign_in(&here, &ana).await;
    let keys = rotate(&bank);
    let [new_kid, old_kid] = [0, 1].map(|index| json!(keys[index].kid));
    assert!(reload(&here) && reload(&there));
    assert!(!reload(&here), "it is read once");
    for (second, kid) in [(0, &old_kid), (59, &old_kid), (1, &new_kid)] {
        bank.advance(TimeDelta::seconds(second)).await;
        for signer in [&here, &there] {
            let token = sign_in(signer, &ana).await;
            assert_eq!(kid_of(&token), *kid);
            assert!(accepts(&here, &token) && accepts(&there, &token));
        }
    }
    assert!(accepts(&here, &old) && accepts(&there, &old), "the old key verifies");
    let restarted = bank.replica().await;
    assert_eq!(kid_of(&sign_in(&restarted, &ana).await), new_kid);
    assert!(accepts(&restarted, &old));
}

async fn an_old_key_ends_when_its_tokens_are_gone(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let old = TestKey::all_in(file(&bank)).remove(0);
    // With a stolen key: it would be good for a day.
    let now = bank.clock.now().timestamp();
    let stolen = old.token(&json!({
        "iss": "florin", "aud": "florin-api", "sub": ana.actor.user, "sid": Uuid::from_u128(1), "role": "customer",
        "iat": now, "exp": now + 86_400,
    }));
    assert!(accepts(&bank.services, &stolen));
    rotate(&bank);
    reload(&bank.services);
    bank.advance(TimeDelta::seconds(60)).await;
    let last = sign_in(&bank.services, &ana).await;
    assert_ne!(kid_of(&last), json!(old.kid));
    bank.advance(TimeDelta::seconds(15 * 60 + 59)).await;
    assert!(accepts(&bank.services, &stolen));
    assert_eq!(bank.services.identity.public_keys().len(), 2);
    bank.advance(TimeDelta::seconds(1)).await;
    assert!(!accepts(&bank.services, &stolen), "known or not");
    assert_eq!(bank.services.identity.public_keys().len(), 1);
    let states: Vec<KeyState> = rotate(&bank).iter().map(|key| key.state).collect();
    assert!(
        matches!(
            states[..],
            [KeyState::Waiting { .. }, KeyState::Signing, KeyState::Ended { .. }]
        ),
        "{states:?}"
    );
    bank.advance(TimeDelta::days(31)).await;
    let kids: Vec<String> = rotate(&bank).into_iter().map(|key| key.kid).collect();
    assert_eq!(kids.len(), 2, "the newest, and the one that signs until it has waited");
    assert!(!kids.contains(&old.kid));
}

async fn a_retired_key_ends_with_the_next_reading(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, there) = (bank.services.clone(), bank.replica().await);
    let old = sign_in(&here, &ana).await;
    assert!(accepts(&here, &old) && accepts(&there, &old));
    let keys = rotate(&bank);
    let retired = retire_key(file(&bank), &keys[1].kid, bank.clock.now()).expect("the old key can be stopped");
    assert!(matches!(retired[1].state, KeyState::Retired { .. }), "{retired:?}");
    assert_eq!(retired[0].state, KeyState::Signing, "it is the only one");
    assert!(
        accepts(&here, &old) && accepts(&there, &old),
        "no request reads the file"
    );

    assert!(reload(&here));
    assert!(!accepts(&here, &old) && accepts(&there, &old));
    let new = sign_in(&here, &ana).await;
    assert!(accepts(&here, &new));
    assert!(!accepts(&there, &new), "it does not know the key yet");

    assert!(reload(&there));
    assert!(accepts(&there, &new) && !accepts(&there, &old));
    assert_eq!(here.identity.public_keys().len(), 1);
    let again = retire_key(file(&bank), &keys[1].kid, bank.clock.now()).expect("it is stopped already");
    assert_eq!(again, retired);
}

async fn a_file_that_cannot_be_used_changes_nothing(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let old = sign_in(&bank.services, &ana).await;
    let (path, text) = (
        file(&bank),
        fs::read_to_string(file(&bank)).expect("the key file can be read"),
    );
    let open_to = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    let refused = || bank.services.identity.reload_keys().expect_err("it cannot be used");
    for damaged in ["", &text[..text.len() / 2], &"[".repeat(70_000)] {
        fs::write(path, damaged).expect("a file can be written");
        for _ in 0..2 {
            assert!(matches!(refused(), KeyFileError::Malformed { .. }));
        }
    }
    fs::write(path, &text).expect("a file can be written");
    open_to(0o644);
    assert!(matches!(refused(), KeyFileError::Exposed { mode: 0o644, .. }));
    let rotated = rotate_keys(path, TokenAlgorithm::EdDsa, bank.clock.now());
    assert!(matches!(
        rotated,
        Err(KeyChangeError::File(KeyFileError::Exposed { .. }))
    ));
    fs::remove_file(path).expect("a file can be removed");
    assert!(matches!(refused(), KeyFileError::Missing { .. }));
    assert!(
        list_keys(path, bank.clock.now()).is_err() && !path.exists(),
        "it is not made anew"
    );

    let token = sign_in(&bank.services, &ana).await;
    assert!(accepts(&bank.services, &old) && accepts(&bank.services, &token));
    fs::write(path, &text).expect("a file can be written");
    open_to(0o600);
    assert!(!reload(&bank.services), "these are the keys that it has");
}

async fn changes_at_one_time_lose_no_key(bank: Arc<TestBank>) {
    let now = bank.clock.now();
    let started: Vec<_> = (0..8)
        .map(|_| {
            let path = file(&bank).to_owned();
            thread::spawn(move || {
                let tries = (0..10).map(|_| rotate_keys(&path, TokenAlgorithm::EdDsa, now));
                tries
                    .filter(|made| match made {
                        Ok(_) => true,
                        Err(KeyChangeError::Busy { .. } | KeyChangeError::Full { .. }) => false,
                        Err(other) => panic!("{other:?}"),
                    })
                    .count()
            })
        })
        .collect();
    let made: usize = started
        .into_iter()
        .map(|thread| thread.join().expect("no thread panics"))
        .sum();
    let keys = list_keys(file(&bank), now).expect("the key file can be read");
    assert_eq!(keys.len(), made + 1);
    assert!(made > 0);
    let raced = bank.database.folder.path().join("raced.key");
    let started: Vec<_> = (0..8)
        .map(|_| {
            let path = raced.clone();
            thread::spawn(move || {
                let keys = KeySet::open_or_create(&path, TokenAlgorithm::EdDsa, now).expect("keys can be made");
                keys.public(now)
            })
        })
        .collect();
    let mut public: Vec<_> = started
        .into_iter()
        .map(|thread| thread.join().expect("no thread panics"))
        .collect();
    public.dedup();
    assert_eq!(public.len(), 1, "all who start at one time have the same key");
}

async fn a_key_that_must_stay_is_not_retired(bank: Arc<TestBank>) {
    let now = bank.clock.now();
    let only = TestKey::all_in(file(&bank)).remove(0).kid;
    let refused = |kid: &str| retire_key(file(&bank), kid, now).expect_err("it must stay");
    assert!(matches!(refused(&only), KeyChangeError::Newest { .. }));
    assert!(matches!(refused("nothing"), KeyChangeError::Unknown { .. }));
    let newest = rotate(&bank)[0].kid.clone();
    assert!(matches!(refused(&newest), KeyChangeError::Newest { .. }));
    retire_key(file(&bank), &only, now).expect("the older one may go");
    assert!(matches!(refused(&newest), KeyChangeError::Newest { .. }));
}

async fn public_keys_verify_tokens_without_the_bank(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = sign_in(&bank.services, &ana).await;
    rotate(&bank);
    reload(&bank.services);
    let answer = bank.anonymous().get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=50");
    let expected: Vec<Value> = TestKey::all_in(file(&bank)).iter().map(public_form).collect();
    assert_eq!(
        answer.json,
        json!({ "keys": expected }),
        "the key that signs, and the one that will"
    );
    let verifies = |index: usize| {
        let x = answer.json["keys"][index]["x"].as_str().expect("a key has an x");
        is_verified_by(&token, x)
    };
    assert!(verifies(0) && !verifies(1));
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": expected[0]["kid"] });
    assert_eq!(part_of(&token, 0), header);
    let claims = part_of(&token, 1);
    let now = bank.clock.now().timestamp();
    let said = json!({
        "iss": "florin", "aud": "florin-api", "sub": ana.actor.user, "sid": claims["sid"], "role": "customer",
        "iat": now, "exp": now + 900,
    });
    assert_eq!(claims, said);
    assert!(claims["sid"].as_str().is_some_and(|sid| Uuid::parse_str(sid).is_ok()));
}

fn public_form(key: &TestKey) -> Value {
    use base64::Engine;
    let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key.public());
    json!({ "kid": key.kid, "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA" })
}

async fn a_bank_may_sign_with_hs256(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let path = bank.database.folder.path().join("hs256.key");
    let symmetric = bank
        .replica_with(|config| {
            config.signing_key_file = path.clone();
            config.token_algorithm = TokenAlgorithm::Hs256;
        })
        .await;
    let token = sign_in(&symmetric, &ana).await;
    assert_eq!(part_of(&token, 0)["alg"], "HS256");
    assert!(accepts(&symmetric, &token) && !accepts(&bank.services, &token));
    assert!(symmetric.identity.public_keys().is_empty());
    let key = TestKey::all_in(&path).remove(0);
    assert_eq!(key.algorithm, JwtAlgorithm::Hs256);
    // From one algorithm to the other, as from one key to the next.
    rotate_keys(&path, TokenAlgorithm::EdDsa, bank.clock.now()).expect("a key can be made");
    reload(&symmetric);
    bank.advance(TimeDelta::seconds(60)).await;
    let other = sign_in(&symmetric, &ana).await;
    assert_eq!(part_of(&other, 0)["alg"], "EdDSA");
    assert!(accepts(&symmetric, &token) && accepts(&symmetric, &other));
    assert_eq!(symmetric.identity.public_keys().len(), 1);
}
