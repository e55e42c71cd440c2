//! A wallet's history, read by the primary key of its entries.

use std::collections::HashMap;

use entity::{entries, transfers};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{Money, Timestamp, TransferId, TransferKind, Version, WalletId};

/// An entry with what its transfer says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletEntry {
    pub transfer: TransferId,
    pub kind: TransferKind,
    pub amount: Money,
    pub balance_after: Money,
    pub version: Version,
    pub counterparty: WalletId,
    pub description: Option<String>,
    pub created_at: Timestamp,
}

/// Entries of one wallet, newest first.
pub type EntryPage = Page<WalletEntry, TransferId>;

/// Lists a wallet's entries before those of a transfer.
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
    let counterparty = if transfer.source_wallet_id == entry.wallet_id {
        transfer.destination_wallet_id
    } else {
        transfer.source_wallet_id
    };
    Ok(WalletEntry {
        transfer: entry.transfer_id,
        kind: transfer.kind,
        amount: entry.amount,
        balance_after: entry.balance_after,
        version: entry.version,
        counterparty,
        description: transfer.description.clone(),
        created_at: transfer.created_at,
    })
}

fn orphan(transfer: TransferId) -> Fault {
    sea_orm::DbErr::RecordNotFound(format!("an entry names the transfer {transfer}, which is not stored")).into()
}
