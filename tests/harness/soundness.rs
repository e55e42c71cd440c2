//! Whether a bank's journal is sound, computed from its tables independently of `verify`.

use std::collections::BTreeMap;

use entity::{changes, entries, journal, transfers, wallets};
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder};
use service::values::{RecordId, WalletId};

/// Fails unless the row numbers have no gap, ids and times never decrease, each row counts exactly the transfers and
/// changes after the previous row's last id and up to its own, none lies beyond the head, and every balance and version
/// matches the wallet's entries. The bank must be at rest, since the tables are read one after the other.
pub async fn journal_is_sound(db: &DatabaseConnection) {
    let rows = journal::Entity::find().order_by_asc(journal::Column::Number).all(db);
    let rows = rows.await.expect("the journal can be read");
    let stored = transfers::Entity::find().order_by_asc(transfers::Column::Id).all(db);
    let stored = stored.await.expect("the transfers can be read");
    let changed = changes::Entity::find().order_by_asc(changes::Column::Id).all(db);
    let changed = changed.await.expect("the changes can be read");
    let (mut transfers, mut changes) = (stored.iter().peekable(), changed.iter().peekable());
    for (before, row) in rows.iter().zip(&rows[1..]) {
        assert_eq!(row.number, before.number + 1, "the numbers have a gap");
        assert!(
            row.last_id >= before.last_id && row.at >= before.at,
            "{row:?} is behind {before:?}"
        );
        let mut counted = (0, 0);
        while let Some(transfer) = transfers.next_if(|transfer| RecordId::from(transfer.id) <= row.last_id) {
            assert!(
                transfer.created_at > before.at && transfer.created_at <= row.at,
                "{transfer:?} is not between {before:?} and {row:?}"
            );
            counted.0 += 1;
        }
        while changes
            .next_if(|change| RecordId::from(change.id) <= row.last_id)
            .is_some()
        {
            counted.1 += 1;
        }
        assert_eq!((row.transfers, row.changes), counted, "{row:?} counts others");
    }
    let beyond = (transfers.count(), changes.count());
    assert_eq!(beyond, (0, 0), "transfers and changes lie beyond the head");
    balances_are_sums(db).await;
}

async fn balances_are_sums(db: &DatabaseConnection) {
    let entries = entries::Entity::find().all(db).await.expect("the entries can be read");
    let mut sums: BTreeMap<WalletId, (i64, i64)> = BTreeMap::new();
    for entry in entries {
        let (sum, count) = sums.entry(entry.wallet_id).or_default();
        *sum += entry.amount.units();
        *count += 1;
    }
    for wallet in wallets::Entity::find().all(db).await.expect("the wallets can be read") {
        let expected = sums.remove(&wallet.id).unwrap_or_default();
        let version = wallet.version.0;
        assert_eq!((wallet.balance.units(), version), expected, "{wallet:?}");
    }
    assert!(sums.is_empty(), "entries without a wallet: {sums:?}");
}
