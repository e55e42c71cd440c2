//! The SQL of removing: an endpoint is emptied at once, and its deliveries, which may be many, are deleted some at a time.

use entity::{webhook_deliveries, webhook_secrets, webhooks};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, Set, Statement, Value,
};

use crate::db::{Fault, SqlDialect};
use crate::values::{Timestamp, UserId, WebhookId, WebhookStatus};

/// Whether more may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) enum Cleaning {
    Done,
    More,
}

/// The most rows that one transaction deletes: on SQLite it keeps every other writer out.
const DELETED_MAX: u64 = 500;
/// The most settled deliveries that one transaction deletes on PostgreSQL.
const SETTLED_MAX: u64 = 5_000;

/// Empties a locked endpoint. Its row and its deliveries are deleted later; the process that holds it finds it gone.
pub(in crate::webhooks) async fn delete(tx: &DatabaseTransaction, id: WebhookId, now: Timestamp) -> Result<(), Fault> {
    empty(tx, Condition::all().add(webhooks::Column::Id.eq(id)), now).await
}

/// Empties all endpoints of a user.
pub(in crate::webhooks) async fn delete_of_user(
    tx: &DatabaseTransaction,
    user: UserId,
    now: Timestamp,
) -> Result<(), Fault> {
    empty(tx, Condition::all().add(webhooks::Column::UserId.eq(user)), now).await
}

async fn empty(tx: &DatabaseTransaction, which: Condition, now: Timestamp) -> Result<(), Fault> {
    let ids = webhooks::Entity::find()
        .select_only()
        .column(webhooks::Column::Id)
        .filter(which.clone());
    let secrets =
        webhook_secrets::Entity::delete_many().filter(webhook_secrets::Column::WebhookId.in_subquery(ids.into_query()));
    secrets.exec(tx).await?;
    let row = webhooks::ActiveModel {
        url: Set(String::new()),
        types: Set(None),
        wallet_ids: Set(None),
        description: Set(None),
        status: Set(WebhookStatus::Paused),
        disabled_reason: Set(None),
        updated_at: Set(now),
        deleted_at: Set(Some(now)),
        ..Default::default()
    };
    let update = webhooks::Entity::update_many()
        .set(row)
        .col_expr(webhooks::Column::Revision, Expr::cust("revision + 1"))
        .filter(which)
        .filter(webhooks::Column::DeletedAt.is_null());
    update.exec(tx).await?;
    Ok(())
}

/// Deletes some deliveries of an endpoint.
pub(in crate::webhooks) async fn delete_deliveries_of(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
) -> Result<(), Fault> {
    let some = webhook_deliveries::Entity::find()
        .select_only()
        .column(webhook_deliveries::Column::Id)
        .filter(webhook_deliveries::Column::WebhookId.eq(webhook))
        .limit(DELETED_MAX);
    delete_some(tx, some, DELETED_MAX).await?;
    Ok(())
}

/// Deletes some deliveries of deleted endpoints, of any user or of one, and then the endpoints themselves: those of one user at
/// once, others when no process holds them, since it learns from the row that it is deleted.
pub(in crate::webhooks) async fn delete_deliveries_of_deleted(
    tx: &DatabaseTransaction,
    user: Option<UserId>,
) -> Result<Cleaning, Fault> {
    let (of_user, values) = match user {
        Some(user) => (" AND w.user_id = $1", vec![Value::from(user)]),
        None => ("", Vec::new()),
    };
    let sql = format!(
        "DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhooks w JOIN webhook_deliveries d \
         ON d.webhook_id = w.id WHERE w.deleted_at IS NOT NULL{of_user} LIMIT {DELETED_MAX})"
    );
    let statement = |sql: String| Statement::from_sql_and_values(tx.get_database_backend(), sql, values.clone());
    let deleted = tx.execute_raw(statement(sql)).await?.rows_affected();
    if deleted == 0 {
        let which = if user.is_some() {
            "user_id = $1"
        } else {
            "holder IS NULL"
        };
        let sql = format!(
            "DELETE FROM webhooks WHERE deleted_at IS NOT NULL AND {which} \
             AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = webhooks.id)"
        );
        tx.execute_raw(statement(sql)).await?;
        return Ok(Cleaning::Done);
    }
    // Until a look that finds none.
    Ok(Cleaning::More)
}

/// Deletes some deliveries that were settled before a time, and none that another process is deleting.
pub(in crate::webhooks) async fn delete_settled(
    tx: &DatabaseTransaction,
    before: Timestamp,
) -> Result<Cleaning, Fault> {
    let is_postgres = SqlDialect::new(tx.get_database_backend()).is_postgres();
    let most = if is_postgres { SETTLED_MAX } else { DELETED_MAX };
    // In the order of the index: a plan without it may read the whole table to find that there are none.
    let some = webhook_deliveries::Entity::find()
        .select_only()
        .column(webhook_deliveries::Column::Id)
        .filter(webhook_deliveries::Column::SettledAt.lt(before))
        .order_by_asc(webhook_deliveries::Column::SettledAt)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    delete_some(tx, some, most).await
}

async fn delete_some(
    tx: &DatabaseTransaction,
    some: Select<webhook_deliveries::Entity>,
    most: u64,
) -> Result<Cleaning, Fault> {
    let delete =
        webhook_deliveries::Entity::delete_many().filter(webhook_deliveries::Column::Id.in_subquery(some.into_query()));
    let deleted = delete.exec(tx).await?.rows_affected;
    Ok(if deleted < most { Cleaning::Done } else { Cleaning::More })
}
