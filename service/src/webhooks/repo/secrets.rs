//! The SQL of the secrets that sign webhooks.

use std::collections::HashMap;

use entity::sessions::HiddenBytes;
use entity::webhook_secrets;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, Set,
};

use crate::db::Fault;
use crate::values::{SigningScheme, Timestamp, WebhookId};
use crate::webhooks::secret::SigningSecret;

/// A secret of an endpoint.
pub(in crate::webhooks) struct StoredSecret {
    pub secret: SigningSecret,
    /// When it signs no more; `None` for the newest one.
    pub expires_at: Option<Timestamp>,
}

/// Stores the first secret of an endpoint.
pub(in crate::webhooks) async fn insert_secret(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
    secret: &SigningSecret,
) -> Result<(), Fault> {
    insert_numbered(tx, webhook, 0, secret).await
}

/// Stores the next secret of a locked endpoint. The newest one before signs until a time, or no more; those before it are gone.
pub(in crate::webhooks) async fn rotate(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
    secret: &SigningSecret,
    old_until: Option<Timestamp>,
) -> Result<(), Fault> {
    let newest = webhook_secrets::Entity::find()
        .filter(webhook_secrets::Column::WebhookId.eq(webhook))
        .order_by_desc(webhook_secrets::Column::Number)
        .one(tx)
        .await?;
    let number = newest.map_or(0, |newest| newest.number);
    let older = webhook_secrets::Entity::delete_many()
        .filter(webhook_secrets::Column::WebhookId.eq(webhook))
        .filter(match old_until {
            Some(_) => webhook_secrets::Column::Number.lt(number),
            None => webhook_secrets::Column::Number.lte(number),
        });
    older.exec(tx).await?;
    let row = webhook_secrets::ActiveModel {
        expires_at: Set(old_until),
        ..Default::default()
    };
    let update = webhook_secrets::Entity::update_many()
        .set(row)
        .filter(webhook_secrets::Column::WebhookId.eq(webhook));
    update.exec(tx).await?;
    insert_numbered(tx, webhook, number.saturating_add(1), secret).await
}

async fn insert_numbered(
    tx: &DatabaseTransaction,
    webhook: WebhookId,
    number: i32,
    secret: &SigningSecret,
) -> Result<(), Fault> {
    let row = webhook_secrets::ActiveModel {
        webhook_id: Set(webhook),
        number: Set(number),
        secret: Set(HiddenBytes(secret.stored().to_vec())),
        expires_at: Set(None),
    };
    webhook_secrets::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The secrets of an endpoint that sign at a time, newest first.
pub(in crate::webhooks) async fn signing(
    db: &impl ConnectionTrait,
    (webhook, scheme): (WebhookId, SigningScheme),
    now: Timestamp,
) -> Result<Vec<StoredSecret>, Fault> {
    let is_valid = Condition::any()
        .add(webhook_secrets::Column::ExpiresAt.is_null())
        .add(webhook_secrets::Column::ExpiresAt.gt(now));
    let query = webhook_secrets::Entity::find()
        .filter(webhook_secrets::Column::WebhookId.eq(webhook))
        .filter(is_valid)
        .order_by_desc(webhook_secrets::Column::Number);
    let rows = query.all(db).await?.into_iter();
    rows.map(|row| {
        Ok(StoredSecret {
            secret: read(&row, scheme)?,
            expires_at: row.expires_at,
        })
    })
    .collect()
}

/// The keys that verify the newest signatures of endpoints that sign with Ed25519.
pub(in crate::webhooks) async fn public_keys(
    db: &impl ConnectionTrait,
    webhooks: &[WebhookId],
) -> Result<HashMap<WebhookId, String>, Fault> {
    if webhooks.is_empty() {
        return Ok(HashMap::new());
    }
    let query = webhook_secrets::Entity::find()
        .filter(webhook_secrets::Column::WebhookId.is_in(webhooks.iter().copied()))
        .filter(webhook_secrets::Column::ExpiresAt.is_null());
    let mut keys = HashMap::new();
    for row in query.all(db).await? {
        if let Some(key) = read(&row, SigningScheme::Ed25519)?.public_text() {
            keys.insert(row.webhook_id, key);
        }
    }
    Ok(keys)
}

fn read(row: &webhook_secrets::Model, scheme: SigningScheme) -> Result<SigningSecret, Fault> {
    SigningSecret::try_from_stored(scheme, &row.secret.0).map_err(|_| Fault::damaged("the secret of a webhook"))
}
