//! Following the journal: a consumer that stops anywhere misses nothing and gets nothing twice, whichever process
//! commits.

mod lost;
mod records;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::{Customer, TestBank, all_at_once, on_every_backend};
use sea_orm::{EntityTrait, QueryOrder};
use service::Services;
use service::feed::{Completed, FeedFilter, Mark, Reader};
use service::ledger::{Action, Command, Destination, Direction, Handovers, Ledger, Movement, Payment, Texts};
use service::values::{Method, TransferKind, WalletId};
use tokio::time::timeout;

use crate::requests::{money, new_transfer};

on_every_backend!(
    a_reader_that_begins_anew_after_every_piece_gets_everything_once,
    a_reader_beside_a_committer_gets_everything_once,
    what_did_not_fit_into_the_hand_over_is_read,
    payments_are_read_without_what_lies_between_them,
);

/// Payments that each replica makes in a race.
const EACH: u32 = 150;
const PATIENCE: Duration = Duration::from_secs(30);

/// The journal's first row.
pub async fn birth(bank: &TestBank) -> Mark {
    mark_of(entity::journal::Entity::find_by_id(0_i64).one(&bank.db.read).await)
}

async fn head(bank: &TestBank) -> Mark {
    let newest = entity::journal::Entity::find().order_by_desc(entity::journal::Column::Number);
    mark_of(newest.one(&bank.db.read).await)
}

fn mark_of(row: Result<Option<entity::journal::Model>, sea_orm::DbErr>) -> Mark {
    let row = row.expect("the journal can be read").expect("the row is there");
    Mark {
        number: row.number,
        digest: row.digest,
    }
}

/// The completed transfers of the table, in the order of ids.
pub async fn stored(bank: &TestBank, kinds: &[TransferKind]) -> Vec<Completed> {
    let rows = entity::transfers::Entity::find().order_by_asc(entity::transfers::Column::Id);
    let rows = rows.all(&bank.db.read).await.expect("the transfers can be read");
    let completed = rows
        .into_iter()
        .filter(|row| row.failure_reason.is_none() && kinds.contains(&row.kind));
    completed
        .map(|row| Completed {
            kind: row.kind,
            currency: row.currency,
            amount: row.amount,
            method: row.method,
            at: row.created_at,
        })
        .collect()
}

/// Reads everything up to the newest row.
async fn rest(reader: &mut Reader<FeedFilter>) -> Vec<Completed> {
    let mut all = Vec::new();
    reader.poll_now();
    while let Some(piece) = reader.next().await.expect("the journal can be read") {
        all.extend(piece.items);
    }
    all
}

/// Two customers who pay each other.
struct Pair {
    ana: Customer,
    ben: Customer,
}

impl Pair {
    async fn of(bank: &TestBank) -> Self {
        Self {
            ana: bank.customer_with("ana", "1000").await,
            ben: bank.customer_with("ben", "1000").await,
        }
    }

    /// Pays many times through a replica, partly one after the other and partly at once.
    async fn pay(&self, services: Arc<Services>) {
        for number in 0..EACH / 5 {
            let paid = all_at_once((0..5).map(|more| {
                let (from, to) = if more % 2 == 0 {
                    (&self.ana, &self.ben)
                } else {
                    (&self.ben, &self.ana)
                };
                // The third of five is refused: the refusal is recorded and moves nothing.
                let amount = if more == 2 {
                    "9000".to_owned()
                } else {
                    format!("0.{number:02}{more}1")
                };
                let (transfers, actor) = (services.transfers.clone(), &from.actor);
                let transfer = new_transfer(from.wallet, to.wallet, &amount);
                async move { transfers.submit(service::transfers::Asking::by(actor), transfer).await }
            }))
            .await;
            assert!(paid.iter().filter(|paid| paid.is_ok()).count() >= 3, "{paid:?}");
        }
    }
}

async fn a_reader_that_begins_anew_after_every_piece_gets_everything_once(bank: Arc<TestBank>) {
    let (pair, other) = (Pair::of(&bank).await, bank.replica().await);
    let mut mark = birth(&bank).await;
    let mut read = Vec::new();
    // True once all payments are made: an empty read then means the end.
    let is_over = AtomicBool::new(false);
    let reading = async {
        let mut pieces = 0;
        loop {
            let mut reader = Reader::new(bank.db.clone(), FeedFilter::All, mark, None);
            let Some(piece) = reader.next().await.expect("the journal can be read") else {
                if is_over.load(Ordering::SeqCst) {
                    return pieces;
                }
                tokio::task::yield_now().await;
                continue;
            };
            assert_eq!((piece.from, reader.mark()), (mark, piece.to));
            mark = piece.to;
            read.extend(piece.items);
            pieces += 1;
        }
    };
    let paying = async {
        tokio::join!(pair.pay(bank.services.clone()), pair.pay(other));
        is_over.store(true, Ordering::SeqCst);
    };
    let (pieces, ()) = tokio::join!(reading, paying);
    assert!(pieces > 1, "{pieces} pieces are no test of many");
    read.extend(rest(&mut Reader::new(bank.db.clone(), FeedFilter::All, mark, None)).await);
    assert_eq!(read, stored(&bank, TransferKind::ALL).await);
}

/// A committer of the test's own, and a reader that gets its commits in memory.
struct Beside {
    ledger: Ledger,
    reader: Reader<FeedFilter>,
}

impl Beside {
    async fn of(bank: &TestBank, what: FeedFilter) -> Self {
        let handovers = Handovers::default();
        let ledger = Ledger::start(&bank.db, bank.clock.clone(), 8192, handovers.clone());
        Self {
            ledger: ledger.expect("a thread can be started"),
            reader: Reader::new(bank.db.clone(), what, birth(bank).await, Some(&handovers.completed)),
        }
    }
}

fn move_money(from: &Customer, to: WalletId, amount: &str) -> Command {
    Command {
        is_dry_run: false,
        actor: from.actor.clone(),
        idempotency: None,
        action: Action::Move(Movement {
            source: from.wallet,
            destination: Destination::Wallet(to),
            amount: Some(money(amount)),
            texts: Texts::default(),
            hold: None,
        }),
    }
}

/// The reader gets its own committer's commits in memory and those of the other replica from the database, all in one
/// order.
async fn a_reader_beside_a_committer_gets_everything_once(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let Beside { ledger, mut reader } = Beside::of(&bank, FeedFilter::All).await;
    let mut read = rest(&mut reader).await;
    let queue = ledger.queue();
    let own = async {
        for _ in 0..EACH {
            let paid = queue.submit(move_money(&pair.ana, pair.ben.wallet, "0.0001")).await;
            paid.expect("ana has enough");
        }
    };
    let committing = async { tokio::join!(own, pair.pay(bank.services.clone())) };
    tokio::pin!(committing);
    let mut is_over = false;
    while !is_over {
        tokio::select! {
            _ = &mut committing => is_over = true,
            () = reader.woken() => {}
        }
        while let Some(piece) = reader.next().await.expect("the journal can be read") {
            read.extend(piece.items);
        }
    }
    read.extend(rest(&mut reader).await);
    assert_eq!(read, stored(&bank, TransferKind::ALL).await);
    // Now the committer is alone again, and the reader needs no read of the database.
    let paid = queue.submit(move_money(&pair.ana, pair.ben.wallet, "0.5")).await;
    paid.expect("ana has enough");
    let woken = timeout(PATIENCE, reader.woken()).await;
    woken.expect("a commit wakes the reader");
    let piece = reader
        .next()
        .await
        .expect("the journal can be read")
        .expect("there is one");
    assert_eq!(piece.items.len(), 1);
    assert_eq!(reader.mark(), head(&bank).await);
    ledger.stop().await;
}

async fn what_did_not_fit_into_the_hand_over_is_read(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let Beside { ledger, mut reader } = Beside::of(&bank, FeedFilter::All).await;
    let before = rest(&mut reader).await.len();
    let queue = ledger.queue();
    // More commits than are kept for a reader, which takes none of them meanwhile.
    for _ in 0..600 {
        let paid = queue.submit(move_money(&pair.ana, pair.ben.wallet, "0.0001")).await;
        paid.expect("ana has enough");
    }
    let mut read = Vec::new();
    let following = async {
        while read.len() < 600 {
            reader.woken().await;
            while let Some(piece) = reader.next().await.expect("the journal can be read") {
                read.extend(piece.items);
            }
        }
    };
    timeout(PATIENCE, following).await.expect("all of them come");
    assert_eq!(read, stored(&bank, TransferKind::ALL).await.split_off(before));
    ledger.stop().await;
}

async fn payments_are_read_without_what_lies_between_them(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let Beside { ledger, mut reader } = Beside::of(&bank, FeedFilter::Payments).await;
    let withdraw = |amount: &str, system: WalletId| Command {
        is_dry_run: false,
        actor: pair.ana.actor.clone(),
        idempotency: None,
        action: Action::Pay(Payment {
            direction: Direction::Out,
            wallet: pair.ana.wallet,
            method: Method::try_new("visa").expect("this is a method"),
            system: Some(system),
            amount: Some(money(amount)),
            texts: Texts::default(),
            hold: None,
            is_to_open: false,
        }),
    };
    let visa = bank.system_wallet("visa").await;
    let queue = ledger.queue();
    // The refused withdrawal is no payment; two deposits were made before.
    for command in [
        withdraw("1", visa),
        move_money(&pair.ana, pair.ben.wallet, "2"),
        withdraw("90000", visa),
        withdraw("3", visa),
    ] {
        queue.submit(command).await.expect("the committer answers");
    }
    let payments = [TransferKind::Deposit, TransferKind::Withdrawal];
    let stored = stored(&bank, &payments).await;
    assert_eq!(stored.len(), 4);
    let mut read = rest(&mut reader).await;
    // The payments of one piece are not in order.
    read.sort_by_key(|one| one.at);
    assert_eq!(read, stored);
    ledger.stop().await;
}
