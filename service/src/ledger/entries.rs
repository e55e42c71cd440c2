//! A wallet's history, read by the primary key of its entries.

use std::collections::HashMap;

use entity::{entries, transfers};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{Money, Timestamp, TransferId, TransferKind, Version, WalletId};

/// An entry of a wallet, with the kind, the other wallet and the description of its transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletEntry {
    /// The completed transfer that the entry belongs to.
    pub transfer: TransferId,
    /// The kind of that transfer.
    pub kind: TransferKind,
    /// What was added to the wallet's balance: negative on the source's side.
    pub amount: Money,
    /// The wallet's balance after this entry.
    pub balance_after: Money,
    /// The wallet's version after this entry: 1 for its first one, and no gap after it.
    pub version: Version,
    /// The other wallet of the transfer; of a deposit or withdrawal, the system wallet of its method.
    pub counterparty: WalletId,
    /// The caller's text; `None` if there was none, or once it is erased.
    pub description: Option<String>,
    /// Bank time of the transfer.
    pub created_at: Timestamp,
}

/// Entries of one wallet, newest first.
pub type EntryPage = Page<WalletEntry, TransferId>;

/// Lists a wallet's entries, newest first: those of transfers before `request.after`, or the newest.
pub async fn entries_of(db: &Db, wallet: WalletId, request: PageRequest<TransferId>) -> Result<EntryPage, Fault> {
    let mut query = entries::Entity::find().filter(entries::Column::WalletId.eq(wallet));
    if let Some(after) = request.after {
        query = query.filter(entries::Column::TransferId.lt(after));
    }
    let found = query
        .order_by_desc(entries::Column::TransferId)
        .limit(request.fetch())
        .all(&db.read)
        .await?;
    let page = Page::of(found, &request, |entry| entry.transfer_id);
    let ids: Vec<TransferId> = page.items.iter().map(|entry| entry.transfer_id).collect();
    let transfers = transfers::Entity::find()
        .filter(transfers::Column::Id.is_in(ids))
        .all(&db.read)
        .await?;
    let by_id: HashMap<TransferId, transfers::Model> = transfers.into_iter().map(|row| (row.id, row)).collect();
    let items: Result<Vec<WalletEntry>, Fault> = page.items.into_iter().map(|entry| view(entry, &by_id)).collect();
    Ok(Page {
        items: items?,
        next: page.next,
    })
}

fn view(entry: entries::Model, transfers: &HashMap<TransferId, transfers::Model>) -> Result<WalletEntry, Fault> {
    let transfer = transfers
        .get(&entry.transfer_id)
        .ok_or_else(|| orphan(entry.transfer_id))?;
    Ok(WalletEntry {
        transfer: entry.transfer_id,
        kind: transfer.kind,
        amount: entry.amount,
        balance_after: entry.balance_after,
        version: entry.version,
        counterparty: other_side(
            entry.wallet_id,
            [transfer.source_wallet_id, transfer.destination_wallet_id],
        ),
        description: transfer.description.clone(),
        created_at: transfer.created_at,
    })
}

/// The wallet on the other side of a transfer, of which the source comes first.
pub(super) fn other_side(wallet: WalletId, [source, destination]: [WalletId; 2]) -> WalletId {
    if source == wallet { destination } else { source }
}

fn orphan(transfer: TransferId) -> Fault {
    sea_orm::DbErr::RecordNotFound(format!("an entry names the transfer {transfer}, which is not stored")).into()
}
