//! Consumers of the journal whose connection is cut, or whose server is killed, before and after each round trip of
//! their reads, while two replicas commit. They miss nothing, and get nothing twice.

use std::sync::Arc;
use std::time::Duration;

use harness::{Proxy, Silence};
use service::Services;
use service::db::Db;
use service::feed::{Completed, FeedFilter, Mark, ReadError, Reader};
use service::transfers::{Asking, NewPayment};
use service::values::{Method, TransferKind};
use tokio::task::JoinHandle;

use super::{Load, OwnBank};
use crate::doubts::proxy_of;
use crate::feed::{birth, stored};
use crate::requests::money;

const CUSTOMERS: usize = 4;
const CLIENTS_EACH: usize = 2;
/// More round trips than a piece and a new connection need.
const TRIPS: u64 = 8;
/// How long a consumer waits when there is nothing to read.
const PAUSE: Duration = Duration::from_millis(2);

/// The fault at the chosen round trip.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Cut,
    Kill,
}

/// A consumer with its own connection, and what it has counted.
struct Consumer {
    db: Db,
    what: FeedFilter,
    mark: Mark,
    reader: Reader<FeedFilter>,
    counted: Vec<Completed>,
    failures: usize,
}

impl Consumer {
    async fn new(url: &str, what: FeedFilter, mark: Mark) -> Self {
        let db = Db::connect(url).await.expect("the proxy lets everything through");
        Self {
            reader: Reader::new(db.clone(), what, mark, None),
            db,
            what,
            mark,
            counted: Vec::new(),
            failures: 0,
        }
    }

    /// Counts the next piece. After a fault it begins again at its own mark. False if there was nothing more.
    async fn step(&mut self) -> bool {
        self.reader.poll_now();
        match self.reader.next().await {
            Ok(Some(piece)) => {
                assert_eq!(piece.from, self.mark);
                self.mark = piece.to;
                self.counted.extend(piece.items);
                return true;
            }
            Ok(None) => {}
            Err(ReadError::Fault(_)) => {
                self.failures += 1;
                self.reader = Reader::new(self.db.clone(), self.what, self.mark, None);
            }
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(PAUSE).await;
        false
    }

    /// Counts until the fault has struck and the step that it interrupted has ended.
    async fn go_through(&mut self, own: &mut OwnBank, way: &mut Proxy, blow: Blow, silence: Silence) {
        way.go_silent_in(silence);
        loop {
            let step = self.step();
            tokio::pin!(step);
            tokio::select! {
                _ = &mut step => {}
                () = way.has_gone_silent() => {
                    if matches!(blow, Blow::Kill) {
                        own.server.kill().expect("a server can be killed");
                        own.server.start_again().await.expect("the server starts again");
                    }
                    way.speak_again();
                    step.await;
                    return;
                }
            }
        }
    }
}

/// Deposits money without end. The outcomes are ignored, since the readers are compared with the stored transfers.
async fn pay_in(own: &OwnBank, services: Arc<Services>) -> JoinHandle<()> {
    let (operator, wallet) = (own.bank.operator_actor().await, own.customers.wallets()[0]);
    tokio::spawn(async move {
        loop {
            let deposit = NewPayment::new(
                wallet,
                Some(money("0.01")),
                Method::try_new("visa").expect("this is a method"),
            );
            let _ = services.transfers.deposit(Asking::by(&operator), deposit).await;
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn struck_at(trips: impl IntoIterator<Item = u64> + Clone, blow: Blow) {
    let mut own = OwnBank::start(&[], CUSTOMERS).await;
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let direct = own.bank.database.url.clone();
        replicas.push(own.bank.replica_with(|config| config.database_url = direct).await);
    }
    let paying = pay_in(&own, replicas[0].clone()).await;
    let (mut way, url) = proxy_of(&own.bank.database).await;
    let load = Load::start(&replicas, &own.customers, CLIENTS_EACH);
    let birth = birth(&own.bank).await;
    let mut consumers = Vec::new();
    for what in [FeedFilter::All, FeedFilter::Payments] {
        let mut consumer = Consumer::new(&url, what, birth).await;
        for trip in trips.clone() {
            for silence in [Silence::BeforeRequest(trip), Silence::BeforeAnswer(trip)] {
                consumer.go_through(&mut own, &mut way, blow, silence).await;
                load.until_answered(1).await;
            }
        }
        assert!(consumer.failures > 0, "no blow fell on a read");
        consumers.push(consumer);
    }
    load.stop().await;
    paying.abort();
    own.until_connected().await;
    for mut consumer in consumers {
        let newest = own.bank.number("SELECT max(number) AS n FROM journal").await;
        while consumer.mark.number < newest {
            consumer.step().await;
        }
        let kinds = match consumer.what {
            FeedFilter::All => TransferKind::ALL,
            FeedFilter::Payments => &[TransferKind::Deposit, TransferKind::Withdrawal],
        };
        // The payments of one piece are not in order.
        consumer.counted.sort_by_key(|one| one.at);
        assert_eq!(consumer.counted, stored(&own.bank, kinds).await, "{:?}", consumer.what);
        consumer.db.close().await;
    }
    own.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_is_cut_off_at_every_round_trip_gets_everything_once() {
    struck_at(1..=TRIPS, Blow::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_kills_of_the_server_lets_a_reader_get_everything_once() {
    struck_at([1, 2], Blow::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half a minute: a kill of the server at every round trip of a reader"]
async fn a_kill_at_every_round_trip_of_a_reader_lets_it_get_everything_once() {
    struck_at(1..=TRIPS, Blow::Kill).await;
}
