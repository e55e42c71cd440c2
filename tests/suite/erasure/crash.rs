//! An erasure that stops in the middle is finished by the worker of any server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Backend, TestBank, on_every_backend};
use service::actor::ClientInfo;
use service::identity::IdentityError;
use service::values::UserStatus;

use super::stage::{AnasLife, HERS, NAME};
use super::{stored_rows, tables_with};

on_every_backend!(
    what_a_crash_has_left_is_erased_by_the_next_server,
    an_admin_who_asks_again_finishes_it,
    one_user_who_cannot_be_finished_keeps_no_other_one_waiting,
);

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Makes the database refuse to change transfers, so that an erasure stops after its first transaction, as after a crash.
async fn stop_erasures(bank: &TestBank) {
    bank.execute(match bank.backend {
        Backend::Postgres => {
            "CREATE FUNCTION test_stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stopped'; END $$; \
             CREATE TRIGGER test_stopped BEFORE UPDATE ON transfers FOR EACH ROW EXECUTE FUNCTION test_stop()"
        }
        Backend::Sqlite => {
            "CREATE TRIGGER test_stopped BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'stopped'); END"
        }
    })
    .await;
}

async fn let_erasures_go_on(bank: &TestBank) {
    bank.execute(match bank.backend {
        Backend::Postgres => "DROP TRIGGER test_stopped ON transfers",
        Backend::Sqlite => "DROP TRIGGER test_stopped",
    })
    .await;
}

async fn unfinished(bank: &TestBank) -> i64 {
    let sql = "SELECT count(*) AS n FROM users WHERE status = 'erased' AND erased_at IS NULL";
    bank.number(sql).await
}

/// Ana is erased, and her texts are still there.
async fn stopped(bank: &Arc<TestBank>) -> AnasLife {
    let life = AnasLife::lived(bank).await;
    stop_erasures(bank).await;
    let stopped = life.services.identity.erase(&life.admin, life.ana.actor.user).await;
    assert!(
        matches!(stopped, Err(IdentityError::ErasureUnfinished(_))),
        "{stopped:?}"
    );
    let user = life.services.identity.user(life.ana.actor.user).await;
    assert_eq!(user.expect("her row stays").status, UserStatus::Erased);
    assert!(
        life.try_sign_in(harness::bank::PASSWORD, ClientInfo::default())
            .await
            .is_none()
    );
    let rows = stored_rows(bank).await;
    assert_eq!(tables_with(&rows, "hers-paid"), ["transfers"]);
    assert!(!tables_with(&rows, NAME).iter().any(|table| table == "users"));
    assert_eq!(unfinished(bank).await, 1);
    let_erasures_go_on(bank).await;
    life
}

async fn nothing_is_left(bank: &TestBank) {
    assert_eq!(unfinished(bank).await, 0);
    let rows = stored_rows(bank).await;
    for mark in HERS {
        assert_eq!(tables_with(&rows, mark), Vec::<String>::new(), "{mark} is still there");
    }
}

async fn what_a_crash_has_left_is_erased_by_the_next_server(bank: Arc<TestBank>) {
    stopped(&bank).await;
    let next = bank.replica().await;
    next.identity.serve();
    let began = Instant::now();
    while unfinished(&bank).await > 0 {
        assert!(began.elapsed() < PATIENCE, "no worker finishes it");
        tokio::time::sleep(PAUSE).await;
    }
    nothing_is_left(&bank).await;
    next.stop().await;
}

async fn an_admin_who_asks_again_finishes_it(bank: Arc<TestBank>) {
    let life = stopped(&bank).await;
    let erased = life.services.identity.erase(&life.admin, life.ana.actor.user).await;
    assert_eq!(erased.expect("nothing is in the way").status, UserStatus::Erased);
    nothing_is_left(&bank).await;
    let lines = "SELECT count(*) AS n FROM audit_lines WHERE action = 'user.erased'";
    assert_eq!(bank.number(lines).await, 1, "she was erased once");
}

async fn one_user_who_cannot_be_finished_keeps_no_other_one_waiting(bank: Arc<TestBank>) {
    let life = AnasLife::lived(&bank).await;
    let (other, _) = crate::requests::quiet_customer(&bank, "cy").await;
    let identity = &life.services.identity;
    // Without transfers there is nothing that the database refuses to change.
    bank.execute(&format!(
        "UPDATE users SET status = 'erased' WHERE id IN ({}, {})",
        bank.literal(life.ana.actor.user.0),
        bank.literal(other.user.0)
    ))
    .await;
    stop_erasures(&bank).await;
    identity.finish_erasures().await.expect_err("Ana has texts");
    assert_eq!(unfinished(&bank).await, 1);
    let_erasures_go_on(&bank).await;
    let looked_at = identity.finish_erasures().await;
    assert_eq!(looked_at.expect("nothing is in the way"), 2);
    assert_eq!(unfinished(&bank).await, 0);
}
