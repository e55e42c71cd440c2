//! Adds a batch to the hot totals and moves their mark in the same step, in Redis or in the database.

use super::PaymentBatch;
use crate::aggregates::error::AggregatesError;
use crate::aggregates::hot::{Epoch, PaymentsAdded, StoreVersion};
use crate::aggregates::repo::{self, Recorded, Table};
use crate::aggregates::stores::AggregateStores;
use crate::feed::{self, Mark, ReadError};

/// A mark that Redis has and the database has not recorded yet.
pub struct Unconfirmed {
    epoch: Epoch,
    version: StoreVersion,
    mark: Mark,
}

/// Where a relay begins.
pub struct RelayStart {
    pub mark: Mark,
    pub unconfirmed: Option<Unconfirmed>,
}

/// What became of a batch.
pub enum PaymentBatchOutcome {
    Added(Option<Unconfirmed>),
    /// Nothing was added: the totals do not stand at its beginning.
    MarkMoved,
}

/// Where the totals stand now.
pub async fn start(stores: &AggregateStores) -> Result<RelayStart, AggregatesError> {
    let store = stores.ready().await?;
    let state = repo::state(&stores.db.read).await?;
    let Some((hot, epoch)) = store else {
        if state.epoch.is_some() {
            return Err(AggregatesError::RedisNotConfigured);
        }
        let mark = match state.mark() {
            Some(mark) => Some(mark),
            None => feed::first_mark(&stores.db.read).await?,
        };
        return Ok(RelayStart {
            mark: mark.ok_or(ReadError::Gap(0))?,
            unconfirmed: None,
        });
    };
    let at = hot.read(None).await?.at;
    let mark = at.mark.filter(|_| at.epoch == epoch.0);
    let mark = mark.ok_or(AggregatesError::Rebuilding)?;
    let unconfirmed = Unconfirmed {
        epoch,
        version: at.version,
        mark,
    };
    Ok(RelayStart {
        mark,
        unconfirmed: Some(unconfirmed).filter(|_| state.mark() != Some(mark)),
    })
}

/// Adds a batch to the totals where they stand at its beginning, and moves the mark to its end.
pub async fn apply(stores: &AggregateStores, batch: &PaymentBatch) -> Result<PaymentBatchOutcome, AggregatesError> {
    let Some((hot, epoch)) = stores.ready().await? else {
        return apply_in_database(stores, batch.clone()).await;
    };
    let mark = batch.to;
    match hot.add_payments(&epoch, (batch.from, mark), &batch.totals).await? {
        PaymentsAdded::Now(version) => Ok(PaymentBatchOutcome::Added(Some(Unconfirmed { epoch, version, mark }))),
        PaymentsAdded::MarkMoved => Ok(PaymentBatchOutcome::MarkMoved),
        PaymentsAdded::EpochOver => Err(AggregatesError::Rebuilding),
    }
}

/// Without Redis one transaction does it all.
async fn apply_in_database(
    stores: &AggregateStores,
    batch: PaymentBatch,
) -> Result<PaymentBatchOutcome, AggregatesError> {
    let work = stores.db.transaction(move |tx| {
        Box::pin(async move {
            let state = repo::lock_state(tx).await?;
            if state.epoch.is_some() {
                return Err(AggregatesError::RedisNotConfigured);
            }
            if !state.stands_at(batch.from) {
                return Ok(PaymentBatchOutcome::MarkMoved);
            }
            repo::add(tx, Table::Hot, &batch.totals).await?;
            if let Some(day) = batch.totals.newest_day() {
                repo::advance_newest(tx, day).await?;
            }
            repo::set_mark(tx, batch.to).await?;
            Ok(PaymentBatchOutcome::Added(None))
        })
    });
    work.await
}

/// Records Redis' mark in the database: a rebuild looks there whether the journal still has it, and `verify` counts from
/// it while Redis is away.
pub async fn confirm(stores: &AggregateStores, unconfirmed: Unconfirmed) -> Result<(), AggregatesError> {
    let work = stores.db.transaction(move |tx| {
        Box::pin(async move {
            if repo::record(tx, &unconfirmed.epoch.0, unconfirmed.version).await? == Recorded::Stale {
                return Err(AggregatesError::Rebuilding);
            }
            repo::set_mark(tx, unconfirmed.mark).await?;
            Ok(())
        })
    });
    work.await
}
