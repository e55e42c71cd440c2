//! Adds journal rows for transfers that a test or benchmark wrote directly into the tables, so that the proof of the
//! books covers them. Also adds forged rows, for transfers that do not exist.

use std::collections::HashSet;

use chrono::TimeDelta;
use entity::{changes, journal, ledger, transfers, wallets};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::clock::id_in;
use service::journal::{ChangeLeaf, CommitContent, Head, LedgerIdentity, TransferLeaf, opening_text};
use service::values::{ChangeId, ChangeKind, Money, RecordId, Sha256Digest, Timestamp, WalletId, WalletStatus};

/// The number of rows that one statement inserts.
const INSERTED_AT_ONCE: usize = 1_000;

/// Commits all transfers beyond the head in one row. The row also holds changes for every wallet without an opening
/// change: they open it and set its status.
pub async fn adopt(db: &DatabaseConnection) {
    let mut chain = Chain::of(db).await;
    let stored = beyond(db, chain.head).await;
    let above = stored
        .last()
        .map_or(chain.head.at, |last| last.created_at.max(chain.head.at));
    let (changes, at) = missing_changes(db, above).await;
    let mut records: Vec<(RecordId, Sha256Digest)> = stored
        .iter()
        .map(|transfer| (transfer.id.into(), chain.leaf(transfer)))
        .collect();
    records.extend(
        changes
            .iter()
            .map(|change| (change.id.into(), chain.leaf_of_change(change))),
    );
    records.sort_unstable_by_key(|(id, _)| *id);
    let row = chain.grow(&records, changes.len(), at);
    for some in changes.chunks(INSERTED_AT_ONCE) {
        let some = some.iter().cloned().map(IntoActiveModel::into_active_model);
        let insert = changes::Entity::insert_many(some).exec_without_returning(db);
        insert.await.expect("changes can be added");
    }
    for (change, micros) in changes
        .iter()
        .zip(1..)
        .filter(|(change, _)| change.kind != ChangeKind::Opened)
    {
        let updated_at = above + TimeDelta::microseconds(micros);
        let update = wallets::Entity::update_many()
            .col_expr(wallets::Column::UpdatedAt, Expr::value(updated_at))
            .filter(wallets::Column::Id.eq(change.subject));
        update.exec(db).await.expect("wallets can be updated");
    }
    insert(db, vec![row]).await;
}

/// Commits each transfer beyond the head in a row of its own.
pub async fn adopt_each(db: &DatabaseConnection) {
    let mut chain = Chain::of(db).await;
    let stored = beyond(db, chain.head).await;
    let row = |transfer: &transfers::Model| {
        let record = (transfer.id.into(), chain.leaf(transfer));
        chain.grow(&[record], 0, transfer.created_at)
    };
    let rows: Vec<journal::Model> = stored.iter().map(row).collect();
    insert(db, rows).await;
}

/// Commits all transfers beyond the head in rows of up to `per_row` transfers, as a busy bank would. Adds no changes: the
/// wallets must have their openings. Keeps the transfers of one row in memory.
pub async fn adopt_in_rows(db: &DatabaseConnection, per_row: u64) {
    let mut chain = Chain::of(db).await;
    let mut rows = Vec::new();
    loop {
        let next = transfers::Entity::find()
            .filter(transfers::Column::Id.gt(chain.head.last_id))
            .order_by_asc(transfers::Column::Id)
            .limit(per_row);
        let next = next.all(db).await.expect("the transfers can be read");
        let Some(last) = next.last() else { break };
        let at = last.created_at;
        let records: Vec<(RecordId, Sha256Digest)> = next
            .iter()
            .map(|transfer| (transfer.id.into(), chain.leaf(transfer)))
            .collect();
        rows.push(chain.grow(&records, 0, at));
    }
    insert(db, rows).await;
}

/// Adds a row with correct digests for transfers that do not exist; returns its number.
pub async fn forge(db: &DatabaseConnection, leaves: &[Sha256Digest], last_id: RecordId) -> i64 {
    let mut chain = Chain::of(db).await;
    let at = chain.head.at;
    let records: Vec<(RecordId, Sha256Digest)> = leaves.iter().map(|leaf| (last_id, *leaf)).collect();
    let row = chain.grow(&records, 0, at);
    let number = row.number;
    insert(db, vec![row]).await;
    number
}

/// The newest row.
pub async fn head(db: &DatabaseConnection) -> Head {
    Chain::of(db).await.head
}

/// The end of a journal, to which rows can be added.
struct Chain {
    identity: LedgerIdentity,
    head: Head,
}

impl Chain {
    async fn of(db: &DatabaseConnection) -> Self {
        let ledger = ledger::Entity::find().one(db).await.expect("the ledger can be read");
        let ledger = ledger.expect("a migrated bank has one");
        let newest = journal::Entity::find()
            .order_by_desc(journal::Column::Number)
            .one(db)
            .await;
        let newest = newest
            .expect("the journal can be read")
            .expect("a migrated bank has row 0");
        Self {
            identity: LedgerIdentity {
                id: ledger.id,
                salt: ledger.salt.0,
            },
            head: Head {
                number: newest.number,
                digest: newest.digest,
                last_id: newest.last_id,
                at: newest.at,
            },
        }
    }

    fn grow(&mut self, records: &[(RecordId, Sha256Digest)], changes: usize, at: Timestamp) -> journal::Model {
        let leaves: Vec<Sha256Digest> = records.iter().map(|(_, leaf)| *leaf).collect();
        let content = CommitContent {
            leaves: &leaves,
            changes: changes as u32,
            last_id: records.last().map(|(id, _)| *id),
        };
        let row = self.head.next(&content, at);
        self.head = self.head.after(&self.identity, &row);
        journal::Model {
            number: row.number,
            at: row.at,
            last_id: row.last_id,
            transfers: row.transfers as i32,
            changes: row.changes as i32,
            root: row.root,
            digest: self.head.digest,
        }
    }

    fn leaf(&self, transfer: &transfers::Model) -> Sha256Digest {
        let leaf = TransferLeaf {
            id: transfer.id,
            created_at: transfer.created_at,
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
        };
        leaf.digest(&self.identity.salt)
    }

    fn leaf_of_change(&self, change: &changes::Model) -> Sha256Digest {
        let leaf = ChangeLeaf {
            id: change.id,
            kind: change.kind,
            subject: change.subject,
            created_by: change.created_by,
            before: change.before.as_deref(),
            after: &change.after,
        };
        leaf.digest(&self.identity.salt)
    }
}

/// The changes that wallets lack, a microsecond apart and after `above`; and the time of the last one.
async fn missing_changes(db: &DatabaseConnection, above: Timestamp) -> (Vec<changes::Model>, Timestamp) {
    let known = changes::Entity::find().filter(changes::Column::Kind.eq(ChangeKind::Opened));
    let known = known.all(db).await.expect("the changes can be read");
    let known: HashSet<WalletId> = known.into_iter().map(|change| change.subject).collect();
    let wallets = wallets::Entity::find().order_by_asc(wallets::Column::Id);
    let wallets = wallets.all(db).await.expect("the wallets can be read");
    let (mut made, mut time) = (Vec::new(), above);
    for wallet in wallets.iter().filter(|wallet| !known.contains(&wallet.id)) {
        for change in changes_of(wallet) {
            time += TimeDelta::microseconds(1);
            let id = ChangeId(id_in(wallet.id.bucket(), time));
            made.push(changes::Model { id, ..change });
        }
    }
    (made, time)
}

/// The changes that open a wallet and give it its status.
fn changes_of(wallet: &wallets::Model) -> Vec<changes::Model> {
    let opened = changes::Model {
        id: ChangeId(wallet.id.0),
        kind: ChangeKind::Opened,
        subject: wallet.id,
        created_by: None,
        request_id: None,
        before: None,
        after: opening_text(wallet.currency, wallet.user_id, wallet.method.as_ref()),
        // The change comes after the wallet's entries, unlike one that the bank makes.
        balance: wallet.balance,
        held: Money::ZERO,
        version: wallet.version,
        status: WalletStatus::Active,
        limits: "{}".to_owned(),
    };
    let kind = match wallet.status {
        WalletStatus::Active => return vec![opened],
        WalletStatus::Frozen => ChangeKind::Frozen,
        WalletStatus::Closed => ChangeKind::Closed,
    };
    let changed = changes::Model {
        kind,
        before: Some(WalletStatus::Active.as_str().to_owned()),
        after: wallet.status.as_str().to_owned(),
        held: wallet.held,
        status: wallet.status,
        ..opened.clone()
    };
    vec![opened, changed]
}

async fn beyond(db: &DatabaseConnection, head: Head) -> Vec<transfers::Model> {
    let beyond = transfers::Entity::find()
        .filter(transfers::Column::Id.gt(head.last_id))
        .order_by_asc(transfers::Column::Id);
    beyond.all(db).await.expect("the transfers can be read")
}

async fn insert(db: &DatabaseConnection, rows: Vec<journal::Model>) {
    for some in rows.chunks(INSERTED_AT_ONCE) {
        let some = some.iter().cloned().map(IntoActiveModel::into_active_model);
        let insert = journal::Entity::insert_many(some).exec_without_returning(db);
        insert.await.expect("rows can be added to the journal");
    }
}
