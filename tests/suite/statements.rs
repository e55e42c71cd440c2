//! The cost of a batch in statements, as exact numbers, so that a more expensive change fails a test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Backend, ManualClock, TestBank, on_every_backend};
use service::db::Db;
use service::ledger::{Command, MetricsSnapshot, Outcome};

use crate::own_committer::{Committer, ana_pays_ben, but, deposit, idempotency, sides};
use crate::requests::money;

on_every_backend!(
    a_batch_costs_the_same_statements_whatever_its_size,
    deposits_and_refusals_have_their_price,
    keys_and_replays_have_their_price,
    a_batch_in_turn_costs_a_fixed_number_of_statements,
);

async fn a_batch_costs_the_same_statements_whatever_its_size(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    committer.be_alone(&bank).await;
    // PostgreSQL: one statement that writes, and one that reads the wallets that are not remembered yet.
    // SQLite: commands that come while a batch waits for the turn join it; only wallets that are not remembered cost a
    // statement.
    let (batches, cold, warm) = match bank.backend {
        Backend::Postgres => (1, 2, 1),
        Backend::Sqlite => (0, 1, 0),
    };
    for (size, statements) in [(1, cold), (1, warm), (10, warm), (499, warm)] {
        let cost = committer.cost(&bank, vec![pay.clone(); size]).await;
        let expected = MetricsSnapshot {
            batches,
            commands: size as u64,
            statements,
            ..MetricsSnapshot::default()
        };
        assert_eq!(cost, expected, "a batch of {size}");
    }
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.9489", "0.0511"]);
}

async fn deposits_and_refusals_have_their_price(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let deposit = deposit(&bank, "visa", sides(&pay)[1], "0.0001").await;
    committer.commit(&bank, vec![pay.clone(), deposit.clone()]).await;
    committer.be_alone(&bank).await;
    let too_much = but(&pay, |movement| movement.amount = Some(money("1000")));
    let no_amount = but(&pay, |movement| movement.amount = None);
    // A refusal without a record writes nothing, but the committer checks the head before it answers. On SQLite the
    // batch that waited for the turn takes in all of these, and one more statement checks wallets that were only
    // decided on.
    let (batches, moved, decided_on, unwritten) = match bank.backend {
        Backend::Postgres => (1, 1, 1, 1),
        Backend::Sqlite => (0, 0, 1, 0),
    };
    for (name, command, statements) in [
        ("deposits", deposit, moved),
        ("recorded refusals", too_much, decided_on),
        ("refusals that are not recorded", no_amount, unwritten),
    ] {
        let cost = committer.cost(&bank, vec![command; 10]).await;
        assert_eq!(
            (cost.batches, cost.commands, cost.statements),
            (batches, 10, statements),
            "{name}"
        );
    }
}

async fn keys_and_replays_have_their_price(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    committer.commit(&bank, vec![pay.clone()]).await;
    committer.be_alone(&bank).await;
    let keyed: Vec<Command> = (0..10)
        .map(|number| Command {
            idempotency: idempotency(number),
            ..pay.clone()
        })
        .collect();
    // On PostgreSQL an unused key costs nothing, since the unique index finds used ones. On SQLite one statement looks
    // up all keys of a batch.
    let batches = u64::from(bank.backend == Backend::Postgres);
    let cost = committer.cost(&bank, keyed.clone()).await;
    assert_eq!((cost.batches, cost.statements, cost.stale_retries), (batches, 1, 0));
    let balances = bank.balances(&sides(&pay)).await;
    let again = committer.commit(&bank, keyed).await;
    assert!(
        again
            .iter()
            .all(|outcome| matches!(outcome, Ok(Outcome::Recorded { replayed: true, .. }))),
        "{again:?}"
    );
    assert_eq!(bank.balances(&sides(&pay)).await, balances);
}

/// The cost of one batch with the turn, whatever has joined it.
async fn a_batch_in_turn_costs_a_fixed_number_of_statements(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    // Another committer has moved the head, so this one takes the turn. The first try finds that out and costs one
    // more.
    bank.fund(sides(&committer.first)[0], "1", "visa").await;
    committer.commit(&bank, Vec::new()).await;
    let before = committer.metrics();
    committer.commit(&bank, Vec::new()).await;
    let after = committer.metrics();
    // PostgreSQL: BEGIN and its time-out, the turn, the write, COMMIT.
    // SQLite: BEGIN, the head, four writes, COMMIT.
    let statements = match bank.backend {
        Backend::Postgres => 5,
        Backend::Sqlite => 7,
    };
    assert_eq!(after.statements - before.statements, statements);
}

/// Compares the counter with PostgreSQL's own count, on a server that counts by role.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_counts_the_same_statements() {
    let settings = [("shared_preload_libraries", "pg_stat_statements")];
    let server = PostgresServer::start(Durability::Fast, &settings)
        .await
        .expect("a server starts");
    let database = TestDatabase::on(&server, "counted").await;
    let bank = TestBank::open_on(Backend::Postgres, database, Arc::new(ManualClock::new()), 8192).await;
    bank.execute("CREATE EXTENSION pg_stat_statements; CREATE ROLE committer SUPERUSER LOGIN")
        .await;
    let db = Db::connect(&server.url("counted").replace("florin@", "committer@"))
        .await
        .expect("the role may connect");
    let committer = Committer::on(&bank, &db).await;
    let pay = ana_pays_ben(&bank).await;
    committer.be_alone(&bank).await;
    let keyed = Command {
        idempotency: idempotency(1),
        ..pay.clone()
    };
    let batches = [
        ("reads what is not remembered", vec![pay.clone()]),
        ("one", vec![pay.clone()]),
        (
            "twenty and a key",
            [vec![pay.clone(); 20], vec![keyed.clone()]].concat(),
        ),
        (
            "refused before anything is recorded",
            vec![but(&pay, |movement| movement.amount = None)],
        ),
        ("locked from the start", vec![pay.clone()]),
        (
            "locked with a key",
            vec![Command {
                idempotency: idempotency(2),
                ..pay.clone()
            }],
        ),
        ("a replay", vec![keyed]),
    ];
    for (name, commands) in batches {
        if name.starts_with("locked from") {
            // After another committer's write this one takes the turn; the server does not count the try that finds the
            // head moved.
            bank.fund(sides(&committer.first)[0], "1", "visa").await;
            committer.commit(&bank, Vec::new()).await;
        }
        let before = (committer.metrics().statements, server_count(&bank).await);
        committer.commit(&bank, commands).await;
        let counted = committer.metrics().statements - before.0;
        // The server may count a statement a moment after its answer.
        let patience = Instant::now() + Duration::from_secs(2);
        let mut on_server = server_count(&bank).await - before.1;
        while on_server < counted && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
            on_server = server_count(&bank).await - before.1;
        }
        assert_eq!(counted, on_server, "{name}");
    }
    bank.assert_books_balance().await;
    db.close().await;
    bank.close().await;
}

/// Statements that the committer's role has finished.
async fn server_count(bank: &TestBank) -> u64 {
    let sql = "SELECT coalesce(sum(calls), 0)::bigint AS n FROM pg_stat_statements \
               WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = 'committer')";
    bank.number(sql).await.unsigned_abs()
}
