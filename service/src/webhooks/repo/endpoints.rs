//! The SQL of endpoints: making, finding and changing them.

use entity::webhooks;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Set, UpdateMany,
};

use super::{webhook_of, words};
use crate::db::Fault;
use crate::events::LedgerTag;
use crate::page::PageRequest;
use crate::values::{RecordId, Timestamp, UserId, WebhookId, WebhookStatus, WebhookWorkerId};
use crate::webhooks::endpoint::Webhook;

/// Whose endpoints are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) enum HookReach {
    One(UserId),
    All,
}

/// An endpoint as it is stored, with how far it has come.
pub(in crate::webhooks) struct StoredWebhook {
    pub webhook: Webhook,
    pub mark: RecordId,
    pub revision: i64,
    pub replays: i64,
    pub holder: Option<WebhookWorkerId>,
}

/// Endpoints that are not deleted.
fn kept(reach: HookReach) -> Select<webhooks::Entity> {
    let query = webhooks::Entity::find().filter(webhooks::Column::DeletedAt.is_null());
    match reach {
        HookReach::One(user) => query.filter(webhooks::Column::UserId.eq(user)),
        HookReach::All => query,
    }
}

pub(in crate::webhooks) async fn insert(db: &impl ConnectionTrait, webhook: &Webhook) -> Result<(), Fault> {
    let row = webhooks::ActiveModel {
        id: Set(webhook.id),
        user_id: Set(webhook.user_id),
        scheme: Set(webhook.scheme),
        is_bank_wide: Set(webhook.is_bank_wide),
        mark: Set(webhook.sent_through.record()),
        failing_since: Set(webhook.failing_since),
        revision: Set(0),
        replays: Set(0),
        holder: Set(None),
        created_at: Set(webhook.created_at),
        deleted_at: Set(None),
        ..changeable(webhook, webhook.updated_at)
    };
    webhooks::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(in crate::webhooks) async fn count_of(db: &impl ConnectionTrait, user: UserId) -> Result<u64, Fault> {
    Ok(kept(HookReach::One(user)).count(db).await?)
}

pub(in crate::webhooks) async fn find(
    db: &impl ConnectionTrait,
    id: WebhookId,
    ledger: LedgerTag,
) -> Result<Option<Webhook>, Fault> {
    let row = kept(HookReach::All).filter(webhooks::Column::Id.eq(id)).one(db).await?;
    row.map(|row| webhook_of(row, ledger)).transpose()
}

/// An endpoint, locked against other changes, and against the writes of the process that sends.
pub(in crate::webhooks) async fn lock(
    tx: &DatabaseTransaction,
    id: WebhookId,
    ledger: LedgerTag,
) -> Result<Option<Webhook>, Fault> {
    let query = kept(HookReach::All).filter(webhooks::Column::Id.eq(id));
    let row = query.lock(LockType::NoKeyUpdate).one(tx).await?;
    row.map(|row| webhook_of(row, ledger)).transpose()
}

/// An endpoint with how far it has come, deleted or not.
pub(in crate::webhooks) async fn look_at(
    db: &impl ConnectionTrait,
    id: WebhookId,
    ledger: LedgerTag,
) -> Result<Option<StoredWebhook>, Fault> {
    let row = webhooks::Entity::find_by_id(id).one(db).await?;
    let row = row.filter(|row| row.deleted_at.is_none());
    row.map(|row| {
        Ok(StoredWebhook {
            mark: row.mark,
            revision: row.revision,
            replays: row.replays,
            holder: row.holder,
            webhook: webhook_of(row, ledger)?,
        })
    })
    .transpose()
}

/// The revision of an endpoint that a process holds; `None` once it is deleted, or another process holds it.
pub(in crate::webhooks) async fn revision_of(
    db: &impl ConnectionTrait,
    id: WebhookId,
    holder: WebhookWorkerId,
) -> Result<Option<i64>, Fault> {
    let query = kept(HookReach::All)
        .select_only()
        .column(webhooks::Column::Revision)
        .filter(webhooks::Column::Id.eq(id))
        .filter(webhooks::Column::Holder.eq(holder));
    Ok(query.into_tuple().one(db).await?)
}

/// Endpoints, of any status or of one, newest first.
pub(in crate::webhooks) async fn list(
    db: &impl ConnectionTrait,
    (reach, status): (HookReach, Option<WebhookStatus>),
    request: &PageRequest<WebhookId>,
    ledger: LedgerTag,
) -> Result<Vec<Webhook>, Fault> {
    let mut query = kept(reach);
    if let Some(status) = status {
        query = query.filter(webhooks::Column::Status.eq(status));
    }
    if let Some(after) = request.after {
        query = query.filter(webhooks::Column::Id.lt(after));
    }
    let rows = query
        .order_by_desc(webhooks::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    rows.into_iter().map(|row| webhook_of(row, ledger)).collect()
}

/// What a change of an endpoint writes.
fn changeable(webhook: &Webhook, now: Timestamp) -> webhooks::ActiveModel {
    let types = webhook.types.map(|types| words(types.iter()));
    webhooks::ActiveModel {
        url: Set(webhook.url.clone()),
        types: Set(types),
        wallet_ids: Set(webhook.wallet_ids.as_deref().map(|wallets| words(wallets.iter()))),
        description: Set(webhook.description.clone()),
        is_ordered: Set(webhook.is_ordered),
        status: Set(webhook.status),
        disabled_reason: Set(webhook.disabled_reason.clone()),
        updated_at: Set(now),
        ..Default::default()
    }
}

/// Changes a locked endpoint. One that is made active again, or has another URL, begins without failures.
pub(in crate::webhooks) async fn change(
    tx: &DatabaseTransaction,
    webhook: &Webhook,
    forgets_failures: bool,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut row = changeable(webhook, now);
    if forgets_failures {
        row.failing_since = Set(None);
    }
    revise(tx, webhook.id, row).await
}

/// Moves the mark of a locked endpoint, so that it gets the events after it again.
pub(in crate::webhooks) async fn replay(
    tx: &DatabaseTransaction,
    id: WebhookId,
    mark: RecordId,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = webhooks::ActiveModel {
        mark: Set(mark),
        updated_at: Set(now),
        ..Default::default()
    };
    let update = revision_of_row(row, id).col_expr(webhooks::Column::Replays, Expr::cust("replays + 1"));
    update.exec(tx).await?;
    Ok(())
}

/// Makes the process that sends to a locked endpoint begin anew with what is stored.
pub(in crate::webhooks) async fn restart(tx: &DatabaseTransaction, id: WebhookId, now: Timestamp) -> Result<(), Fault> {
    let row = webhooks::ActiveModel {
        updated_at: Set(now),
        ..Default::default()
    };
    revise(tx, id, row).await
}

async fn revise(tx: &DatabaseTransaction, id: WebhookId, row: webhooks::ActiveModel) -> Result<(), Fault> {
    revision_of_row(row, id).exec(tx).await?;
    Ok(())
}

fn revision_of_row(row: webhooks::ActiveModel, id: WebhookId) -> UpdateMany<webhooks::Entity> {
    webhooks::Entity::update_many()
        .set(row)
        .col_expr(webhooks::Column::Revision, Expr::cust("revision + 1"))
        .filter(webhooks::Column::Id.eq(id))
}
