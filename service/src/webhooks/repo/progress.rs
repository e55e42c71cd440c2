//! The SQL of an endpoint's progress: the mark and the rows of the events that it has passed, in one transaction.

use chrono::TimeDelta;
use entity::{webhook_deliveries, webhooks};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use super::stored_status;
use crate::clock::id_at;
use crate::db::Fault;
use crate::values::{DeliveryId, DeliveryStatus, Timestamp, WebhookId, WebhookStatus, WebhookWorkerId};
use crate::webhooks::progress::{ChangedRow, DeliveryChange, ProgressWrites};

/// What a process writes of an endpoint that it holds.
pub(in crate::webhooks) struct ProgressStep {
    pub webhook: WebhookId,
    pub holder: WebhookWorkerId,
    pub revision: i64,
    pub writes: ProgressWrites,
    pub now: Timestamp,
}

/// Whether the endpoint was still the process' own, and as it knew it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) enum WriteOutcome {
    Written,
    Stale,
}

/// Writes the mark first, which locks the endpoint: nothing is written where it has changed.
pub(in crate::webhooks) async fn write(tx: &DatabaseTransaction, step: &ProgressStep) -> Result<WriteOutcome, Fault> {
    let mut row = webhooks::ActiveModel {
        mark: Set(step.writes.mark),
        failing_since: Set(step.writes.failing_since),
        ..Default::default()
    };
    let mut revision = Expr::cust("revision");
    if let Some(reason) = step.writes.disabled {
        row.status = Set(WebhookStatus::Disabled);
        row.disabled_reason = Set(Some(reason.to_string()));
        row.updated_at = Set(step.now);
        row.holder = Set(None);
        revision = Expr::cust("revision + 1");
    }
    let update = webhooks::Entity::update_many()
        .set(row)
        .col_expr(webhooks::Column::Revision, revision)
        .filter(webhooks::Column::Id.eq(step.webhook))
        .filter(webhooks::Column::Holder.eq(step.holder))
        .filter(webhooks::Column::Revision.eq(step.revision))
        .filter(webhooks::Column::DeletedAt.is_null());
    if update.exec(tx).await?.rows_affected == 0 {
        return Ok(WriteOutcome::Stale);
    }
    write_events(tx, step).await?;
    for change in &step.writes.rows {
        if let ChangedRow::Delivery(id) = change.row {
            let update = webhook_deliveries::Entity::update_many()
                .set(changed(change))
                .filter(webhook_deliveries::Column::Id.eq(id))
                .filter(webhook_deliveries::Column::WebhookId.eq(step.webhook));
            update.exec(tx).await?;
        }
    }
    Ok(WriteOutcome::Written)
}

/// An event that is sent again, after a failure or a replay, has its row already.
async fn write_events(tx: &DatabaseTransaction, step: &ProgressStep) -> Result<(), Fault> {
    use webhook_deliveries::Column;
    let rows = step.writes.rows.iter().enumerate();
    let rows: Vec<webhook_deliveries::ActiveModel> = rows
        .filter_map(|(place, change)| match change.row {
            ChangedRow::Event(record, kind) => {
                let created_at = change.counts.first_at.unwrap_or(change.result.at);
                // Rows of one moment sort as their events do.
                let place = TimeDelta::microseconds(i64::try_from(place).unwrap_or_default());
                Some(webhook_deliveries::ActiveModel {
                    id: Set(DeliveryId(id_at(created_at + place))),
                    webhook_id: Set(step.webhook),
                    event_id: Set(record.0),
                    kind: Set(kind.to_owned()),
                    created_at: Set(created_at),
                    ..changed(change)
                })
            }
            ChangedRow::Delivery(_) => None,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut known = OnConflict::columns([Column::WebhookId, Column::EventId]);
    known.update_columns([
        Column::Status,
        Column::Attempts,
        Column::Failures,
        Column::FirstAttemptAt,
        Column::NextAttemptAt,
        Column::ResponseStatus,
        Column::ResponseExcerpt,
        Column::SettledAt,
    ]);
    webhook_deliveries::Entity::insert_many(rows)
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn changed(change: &DeliveryChange) -> webhook_deliveries::ActiveModel {
    let is_settled = change.status != DeliveryStatus::Pending;
    webhook_deliveries::ActiveModel {
        status: Set(change.status),
        attempts: Set(i32::try_from(change.counts.attempts).unwrap_or(i32::MAX)),
        failures: Set(i32::try_from(change.counts.failures).unwrap_or(i32::MAX)),
        first_attempt_at: Set(change.counts.first_at),
        next_attempt_at: Set(change.next_attempt_at),
        response_status: Set(stored_status(change.result.response_status)),
        response_excerpt: Set(change.result.response_excerpt.clone()),
        settled_at: Set(is_settled.then_some(change.result.at)),
        ..Default::default()
    }
}
