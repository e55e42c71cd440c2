//! Failed sign-ins are throttled by account and by address, with delays that grow and end, on every replica that shares a
//! Redis, and without one.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::servers::{Persistence, RedisServer};
use harness::{Answer, Backend, Caller, Proxy, Silence, TestBank, on_every_backend, run};
use secrecy::SecretString;
use service::Services;
use service::actor::ClientInfo;
use service::identity::IdentityError;

use super::registration::login;

on_every_backend!(
    failures_of_an_account_are_throttled_with_growing_delays,
    an_unknown_account_is_throttled_like_a_known_one,
    successes_are_not_counted,
    a_throttled_sign_in_is_answered_without_hashing,
);

async fn fail(caller: &Caller, email: &str) -> Answer {
    login(caller, email, "correct horse batterz").await
}

/// The seconds to wait that a refusal names.
fn wait_s(answer: &Answer) -> i64 {
    answer.expect_problem(429, "rate_limited");
    answer.header("retry-after").parse().expect("a refusal says how long")
}

async fn failures_of_an_account_are_throttled_with_growing_delays(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let anybody = bank.anonymous();
    let (mut failures, mut waits) = (0, Vec::new());
    // A patient attacker waits as long as told, and tries again at once.
    while failures < 130 {
        let answer = fail(&anybody, &ana.email).await;
        if answer.status == 401 {
            failures += 1;
            continue;
        }
        let wait = wait_s(&answer);
        waits.push(wait);
        bank.advance(TimeDelta::seconds(wait)).await;
    }
    assert_eq!(waits.len(), 125, "five failures are free");
    assert!(waits.iter().all(|wait| (1..=15 * 60).contains(wait)), "{waits:?}");
    assert!(waits[0] <= 30 && waits[40] > 60 && waits[124] > 10 * 60, "{waits:?}");
    // The owner waits no longer than that either, and is then let in.
    let wait = wait_s(&login(&anybody, &ana.email, PASSWORD).await);
    bank.advance(TimeDelta::seconds(wait)).await;
    login(&anybody, &ana.email, PASSWORD).await.expect(200);
    // Others are not concerned.
    let ben = bank.customer("ben").await;
    login(&anybody, &ben.email, PASSWORD).await.expect(200);
}

async fn an_unknown_account_is_throttled_like_a_known_one(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let anybody = bank.anonymous();
    let mut seen = Vec::new();
    for email in [ana.email.as_str(), "nobody@example.com", "no address"] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = fail(&anybody, email).await;
            let wait = answer.header("retry-after").to_owned();
            answers.push((answer.status, answer.text_without_id(), wait));
        }
        seen.push(answers);
    }
    assert!(seen[0].iter().any(|(status, ..)| *status == 429));
    assert!(seen[0] == seen[1] && seen[0] == seen[2], "{seen:?}");
}

async fn successes_are_not_counted(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let anybody = bank.anonymous();
    for _ in 0..4 {
        fail(&anybody, &ana.email)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    for _ in 0..20 {
        login(&anybody, &ana.email, PASSWORD).await.expect(200);
    }
    fail(&anybody, &ana.email)
        .await
        .expect_problem(401, "invalid_credentials");
    wait_s(&login(&anybody, &ana.email, PASSWORD).await);
}

async fn a_throttled_sign_in_is_answered_without_hashing(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let anybody = bank.anonymous();
    let began = Instant::now();
    for _ in 0..5 {
        fail(&anybody, &ana.email)
            .await
            .expect_problem(401, "invalid_credentials");
    }
    let hashed = began.elapsed() / 5;
    let began = Instant::now();
    for _ in 0..20 {
        wait_s(&fail(&anybody, &ana.email).await);
    }
    let throttled = began.elapsed() / 20;
    assert!(throttled < hashed, "{throttled:?} without a hash, {hashed:?} with one");
}

/// Fails a sign-in without HTTP; true when it was throttled.
async fn is_throttled(services: &Services, email: &str, address: u32) -> bool {
    let client = ClientInfo::new(Some(IpAddr::V4(Ipv4Addr::from_bits(address))), None);
    let wrong = SecretString::from("correct horse batterz");
    match services.identity.sign_in(email, wrong, &client).await {
        Err(IdentityError::Throttled { retry_after_s }) => {
            assert!(retry_after_s > 0);
            true
        }
        Err(IdentityError::InvalidCredentials) => false,
        Ok(_) => panic!("a wrong password signs in"),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_may_not_try_many_accounts() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        let mut passed = 0;
        while !is_throttled(&bank.services, &format!("user{passed}@example.com"), 1).await {
            passed += 1;
            assert!(passed <= 50, "nothing stops it");
        }
        assert_eq!(passed, 50);
        assert!(
            !is_throttled(&bank.services, "user50@example.com", 2).await,
            "another address may go on"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_count_together_through_redis_and_alone_without_it() {
    let mut redis = RedisServer::start(Persistence::None)
        .await
        .expect("Redis can be started");
    let url = redis.url();
    run(Backend::Sqlite, move |bank: Arc<TestBank>| async move {
        let with_redis = || bank.replica_with(|config| config.redis_url = Some(SecretString::from(url.as_str())));
        let (one, other) = (with_redis().await, with_redis().await);
        for number in 0..5 {
            let replica = if number % 2 == 0 { &one } else { &other };
            assert!(!is_throttled(replica, "ana@example.com", 1).await, "failure {number}");
        }
        for replica in [&one, &other] {
            assert!(
                is_throttled(replica, "ana@example.com", 1).await,
                "five are counted together"
            );
            assert!(is_throttled(replica, "ana@example.com", 2).await, "from any address");
        }
        let keys = RedisServer::command(&url, &["KEYS", "florin:throttle:*"])
            .await
            .expect("Redis answers");
        assert!(
            keys.contains("florin:throttle:sign-ins:account:") && !keys.contains("example"),
            "{keys}"
        );

        redis.kill().expect("Redis can be killed");
        let began = Instant::now();
        for number in 0..5 {
            assert!(
                !is_throttled(&one, "ana@example.com", 1).await,
                "alone, failure {number}"
            );
        }
        assert!(is_throttled(&one, "ana@example.com", 1).await, "it counts alone");
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "each sign-in waited for Redis"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_does_not_answer_slows_few_sign_ins() {
    let redis = RedisServer::start(Persistence::None)
        .await
        .expect("Redis can be started");
    let proxy = Proxy::start(redis.port(), Silence::Never).await;
    run(Backend::Sqlite, move |bank: Arc<TestBank>| async move {
        let url = format!("redis://{}/0", proxy.address);
        let replica = bank
            .replica_with(|config| config.redis_url = Some(SecretString::from(url)))
            .await;
        assert!(!is_throttled(&replica, "ana@example.com", 1).await);
        proxy.go_silent();
        let began = Instant::now();
        // The failures of a throttled account cost no hash, so the time is that of Redis.
        for _ in 0..200 {
            is_throttled(&replica, "ana@example.com", 1).await;
        }
        let elapsed = began.elapsed();
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?} for 200 sign-ins");
    })
    .await;
}
