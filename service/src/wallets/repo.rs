//! The SQL of wallets, but for what the commit path writes.

use entity::wallets;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};

use super::{Holder, Wallet, WalletError};
use crate::clock::id_at;
use crate::db::Fault;
use crate::page::PageRequest;
use crate::values::{Currency, Method, Money, Timestamp, Version, WalletId, WalletStatus};

pub(super) async fn insert(db: &impl ConnectionTrait, wallet: &Wallet) -> Result<(), WalletError> {
    row(wallet, None).insert(db).await.map_err(|error| {
        let fault = Fault::from(error);
        if fault.is_unique_violation_of("currency") {
            WalletError::Exists
        } else {
            fault.into()
        }
    })?;
    Ok(())
}

/// A wallet that nothing else changes before this transaction ends. SQLite's transactions that write wait for each other
/// anyway; PostgreSQL takes the lock that an UPDATE takes.
pub(super) async fn find_locked(tx: &DatabaseTransaction, id: WalletId) -> Result<Option<Wallet>, Fault> {
    let query = wallets::Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    Ok(query.one(tx).await?.map(wallet))
}

/// The database compares the holder, so that a stranger's wallet and no wallet take the same time.
pub(super) async fn find_of(db: &impl ConnectionTrait, holder: Holder, id: WalletId) -> Result<Option<Wallet>, Fault> {
    let mut query = wallets::Entity::find_by_id(id);
    if let Holder::User(user) = holder {
        query = query.filter(wallets::Column::UserId.eq(user));
    }
    Ok(query.one(db).await?.map(wallet))
}

pub(super) async fn list(
    db: &impl ConnectionTrait,
    holder: Holder,
    request: &PageRequest<WalletId>,
) -> Result<Vec<Wallet>, Fault> {
    let mut query = wallets::Entity::find();
    if let Holder::User(user) = holder {
        query = query.filter(wallets::Column::UserId.eq(user));
    }
    if let Some(after) = request.after {
        query = query.filter(wallets::Column::Id.lt(after));
    }
    let found = query
        .order_by_desc(wallets::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    Ok(found.into_iter().map(wallet).collect())
}

/// Sets a status that the rules allow.
pub(super) async fn set_status(
    tx: &DatabaseTransaction,
    id: WalletId,
    status: WalletStatus,
    updated_at: Timestamp,
) -> Result<(), Fault> {
    let change = wallets::ActiveModel {
        status: Set(status),
        updated_at: Set(updated_at),
        ..Default::default()
    };
    let update = wallets::Entity::update_many()
        .set(change)
        .filter(wallets::Column::Id.eq(id));
    update.exec(tx).await?;
    Ok(())
}

pub(super) async fn find_system(
    db: &impl ConnectionTrait,
    method: &Method,
    currency: Currency,
) -> Result<Option<WalletId>, Fault> {
    let query = wallets::Entity::find()
        .filter(wallets::Column::Method.eq(method.clone()))
        .filter(wallets::Column::Currency.eq(currency));
    Ok(query.one(db).await?.map(|row| row.id))
}

/// Opens a system wallet, or finds the one that another request has opened just now.
pub(super) async fn open_system(
    db: &impl ConnectionTrait,
    method: &Method,
    currency: Currency,
    now: Timestamp,
) -> Result<WalletId, Fault> {
    let wallet = Wallet {
        id: WalletId(id_at(now)),
        user_id: None,
        currency,
        balance: Money::ZERO,
        held: Money::ZERO,
        status: WalletStatus::Active,
        version: Version::default(),
        created_at: now,
        updated_at: now,
    };
    let taken = OnConflict::columns([wallets::Column::Method, wallets::Column::Currency])
        .do_nothing()
        .to_owned();
    wallets::Entity::insert(row(&wallet, Some(method.clone())))
        .on_conflict(taken)
        .exec_without_returning(db)
        .await?;
    find_system(db, method, currency)
        .await?
        .ok_or_else(|| sea_orm::DbErr::RecordNotFound(format!("the system wallet {method} {currency} vanished")).into())
}

fn row(wallet: &Wallet, method: Option<Method>) -> wallets::ActiveModel {
    wallets::ActiveModel {
        id: Set(wallet.id),
        user_id: Set(wallet.user_id),
        method: Set(method),
        currency: Set(wallet.currency),
        balance: Set(wallet.balance),
        held: Set(wallet.held),
        status: Set(wallet.status),
        version: Set(wallet.version),
        created_at: Set(wallet.created_at),
        updated_at: Set(wallet.updated_at),
    }
}

fn wallet(row: wallets::Model) -> Wallet {
    Wallet {
        id: row.id,
        user_id: row.user_id,
        currency: row.currency,
        balance: row.balance,
        held: row.held,
        status: row.status,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
