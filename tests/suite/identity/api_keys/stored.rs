//! API keys: what the bank stores of them, and what it reads and writes for a request with one.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use harness::{Backend, Held, StartedCalls, TestBank, all_at_once, begin, on_every_backend};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::ExposeSecret;
use service::actor::Actor;
use service::clock::Clock;
use service::identity::api_keys::{ApiKeyError, KeyRefusal, LIVE_KEYS_MAX, NewApiKey, RollOverlap};

use super::{all_of, ask, is_invalid, key_for, make};
use crate::requests::quiet_customer;

on_every_backend!(
    a_mistyped_key_asks_the_database_nothing,
    the_secret_is_in_no_row,
    a_user_has_fifty_live_keys_at_most,
    the_last_use_is_written_once_a_minute,
    a_key_is_read_while_requests_take_every_connection,
    look_ups_beyond_those_that_may_wait_are_refused_at_once,
    many_requests_with_one_key_need_one_place,
);

/// How long a test waits for what must happen at once, and for what must not happen.
const AT_ONCE: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(100);
/// How many unknown keys may be read, or wait for it, at the same time.
const FIRST_READS_MAX: usize = 4 + 64;

/// The table is hidden, so that a look-up would be a fault.
async fn a_mistyped_key_asks_the_database_nothing(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let text = secret.expose_secret();
    bank.execute("ALTER TABLE api_keys RENAME TO elsewhere").await;
    let keys = &bank.services.identity.api_keys;
    for place in 0..text.len() {
        for other in "0Aaz_-".chars().filter(|other| !text[place..].starts_with(*other)) {
            let mistyped = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            is_invalid(keys.authenticate(&mistyped, None).await);
        }
    }
    for other in [
        "",
        "florin_ak_",
        &text[1..],
        &text[..58],
        &format!("{text}0"),
        "\u{e4}\0",
    ] {
        is_invalid(keys.authenticate(other, None).await);
    }
    let looked_up = ask(&bank.services, &secret).await;
    assert!(matches!(looked_up, Err(KeyRefusal::Fault(_))), "{looked_up:?}");
    bank.execute("ALTER TABLE elsewhere RENAME TO api_keys").await;
    ask(&bank.services, &secret).await.expect("it is good again");
}

async fn the_secret_is_in_no_row(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let keys = &bank.services.identity.api_keys;
    let (key, first) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    ask(&bank.services, &first).await.expect("it is good");
    keys.write_uses().await.expect("the use can be written");
    let rolled = keys.roll(&ana, key.id, RollOverlap::default()).await;
    let (key, second) = rolled.expect("ana may roll it");
    assert!(!format!("{key:?} {first:?} {second:?}").contains("florin_ak_"));
    let stored = stored_bytes(&bank).await;
    assert!(contains(&stored, b"a test's"), "the rows are not read right");
    for secret in [first, second] {
        // What follows the prefix; PostgreSQL shows bytes as hexadecimal digits.
        let secret = &secret.expose_secret().as_bytes()[10..];
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!contains(&stored, secret) && !contains(&stored, digits.as_bytes()));
    }
}

/// All that the database holds: on SQLite its files, otherwise every row as text.
async fn stored_bytes(bank: &TestBank) -> Vec<u8> {
    if bank.backend == Backend::Sqlite {
        let files = ["florin.db", "florin.db-wal"].map(|name| bank.database.folder.path().join(name));
        return files
            .iter()
            .flat_map(|file| fs::read(file).unwrap_or_default())
            .collect();
    }
    let texts = async |sql: String| {
        let query = Statement::from_string(bank.db.backend(), sql);
        let rows = bank.db.read.query_all_raw(query).await.expect("the query runs");
        let text = |row: &sea_orm::QueryResult| row.try_get::<String>("", "text").expect("a row has a text");
        rows.iter().map(text).collect::<Vec<_>>()
    };
    let tables = "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = current_schema()";
    let mut all = String::new();
    for table in texts(tables.to_owned()).await {
        all.extend(texts(format!("SELECT one::text AS text FROM \"{table}\" AS one")).await);
    }
    all.into_bytes()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn a_user_has_fifty_live_keys_at_most(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (ben, _) = quiet_customer(&bank, "ben").await;
    let end = bank.clock.now() + TimeDelta::hours(1);
    let short = NewApiKey {
        expires_at: Some(end),
        ..key_for(&["wallets:read"])
    };
    let (first, _) = make(&bank.services, &ana, short).await;
    bank.advance(TimeDelta::milliseconds(1)).await;
    for _ in 0..LIVE_KEYS_MAX - 2 {
        make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    }
    let race = (0..4).map(|_| keys.create(&ana, key_for(&["wallets:read"])));
    let made = all_at_once(race).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "one place was left");
    let is_full = async || {
        let refused = keys.create(&ana, key_for(&["wallets:read"])).await.err();
        assert!(matches!(refused, Some(ApiKeyError::TooMany)), "{refused:?}");
    };
    is_full().await;
    make(&bank.services, &ben, key_for(&["wallets:read"])).await;
    let last = made.into_iter().find_map(Result::ok).expect("one was made").0.id;
    keys.revoke(&ana, last).await.expect("ana may revoke it");
    make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    is_full().await;
    // An expired key takes no place, and is still there.
    bank.advance(TimeDelta::hours(1)).await;
    make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    is_full().await;
    assert_eq!(all_of(&bank.services, &ana, None).await.last(), Some(&first.id));
}

async fn the_last_use_is_written_once_a_minute(bank: Arc<TestBank>) {
    let keys = &bank.services.identity.api_keys;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (key, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let last_use = async || keys.get(&ana, key.id).await.expect("ana sees it").last_used_at;
    let write = async || keys.write_uses().await.expect("uses can be written");
    let began = bank.clock.now();
    ask(&bank.services, &secret).await.expect("it is good");
    assert_eq!(last_use().await, None, "a request writes nothing");
    assert_eq!((write().await, last_use().await), (1, Some(began)));
    bank.advance(TimeDelta::seconds(59)).await;
    ask(&bank.services, &secret).await.expect("it is good");
    write().await;
    assert_eq!(last_use().await, Some(began));
    bank.advance(TimeDelta::seconds(1)).await;
    ask(&bank.services, &secret).await.expect("it is good");
    write().await;
    assert_eq!(last_use().await, Some(began + TimeDelta::seconds(60)));
    // A key that is not accepted is not used.
    bank.advance(TimeDelta::minutes(5)).await;
    keys.revoke(&ana, key.id).await.expect("ana may revoke it");
    is_invalid(ask(&bank.services, &secret).await);
    assert_eq!(write().await, 0);
}

async fn a_key_is_read_while_requests_take_every_connection(bank: Arc<TestBank>) {
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let held = bank.hold_pool(&bank.db.read).await;
    let asked = tokio::time::timeout(MOMENT, bank.services.ops.ping()).await;
    assert!(asked.is_err(), "a connection is left for requests");
    let read = tokio::time::timeout(AT_ONCE, ask(&bank.services, &secret)).await;
    read.expect("it waits for no request").expect("the key is good");
    release(held).await;
}

async fn release(held: Vec<Held>) {
    for one in held {
        one.release().await;
    }
}

/// Waits until only so many of the calls are not answered.
async fn left(calls: &mut StartedCalls<'_, Result<Actor, KeyRefusal>>, expected: usize) {
    let began = Instant::now();
    loop {
        let waiting = calls.still_waiting().await;
        if waiting == expected {
            return;
        }
        assert!(
            waiting > expected && began.elapsed() < AT_ONCE,
            "{waiting} of {expected} wait"
        );
        // One task may do only so much at a time.
        tokio::task::yield_now().await;
    }
}

/// No key can be read, so that those that are asked for wait.
async fn look_ups_beyond_those_that_may_wait_are_refused_at_once(bank: Arc<TestBank>) {
    const BEYOND: usize = 12;
    let mut secrets = Vec::new();
    for name in ["ana", "ben"] {
        let (owner, _) = quiet_customer(&bank, name).await;
        for _ in 0..(FIRST_READS_MAX + BEYOND) / 2 {
            secrets.push(make(&bank.services, &owner, key_for(&["wallets:read"])).await.1);
        }
    }
    let held = bank.hold_pool(&bank.db.watch).await;
    let mut calls = begin(secrets.iter().map(|secret| ask(&bank.services, secret))).await;
    left(&mut calls, FIRST_READS_MAX).await;
    release(held).await;
    let answers = calls.all().await;
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(KeyRefusal::Overloaded)));
    assert_eq!(refused.count(), BEYOND);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), FIRST_READS_MAX);
    for secret in &secrets {
        ask(&bank.services, secret).await.expect("it is good now");
    }
}

async fn many_requests_with_one_key_need_one_place(bank: Arc<TestBank>) {
    const REQUESTS: usize = 3 * FIRST_READS_MAX;
    let (ana, _) = quiet_customer(&bank, "ana").await;
    let (_, secret) = make(&bank.services, &ana, key_for(&["wallets:read"])).await;
    let held = bank.hold_pool(&bank.db.watch).await;
    let mut calls = begin((0..REQUESTS).map(|_| ask(&bank.services, &secret))).await;
    left(&mut calls, REQUESTS).await;
    release(held).await;
    assert!(calls.all().await.iter().all(Result::is_ok));
}
