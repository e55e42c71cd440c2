//! The cost of a list in the database: the rows that it touches on a bank with many transfers, for every filter.

mod meter;

use std::fmt;
use std::sync::Arc;

use harness::Customer;
use harness::{Backend, TestBank, on_every_backend};
use sea_orm::EntityTrait;
use service::Services;
use service::clock::Clock;
use service::db::Db;
use service::feed::{FeedFilter, Mark, ReadError, Reader};
use service::page::PageRequest;
use service::transfers::TransferFilter;
use service::values::{TransferId, TransferKind, TransferStatus, WalletId};
use service::wallets::Holder;

use self::meter::Meter;
use crate::requests::{new_transfer, submit};

on_every_backend!(
    a_list_touches_what_it_shows,
    a_rare_kind_is_found_page_by_page,
    payments_are_found_among_many_transfers,
);

/// Transfers between two busy customers, among which the few of the others are rare.
const MANY: u32 = 30_000;
const PAGE: PageRequest<TransferId> = PageRequest { limit: 50, after: None };

/// What one list may touch. `Page`: pages of 50 from two ranges of a wallet and from the table. `Scan`: a thousand rows
/// and the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Page,
    Scan,
}

impl Bound {
    fn most(self, backend: Backend) -> u64 {
        match (self, backend) {
            (Self::Page, Backend::Postgres) => 200,
            (Self::Scan, Backend::Postgres) => 2_500,
            (Self::Page, Backend::Sqlite) => 5_000,
            (Self::Scan, Backend::Sqlite) => 60_000,
        }
    }
}

async fn a_list_touches_what_it_shows(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    let operator = bank.operator_actor().await;
    let mut filters = vec![(TransferFilter::default(), Bound::Page)];
    for status in TransferStatus::ALL {
        filters.push((
            TransferFilter {
                status: Some(*status),
                ..TransferFilter::default()
            },
            Bound::Page,
        ));
    }
    for kind in TransferKind::ALL {
        filters.push((
            TransferFilter {
                kind: Some(*kind),
                ..TransferFilter::default()
            },
            Bound::Scan,
        ));
        for status in TransferStatus::ALL {
            let both = TransferFilter {
                status: Some(*status),
                kind: Some(*kind),
                ..TransferFilter::default()
            };
            filters.push((both, Bound::Scan));
        }
    }
    for (filter, bound) in filters {
        for (who, wallet) in [
            (town.ana.actor, None),
            (town.busy.actor, None),
            (town.busy.actor, Some(town.busy.wallet)),
            (operator, None),
            (operator, Some(town.busy.wallet)),
        ] {
            // Nearly all transfers are completed, so for an operator this status limits no range.
            let is_whole = who == operator && wallet.is_none() && filter.status == Some(TransferStatus::Completed);
            let bound = if is_whole { Bound::Scan } else { bound };
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
                let list = town.services.transfers.list(who, filter, PAGE);
                town.costs_at_most(bound, &format!("{who:?} {filter:?}"), async { list.await.map(drop) })
                    .await;
            }
        }
    }
    let wallets = &town.services.wallets;
    for (who, wallet) in [(town.ana.actor, town.ana.wallet), (town.busy.actor, town.busy.wallet)] {
        let list = async { wallets.entries(who, wallet, PAGE).await.map(drop) };
        town.costs_at_most(Bound::Page, "entries", list).await;
        let list = async {
            wallets
                .list(Holder::User(who.user), PageRequest { limit: 50, after: None })
                .await
                .map(drop)
        };
        town.costs_at_most(Bound::Page, "wallets", list).await;
    }
}

async fn a_rare_kind_is_found_page_by_page(bank: Arc<TestBank>) {
    let town = Town::of(&bank).await;
    for (who, filter) in [
        (town.busy.actor, TransferFilter::default()),
        (
            bank.operator_actor().await,
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
            found.extend(page.items.iter().map(|transfer| transfer.kind));
            pages += 1;
            let Some(next) = page.next else { break };
            request.after = Some(next);
        }
        assert_eq!(found, [TransferKind::Deposit], "below all the others, in a short page");
        assert!(pages > 1 && pages < 60, "{pages} pages");
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
            found.extend(piece.completed);
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

/// A bank in which ana has three transfers, one of them refused, and the busy customers have many before her last two.
struct Town {
    services: Arc<Services>,
    ana: Customer,
    busy: Customer,
    since: service::values::Timestamp,
    meter: Meter,
}

impl Town {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
        let (busy, other) = (bank.customer("busy").await, bank.customer("other").await);
        bank.fund(busy.wallet, "1", "visa").await;
        bank.fund(ana.wallet, "1", "visa").await;
        seed(bank, busy.wallet, other.wallet).await;
        bank.advance(chrono::TimeDelta::hours(2)).await;
        let since = bank.clock.now();
        submit(&bank.services, ana.actor, new_transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect("ana can pay");
        submit(&bank.services, ana.actor, new_transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect_err("ana cannot");
        bank.execute("ANALYZE").await;
        let (services, meter) = Meter::of(bank).await;
        Self {
            services,
            ana,
            busy,
            since,
            meter,
        }
    }

    async fn costs_at_most<T, E: fmt::Debug>(
        &self,
        bound: Bound,
        what: &str,
        list: impl Future<Output = Result<T, E>>,
    ) {
        let (backend, rows) = self.meter.measure(list).await;
        assert!(rows > 0, "{what}: nothing was measured");
        assert!(rows <= bound.most(backend), "{what}: {rows} on {backend:?}, {bound:?}");
    }
}

/// Transfers of a cent between two customers, back and forth, in the hour after the bank's time.
async fn seed(bank: &TestBank, one: WalletId, other: WalletId) {
    let millis = bank.clock.now().timestamp_millis() + 1_000;
    let (one, other) = (bank.literal(one.0), bank.literal(other.0));
    let (numbers, id, time) = match bank.backend {
        Backend::Postgres => (
            format!("SELECT n FROM generate_series(1, {MANY}) AS n"),
            format!("(lpad(to_hex({millis} + n * 100), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid"),
            format!("to_timestamp(({millis} + n * 100) / 1000.0)"),
        ),
        Backend::Sqlite => (
            format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {MANY}) SELECT n FROM s"),
            format!("unhex(printf('%012x', {millis} + n * 100) || '70008000' || printf('%012x', n))"),
            format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', ({millis} + n * 100) / 1000.0, 'unixepoch')"),
        ),
    };
    let money = match bank.backend {
        Backend::Postgres => "numeric",
        Backend::Sqlite => "text",
    };
    let entry = |wallet: &str, first: &str, base: &str, version: u32| {
        // Odd ones go from one to the other, even ones go back.
        format!(
            "INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after) \
             SELECT {wallet}, {id}, n + {version}, \
             CAST(CASE n % 2 WHEN 1 THEN '{first}0.0100' ELSE '{back}0.0100' END AS {money}), \
             CAST(CASE n % 2 WHEN 1 THEN '{odd}' ELSE '{base}' END AS {money}) FROM ({numbers}) AS s;",
            back = if first == "-" { "" } else { "-" },
            odd = if first == "-" { "0.9900" } else { "0.0100" },
        )
    };
    bank.execute(&format!(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, created_at) \
         SELECT {id}, 1, 2, CASE n % 2 WHEN 1 THEN {one_id} ELSE {other_id} END, \
         CASE n % 2 WHEN 1 THEN {other_id} ELSE {one_id} END, '0.0100', 'USD', {time} FROM ({numbers}) AS s;",
        one_id = as_id(bank, &one),
        other_id = as_id(bank, &other),
    ))
    .await;
    bank.execute(&entry(&as_id(bank, &one), "-", "1.0000", 1)).await;
    bank.execute(&entry(&as_id(bank, &other), "", "0.0000", 0)).await;
    bank.execute(&format!(
        "UPDATE wallets SET version = version + {MANY}, \
         updated_at = (SELECT created_at FROM transfers ORDER BY id DESC LIMIT 1) WHERE id IN ({one}, {other})"
    ))
    .await;
    harness::journal::adopt(&bank.db.write).await;
}

fn as_id(bank: &TestBank, literal: &str) -> String {
    match bank.backend {
        Backend::Postgres => format!("{literal}::uuid"),
        Backend::Sqlite => literal.to_owned(),
    }
}
