//! The cost of a list in the database: the rows that it touches on a bank with many transfers, for every filter.

mod audit;
mod meter;
mod user_list;
mod webhook_deliveries;

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use harness::histories::LongHistory;
use harness::{Backend, Customer, TestBank, on_every_backend};
use sea_orm::EntityTrait;
use service::Services;
use service::clock::Clock;
use service::db::Db;
use service::feed::{FeedFilter, Mark, ReadError, Reader};
use service::identity::Actor;
use service::page::PageRequest;
use service::transfers::{Asking, BATCH_MAX, HoldTerms, NewBatch, NewTransfer, TransferFilter};
use service::values::{BatchId, TransferId, TransferKind, TransferStatus, WalletId};
use service::wallets::Holder;

use self::meter::Meter;
use crate::requests::{new_transfer, submit};

on_every_backend!(
    a_list_touches_what_it_shows,
    what_belongs_to_a_transfer_or_a_batch_is_found_by_it,
    a_rare_kind_is_found_page_by_page,
    payments_are_found_among_many_transfers,
);

/// Transfers between two busy customers, among which the few of the others are rare.
const MANY: u32 = 100_000;
/// Holds of one of them, which all have run out; two batches.
const ENDED_HOLDS: usize = 2 * BATCH_MAX;
const PAGE: PageRequest<TransferId> = PageRequest { limit: 50, after: None };

/// What one list may touch. `Nothing`: no statement runs. `Page`: a hundred ids from each range, and the rows of a page; of
/// a small table PostgreSQL may read all. `Scan`: ten thousand ids, each of which is read from the ranges, merged, and
/// looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Nothing,
    Page,
    Scan,
}

impl Bound {
    fn most(self, backend: Backend) -> u64 {
        match (self, backend) {
            (Self::Nothing, Backend::Postgres) => 0,
            (Self::Page, Backend::Postgres) => 8_000,
            (Self::Scan, Backend::Postgres) => 75_000,
            // Other readers use the same connections now and then.
            (Self::Nothing, Backend::Sqlite) => 1_000,
            (Self::Page, Backend::Sqlite) => 30_000,
            (Self::Scan, Backend::Sqlite) => 1_500_000,
        }
    }

    /// A list of the whole bank. Only holds that were captured have no index.
    fn of_bank(filter: &TransferFilter) -> Self {
        match (filter.status, filter.kind) {
            (Some(TransferStatus::Pending), Some(kind)) if kind != TransferKind::Hold => Self::Nothing,
            (Some(TransferStatus::Completed), Some(TransferKind::Hold)) => Self::Scan,
            (_, _) => Self::Page,
        }
    }

    /// A list of a busy customer, whose newest transfers are completed ones between customers.
    fn of_busy(filter: &TransferFilter) -> Self {
        match (filter.status, filter.kind) {
            (None | Some(TransferStatus::Completed), None | Some(TransferKind::Transfer)) => Self::Page,
            (_, _) => Self::Scan,
        }
    }
}

/// Every status with every kind, and without.
fn filters() -> Vec<TransferFilter> {
    let statuses = || std::iter::once(None).chain(TransferStatus::ALL.iter().copied().map(Some));
    let kinds = std::iter::once(None).chain(TransferKind::ALL.iter().copied().map(Some));
    let both = kinds.flat_map(|kind| statuses().map(move |status| (kind, status)));
    both.map(|(kind, status)| TransferFilter {
        kind,
        status,
        ..TransferFilter::default()
    })
    .collect()
}

async fn a_list_touches_what_it_shows(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    let operator = bank.operator_actor().await;
    for filter in filters() {
        for (who, wallet, bound) in [
            // What ana has is few, whatever others have.
            (&town.ana.actor, None, Bound::Page),
            (&town.ana.actor, Some(town.ana.wallet), Bound::Page),
            (&town.busy.actor, None, Bound::of_busy(&filter)),
            (&town.busy.actor, Some(town.busy.wallet), Bound::of_busy(&filter)),
            (&operator, None, Bound::of_bank(&filter)),
            (&operator, Some(town.busy.wallet), Bound::of_busy(&filter)),
        ] {
            let of_wallet = TransferFilter { wallet, ..filter };
            let since = TransferFilter {
                from: Some(town.since),
                ..of_wallet
            };
            let until = TransferFilter {
                to: Some(town.since),
                ..of_wallet
            };
            for filter in [of_wallet, since, until] {
                town.lists(who.clone(), filter, bound).await;
            }
        }
    }
    let wallets = &town.services.wallets;
    for (who, wallet) in [(&town.ana.actor, town.ana.wallet), (&town.busy.actor, town.busy.wallet)] {
        let list = async { wallets.entries(who, wallet, PAGE).await.map(drop) };
        town.costs_at_most(Bound::Page, "entries", list).await;
        let list = async {
            wallets
                .list(who, Holder::User(who.user), PageRequest { limit: 50, after: None })
                .await
                .map(drop)
        };
        town.costs_at_most(Bound::Page, "wallets", list).await;
    }
}

async fn what_belongs_to_a_transfer_or_a_batch_is_found_by_it(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    let operator = bank.operator_actor().await;
    for filter in filters() {
        let of_hold = TransferFilter {
            parent: Some(town.hold),
            ..filter
        };
        // A batch has a thousand transfers at most, and none of this one's are ana's.
        let of_batch = TransferFilter {
            batch: Some(town.batch),
            ..filter
        };
        for who in [&town.ana.actor, &town.busy.actor, &operator] {
            town.lists(who.clone(), of_hold, Bound::Page).await;
            town.lists(who.clone(), of_batch, Bound::Scan).await;
        }
    }
}

async fn a_rare_kind_is_found_page_by_page(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    let operator = bank.operator_actor().await;
    for (who, filter) in [
        (&town.busy.actor, TransferFilter::default()),
        (
            &operator,
            TransferFilter {
                wallet: Some(town.busy.wallet),
                ..TransferFilter::default()
            },
        ),
    ] {
        let filter = TransferFilter {
            kind: Some(TransferKind::Deposit),
            ..filter
        };
        let (mut found, mut pages, mut request) = (Vec::new(), 0, PAGE);
        loop {
            let page = town
                .services
                .transfers
                .list(who, filter, request)
                .await
                .expect("transfers can be listed");
            found.extend(page.items.iter().map(|transfer| transfer.transfer.kind));
            pages += 1;
            let Some(next) = page.next else { break };
            request.after = Some(next);
        }
        assert_eq!(found, [TransferKind::Deposit], "below all the others, in a short page");
        assert!(pages > 10 && pages < 60, "{pages} pages");
    }
}

/// The relay of the daily aggregates reads only deposits and withdrawals; it counts all other transfers in the primary
/// key.
async fn payments_are_found_among_many_transfers(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    let db = match bank.backend {
        Backend::Postgres => Db::connect(&bank.database.url).await.expect("the database is there"),
        Backend::Sqlite => bank.db.clone(),
    };
    let birth = entity::journal::Entity::find_by_id(0_i64).one(&bank.db.read).await;
    let birth = birth.expect("the journal can be read").expect("it has a first row");
    let mark = Mark {
        number: 0,
        digest: birth.digest,
    };
    let mut reader = Reader::new(db, FeedFilter::Payments, mark, None);
    let mut found = Vec::new();
    let reading = async {
        while let Some(piece) = reader.next().await? {
            found.extend(piece.items);
        }
        Ok::<_, ReadError>(())
    };
    let (backend, touched) = town.meter.measure(reading).await;
    assert_eq!(found.len(), 2);
    let most = match backend {
        Backend::Postgres => u64::from(MANY) * 5 / 4,
        Backend::Sqlite => u64::from(MANY) * 5,
    };
    assert!(touched > u64::from(MANY) && touched < most, "{touched} on {backend:?}");
}

/// A bank in which ana has few transfers, and the busy customers have many before her last ones.
struct Town {
    services: Arc<Services>,
    ana: Customer,
    busy: Customer,
    /// One of the busy customer's holds that have run out, and its batch.
    hold: TransferId,
    batch: BatchId,
    since: service::values::Timestamp,
    meter: Meter,
}

impl Town {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
        let (busy, other) = (bank.customer("busy").await, bank.customer("other").await);
        bank.fund(busy.wallet, "1", "visa").await;
        bank.fund(ana.wallet, "2", "visa").await;
        let (batch, hold) = hold_and_expire(bank, &busy, other.wallet).await;
        let history = LongHistory {
            wallet: busy.wallet,
            counterparty: other.wallet,
            transfers: MANY,
            since: bank.clock.now() + TimeDelta::seconds(1),
        };
        history.store(&bank.db.write).await;
        harness::journal::adopt(&bank.db.write).await;
        bank.advance(TimeDelta::hours(2)).await;
        let since = bank.clock.now();
        for (terms, is_paid) in [(None, true), (Some(HoldTerms::DEFAULT), true), (None, false)] {
            let new = NewTransfer {
                hold: terms,
                ..new_transfer(ana.wallet, ben.wallet, "1")
            };
            let answer = submit(&bank.services, &ana.actor, new).await;
            assert_eq!(answer.is_ok(), is_paid, "{answer:?}");
        }
        bank.execute("ANALYZE").await;
        let (services, meter) = Meter::of(bank).await;
        Self {
            services,
            ana,
            busy,
            hold,
            batch,
            since,
            meter,
        }
    }

    async fn lists(&self, who: Actor, filter: TransferFilter, bound: Bound) {
        let list = self.services.transfers.list(&who, filter, PAGE);
        let what = format!("{who:?} {filter:?}");
        self.costs_at_most(bound, &what, async { list.await.map(drop) }).await;
    }

    async fn costs_at_most<T, E: fmt::Debug>(
        &self,
        bound: Bound,
        what: &str,
        list: impl Future<Output = Result<T, E>>,
    ) {
        let (backend, rows) = self.meter.measure(list).await;
        assert!(rows > 0 || bound == Bound::Nothing, "{what}: nothing was measured");
        assert!(rows <= bound.most(backend), "{what}: {rows} on {backend:?}, {bound:?}");
    }
}

/// Holds money in batches until it runs out; returns a batch and one of its holds.
async fn hold_and_expire(bank: &TestBank, customer: &Customer, destination: WalletId) -> (BatchId, TransferId) {
    let transfers = &bank.services.transfers;
    let new = NewTransfer {
        hold: HoldTerms::try_new(HoldTerms::SECONDS_MIN),
        ..new_transfer(customer.wallet, destination, "0.0001")
    };
    let mut last = None;
    for _ in 0..ENDED_HOLDS / BATCH_MAX {
        let batch = NewBatch {
            is_atomic: false,
            transfers: vec![new.clone(); BATCH_MAX],
        };
        let answer = transfers.batch(Asking::by(&customer.actor), batch).await;
        let answer = answer.expect("there is enough");
        last = answer
            .items
            .iter()
            .flatten()
            .next_back()
            .map(|hold| (answer.id, hold.transfer.id));
    }
    bank.advance(TimeDelta::minutes(2)).await;
    while transfers.expire_holds().await.expect("the holds can be read") > 0 {}
    last.expect("they were held")
}
