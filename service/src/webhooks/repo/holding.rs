//! The SQL of holding endpoints. A process holds them while its row is in `webhook_workers`; the foreign key frees them when
//! another process deletes that row, so every later statement of the first one changes nothing or fails.

use entity::webhook_workers;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value};

use crate::db::{Fault, SqlDialect};
use crate::values::{Timestamp, WebhookId, WebhookWorkerId};

/// Whether a process still has its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) enum Renewal {
    Renewed,
    Lost,
}

/// An endpoint that a process holds, and its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) struct HeldWebhook {
    pub id: WebhookId,
    pub revision: i64,
}

/// What there is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::webhooks) struct HoldingLook {
    /// The lease of a process has expired.
    pub has_expired: bool,
    /// No process holds an endpoint that is active.
    pub has_free: bool,
    /// The endpoints of this process that were changed lately.
    pub changed: Vec<HeldWebhook>,
}

/// The database's own time in milliseconds since 1970, which all processes share. On SQLite it is the machine's.
fn now_ms(dialect: SqlDialect) -> &'static str {
    dialect.choose(
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
        "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)",
    )
}

fn statement(db: &impl ConnectionTrait, sql: String, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// Adds a process with a lease of so many milliseconds.
pub(in crate::webhooks) async fn register(
    db: &impl ConnectionTrait,
    worker: WebhookWorkerId,
    lease_ms: i64,
) -> Result<(), Fault> {
    let now = now_ms(SqlDialect::of(db));
    let sql = format!("INSERT INTO webhook_workers (id, leased_until_ms) VALUES ($1, {now} + $2)");
    db.execute_raw(statement(db, sql, [worker.into(), lease_ms.into()]))
        .await?;
    Ok(())
}

/// Makes the lease of a process end so many milliseconds from now.
pub(in crate::webhooks) async fn renew(
    db: &impl ConnectionTrait,
    worker: WebhookWorkerId,
    lease_ms: i64,
) -> Result<Renewal, Fault> {
    let now = now_ms(SqlDialect::of(db));
    let sql = format!("UPDATE webhook_workers SET leased_until_ms = {now} + $2 WHERE id = $1");
    let renewed = db.execute_raw(statement(db, sql, [worker.into(), lease_ms.into()]));
    Ok(if renewed.await?.rows_affected() == 0 {
        Renewal::Lost
    } else {
        Renewal::Renewed
    })
}

/// Deletes the processes whose leases have expired, which frees their endpoints.
pub(in crate::webhooks) async fn delete_expired(db: &impl ConnectionTrait) -> Result<(), Fault> {
    let sql = format!(
        "DELETE FROM webhook_workers WHERE leased_until_ms <= {}",
        now_ms(SqlDialect::of(db))
    );
    db.execute_raw(statement(db, sql, [])).await?;
    Ok(())
}

/// Deletes the row of a process that ends.
pub(in crate::webhooks) async fn end_worker(db: &impl ConnectionTrait, worker: WebhookWorkerId) -> Result<(), Fault> {
    let delete = webhook_workers::Entity::delete_many().filter(webhook_workers::Column::Id.eq(worker));
    delete.exec(db).await?;
    Ok(())
}

/// Reads whether there is something to do. `worker` is this process, and `since` a time before its last look.
pub(in crate::webhooks) async fn look(
    db: &impl ConnectionTrait,
    worker: Option<WebhookWorkerId>,
    since: Timestamp,
) -> Result<HoldingLook, Fault> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM webhook_workers WHERE leased_until_ms <= {}) AS has_expired, \
         EXISTS (SELECT 1 FROM webhooks WHERE holder IS NULL AND status = 'active') AS has_free",
        now_ms(SqlDialect::of(db))
    );
    let mut look = HoldingLook::default();
    if let Some(row) = db.query_one_raw(statement(db, sql, [])).await? {
        look.has_expired = row.try_get("", "has_expired")?;
        look.has_free = row.try_get("", "has_free")?;
    }
    if let Some(worker) = worker {
        const CHANGED: &str = "SELECT id, revision FROM webhooks WHERE holder = $1 AND updated_at > $2";
        look.changed = read_held(db, statement(db, CHANGED.to_owned(), [worker.into(), since.into()])).await?;
    }
    Ok(look)
}

/// Takes endpoints that no process holds, at most so many. A process whose row was deleted meanwhile gets a fault by the
/// foreign key.
pub(in crate::webhooks) async fn take(
    db: &impl ConnectionTrait,
    worker: WebhookWorkerId,
    limit: u64,
) -> Result<Vec<HeldWebhook>, Fault> {
    let skips = SqlDialect::of(db).choose(" FOR NO KEY UPDATE SKIP LOCKED", "");
    let sql = format!(
        "UPDATE webhooks SET holder = $1 WHERE id IN (SELECT id FROM webhooks WHERE holder IS NULL \
         AND status = 'active' ORDER BY id LIMIT {limit}{skips}) AND holder IS NULL RETURNING id, revision"
    );
    read_held(db, statement(db, sql, [worker.into()])).await
}

/// The endpoints of a process.
pub(in crate::webhooks) async fn held(
    db: &impl ConnectionTrait,
    worker: WebhookWorkerId,
) -> Result<Vec<HeldWebhook>, Fault> {
    const HELD: &str = "SELECT id, revision FROM webhooks WHERE holder = $1";
    read_held(db, statement(db, HELD.to_owned(), [worker.into()])).await
}

/// Gives an endpoint back.
pub(in crate::webhooks) async fn release(
    db: &impl ConnectionTrait,
    webhook: WebhookId,
    worker: WebhookWorkerId,
) -> Result<(), Fault> {
    const RELEASE: &str = "UPDATE webhooks SET holder = NULL WHERE id = $1 AND holder = $2";
    db.execute_raw(statement(db, RELEASE.to_owned(), [webhook.into(), worker.into()]))
        .await?;
    Ok(())
}

async fn read_held(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<HeldWebhook>, Fault> {
    let rows = db.query_all_raw(statement).await?;
    let rows = rows.iter().map(|row| {
        Ok(HeldWebhook {
            id: row.try_get("", "id")?,
            revision: row.try_get("", "revision")?,
        })
    });
    rows.collect()
}
