//! The SQL of deliveries: lists, tests and attempts that were asked for, and what a process that sends begins with.

use std::collections::HashMap;

use entity::webhook_deliveries;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use uuid::Uuid;

use super::stored_status;
use crate::db::Fault;
use crate::events::{EventCursor, LedgerTag};
use crate::page::PageRequest;
use crate::values::{DeliveryId, DeliveryStatus, RecordId, Timestamp, WebhookId};
use crate::webhooks::delivery::{Delivery, TEST_KIND, test_id};
use crate::webhooks::progress::{AttemptCounts, AttemptResult, PENDING_MAX};

/// A pending delivery that the mark has passed, or a test that was asked for again.
pub(in crate::webhooks) struct Redelivery {
    pub id: DeliveryId,
    /// The record of its event; `None` for a test.
    pub record: Option<RecordId>,
    pub created_at: Timestamp,
    pub counts: AttemptCounts,
    pub next_attempt_at: Option<Timestamp>,
}

/// What a row says of an event that the mark has not passed.
pub(in crate::webhooks) struct PendingAhead {
    pub counts: AttemptCounts,
    pub next_attempt_at: Option<Timestamp>,
}

/// The status is written into each statement: a plan for any status cannot use an index of some.
const IS_PENDING: &str = "status = 'pending'";

/// The condition of a list. SQLite uses the index of those that are not delivered only where the statement has its condition.
const fn is_of(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "status = 'pending' AND status <> 'delivered'",
        DeliveryStatus::Delivered => "status = 'delivered'",
        DeliveryStatus::Parked => "status = 'parked' AND status <> 'delivered'",
    }
}

/// Deliveries of an endpoint, of any status or of one, newest first.
pub(in crate::webhooks) async fn list_deliveries(
    db: &impl ConnectionTrait,
    (webhook, status): (WebhookId, Option<DeliveryStatus>),
    request: &PageRequest<DeliveryId>,
    ledger: LedgerTag,
) -> Result<Vec<Delivery>, Fault> {
    let is_of_status = status.map(|status| Expr::cust(is_of(status)));
    let below = request.after.map(|after| webhook_deliveries::Column::Id.lt(after));
    let query = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .filter(Condition::all().add_option(is_of_status).add_option(below))
        .order_by_desc(webhook_deliveries::Column::Id)
        .limit(request.fetch());
    let rows = query.all(db).await?.into_iter();
    Ok(rows.map(|row| delivery_of(row, ledger)).collect())
}

pub(in crate::webhooks) async fn count_pending(db: &impl ConnectionTrait, webhook: WebhookId) -> Result<u64, Fault> {
    let query = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .filter(Expr::cust(IS_PENDING));
    Ok(query.count(db).await?)
}

/// Adds a test that was attempted once.
pub(in crate::webhooks) async fn add_test(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
    id: DeliveryId,
    (began_at, result): (Timestamp, &AttemptResult),
) -> Result<Delivery, Fault> {
    let status = if result.is_delivered {
        DeliveryStatus::Delivered
    } else {
        DeliveryStatus::Parked
    };
    let row = webhook_deliveries::ActiveModel {
        id: Set(id),
        webhook_id: Set(webhook),
        event_id: Set(id.0),
        kind: Set(TEST_KIND.to_owned()),
        status: Set(status),
        attempts: Set(1),
        failures: Set(i32::from(!result.is_delivered)),
        first_attempt_at: Set(Some(result.at)),
        next_attempt_at: Set(None),
        response_status: Set(stored_status(result.response_status)),
        response_excerpt: Set(result.response_excerpt.clone()),
        created_at: Set(began_at),
        settled_at: Set(Some(result.at)),
    };
    webhook_deliveries::Entity::insert(row)
        .exec_without_returning(tx)
        .await?;
    Ok(Delivery {
        id,
        webhook,
        event_id: test_id(id),
        kind: TEST_KIND.to_owned(),
        status,
        attempts: 1,
        next_attempt_at: None,
        response_status: result.response_status,
        response_excerpt: result.response_excerpt.clone(),
        created_at: began_at,
    })
}

/// Makes a delivery due at once, whatever became of it; `None` if the endpoint has no such delivery.
pub(in crate::webhooks) async fn ask_again(
    tx: &DatabaseTransaction,
    (webhook, id): (WebhookId, DeliveryId),
    now: Timestamp,
    ledger: LedgerTag,
) -> Result<Option<Delivery>, Fault> {
    let update = webhook_deliveries::Entity::update_many()
        .set(due_anew(now))
        .filter(webhook_deliveries::Column::Id.eq(id))
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook));
    let changed = update.exec_with_returning(tx).await?.into_iter().next();
    Ok(changed.map(|row| delivery_of(row, ledger)))
}

/// Makes all pending deliveries of an endpoint due at once, for another hour.
pub(in crate::webhooks) async fn restart_pending(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
    now: Timestamp,
) -> Result<(), Fault> {
    let update = webhook_deliveries::Entity::update_many()
        .set(due_anew(now))
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .filter(Expr::cust(IS_PENDING));
    update.exec(tx).await?;
    Ok(())
}

fn due_anew(now: Timestamp) -> webhook_deliveries::ActiveModel {
    webhook_deliveries::ActiveModel {
        status: Set(DeliveryStatus::Pending),
        failures: Set(0),
        first_attempt_at: Set(None),
        next_attempt_at: Set(Some(now)),
        settled_at: Set(None),
        ..Default::default()
    }
}

/// The redeliveries that are attempted next; at most so many.
pub(in crate::webhooks) async fn redeliveries(
    db: &impl ConnectionTrait,
    (webhook, mark): (WebhookId, RecordId),
    limit: u64,
) -> Result<Vec<Redelivery>, Fault> {
    let is_passed_or_test = Condition::any()
        .add(webhook_deliveries::Column::EventId.lte(mark.0))
        .add(webhook_deliveries::Column::Kind.eq(TEST_KIND));
    let query = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .filter(Expr::cust(IS_PENDING))
        .filter(is_passed_or_test)
        .order_by_asc(webhook_deliveries::Column::NextAttemptAt)
        .order_by_asc(webhook_deliveries::Column::EventId)
        .limit(limit);
    let rows = query.all(db).await?.into_iter();
    Ok(rows
        .map(|row| Redelivery {
            id: row.id,
            record: (row.kind != TEST_KIND).then_some(RecordId(row.event_id)),
            created_at: row.created_at,
            counts: counts_of(&row),
            next_attempt_at: row.next_attempt_at,
        })
        .collect())
}

/// What the pending rows say of events that a mark has not passed: an ordered endpoint has one while its next event fails,
/// and after a replay there may be more.
pub(in crate::webhooks) async fn pending_ahead(
    db: &impl ConnectionTrait,
    webhook: WebhookId,
    mark: RecordId,
) -> Result<HashMap<RecordId, PendingAhead>, Fault> {
    let query = webhook_deliveries::Entity::find()
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .filter(Expr::cust(IS_PENDING))
        .filter(webhook_deliveries::Column::EventId.gt(mark.0))
        .filter(webhook_deliveries::Column::Kind.ne(TEST_KIND))
        .limit(PENDING_MAX);
    let rows = query.all(db).await?.into_iter();
    Ok(rows
        .map(|row| {
            let pending_ahead = PendingAhead {
                counts: counts_of(&row),
                next_attempt_at: row.next_attempt_at,
            };
            (RecordId(row.event_id), pending_ahead)
        })
        .collect())
}

fn counts_of(row: &webhook_deliveries::Model) -> AttemptCounts {
    AttemptCounts {
        attempts: row.attempts.unsigned_abs(),
        failures: row.failures.unsigned_abs(),
        first_at: row.first_attempt_at,
    }
}

fn delivery_of(row: webhook_deliveries::Model, ledger: LedgerTag) -> Delivery {
    Delivery {
        id: row.id,
        webhook: row.webhook_id,
        event_id: event_id(row.event_id, &row.kind, ledger),
        kind: row.kind,
        status: row.status,
        attempts: row.attempts.unsigned_abs(),
        next_attempt_at: row.next_attempt_at,
        response_status: row.response_status.map(i16::unsigned_abs),
        response_excerpt: row.response_excerpt,
        created_at: row.created_at,
    }
}

fn event_id(id: Uuid, kind: &str, ledger: LedgerTag) -> String {
    if kind == TEST_KIND {
        test_id(DeliveryId(id))
    } else {
        EventCursor::new(ledger, RecordId(id)).to_string()
    }
}
