//! A row of the journal for what a test or a benchmark has put into the tables by hand, so that the books are proved with it.

use entity::{journal, ledger, transfers};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use service::journal::{Head, Identity, Leaf};
use service::values::Sha256Digest;

/// Commits all transfers beyond the head in one row.
pub async fn adopt(db: &DatabaseConnection) {
    let ledger = ledger::Entity::find().one(db).await.expect("the ledger can be read");
    let ledger = ledger.expect("a migrated bank has one");
    let identity = Identity {
        id: ledger.id,
        salt: ledger.salt.0,
    };
    let newest = journal::Entity::find()
        .order_by_desc(journal::Column::Number)
        .one(db)
        .await;
    let newest = newest
        .expect("the journal can be read")
        .expect("a migrated bank has row 0");
    let before = Head {
        number: newest.number,
        digest: newest.digest,
        last_id: newest.last_id,
        at: newest.at,
    };
    let beyond = transfers::Entity::find()
        .filter(transfers::Column::Id.gt(newest.last_id))
        .order_by_asc(transfers::Column::Id);
    let stored = beyond.all(db).await.expect("the transfers can be read");
    let last = stored.last().expect("there are transfers beyond the head");
    let leaves: Vec<Sha256Digest> = stored
        .iter()
        .map(|transfer| leaf(transfer).digest(&identity.salt))
        .collect();
    let row = before.next(&leaves, Some(last.id), last.created_at);
    let written = journal::Model {
        number: row.number,
        at: row.at,
        last_id: row.last_id,
        transfers: row.transfers as i32,
        changes: row.changes as i32,
        root: row.root,
        digest: before.after(&identity, &row).digest,
    };
    let insert = journal::Entity::insert(written.into_active_model()).exec_without_returning(db);
    insert.await.expect("a row can be added to the journal");
}

fn leaf(transfer: &transfers::Model) -> Leaf<'_> {
    Leaf {
        id: transfer.id,
        kind: transfer.kind,
        status: transfer.status,
        source: transfer.source_wallet_id,
        destination: transfer.destination_wallet_id,
        amount: transfer.amount,
        currency: transfer.currency,
        method: transfer.method.as_ref(),
        reason: transfer.failure_reason.as_deref(),
        key: transfer.idempotency_key,
        available: transfer.available,
    }
}
