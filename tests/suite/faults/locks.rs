//! Locks that a person holds in psql, on a bank of one process and of two: each stops only what needs the locked rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Backend, TestBank, all_at_once, begin, run};
use service::Services;
use service::ledger::{Action, Command, Opening, Owner, SubmitError};
use service::transfers::TransferError;
use service::values::Currency;
use service::wallets::WalletError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Customers;
use crate::own_committer::Committer;

/// The longest that a lock may stop a transfer which does not need the locked wallet or user.
const GOES_ON_WITHIN: Duration = Duration::from_secs(3);
const CUSTOMERS: usize = 8;
/// Transfers that each process makes one after the other, between the unlocked wallets.
const ROUNDS: usize = 20;

async fn processes(bank: &TestBank, count: usize) -> Vec<Arc<Services>> {
    let mut processes = vec![bank.services.clone()];
    while processes.len() < count {
        processes.push(bank.replica().await);
    }
    processes
}

/// Moves money between all wallets but the first, in all processes at once; returns the longest time of a transfer.
async fn move_others(processes: &[Arc<Services>], customers: &Customers, name: &str) -> Duration {
    let streams = processes.iter().enumerate().map(|(process, services)| async move {
        let mut longest = Duration::ZERO;
        for round in 0..ROUNDS {
            let from = 1 + (process + round) % (CUSTOMERS - 1);
            let to = 1 + (process + round + 1) % (CUSTOMERS - 1);
            let began = Instant::now();
            let key = format!("{name}-{process}-{round}");
            customers
                .ask(services, (from, to), &key)
                .await
                .expect("nothing is in its way");
            longest = longest.max(began.elapsed());
        }
        longest
    });
    all_at_once(streams).await.into_iter().max().unwrap_or_default()
}

async fn a_locked_wallet_stops_nobody_else(bank: Arc<TestBank>, count: usize) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, count).await;
    move_others(&processes, &customers, "before").await;
    let locked = bank.lock_wallet(customers.wallets()[0]).await;
    let on_it = processes.iter().map(|services| customers.ask(services, (0, 1), "once"));
    let (longest, stopped) = tokio::join!(move_others(&processes, &customers, "beside"), all_at_once(on_it));
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    for outcome in stopped {
        assert!(
            matches!(outcome, Err(TransferError::Submit(SubmitError::Contended))),
            "{outcome:?}"
        );
    }
    locked.release().await;
    for services in &processes {
        let receipt = customers.ask(services, (0, 1), "once").await;
        receipt.expect("the lock is gone");
    }
    let moved = "SELECT count(*) AS n FROM transfers WHERE source_wallet_id = ";
    let wallet = bank.literal(customers.wallets()[0].0);
    assert_eq!(bank.number(&format!("{moved}{wallet}")).await, 1);
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_no_other_of_one_process() {
    run(Backend::Postgres, |bank| a_locked_wallet_stops_nobody_else(bank, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_no_other_of_two_processes() {
    run(Backend::Postgres, |bank| a_locked_wallet_stops_nobody_else(bank, 2)).await;
}

/// A person locks the journal's row 0, which is the turn, and leaves the transaction open.
async fn an_idle_turn_is_ended(bank: Arc<TestBank>, count: usize) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, count).await;
    move_others(&processes, &customers, "before").await;
    let held = bank.hold_turn().await;
    let longest = move_others(&processes, &customers, "beside").await;
    // The lock delayed a transfer, and was ended.
    assert!(longest > Duration::from_secs(1), "{longest:?}");
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    drop(held);
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_turn_stops_one_process_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_idle_turn_is_ended(bank, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_turn_stops_two_processes_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_idle_turn_is_ended(bank, 2)).await;
}

/// A person or a migration locks all users, while many customers open wallets.
async fn locked_users_stop_only_what_opens_their_wallets(bank: Arc<TestBank>) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, 1).await;
    move_others(&processes, &customers, "before").await;
    let locked = bank.lock_users().await;
    let euro = Currency::from_code("EUR").expect("EUR is a currency");
    let open = |actor| processes[0].wallets.open(actor, euro);
    let opening = all_at_once(customers.0.iter().map(|(actor, _)| open(actor)));
    let (longest, opened) = tokio::join!(move_others(&processes, &customers, "beside"), opening);
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    for outcome in opened {
        assert!(
            matches!(outcome, Err(WalletError::Submit(SubmitError::Contended))),
            "{outcome:?}"
        );
    }
    locked.release().await;
    for outcome in all_at_once(customers.0.iter().map(|(actor, _)| open(actor))).await {
        outcome.expect("the lock is gone");
    }
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_users_stop_no_transfer_for_three_seconds() {
    run(Backend::Postgres, locked_users_stop_only_what_opens_their_wallets).await;
}

/// A batch that opens a wallet and moves money waits for the turn, which a person holds.
async fn an_idle_turn_is_ended_beside_an_opening(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let (queue, pay) = (committer.queue(), committer.first.clone());
    let commits = bank.hold_commits().await;
    let first = begin([queue.submit(pay.clone())]).await;
    while queue.depth() > 0 {
        tokio::task::yield_now().await;
    }
    let opening = Opening {
        owner: Owner::Customer(pay.actor.user),
        currency: Currency::from_code("EUR").expect("EUR is a currency"),
    };
    let opening = Command::new(pay.actor.clone(), Action::Open(opening));
    let batch = begin([pay.clone(), opening, pay].map(|command| queue.submit(command))).await;
    // A person's session waits for the turn behind the first commit, and so gets it before the batch.
    let (turn, ()) = tokio::join!(bank.hold_turn(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        commits.release().await;
    });
    let began = Instant::now();
    for outcome in first.all().await.into_iter().chain(batch.all().await) {
        outcome.expect("the person's session is ended");
    }
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1), "{took:?}");
    assert!(took < GOES_ON_WITHIN, "{took:?}");
    drop(turn);
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_turn_stops_an_opening_and_those_beside_it_for_less_than_three_seconds() {
    run(Backend::Postgres, an_idle_turn_is_ended_beside_an_opening).await;
}

/// A session that locks the journal's row 0 and requests more than the sockets' buffers hold. Its client reads none of
/// it, so the server waits for the client within the transaction. Every driver reads its answers, so this speaks the
/// protocol itself.
async fn hold_turn_unread(bank: &TestBank) -> TcpStream {
    let url = bank.database.url.trim_start_matches("postgres://");
    let (user, place) = url.split_once('@').expect("the URL names a user");
    let (address, rest) = place.split_once('/').expect("the URL names a database");
    let database = rest.split('?').next().unwrap_or_default();
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let startup = format!("\0\x03\0\0user\0{user}\0database\0{database}\0\0");
    send(&mut stream, &[], &startup).await;
    // The server's greeting ends with "ready, and not in a transaction".
    let mut received = Vec::new();
    while !received.ends_with(b"Z\0\0\0\x05I") {
        let read = stream.read_buf(&mut received).await.expect("the server answers");
        assert!(read > 0, "{}", String::from_utf8_lossy(&received));
    }
    let query = "BEGIN; SELECT number FROM journal WHERE number = 0 FOR UPDATE; \
                 SELECT repeat('x', 1000000) FROM generate_series(1, 200)\0";
    send(&mut stream, b"Q", query).await;
    let waits = "SELECT count(*) AS n FROM pg_stat_activity \
                 WHERE datname = current_database() AND state = 'active' AND wait_event = 'ClientWrite'";
    while bank.number(waits).await == 0 {
        tokio::task::yield_now().await;
    }
    stream
}

/// A message of PostgreSQL's protocol: a letter (except in the first message), a length that includes its own four
/// bytes, and the content.
async fn send(stream: &mut TcpStream, kind: &[u8], content: &str) {
    let length = u32::try_from(content.len() + 4).expect("it is short");
    let message = [kind, &length.to_be_bytes(), content.as_bytes()].concat();
    stream.write_all(&message).await.expect("the server reads");
}

async fn an_unread_turn_is_ended(bank: Arc<TestBank>, count: usize) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, count).await;
    move_others(&processes, &customers, "before").await;
    let mut held = hold_turn_unread(&bank).await;
    let longest = move_others(&processes, &customers, "beside").await;
    assert!(longest > Duration::from_secs(1), "{longest:?}");
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    // The server has closed the connection, so the stream ends after what was sent before.
    let mut sink = vec![0; 64 * 1024];
    while let Ok(1..) = held.read(&mut sink).await {}
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_client_reads_nothing_stops_one_process_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_unread_turn_is_ended(bank, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_client_reads_nothing_stops_two_processes_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_unread_turn_is_ended(bank, 2)).await;
}
