//! Waits for the turn, and reads what other processes have committed. The database's function `florin_take_turn`
//! (migration `m0009_journal`) does both, because a single statement would read as of its start, before the wait.

use chrono::TimeDelta;
use sea_orm::prelude::{Decimal, Uuid};
use sea_orm::sqlx::postgres::{PgConnection, PgRow};
use sea_orm::sqlx::{self, Row};
use sea_orm::{ActiveEnum, DbErr};

use super::{CATCH_UP_MAX, ChangedWallet, TurnAnswer, TurnRequest, rows};
use crate::db::Fault;
use crate::values::{Money, Timestamp, Version, WalletId, WalletStatus};

/// Takes the turn in a transaction that has begun.
pub(super) async fn take(connection: &mut PgConnection, request: &TurnRequest) -> Result<TurnAnswer, Fault> {
    let query = sqlx::query("SELECT * FROM florin_take_turn($1, $2, $3)")
        .bind(request.last_row)
        .bind(request.since.map(|last| last.0))
        .bind(CATCH_UP_MAX);
    let row = query.fetch_one(connection).await?;
    let last_row_digest: Option<Vec<u8>> = row.try_get("last_row_digest")?;
    let moved = if row.try_get("are_too_many")? {
        None
    } else {
        Some(moved_wallets(&row)?)
    };
    Ok(TurnAnswer {
        head: rows::head(
            row.try_get("head_number")?,
            &row.try_get::<Vec<u8>, _>("head_digest")?,
            row.try_get("head_last_id")?,
            row.try_get("head_at")?,
        )?,
        last_row_digest: last_row_digest.map(|bytes| rows::digest(&bytes)).transpose()?,
        time: Some(row.try_get("bank_time")?),
        waited: TimeDelta::microseconds(row.try_get("waited_us")?),
        moved,
    })
}

/// Each column of the wallets is an array; all are NULL if there are no wallets.
fn moved_wallets(row: &PgRow) -> Result<Vec<ChangedWallet>, Fault> {
    let Some(ids): Option<Vec<Uuid>> = row.try_get("ids")? else {
        return Ok(Vec::new());
    };
    let balances: Vec<Decimal> = row.try_get("balances")?;
    let helds: Vec<Decimal> = row.try_get("helds")?;
    let statuses: Vec<String> = row.try_get("statuses")?;
    let versions: Vec<i64> = row.try_get("versions")?;
    let times: Vec<Timestamp> = row.try_get("times")?;
    let are_limited: Vec<bool> = row.try_get("are_limited")?;
    let wallets = ids
        .into_iter()
        .zip(balances)
        .zip(helds)
        .zip(statuses)
        .zip(versions)
        .zip(times)
        .zip(are_limited);
    wallets
        .map(
            |((((((id, balance), held), status), version), updated_at), is_limited)| {
                Ok(ChangedWallet {
                    id: WalletId(id),
                    balance: Money::from_decimal(balance).ok_or_else(|| not_money("balance"))?,
                    held: Money::from_decimal(held).ok_or_else(|| not_money("held"))?,
                    status: WalletStatus::try_from_value(&status)?,
                    version: Version(version),
                    updated_at,
                    is_limited,
                })
            },
        )
        .collect()
}

fn not_money(column: &str) -> DbErr {
    DbErr::Type(format!("wallets.{column} is not an amount of money"))
}
