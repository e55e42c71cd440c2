//! The SQL of API keys.

use std::fmt::Display;
use std::sync::Arc;

use entity::api_keys;
use ipnet::IpNet;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set, Statement,
};
use uuid::Uuid;

use super::ApiKey;
use super::grant::KeyGrant;
use super::rules::{network_of, network_text};
use super::uses::USE_STEP;
use crate::actor::{Permission, Permissions};
use crate::db::{Fault, SqlDialect};
use crate::identity::ERASED_NAME;
use crate::page::PageRequest;
use crate::values::{ApiKeyId, Role, Sha256Digest, Timestamp, UserId, UserStatus, WalletId};

/// Whose keys an actor reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    One(UserId),
    All,
}

/// The digests of a key's secrets after it is rolled.
pub(super) struct RolledDigests {
    pub current: Sha256Digest,
    /// The old secret, and when it ends.
    pub former: Option<(Sha256Digest, Timestamp)>,
}

/// Keys that are not revoked.
fn kept(reach: Reach) -> Select<api_keys::Entity> {
    let query = api_keys::Entity::find().filter(api_keys::Column::RevokedAt.is_null());
    match reach {
        Reach::One(user) => query.filter(api_keys::Column::UserId.eq(user)),
        Reach::All => query,
    }
}

/// How many keys of a user are neither revoked nor expired.
pub(super) async fn count_live(db: &impl ConnectionTrait, owner: UserId, now: Timestamp) -> Result<u64, Fault> {
    let is_live = Condition::any()
        .add(api_keys::Column::ExpiresAt.is_null())
        .add(api_keys::Column::ExpiresAt.gt(now));
    Ok(kept(Reach::One(owner)).filter(is_live).count(db).await?)
}

pub(super) async fn insert(db: &impl ConnectionTrait, key: &ApiKey, digest: Sha256Digest) -> Result<(), Fault> {
    let row = api_keys::ActiveModel {
        id: Set(key.id),
        user_id: Set(key.owner),
        name: Set(key.name.clone()),
        digest: Set(digest),
        former_digest: Set(None),
        former_ends_at: Set(None),
        scopes: Set(words(key.scopes.iter().map(|permission| permission.as_str()))),
        wallet_ids: Set(key.wallets.as_deref().map(|wallets| words(wallets.iter()))),
        addresses: Set(key.networks.as_deref().map(|all| words(all.iter().map(network_text)))),
        created_at: Set(key.created_at),
        expires_at: Set(key.expires_at),
        revoked_at: Set(None),
        last_used_at: Set(None),
    };
    row.insert(db).await?;
    Ok(())
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    reach: Reach,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Option<ApiKey>, Fault> {
    let row = kept(reach).filter(api_keys::Column::Id.eq(id)).one(db).await?;
    row.map(|row| key_of(row, now)).transpose()
}

/// The key and the digest of its secret, locked against others who roll or revoke it.
pub(super) async fn lock(
    tx: &DatabaseTransaction,
    reach: Reach,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Option<(ApiKey, Sha256Digest)>, Fault> {
    let query = kept(reach).filter(api_keys::Column::Id.eq(id));
    let row = query.lock(LockType::NoKeyUpdate).one(tx).await?;
    let Some(row) = row else { return Ok(None) };
    let digest = row.digest;
    Ok(Some((key_of(row, now)?, digest)))
}

/// Keys that are not revoked, newest first.
pub(super) async fn list(
    db: &impl ConnectionTrait,
    reach: Reach,
    request: &PageRequest<ApiKeyId>,
    now: Timestamp,
) -> Result<Vec<ApiKey>, Fault> {
    let mut query = kept(reach);
    if let Some(after) = request.after {
        query = query.filter(api_keys::Column::Id.lt(after));
    }
    let rows = query
        .order_by_desc(api_keys::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    rows.into_iter().map(|row| key_of(row, now)).collect()
}

/// All keys of a user, revoked ones too, newest first, each with when it was revoked.
pub(super) async fn of_owner(
    db: &impl ConnectionTrait,
    owner: UserId,
    request: &PageRequest<ApiKeyId>,
    now: Timestamp,
) -> Result<Vec<(ApiKey, Option<Timestamp>)>, Fault> {
    let below = request.after.map(|after| api_keys::Column::Id.lt(after));
    let rows = api_keys::Entity::find()
        .filter(
            Condition::all()
                .add(api_keys::Column::UserId.eq(owner))
                .add_option(below),
        )
        .order_by_desc(api_keys::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    let keys = rows.into_iter().map(|row| {
        let revoked_at = row.revoked_at;
        Ok((key_of(row, now)?, revoked_at))
    });
    keys.collect()
}

pub(super) async fn set_digests(db: &impl ConnectionTrait, id: ApiKeyId, digests: &RolledDigests) -> Result<(), Fault> {
    let change = api_keys::ActiveModel {
        digest: Set(digests.current),
        former_digest: Set(digests.former.map(|(digest, _)| digest)),
        former_ends_at: Set(digests.former.map(|(_, end)| end)),
        ..Default::default()
    };
    let update = api_keys::Entity::update_many()
        .set(change)
        .filter(api_keys::Column::Id.eq(id));
    update.exec(db).await?;
    Ok(())
}

/// Revokes a locked key.
pub(super) async fn revoke(tx: &DatabaseTransaction, id: ApiKeyId, now: Timestamp) -> Result<(), Fault> {
    let change = api_keys::ActiveModel {
        revoked_at: Set(Some(now)),
        ..Default::default()
    };
    let update = api_keys::Entity::update_many()
        .set(change)
        .filter(api_keys::Column::Id.eq(id));
    update.exec(tx).await?;
    Ok(())
}

/// Revokes all keys of a user, and takes their names, networks and secrets: random digests are of no secret.
pub(in crate::identity) async fn erase_keys(
    tx: &DatabaseTransaction,
    owner: UserId,
    now: Timestamp,
) -> Result<(), Fault> {
    let digest = SqlDialect::of(tx).choose(
        "sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))",
        "randomblob(32)",
    );
    let sql = format!(
        "UPDATE api_keys SET name = '{ERASED_NAME}', digest = {digest}, former_digest = NULL, former_ends_at = NULL, \
         addresses = NULL, revoked_at = coalesce(revoked_at, $2) WHERE user_id = $1"
    );
    let values = [owner.into(), now.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Notes that keys were used, unless another replica has noted it within `USE_STEP`.
pub(super) async fn note_use(db: &impl ConnectionTrait, keys: &[ApiKeyId], now: Timestamp) -> Result<(), Fault> {
    let is_old = Condition::any()
        .add(api_keys::Column::LastUsedAt.is_null())
        .add(api_keys::Column::LastUsedAt.lte(now - USE_STEP));
    let change = api_keys::ActiveModel {
        last_used_at: Set(Some(now)),
        ..Default::default()
    };
    let update = api_keys::Entity::update_many()
        .set(change)
        .filter(api_keys::Column::Id.is_in(keys.iter().copied()))
        .filter(is_old);
    update.exec(db).await?;
    Ok(())
}

/// A key with its owner, found by either of its secrets.
#[derive(FromQueryResult)]
struct GrantRow {
    id: ApiKeyId,
    user_id: UserId,
    role: Role,
    status: UserStatus,
    former_digest: Option<Sha256Digest>,
    former_ends_at: Option<Timestamp>,
    scopes: String,
    wallet_ids: Option<String>,
    addresses: Option<String>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

const FIND_GRANT: &str = "SELECT k.id, k.user_id, u.role, u.status, k.former_digest, k.former_ends_at, k.scopes, \
    k.wallet_ids, k.addresses, k.expires_at, k.revoked_at, k.last_used_at \
    FROM api_keys AS k JOIN users AS u ON u.id = k.user_id WHERE k.digest = $1 OR k.former_digest = $1";

/// What the key with this digest allows, revoked or not.
pub(super) async fn find_grant(db: &impl ConnectionTrait, digest: Sha256Digest) -> Result<Option<KeyGrant>, Fault> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), FIND_GRANT, [digest.into()]);
    let row = GrantRow::find_by_statement(statement).one(db).await?;
    row.map(|row| grant_of(row, digest)).transpose()
}

fn grant_of(row: GrantRow, digest: Sha256Digest) -> Result<KeyGrant, Fault> {
    let is_former = row.former_digest == Some(digest);
    let ends = [row.expires_at, row.former_ends_at.filter(|_| is_former)];
    Ok(KeyGrant {
        key: row.id,
        owner: row.user_id,
        role: row.role,
        is_live: row.revoked_at.is_none() && row.status == UserStatus::Active,
        scopes: scopes_of(&row.scopes),
        wallets: row.wallet_ids.as_deref().map(wallets_of).transpose()?,
        networks: row.addresses.as_deref().map(networks_of).transpose()?,
        ends_at: ends.into_iter().flatten().min(),
        last_used_at: row.last_used_at,
    })
}

fn key_of(row: api_keys::Model, now: Timestamp) -> Result<ApiKey, Fault> {
    Ok(ApiKey {
        id: row.id,
        owner: row.user_id,
        name: row.name,
        scopes: scopes_of(&row.scopes),
        wallets: row.wallet_ids.as_deref().map(wallets_of).transpose()?,
        networks: row.addresses.as_deref().map(networks_of).transpose()?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        former_ends_at: row.former_ends_at.filter(|end| *end > now),
        last_used_at: row.last_used_at,
    })
}

fn words<W: Display>(items: impl Iterator<Item = W>) -> String {
    let words: Vec<String> = items.map(|item| item.to_string()).collect();
    words.join(" ")
}

/// A word that this program does not know is left out: it allows nothing here. A newer release has written it.
fn scopes_of(text: &str) -> Permissions {
    Permissions::from_iter(text.split(' ').filter_map(Permission::from_word))
}

/// A list that cannot be read is a fault: without it the key could do more.
fn wallets_of(text: &str) -> Result<Arc<[WalletId]>, Fault> {
    let ids = text.split(' ').map(|word| Uuid::try_parse(word).map(WalletId));
    ids.collect::<Result<_, _>>()
        .map_err(|_| Fault::damaged("the wallets of an API key"))
}

fn networks_of(text: &str) -> Result<Arc<[IpNet]>, Fault> {
    let networks: Option<_> = text.split(' ').map(network_of).collect();
    networks.ok_or_else(|| Fault::damaged("the networks of an API key"))
}
