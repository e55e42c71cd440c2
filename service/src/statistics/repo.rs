//! Reads the last minute's transfers. Transfer ids begin with their time, so a bound on time is a bound on ids.

use std::ops::Range;

use entity::transfers;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::COUNTED;
use crate::clock::id_floor;
use crate::db::Fault;
use crate::values::{Currency, Money, RecordId, Timestamp, TransferId, TransferStatus};

/// Transfers read at a time.
const PAGE: u64 = 10_000;

type CompletedRow = (TransferId, Currency, Money, Timestamp);

/// Calls `give` for every completed transfer, deposit, withdrawal and capture of these times, up to and including an id. Reads
/// page by page, in constant memory.
pub async fn each_moved_in(
    db: &impl ConnectionTrait,
    times: Range<Timestamp>,
    through: RecordId,
    mut give: impl FnMut(Currency, Timestamp, Money),
) -> Result<(), Fault> {
    let mut next = transfers::Column::Id.gte(TransferId(id_floor(times.start)));
    let end = TransferId(id_floor(times.end));
    loop {
        let page: Vec<CompletedRow> = transfers::Entity::find()
            .select_only()
            .columns([
                transfers::Column::Id,
                transfers::Column::Currency,
                transfers::Column::Amount,
                transfers::Column::CreatedAt,
            ])
            .filter(next)
            .filter(transfers::Column::Id.lte(through))
            .filter(transfers::Column::Id.lt(end))
            .filter(transfers::Column::Status.eq(TransferStatus::Completed))
            .filter(transfers::Column::Kind.is_in(COUNTED))
            .order_by_asc(transfers::Column::Id)
            .limit(PAGE)
            .into_tuple()
            .all(db)
            .await?;
        let Some((last, ..)) = page.last() else {
            return Ok(());
        };
        next = transfers::Column::Id.gt(*last);
        let is_last = (page.len() as u64) < PAGE;
        for (_, currency, amount, at) in page {
            give(currency, at, amount);
        }
        if is_last {
            return Ok(());
        }
    }
}
