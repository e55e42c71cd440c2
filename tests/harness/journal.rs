//! A row of the journal for what a test or a benchmark has put into the tables by hand, so that the books are proved with it.

use std::collections::HashSet;

use chrono::TimeDelta;
use entity::{changes, journal, ledger, transfers, wallets};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use service::clock::id_in;
use service::journal::{ChangeLeaf, Content, Head, Identity, TransferLeaf};
use service::ledger::{Owner, opening_text};
use service::values::{ChangeId, ChangeKind, RecordId, Sha256Digest, WalletId, WalletStatus};

/// Wallets that are inserted at once.
const WALLETS_AT_ONCE: usize = 1_000;

/// Commits all transfers beyond the head in one row, with changes that open the wallets which no change has opened and give
/// them their status.
pub async fn adopt(db: &DatabaseConnection) {
    let ledger = ledger::Entity::find().one(db).await.expect("the ledger can be read");
    let ledger = ledger.expect("a migrated bank has one");
    let identity = Identity {
        id: ledger.id,
        salt: ledger.salt.0,
    };
    let before = head(db).await;
    let beyond = transfers::Entity::find()
        .filter(transfers::Column::Id.gt(before.last_id))
        .order_by_asc(transfers::Column::Id);
    let stored = beyond.all(db).await.expect("the transfers can be read");
    let mut leaves: Vec<(RecordId, Sha256Digest)> = stored
        .iter()
        .map(|transfer| (transfer.id.into(), leaf(transfer).digest(&identity.salt)))
        .collect();
    let above = stored.last().map_or(before.at, |last| last.created_at.max(before.at));
    let openings = openings(db, above).await;
    leaves.extend(
        openings
            .iter()
            .map(|change| (change.id.into(), leaf_of_change(change).digest(&identity.salt))),
    );
    leaves.sort_unstable_by_key(|(id, _)| *id);
    let last_id = leaves.last().map(|(id, _)| *id);
    let leaves: Vec<Sha256Digest> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
    let content = Content {
        leaves: &leaves,
        changes: openings.len() as u32,
        last_id,
    };
    let at = above + TimeDelta::microseconds(openings.len() as i64);
    let row = before.next(&content, at);
    let written = journal::Model {
        number: row.number,
        at: row.at,
        last_id: row.last_id,
        transfers: row.transfers as i32,
        changes: row.changes as i32,
        root: row.root,
        digest: before.after(&identity, &row).digest,
    };
    for some in openings.chunks(WALLETS_AT_ONCE) {
        let some = some.iter().cloned().map(IntoActiveModel::into_active_model);
        let insert = changes::Entity::insert_many(some).exec_without_returning(db);
        insert.await.expect("changes can be added");
    }
    let insert = journal::Entity::insert(written.into_active_model()).exec_without_returning(db);
    insert.await.expect("a row can be added to the journal");
}

async fn head(db: &DatabaseConnection) -> Head {
    let newest = journal::Entity::find().order_by_desc(journal::Column::Number).one(db);
    let newest = newest.await.expect("the journal can be read");
    let newest = newest.expect("a migrated bank has row 0");
    Head {
        number: newest.number,
        digest: newest.digest,
        last_id: newest.last_id,
        at: newest.at,
    }
}

/// The changes that the wallets have missed, a microsecond each after a time.
async fn openings(db: &DatabaseConnection, above: chrono::DateTime<chrono::Utc>) -> Vec<changes::Model> {
    let known = changes::Entity::find().filter(changes::Column::Kind.eq(ChangeKind::Opened));
    let known = known.all(db).await.expect("the changes can be read");
    let known: HashSet<WalletId> = known.into_iter().map(|change| change.subject).collect();
    let wallets = wallets::Entity::find().order_by_asc(wallets::Column::Id);
    let wallets = wallets.all(db).await.expect("the wallets can be read");
    let mut made = Vec::new();
    let mut time = above;
    let mut next = |wallet: &wallets::Model| {
        time += TimeDelta::microseconds(1);
        ChangeId(id_in(wallet.id.bucket(), time))
    };
    for wallet in wallets.iter().filter(|wallet| !known.contains(&wallet.id)) {
        let owner = match (wallet.user_id, &wallet.method) {
            (Some(user), _) => Owner::Customer(user),
            (None, Some(method)) => Owner::Method(method.clone()),
            (None, None) => unreachable!("the schema wants an owner or a method"),
        };
        made.push(changes::Model {
            id: next(wallet),
            kind: ChangeKind::Opened,
            subject: wallet.id,
            created_by: None,
            before: None,
            after: opening_text(wallet.currency, &owner),
        });
        let kind = match wallet.status {
            WalletStatus::Active => continue,
            WalletStatus::Frozen => ChangeKind::Frozen,
            WalletStatus::Closed => ChangeKind::Closed,
        };
        made.push(changes::Model {
            id: next(wallet),
            kind,
            subject: wallet.id,
            created_by: None,
            before: Some(WalletStatus::Active.as_str().to_owned()),
            after: wallet.status.as_str().to_owned(),
        });
    }
    made
}

fn leaf(transfer: &transfers::Model) -> TransferLeaf<'_> {
    TransferLeaf {
        id: transfer.id,
        kind: transfer.kind,
        status: transfer.status,
        source: transfer.source_wallet_id,
        destination: transfer.destination_wallet_id,
        amount: transfer.amount,
        currency: transfer.currency,
        method: transfer.method.as_ref(),
        reason: transfer.failure_reason.as_deref(),
        parent: transfer.parent_id,
        batch: transfer.batch_id,
        created_by: transfer.created_by,
        expires_at: transfer.expires_at,
        released: transfer.released,
        texts: transfer.texts_digest,
        key: transfer.idempotency_key,
        api_key: transfer.api_key_id,
        available: transfer.available,
    }
}

fn leaf_of_change(change: &changes::Model) -> ChangeLeaf<'_> {
    ChangeLeaf {
        id: change.id,
        kind: change.kind,
        subject: change.subject,
        created_by: change.created_by,
        before: change.before.as_deref(),
        after: &change.after,
    }
}
