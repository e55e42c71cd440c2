//! The proof of the books finds and names what a person with the database's password has changed.

use std::sync::Arc;

use entity::changes;
use harness::{TestBank, on_every_backend};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::identity::Actor;
use service::ledger::Report;
use service::transfers::{Metadata, NewTransfer};
use service::values::{ChangeKind, TransferId, WalletId};

mod audit;
mod balances;
mod cost;
mod damage;
mod forgeries;
mod holds;
mod journal;
mod limits;
mod reversals;
mod since;
mod states;
mod tampering;
mod transfers;
mod wallets;

use crate::requests::{new_transfer, quiet_customer, submit};

on_every_backend!(
    a_clean_ledger_is_clean,
    an_empty_ledger_is_clean,
    offenders_are_named_up_to_a_limit,
);

const LAST: &str = "every balance and version is the last entry's, and the last update is of the last record";
const CHAIN: &str =
    "a wallet's versions grow by one along its transfers' ids, and each balance is the one before plus the amount";
const TWO: &str = "every transfer that moved money has its two entries, and no other transfer has any";
const ENTRIES: &str = "every entry has its transfer and its wallet";
const WALLETS: &str = "every transfer has its wallets, and one that was not refused is in their currency";
const PENDING: &str = "only a hold is pending";
const HELD: &str = "what is held on a wallet is what remains of its holds";
const OPENED: &str = "every wallet was opened once, by a change that says whose, when and in which currency";
const CHANGES: &str = "every change has its wallet, and begins with the status that the one before has left";
const STATUS: &str = "every wallet has the status that its last change has left";
const JOURNAL: &str = "the journal has no gap, and its digests are those of what is stored";
const CHANGE_LINES: &str =
    "every change of a wallet's status or limits has its line in the audit log, with who asked for it";
const REVERSAL_LINES: &str = "every completed reversal has its line in the audit log, with who asked for it";
const LINES: &str = "every line of the audit log about a change of a wallet or a reversal has it";
const CHANGE_STATE: &str =
    "every change has the balance and version that its wallet had then, and the status and limits that it left";
const CHANGE_HELD: &str = "every change has what the open holds of its wallet had claimed then";
const ZERO: &str = "every currency sums to zero";

/// Ana got 100 and paid ben twice: she has entries 1 to 3, he has 1 and 2. She also has one refused transfer.
struct Books {
    bank: TestBank,
    ana: WalletId,
    ben: WalletId,
    anas: Actor,
    bens: Actor,
    ten: TransferId,
    five: TransferId,
}

impl Books {
    async fn of(backend: harness::Backend) -> Self {
        let bank = TestBank::open(backend).await;
        let (actor, ana) = quiet_customer(&bank, "ana").await;
        let (bens, ben) = quiet_customer(&bank, "ben").await;
        bank.fund(ana, "100", "visa").await;
        let pay = async |amount| submit(&bank.services, &actor, new_transfer(ana, ben, amount)).await;
        let ten = pay("10").await.expect("ana can pay").transfer.transfer.id;
        let five = pay("5").await.expect("ana can pay").transfer.transfer.id;
        pay("1000").await.expect_err("ana cannot pay");
        bank.assert_books_balance().await;
        bank.unlock_history().await;
        Self {
            bank,
            ana,
            ben,
            anas: actor,
            bens,
            ten,
            five,
        }
    }

    /// Ben pays ana back with a description and metadata.
    async fn pay_with_texts(&self) -> TransferId {
        let new = NewTransfer {
            description: Some("rent".to_owned()),
            metadata: Metadata::try_new(r#"{"month":1}"#),
            ..new_transfer(self.ben, self.ana, "1")
        };
        let paid = submit(&self.bank.services, &self.bens, new).await;
        paid.expect("ben can pay").transfer.transfer.id
    }

    fn id(&self, wallet: WalletId) -> String {
        self.bank.literal(wallet.0)
    }

    /// The id of a wallet's first change of a kind, which is that of its line in the audit log too.
    async fn change_of(&self, wallet: WalletId, kind: ChangeKind) -> String {
        let found = changes::Entity::find()
            .filter(changes::Column::Subject.eq(wallet))
            .filter(changes::Column::Kind.eq(kind))
            .order_by_asc(changes::Column::Id)
            .one(&self.bank.db.read)
            .await;
        let found = found.expect("changes can be read");
        found.expect("the wallet was changed").id.to_string()
    }

    fn transfer(&self, transfer: TransferId) -> String {
        self.bank.literal(transfer.0)
    }

    /// The number of the journal row that committed a transfer.
    async fn row_of(&self, transfer: TransferId) -> i64 {
        let id = self.transfer(transfer);
        let sql = format!("SELECT min(number) AS n FROM journal WHERE last_id >= {id}");
        self.bank.number(&sql).await
    }

    /// The proof's finding for the journal row of a changed transfer.
    async fn changed(&self, transfer: TransferId) -> (&'static str, String) {
        let row = self.row_of(transfer).await;
        (
            JOURNAL,
            format!("row {row}: its transfers and changes are not those that were committed"),
        )
    }

    /// The proof's finding for the journal row of a missing transfer.
    async fn gone(&self, transfer: TransferId) -> (&'static str, String) {
        let row = self.row_of(transfer).await;
        (JOURNAL, format!("row {row}: counts 1 transfers, and there are 0"))
    }

    /// The proof's finding for a transfer that was added after all others.
    fn beyond() -> (&'static str, String) {
        (JOURNAL, "1 transfers are in no row".to_owned())
    }

    /// Runs statements, and proves that exactly these checks fail, each with exactly these offenders.
    async fn after(self, sql: &[String], mut expected: Vec<(&str, String)>) {
        for statement in sql {
            self.bank.execute(statement).await;
        }
        assert_eq!(
            sorted(found(&self.bank).await),
            sorted(std::mem::take(&mut expected)),
            "{sql:#?}"
        );
        self.bank.close().await;
    }
}

async fn found(bank: &TestBank) -> Vec<(&'static str, String)> {
    let proof = bank.services.ops.verify().await;
    broken(proof.expect("the books can be read").books)
}

/// The claims that do not hold, each with one of its offenders.
fn broken(report: Report) -> Vec<(&'static str, String)> {
    let is_clean = report.is_clean();
    let broken: Vec<_> = report
        .checks
        .into_iter()
        .flat_map(|check| {
            let claim = check.claim;
            check.offenders.into_iter().map(move |offender| (claim, offender))
        })
        .collect();
    assert_eq!(is_clean, broken.is_empty());
    broken
}

fn sorted<T: Ord>(mut found: Vec<T>) -> Vec<T> {
    found.sort();
    found
}

fn entry(wallet: WalletId, version: u8) -> String {
    format!("{wallet} version {version}")
}

async fn a_clean_ledger_is_clean(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let report = books
        .bank
        .services
        .ops
        .verify()
        .await
        .expect("the books can be read")
        .books;
    assert_eq!(
        (report.wallets, report.transfers, report.entries, report.currencies),
        (3, 4, 6, 1)
    );
    assert_eq!(report.changes, 3, "each wallet was opened");
    assert_eq!(report.checks.len(), 28, "a new check wants a test of its own");
    books.after(&[], Vec::new()).await;
}

async fn an_empty_ledger_is_clean(bank: Arc<TestBank>) {
    let report = bank.services.ops.verify().await.expect("the books can be read").books;
    assert!(report.is_clean());
    assert_eq!(
        (report.wallets, report.transfers, report.entries, report.currencies),
        (0, 0, 0, 0)
    );
}

async fn offenders_are_named_up_to_a_limit(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let series = match bank.backend {
        harness::Backend::Postgres => {
            "SELECT n, lpad(to_hex(n), 32, '0')::uuid AS id FROM generate_series(10, 159) AS n"
        }
        harness::Backend::Sqlite => {
            "WITH RECURSIVE s(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM s WHERE n < 159) \
             SELECT n, unhex(printf('%032x', n)) AS id FROM s"
        }
    };
    // A hundred and fifty entries of transfers that do not exist.
    books
        .bank
        .execute(&format!(
            "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after) \
             SELECT e.wallet_id, s.n, s.id, e.amount, e.balance_after FROM entries e, ({series}) AS s \
             WHERE e.wallet_id = {} AND e.version = 1",
            books.id(books.ben),
        ))
        .await;
    let orphans = found(&books.bank)
        .await
        .into_iter()
        .filter(|(claim, _)| *claim == ENTRIES)
        .count();
    assert_eq!(orphans, 100);
    books.bank.close().await;
}
