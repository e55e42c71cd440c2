//! What the database knows of the last minute. Transfer ids are times, so a bound on ids is a bound on time.

use entity::transfers;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Moved;
use crate::clock::id_floor;
use crate::db::{Db, Fault};
use crate::values::{Currency, Money, Timestamp, TransferId, TransferKind, TransferStatus};

/// Transfers read at a time.
const PAGE: u64 = 10_000;

type Row = (TransferId, Currency, Money, Timestamp);

/// Gives out every completed transfer, deposit and withdrawal since a time, page by page, in constant memory.
pub async fn each_moved_since(db: &Db, since: Timestamp, mut give: impl FnMut(Moved)) -> Result<(), Fault> {
    let mut next = transfers::Column::Id.gte(TransferId(id_floor(since)));
    loop {
        let page: Vec<Row> = transfers::Entity::find()
            .select_only()
            .columns([
                transfers::Column::Id,
                transfers::Column::Currency,
                transfers::Column::Amount,
                transfers::Column::CreatedAt,
            ])
            .filter(next)
            .filter(transfers::Column::Status.eq(TransferStatus::Completed))
            .filter(transfers::Column::Kind.ne(TransferKind::Reversal))
            .order_by_asc(transfers::Column::Id)
            .limit(PAGE)
            .into_tuple()
            .all(&db.read)
            .await?;
        let Some((last, ..)) = page.last() else {
            return Ok(());
        };
        next = transfers::Column::Id.gt(*last);
        let is_last = (page.len() as u64) < PAGE;
        for (_, currency, amount, at) in page {
            give(Moved {
                currency,
                amount: amount.into(),
                at,
            });
        }
        if is_last {
            return Ok(());
        }
    }
}
