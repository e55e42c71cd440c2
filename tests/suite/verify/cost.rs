//! The proof reads pages from the database, and never single rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use entity::transfers;
use harness::{TestBank, journal, on_every_backend};
use sea_orm::{EntityTrait, IntoActiveModel};
use service::ledger::verify;
use service::values::TransferId;
use uuid::Uuid;

use crate::requests::{new_transfer, quiet_customer, submit};

on_every_backend!(statements_grow_with_pages_and_not_with_rows);

/// Refused transfers, each in its own commit.
const COMMITS: u128 = 10_000;

async fn statements_grow_with_pages_and_not_with_rows(bank: Arc<TestBank>) {
    let statements = Arc::new(AtomicU64::new(0));
    let mut db = bank.db.clone();
    let counted = statements.clone();
    db.read.set_metric_callback(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let of_nothing = count(&db, &statements).await;
    add_refused(&bank).await;
    let of_many = count(&db, &statements).await;
    println!("statements of the proof: {of_nothing} for an empty journal, {of_many} for {COMMITS} rows");
    assert!(of_nothing > 8, "the statements are counted: {of_nothing}");
    // A page has two thousand rows, of the journal and of the transfers.
    assert!(of_many - of_nothing <= 12, "{of_nothing}, then {of_many}");
}

async fn count(db: &service::db::Db, statements: &AtomicU64) -> u64 {
    let before = statements.load(Ordering::Relaxed);
    let report = verify(db).await.expect("the books can be read");
    assert!(report.is_clean(), "{:#?}", report.checks);
    statements.load(Ordering::Relaxed) - before
}

/// Adds copies of one refused transfer.
async fn add_refused(bank: &TestBank) {
    let (actor, ana) = quiet_customer(bank, "ana").await;
    let (_, ben) = quiet_customer(bank, "ben").await;
    let asked = submit(&bank.services, &actor, new_transfer(ana, ben, "1")).await;
    asked.expect_err("ana has no money");
    let head = journal::head(&bank.db.write).await;
    let refused = transfers::Entity::find_by_id(TransferId(head.last_id.0))
        .one(&bank.db.write)
        .await;
    let refused = refused.expect("transfers can be read").expect("it is recorded");
    let first = head.last_id.0.as_u128() + 1;
    let ids: Vec<u128> = (first..first + COMMITS).collect();
    for some in ids.chunks(1_000) {
        let rows = some.iter().map(|id| {
            let id = TransferId(Uuid::from_u128(*id));
            transfers::Model { id, ..refused.clone() }.into_active_model()
        });
        let insert = transfers::Entity::insert_many(rows).exec_without_returning(&bank.db.write);
        insert.await.expect("transfers can be added");
    }
    journal::adopt_each(&bank.db.write).await;
}
