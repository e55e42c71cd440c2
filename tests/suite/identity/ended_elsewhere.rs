//! Sessions that another process ends: their tokens are refused here within a second, in real time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use harness::database::TestDatabase;
use harness::servers::RedisServer;
use harness::{Backend, ManualClock, TestBank, all_at_once, on_every_backend};
use secrecy::SecretString;
use service::Services;
use service::actor::{Actor, Credential};
use service::identity::{SessionTokens, TokenError};
use service::values::{Role, UserId};

use super::{authenticate, client, sign_in, staff};

on_every_backend!(
    whoever_is_suspended_elsewhere_is_out_within_a_second,
    every_end_elsewhere_counts_within_a_second,
    a_process_that_starts_knows_what_ended_before,
    looks_go_on_while_requests_take_every_connection,
    a_clean_up_that_fails_delays_no_look,
);

/// The rounds are shared among users, so that they run side by side.
const USERS: usize = 10;
const ROUNDS: usize = 10;
const WITHIN: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);
/// How long a test waits for what must not happen.
const MOMENT: Duration = Duration::from_millis(100);

/// Waits until a process refuses a token, and gives how long that took.
async fn refused_after(services: &Services, tokens: &SessionTokens, since: Instant) -> Duration {
    loop {
        match authenticate(services, tokens) {
            Err(TokenError::Ended) => return since.elapsed(),
            other => assert!(since.elapsed() < WITHIN * 5, "the token stays good: {other:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One user is suspended through one process while another serves, ten times.
async fn rounds(here: &Services, there: &Services, support: &Actor, user: UserId, email: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let tokens = sign_in(here, email).await;
        assert!(authenticate(there, &tokens).is_ok(), "a new token is good everywhere");
        let suspended = here.identity.suspend(support, user).await;
        let since = Instant::now();
        suspended.expect("a user can be suspended");
        assert_eq!(
            authenticate(here, &tokens),
            Err(TokenError::Ended),
            "here it counts at once"
        );
        times.push(refused_after(there, &tokens, since).await);
        let activated = here.identity.activate(support, user).await;
        activated.expect("a user can be activated");
    }
    times
}

async fn a_hundred_suspensions(bank: &TestBank) {
    let (_, support) = staff(bank, "support", Role::Support).await;
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(staff(bank, &format!("user{number}"), Role::Customer).await.0);
    }
    let there = bank.replica().await;
    there.identity.serve();
    let all = users
        .iter()
        .map(|user| rounds(&bank.services, &there, &support, user.id, &user.email));
    let times: Vec<Duration> = all_at_once(all).await.into_iter().flatten().collect();
    there.stop().await;
    let late: Vec<_> = times.iter().filter(|time| **time > WITHIN).collect();
    assert_eq!(times.len(), USERS * ROUNDS);
    assert!(late.is_empty(), "{} of {} were late: {late:?}", late.len(), times.len());
}

async fn whoever_is_suspended_elsewhere_is_out_within_a_second(bank: Arc<TestBank>) {
    a_hundred_suspensions(&bank).await;
}

/// With Redis the same way is used, so that it must be as fast, and must not depend on it.
async fn with_redis(backend: Backend) {
    let redis = RedisServer::shared().await.unwrap_or_else(|error| panic!("{error:#}"));
    let url = redis.url();
    let clock = Arc::new(ManualClock::new());
    let database = TestDatabase::new(backend).await;
    let bank = TestBank::open_with(backend, database, clock, |config| {
        config.redis_url = Some(SecretString::from(url));
    })
    .await;
    a_hundred_suspensions(&bank).await;
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_it_takes_no_longer_on_sqlite() {
    with_redis(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_it_takes_no_longer_on_postgres() {
    with_redis(Backend::Postgres).await;
}

async fn every_end_elsewhere_counts_within_a_second(bank: Arc<TestBank>) {
    let (_, admin) = staff(&bank, "admin", Role::Admin).await;
    let (oda, _) = staff(&bank, "oda", Role::Operator).await;
    let (here, there) = (&bank.services, bank.replica().await);
    there.identity.serve();
    let new = "violet tractor under glass";
    for act in ["logout", "password", "one", "all", "reuse", "role"] {
        let (tokens, other) = (sign_in(here, &oda.email).await, sign_in(here, &oda.email).await);
        let actor = authenticate(here, &tokens).expect("a new token is good");
        let by_other = authenticate(here, &other).expect("a new token is good");
        let identity = &here.identity;
        match act {
            "logout" => identity.sign_out(&actor, None).await.expect("one can sign out"),
            "password" => {
                let old = harness::bank::PASSWORD;
                let change = async |from: &str, to: &str| {
                    identity
                        .change_password(&by_other, from.into(), to.into(), &client())
                        .await
                };
                let changed = change(old, new).await;
                changed.expect("a password can be changed");
                let back = change(new, old).await;
                back.expect("a password can be changed back");
            }
            "one" => {
                let Credential::Session(id) = actor.credential else {
                    panic!("{actor:?} has not signed in");
                };
                identity.end_session(&by_other, id).await.expect("it can be ended");
            }
            "all" => identity.end_sessions(&actor).await.expect("they can be ended"),
            "reuse" => {
                let next = super::refreshed(here, &tokens.refresh_token).await;
                super::refreshed(here, &next.refresh_token).await;
                super::is_refused(super::refresh(here, &tokens.refresh_token).await);
            }
            _ => {
                let changed = identity.set_role(&admin, oda.id, Role::Auditor).await;
                changed.expect("a role can be changed");
            }
        }
        let since = Instant::now();
        assert_eq!(
            authenticate(here, &tokens),
            Err(TokenError::Ended),
            "{act}: here it counts at once"
        );
        let time = refused_after(&there, &tokens, since).await;
        assert!(time <= WITHIN, "{act}: {time:?}");
    }
    there.stop().await;
}

async fn a_process_that_starts_knows_what_ended_before(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let tokens = sign_in(&bank.services, &ana.email).await;
    bank.services
        .identity
        .end_sessions(&ana.actor)
        .await
        .expect("sessions can be ended");
    // The bank's clock goes on by most of a token's life.
    bank.advance(TimeDelta::minutes(14)).await;
    let there = bank.replica().await;
    assert_eq!(authenticate(&there, &tokens), Err(TokenError::Ended));
    there.stop().await;
}

async fn looks_go_on_while_requests_take_every_connection(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let tokens = sign_in(&bank.services, &ana.email).await;
    let there = bank.replica().await;
    let held = bank.hold_pool(&bank.db.read).await;
    let asked = tokio::time::timeout(MOMENT, bank.services.ops.ping()).await;
    assert!(asked.is_err(), "a connection is left for requests");
    let ended = there.identity.end_sessions(&ana.actor).await;
    ended.expect("sessions can be ended");
    let look = tokio::time::timeout(WITHIN, bank.services.identity.warm_up()).await;
    look.expect("it waits for no request")
        .expect("ended sessions can be read");
    assert_eq!(authenticate(&bank.services, &tokens), Err(TokenError::Ended));
    for one in held {
        one.release().await;
    }
    there.stop().await;
}

async fn a_clean_up_that_fails_delays_no_look(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let here = &bank.services.identity;
    here.end_sessions(&ben.actor).await.expect("sessions can be ended");
    // Ben's session is to be deleted, and cannot be.
    bank.advance(TimeDelta::days(2)).await;
    refuse_deletions(&bank).await;
    here.delete_old_sessions().await.expect_err("no session can be deleted");
    let tokens = sign_in(&bank.services, &ana.email).await;
    let there = bank.replica().await;
    there.identity.serve();
    let since = Instant::now();
    while failures(&there, "sessions_cleanup") == 0 {
        assert!(since.elapsed() < WITHIN * 20, "nothing is cleaned up");
        tokio::time::sleep(PAUSE).await;
    }
    assert!(authenticate(&there, &tokens).is_ok(), "a new token is good everywhere");
    here.end_sessions(&ana.actor).await.expect("sessions can be ended");
    let time = refused_after(&there, &tokens, Instant::now()).await;
    assert!(time <= WITHIN, "{time:?}");
    assert_eq!(failures(&there, "sessions"), 0);
    there.stop().await;
}

fn failures(services: &Services, worker: &str) -> u64 {
    let workers = services.ops.workers();
    let found = workers.iter().find(|report| report.name == worker);
    found.expect("the worker has been started").failures
}

/// Makes the database refuse to delete sessions.
async fn refuse_deletions(bank: &TestBank) {
    let sql = match bank.backend {
        Backend::Postgres => {
            "CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$; \
             CREATE TRIGGER test_kept BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION test_refuse()"
        }
        Backend::Sqlite => "CREATE TRIGGER test_kept BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'kept'); END",
    };
    bank.execute(sql).await;
}
