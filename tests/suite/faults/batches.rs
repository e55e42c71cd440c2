//! The server is killed, or the connections to it are cut, at each round trip of a caller's batch: all of it is there
//! afterwards, or nothing, and the answer says which.

use harness::Silence;
use sea_orm::{ConnectionTrait, Statement};
use service::db::Db;
use service::transfers::{Asking, BatchAnswer, NewBatch, TransferError};
use tokio::task::JoinHandle;

use super::{OwnBank, PAUSE};
use crate::requests::{key, new_transfer};

/// How many transfers a batch has.
const SIZE: usize = 50;
/// More round trips than a commit needs, with new connections too.
const TRIPS: u64 = 12;
/// After so many commits a process works without the turn again.
const COMMITS_UNTIL_ALONE: usize = 20;

/// What strikes at the chosen round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// The server is killed.
    Kill,
    /// The connections are cut, and the server goes on.
    Cut,
}

/// Which batch is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Atomic, and every transfer can be made.
    Atomic,
    /// Atomic, and the last one is refused.
    Refused,
    /// Each on its own, and the last one is refused.
    Each,
}

struct Struck {
    own: OwnBank,
    strikes: usize,
    /// Transfers that moved money, of the batches so far and of the payments between them.
    moved: usize,
}

impl Struck {
    async fn new() -> Self {
        Self {
            own: OwnBank::start(&[], 2).await,
            strikes: 0,
            moved: 0,
        }
    }

    /// Single payments, after which the process has its connections and remembers the wallets.
    async fn warm_up(&mut self) {
        for number in 0..COMMITS_UNTIL_ALONE {
            let name = format!("warm-{}-{number}", self.strikes);
            self.own.customers.pay(&self.own.bank.services, 0, 1, name).await;
            self.moved += 1;
        }
    }

    async fn strike(&mut self, asked: Asked, blow: Blow, silence: Silence, is_warm: bool) {
        self.strikes += 1;
        if is_warm {
            self.warm_up().await;
        }
        let before = self.stored().await;
        self.own.way.go_silent_in(silence);
        let mut call = self.ask(asked);
        let answered = tokio::select! {
            answer = &mut call => Some(answer),
            () = self.own.way.has_gone_silent() => None,
        };
        if answered.is_none() {
            let seen = self.stored().await - before;
            assert!(
                seen == 0 || seen == rows_of(asked),
                "{seen} of {asked:?} at {silence:?}"
            );
            if blow == Blow::Kill {
                self.own.server.kill().expect("a server can be killed");
                self.own.server.start_again().await.expect("the server starts again");
                let seen = self.stored().await - before;
                assert!(
                    seen == 0 || seen == rows_of(asked),
                    "{seen} of {asked:?} at {silence:?}"
                );
            }
        }
        self.own.way.speak_again();
        let answer = match answered {
            Some(answer) => answer,
            None => call.await,
        };
        self.check(asked, &answer.expect("the caller does not panic"));
        assert_eq!(
            self.stored().await - before,
            rows_of(asked),
            "{asked:?} {blow:?} {silence:?}"
        );
        self.moved += match asked {
            Asked::Atomic => SIZE,
            Asked::Refused => 0,
            Asked::Each => SIZE - 1,
        };
    }

    /// Asks until there is an answer, under one key.
    fn ask(&self, asked: Asked) -> JoinHandle<Result<BatchAnswer, TransferError>> {
        let ((actor, source), (_, destination)) = (self.own.customers.0[0].clone(), self.own.customers.0[1].clone());
        let services = self.own.bank.services.clone();
        let name = format!("batch-{}", self.strikes);
        tokio::spawn(async move {
            let mut transfers = vec![new_transfer(source, destination, super::AMOUNT); SIZE];
            if asked != Asked::Atomic {
                transfers[SIZE - 1] = new_transfer(source, destination, "1000000");
            }
            let is_atomic = asked != Asked::Each;
            loop {
                let new = NewBatch {
                    is_atomic,
                    transfers: transfers.clone(),
                };
                let asking = Asking::by(&actor).with_key(key(&name));
                match services.transfers.batch(asking, new).await {
                    Err(TransferError::Submit(_) | TransferError::Fault(_)) => tokio::time::sleep(PAUSE).await,
                    answer => return answer,
                }
            }
        })
    }

    fn check(&self, asked: Asked, answer: &Result<BatchAnswer, TransferError>) {
        match (asked, answer) {
            (Asked::Atomic, Ok(answer)) => assert!(answer.items.iter().all(Result::is_ok), "{answer:?}"),
            (Asked::Each, Ok(answer)) => {
                let made = answer.items.iter().filter(|item| item.is_ok()).count();
                assert_eq!((made, answer.items.len()), (SIZE - 1, SIZE));
            }
            (Asked::Refused, Err(TransferError::BatchRefused { index, .. })) => assert_eq!(*index, SIZE - 1),
            other => panic!("{other:?}"),
        }
    }

    /// How many transfers the database has, read past the proxy.
    async fn stored(&self) -> i64 {
        let db = Db::connect(&self.own.bank.database.url)
            .await
            .expect("the server is there");
        let query = "SELECT count(*) AS n FROM transfers";
        let query = Statement::from_string(db.backend(), query);
        let row = db.read.query_one_raw(query).await.expect("the query runs");
        let count = row.expect("a count is a row").try_get("", "n").expect("it is a number");
        db.close().await;
        count
    }

    /// Fails unless each batch has moved its money once.
    async fn end(self) {
        self.own.until_connected().await;
        let amount = crate::requests::money(super::AMOUNT).units();
        let funds = crate::requests::money(&super::FUNDS.to_string()).units();
        let moved = amount * i64::try_from(self.moved).expect("it is small");
        let expected = [funds - moved, funds + moved].map(|units| {
            let money = service::values::Money::from_units(units);
            money.expect("it is small").to_string()
        });
        assert_eq!(self.own.bank.balances(&self.own.customers.wallets()).await, expected);
        let kept = self.own.bank.number("SELECT count(*) AS n FROM batches").await;
        assert_eq!(
            kept,
            i64::try_from(self.strikes).expect("it is small"),
            "each is kept once"
        );
        self.own.bank.assert_journal_is_sound().await;
        self.own.close().await;
    }
}

/// How many rows a batch leaves.
fn rows_of(asked: Asked) -> i64 {
    match asked {
        Asked::Atomic | Asked::Each => SIZE as i64,
        Asked::Refused => 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_server_is_killed_is_there_or_not_as_a_whole() {
    let mut struck = Struck::new().await;
    for (asked, silence) in [
        (Asked::Atomic, Silence::BeforeRequest(1)),
        (Asked::Atomic, Silence::BeforeAnswer(1)),
        (Asked::Refused, Silence::BeforeAnswer(1)),
        (Asked::Each, Silence::BeforeAnswer(2)),
    ] {
        struck.strike(asked, Blow::Kill, silence, true).await;
    }
    struck.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_connections_are_cut_is_there_or_not_as_a_whole() {
    let mut struck = Struck::new().await;
    for trip in [1, 2, 4, 6] {
        for asked in [Asked::Atomic, Asked::Refused] {
            struck
                .strike(asked, Blow::Cut, Silence::BeforeRequest(trip), trip == 1)
                .await;
            struck
                .strike(asked, Blow::Cut, Silence::BeforeAnswer(trip), trip == 1)
                .await;
        }
    }
    struck.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a kill of the server and a cut at every round trip of a caller's batch"]
async fn a_blow_at_every_round_trip_of_a_batch_leaves_all_of_it_or_nothing() {
    let mut struck = Struck::new().await;
    for trip in 1..=TRIPS {
        for asked in [Asked::Atomic, Asked::Refused, Asked::Each] {
            for is_warm in [true, false] {
                for blow in [Blow::Kill, Blow::Cut] {
                    struck.strike(asked, blow, Silence::BeforeRequest(trip), is_warm).await;
                    struck.strike(asked, blow, Silence::BeforeAnswer(trip), is_warm).await;
                }
            }
        }
    }
    struck.end().await;
}
