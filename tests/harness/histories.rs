//! A long history between two wallets, written by the database in bulk: for tests and benchmarks of what a long history
//! costs. Its rows are as the bank would have written them, so the proof of the books holds once the journal has them.

use chrono::{DateTime, TimeDelta};
use entity::wallets;
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait};
use service::values::{Money, Timestamp, TransferId, WalletId};

/// Transfers of a cent, back and forth between two wallets: the first and every other one from `wallet`.
#[derive(Clone, Copy, Debug)]
pub struct LongHistory {
    /// The wallet that pays first.
    pub wallet: WalletId,
    /// The wallet on the other side.
    pub counterparty: WalletId,
    /// How many transfers; each wallet gets an entry of each.
    pub transfers: u32,
    /// All of them are later than this time, which must not be before the newest record. Whole milliseconds count.
    pub since: Timestamp,
}

/// The time between two transfers.
const STEP_MS: i64 = 10;
/// The transfers that one statement writes: more would take PostgreSQL longer than its `statement_timeout`.
const WRITTEN_AT_ONCE: u32 = 50_000;
/// What one transfer moves, in ten-thousandths.
const CENT_UNITS: i64 = 100;
/// Version and variant of a UUID v7 whose microsecond is the first of its millisecond.
const ID_MARKS: u128 = 0x7000_8000 << 48;

impl LongHistory {
    /// The time of a transfer; the first has number 1. Number 0 stands for the time before the first.
    #[must_use]
    pub fn time(&self, number: u32) -> Timestamp {
        DateTime::from_timestamp_millis(self.millis(number)).expect("this is a time")
    }

    /// The id of a transfer; the first has number 1.
    #[must_use]
    pub fn id(&self, number: u32) -> TransferId {
        let millis = u128::from(self.millis(number).unsigned_abs());
        TransferId(Uuid::from_u128((millis << 80) | ID_MARKS | u128::from(number)))
    }

    /// The time from which the next history may begin.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.time(self.transfers) + TimeDelta::milliseconds(STEP_MS)
    }

    /// Writes the transfers and their entries, on top of what the wallets have. `journal::adopt_in_rows` then adds them to
    /// the journal.
    pub async fn store(&self, db: &DatabaseConnection) {
        let sql = HistorySql::of(self, db.get_database_backend());
        let sides = [(self.wallet, -CENT_UNITS), (self.counterparty, CENT_UNITS)];
        let mut first = 1;
        while first <= self.transfers {
            let last = self.transfers.min(first + WRITTEN_AT_ONCE - 1);
            execute(db, &sql.transfers(first, last)).await;
            for (wallet, units) in sides {
                let row = stored_wallet(db, wallet).await;
                execute(db, &sql.entries(&row, units, (first, last))).await;
            }
            first = last + 1;
        }
        for (wallet, units) in sides {
            let row = stored_wallet(db, wallet).await;
            execute(db, &sql.update(&row, units)).await;
        }
    }

    fn millis(&self, number: u32) -> i64 {
        self.since.timestamp_millis() + i64::from(number) * STEP_MS
    }
}

/// The statements of one history in one dialect. In all of them `n` is a transfer's number.
struct HistorySql<'a> {
    history: &'a LongHistory,
    backend: DbBackend,
    /// The id and the time of transfer `n`.
    id: String,
    time: String,
}

impl<'a> HistorySql<'a> {
    fn of(history: &'a LongHistory, backend: DbBackend) -> Self {
        let start = history.millis(0);
        let (id, time) = match backend {
            DbBackend::Postgres => (
                format!(
                    "(lpad(to_hex({start}::bigint + n * {STEP_MS}), 12, '0') || '70008000' \
                     || lpad(to_hex(n), 12, '0'))::uuid"
                ),
                format!("(timestamptz 'epoch' + ({start}::bigint + n * {STEP_MS}) * interval '1 millisecond')"),
            ),
            _ => (
                format!("unhex(printf('%012x', {start} + n * {STEP_MS}) || '70008000' || printf('%012x', n))"),
                format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', ({start} + n * {STEP_MS}) / 1000.0, 'unixepoch')"),
            ),
        };
        Self {
            history,
            backend,
            id,
            time,
        }
    }

    fn transfers(&self, first: u32, last: u32) -> String {
        let (id, time, numbers) = (&self.id, &self.time, self.numbers(first, last));
        let one = self.literal(self.history.wallet);
        let other = self.literal(self.history.counterparty);
        let amount = money(CENT_UNITS);
        format!(
            "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, \
             created_at) SELECT {id}, 1, 2, CASE n % 2 WHEN 1 THEN {one} ELSE {other} END, \
             CASE n % 2 WHEN 1 THEN {other} ELSE {one} END, '{amount}', \
             (SELECT currency FROM wallets WHERE id = {one}), {time} FROM ({numbers}) AS s"
        )
    }

    /// The entries of one wallet, which every odd transfer changes by `units`.
    fn entries(&self, wallet: &wallets::Model, units: i64, (first, last): (u32, u32)) -> String {
        let (id, numbers, owner) = (&self.id, self.numbers(first, last), self.literal(wallet.id));
        let (there, back) = (money(units), money(-units));
        let before = wallet.balance.units();
        let (odd, even) = (money(before + units), money(before));
        let (version, amount_type) = (wallet.version.0, self.amount_type());
        format!(
            "INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after) \
             SELECT {owner}, {id}, n + {version}, \
             CAST(CASE n % 2 WHEN 1 THEN '{there}' ELSE '{back}' END AS {amount_type}), \
             CAST(CASE n % 2 WHEN 1 THEN '{odd}' ELSE '{even}' END AS {amount_type}) FROM ({numbers}) AS s"
        )
    }

    /// Gives a wallet the balance, version and time of its last entry.
    fn update(&self, wallet: &wallets::Model, units: i64) -> String {
        let transfers = self.history.transfers;
        let balance = money(wallet.balance.units() + units * i64::from(transfers % 2));
        let (time, id) = (&self.time, self.literal(wallet.id));
        let numbers = self.numbers(transfers, transfers);
        format!(
            "UPDATE wallets SET version = version + {transfers}, balance = '{balance}', \
             updated_at = (SELECT {time} FROM ({numbers}) AS s) WHERE id = {id}"
        )
    }

    fn numbers(&self, first: u32, last: u32) -> String {
        match self.backend {
            DbBackend::Postgres => format!("SELECT n FROM generate_series({first}, {last}) AS n"),
            _ => format!(
                "WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last}) \
                 SELECT n FROM series"
            ),
        }
    }

    fn literal(&self, id: WalletId) -> String {
        match self.backend {
            DbBackend::Postgres => format!("'{id}'::uuid"),
            _ => format!("x'{}'", id.0.simple()),
        }
    }

    fn amount_type(&self) -> &'static str {
        match self.backend {
            DbBackend::Postgres => "numeric",
            _ => "text",
        }
    }
}

fn money(units: i64) -> Money {
    Money::from_units(units).expect("a history moves cents")
}

async fn stored_wallet(db: &DatabaseConnection, id: WalletId) -> wallets::Model {
    let found = wallets::Entity::find_by_id(id).one(db).await;
    found.expect("wallets can be read").expect("a history has its wallets")
}

async fn execute(db: &DatabaseConnection, sql: &str) {
    if let Err(error) = db.execute_unprepared(sql).await {
        panic!("{sql}\n{error}");
    }
}
