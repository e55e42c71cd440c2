//! One table of kinds of tampering: a row of each table that proves money is changed, deleted, inserted, or takes another's
//! place. Each kind is done to a new copy of one bank, and the proof must name it.

mod journal;
mod kept;
mod money;

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::{changes, transfers};
use harness::{Backend, TestBank, on_every_backend};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use service::db::Db;
use service::ledger::verify;
use service::values::{BatchId, ChangeKind, TransferId, TransferKind, WalletId};
use service::wallets::Expected;
use uuid::Uuid;

use super::{Books, JOURNAL, broken};

on_every_backend!(every_kind_of_tampering_is_named);

/// What the proof finds: a claim that does not hold, and an offender.
type Finding = (&'static str, String);

/// One kind of tampering.
struct Tampering {
    /// What is done, as a sentence.
    name: &'static str,
    sql: Vec<String>,
    /// What the proof must name. It may name more: a changed amount is in a balance too.
    named: Vec<Finding>,
}

fn tampering(name: &'static str, sql: impl Into<Vec<String>>, named: impl Into<Vec<Finding>>) -> Tampering {
    Tampering {
        name,
        sql: sql.into(),
        named: named.into(),
    }
}

/// The least number of kinds.
const KINDS_MIN: usize = 24;

async fn every_kind_of_tampering_is_named(bank: Arc<TestBank>) {
    let stage = TamperStage::set(bank.backend).await;
    let mut table = stage.of_transfers().await;
    table.extend(stage.of_entries());
    table.extend(stage.of_balances());
    table.extend(stage.of_holds().await);
    table.extend(stage.of_batches().await);
    table.extend(stage.of_limits().await);
    table.extend(stage.of_counters());
    table.extend(stage.of_changes().await);
    table.extend(stage.of_journal().await);
    let names: BTreeSet<&str> = table.iter().map(|kind| kind.name).collect();
    assert!(names.len() >= KINDS_MIN && names.len() == table.len(), "{names:#?}");
    // A database is copied only without connections.
    stage.books.bank.services.stop().await;
    assert_eq!(stage.found_after(&[]).await, [], "nothing was tampered with");
    for Tampering { name, sql, named } in &table {
        let found = stage.found_after(sql).await;
        assert!(!named.is_empty(), "{name}");
        for finding in named {
            assert!(found.contains(finding), "{name}: {finding:?} is not among {found:#?}");
        }
    }
    assert_eq!(stage.found_after(&[]).await, [], "only copies were tampered with");
    println!("{:?}: {} kinds of tampering are named", bank.backend, table.len());
    stage.books.bank.close().await;
}

/// A bank with a row of every kind. Ana has paid ben alone and in two batches, a part was reversed, and one hold of hers
/// is open, one voided and one captured. Her wallet got limits twice; ben's was frozen and is active again.
struct TamperStage {
    books: Books,
    deposit: TransferId,
    /// The third transfer of each was refused.
    batches: [(BatchId, [TransferId; 3]); 2],
    open: TransferId,
    voided: TransferId,
    /// The changes that gave ana's wallet its limits.
    limited: [Uuid; 2],
    frozen: Uuid,
    unfrozen: Uuid,
    visa: WalletId,
}

impl TamperStage {
    async fn set(backend: Backend) -> Self {
        let books = Books::of(backend).await;
        let batches = [books.batch().await, books.batch().await];
        books.reverse(books.ten, "4").await;
        books.limit(Some("50"), Some(20)).await;
        books.limit(Some("60"), Some(20)).await;
        let [open, voided, captured] = [books.hold("7").await, books.hold("2").await, books.hold("4").await];
        books.void(voided).await;
        books.capture(captured, Some("3"), true).await;
        books.freeze(books.ben).await;
        let operator = books.bank.operator_actor().await;
        let wallets = &books.bank.services.wallets;
        let active = wallets.unfreeze(&operator, books.ben, None, Expected::Anything).await;
        active.expect("a wallet can be unfrozen");
        let limited = changes_of(&books, books.ana, ChangeKind::Limited).await;
        Self {
            deposit: deposit_of(&books).await,
            batches,
            open,
            voided,
            limited: limited.try_into().expect("ana's wallet got limits twice"),
            frozen: changes_of(&books, books.ben, ChangeKind::Frozen).await[0],
            unfrozen: changes_of(&books, books.ben, ChangeKind::Unfrozen).await[0],
            visa: books.bank.system_wallet("visa").await,
            books,
        }
    }

    /// What the proof finds in a new copy of the bank in which these statements have run.
    async fn found_after(&self, sql: &[String]) -> Vec<Finding> {
        let copy = self.books.bank.database.copy().await;
        let db = Db::connect(&copy.url).await.expect("a copy can be opened");
        if self.books.bank.backend == Backend::Sqlite {
            let off = db.write.execute_unprepared("PRAGMA foreign_keys = off").await;
            off.expect("foreign keys can be switched off");
        }
        for statement in sql {
            match db.write.execute_unprepared(statement).await {
                Ok(done) => assert!(done.rows_affected() > 0, "{statement} changes no row"),
                Err(error) => panic!("{statement}\n{error}"),
            }
        }
        let report = verify(&db).await.expect("the books can be read");
        db.close().await;
        copy.drop().await;
        broken(report)
    }

    fn id(&self, id: Uuid) -> String {
        self.books.bank.literal(id)
    }

    /// Lets two rows of a table change places: each gets the id of the other.
    fn swapped(&self, table: &str, one: Uuid, other: Uuid) -> [String; 3] {
        let (one, other, spare) = (self.id(one), self.id(other), self.id(Uuid::from_u128(1)));
        [(&one, &spare), (&other, &one), (&spare, &other)]
            .map(|(from, to)| format!("UPDATE {table} SET id = {to} WHERE id = {from}"))
    }

    /// The number of the journal row that committed a transfer or a change.
    async fn row(&self, id: Uuid) -> i64 {
        let sql = format!("SELECT min(number) AS n FROM journal WHERE last_id >= {}", self.id(id));
        self.books.bank.number(&sql).await
    }

    /// The proof's finding for the journal row of a change that differs from the committed one.
    async fn other_content(&self, id: Uuid) -> Finding {
        let row = self.row(id).await;
        (
            JOURNAL,
            format!("row {row}: its transfers and changes are not those that were committed"),
        )
    }

    /// The proof's finding for a journal row that has so many transfers less than it counts.
    async fn fewer_transfers(&self, id: Uuid, less: i64) -> Finding {
        let row = self.row(id).await;
        let sql = format!("SELECT CAST(transfers AS bigint) AS n FROM journal WHERE number = {row}");
        let counted = self.books.bank.number(&sql).await;
        let found = counted - less;
        (
            JOURNAL,
            format!("row {row}: counts {counted} transfers, and there are {found}"),
        )
    }
}

/// The id after another one, which no record has: ids are a microsecond apart.
fn next(id: TransferId) -> Uuid {
    Uuid::from_u128(id.0.as_u128() + 1)
}

/// The changes of a kind of a wallet, the oldest first.
async fn changes_of(books: &Books, wallet: WalletId, kind: ChangeKind) -> Vec<Uuid> {
    let found = changes::Entity::find()
        .filter(changes::Column::Subject.eq(wallet))
        .filter(changes::Column::Kind.eq(kind))
        .order_by_asc(changes::Column::Id)
        .all(&books.bank.db.read)
        .await;
    let found = found.expect("changes can be read");
    found.into_iter().map(|change| change.id.0).collect()
}

async fn deposit_of(books: &Books) -> TransferId {
    let deposit = transfers::Entity::find()
        .filter(transfers::Column::Kind.eq(TransferKind::Deposit))
        .one(&books.bank.db.read)
        .await;
    deposit.expect("transfers can be read").expect("ana got money").id
}
