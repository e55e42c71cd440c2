//! The SQL of reading wallets. The ledger writes them.

mod list;

pub(super) use list::list;

use std::collections::HashMap;

use entity::{holds, wallets};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use serde_json::json;

use super::Holder;
use crate::db::{Fault, SqlDialect, units_of_parts};
use crate::ledger::{Wallet, wallet_of};
use crate::values::{Currency, Method, Money, Timestamp, UserId, WalletId, WalletStatus};

/// The database compares the holder, so that another customer's wallet takes as long as one that does not exist.
pub(super) async fn find_of(db: &impl ConnectionTrait, holder: Holder, id: WalletId) -> Result<Option<Wallet>, Fault> {
    let mut query = wallets::Entity::find_by_id(id);
    if let Holder::User(user) = holder {
        query = query.filter(wallets::Column::UserId.eq(user));
    }
    Ok(query.one(db).await?.map(wallet_of))
}

/// Those of these wallets that the holder has.
pub(super) async fn found_of(
    db: &impl ConnectionTrait,
    holder: Holder,
    ids: &[WalletId],
) -> Result<Vec<WalletId>, Fault> {
    let mut query = wallets::Entity::find()
        .select_only()
        .column(wallets::Column::Id)
        .filter(wallets::Column::Id.is_in(ids.iter().copied()));
    if let Holder::User(user) = holder {
        query = query.filter(wallets::Column::UserId.eq(user));
    }
    Ok(query.into_tuple().all(db).await?)
}

pub(super) async fn exists(db: &impl ConnectionTrait, user: UserId, currency: Currency) -> Result<bool, Fault> {
    let query = wallets::Entity::find()
        .filter(wallets::Column::UserId.eq(user))
        .filter(wallets::Column::Currency.eq(currency));
    Ok(query.count(db).await? > 0)
}

/// The wallets of a user that are not closed, in the order of their ids.
pub(super) async fn unclosed_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
    let query = wallets::Entity::find()
        .select_only()
        .column(wallets::Column::Id)
        .filter(wallets::Column::UserId.eq(user))
        .filter(wallets::Column::Status.ne(WalletStatus::Closed))
        .order_by_asc(wallets::Column::Id);
    Ok(query.into_tuple().all(db).await?)
}

pub(super) async fn ids_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
    let query = wallets::Entity::find()
        .select_only()
        .column(wallets::Column::Id)
        .filter(wallets::Column::UserId.eq(user));
    Ok(query.into_tuple().all(db).await?)
}

const OWNERS_ON_POSTGRES: &str = "SELECT w.id, w.user_id FROM json_array_elements_text($1::json) AS list (asked) \
    JOIN wallets w ON w.id = asked::uuid WHERE w.user_id IS NOT NULL";
const OWNERS_ON_SQLITE: &str = "SELECT w.id, w.user_id FROM json_each($1) AS list \
    JOIN wallets w ON w.id = unhex(list.value) WHERE w.user_id IS NOT NULL";

/// The owners of wallets. These are one parameter, so that the text of the statement does not depend on their number.
pub(super) async fn owners_of(db: &impl ConnectionTrait, ids: &[WalletId]) -> Result<HashMap<WalletId, UserId>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    let sql = SqlDialect::of(db).choose(OWNERS_ON_POSTGRES, OWNERS_ON_SQLITE);
    let values = [json!(asked).to_string().into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "id")?, row.try_get("", "user_id")?)))
        .collect()
}

pub(super) async fn currencies_of(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<HashMap<WalletId, Currency>, Fault> {
    let rows: Vec<(WalletId, Currency)> = wallets::Entity::find()
        .select_only()
        .columns([wallets::Column::Id, wallets::Column::Currency])
        .filter(wallets::Column::UserId.eq(user))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

const OF_USERS_ON_POSTGRES: &str = "SELECT w.id, w.user_id, w.currency \
    FROM json_array_elements($1::json) AS list (asked) \
    JOIN wallets w ON w.user_id = (asked ->> 0)::uuid AND w.currency = asked ->> 1";
const OF_USERS_ON_SQLITE: &str = "SELECT w.id, w.user_id, w.currency FROM json_each($1) AS list \
    JOIN wallets w ON w.user_id = unhex(list.value ->> 0) AND w.currency = list.value ->> 1";

/// The wallets of users in currencies. These are one parameter, so that the text of the statement does not depend on
/// their number.
pub(super) async fn find_of_users(
    db: &impl ConnectionTrait,
    owners: &[(UserId, Currency)],
) -> Result<HashMap<(UserId, Currency), WalletId>, Fault> {
    if owners.is_empty() {
        return Ok(HashMap::new());
    }
    let pair = |(user, currency): &(UserId, Currency)| json!([user.0.simple().to_string(), currency.code()]);
    let asked: Vec<_> = owners.iter().map(pair).collect();
    let sql = SqlDialect::of(db).choose(OF_USERS_ON_POSTGRES, OF_USERS_ON_SQLITE);
    let values = [json!(asked).to_string().into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            let owner = (row.try_get("", "user_id")?, row.try_get("", "currency")?);
            Ok((owner, row.try_get("", "id")?))
        })
        .collect()
}

/// What holds that have run out at a time still hold on these wallets, by wallet.
pub(super) async fn expired_on(
    db: &impl ConnectionTrait,
    wallets: &[WalletId],
    now: Timestamp,
) -> Result<Vec<(WalletId, Money)>, Fault> {
    let sum = SqlDialect::of(db).sum_of_units("remaining");
    let sums: Vec<(WalletId, i64, i64)> = holds::Entity::find()
        .select_only()
        .column(holds::Column::WalletId)
        .expr(Expr::cust(sum))
        .filter(holds::Column::WalletId.is_in(wallets.iter().copied()))
        .filter(holds::Column::End.is_null())
        .filter(holds::Column::ExpiresAt.lte(now))
        .group_by(holds::Column::WalletId)
        .into_tuple()
        .all(db)
        .await?;
    let money_of = |high, low| {
        i64::try_from(units_of_parts(high, low))
            .ok()
            .and_then(Money::from_units)
    };
    let expired = sums.into_iter().map(|(wallet, high, low)| match money_of(high, low) {
        Some(remaining) => Ok((wallet, remaining)),
        None => Err(Fault::damaged(&format!("the holds of the wallet {wallet}"))),
    });
    expired.collect()
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
