//! The SQL of lists of wallets. What a search finds is sorted as a whole; the wallets of a currency are a range of an
//! index; all others are in the order of the primary key, or few.

use entity::wallets;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Statement, Value,
};
use serde_json::json;

use crate::db::{Fault, IndexRange, SqlDialect};
use crate::ledger::{Wallet, wallet_of};
use crate::page::PageRequest;
use crate::values::{Currency, WalletId};
use crate::wallets::{Holder, WalletFilter, WalletSearch};

/// Wallets, newest first: those of a filter, and with `within` only these of them.
pub async fn list(
    db: &impl ConnectionTrait,
    (filter, within): (&WalletFilter, Option<&[WalletId]>),
    request: &PageRequest<WalletId>,
) -> Result<Vec<Wallet>, Fault> {
    let found = if let Some(search) = &filter.search {
        let statement = search_statement(db, search, (filter, within), request);
        wallets::Model::find_by_statement(statement).all(db).await?
    } else if let (Holder::Anyone, Some(currency), None) = (filter.holder, filter.currency, within) {
        let statement = currency_statement(db, currency, request);
        wallets::Model::find_by_statement(statement).all(db).await?
    } else {
        few_or_all(db, (filter, within), request).await?
    };
    Ok(found.into_iter().map(wallet_of).collect())
}

async fn few_or_all(
    db: &impl ConnectionTrait,
    (filter, within): (&WalletFilter, Option<&[WalletId]>),
    request: &PageRequest<WalletId>,
) -> Result<Vec<wallets::Model>, Fault> {
    let mut query = wallets::Entity::find();
    if let Holder::User(user) = filter.holder {
        query = query.filter(wallets::Column::UserId.eq(user));
    }
    let found = query
        .apply_if(within, |query, within| {
            query.filter(wallets::Column::Id.is_in(within.iter().copied()))
        })
        .apply_if(filter.currency, |query, currency| {
            query.filter(wallets::Column::Currency.eq(currency))
        })
        .apply_if(request.after, |query, after| {
            query.filter(wallets::Column::Id.lt(after))
        })
        .order_by_desc(wallets::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    Ok(found)
}

/// Rows of the range that are read, which stand in the text: few numbers make few texts.
const LOOK_COUNTS: [u64; 2] = [51, 501];
const LOOK_COUNT_MAX: u64 = 1_001;

fn currency_statement(db: &impl ConnectionTrait, currency: Currency, request: &PageRequest<WalletId>) -> Statement {
    let range = IndexRange {
        table: "wallets",
        index: Some("wallets_by_currency"),
        keys: vec![("currency", currency.into())],
        from: None,
        below: request.after.map(|id| id.0),
    };
    let wanted = request.fetch();
    let count = LOOK_COUNTS.into_iter().find(|count| *count >= wanted);
    let mut values = Vec::new();
    let looked = range.looked(SqlDialect::of(db), "*", count.unwrap_or(LOOK_COUNT_MAX), &mut values);
    values.push(limit_value(wanted));
    let sql = format!("{looked} SELECT * FROM looked ORDER BY id DESC LIMIT ${}", values.len());
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// The owners are one parameter, so that the text of the statement does not depend on their number. The ids come first,
/// so that no plan reads all wallets in the order of the list instead.
fn search_statement(
    db: &impl ConnectionTrait,
    search: &WalletSearch,
    (filter, within): (&WalletFilter, Option<&[WalletId]>),
    request: &PageRequest<WalletId>,
) -> Statement {
    let owners = search.owners.iter().map(|owner| owner.0.simple().to_string());
    let owners: Vec<String> = owners.collect();
    let mut values = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let owners = place(json!(owners).to_string().into());
    let of_owners = if SqlDialect::of(db).is_postgres() {
        format!("json_array_elements_text({owners}::json) AS list (asked) JOIN wallets w ON w.user_id = asked::uuid")
    } else {
        format!("json_each({owners}) AS list JOIN wallets w ON w.user_id = unhex(list.value)")
    };
    let mut ids = format!("SELECT w.id FROM {of_owners}");
    if let Some(wallet) = search.wallet {
        let wallet = place(wallet.into());
        ids = format!("{ids} UNION SELECT w.id FROM wallets w WHERE w.id = {wallet}");
    }
    let holder = match filter.holder {
        Holder::User(user) => Some(format!("w.user_id = {}", place(user.into()))),
        Holder::Anyone => None,
    };
    let currency = filter.currency;
    let currency = currency.map(|currency| format!("w.currency = {}", place(currency.into())));
    let below = request.after.map(|after| format!("w.id < {}", place(after.into())));
    let within = within.map(|within| {
        let places: Vec<String> = within.iter().map(|id| place((*id).into())).collect();
        format!("w.id IN ({})", places.join(", "))
    });
    let limit = place(limit_value(request.fetch()));
    let conditions: Vec<String> = [holder, currency, below, within].into_iter().flatten().collect();
    let conditions = if conditions.is_empty() {
        "true".to_owned()
    } else {
        conditions.join(" AND ")
    };
    let sql = format!(
        "WITH matched AS MATERIALIZED ({ids}) SELECT w.* FROM matched JOIN wallets w ON w.id = matched.id \
         WHERE {conditions} ORDER BY w.id DESC LIMIT {limit}"
    );
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

fn limit_value(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
