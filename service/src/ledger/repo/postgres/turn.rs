//! What the turn tells: `florin_take_turn` waits for it, and then reads what other processes have committed. It is a function
//! of the database, since each statement in it sees what was committed before that statement began; one statement that waits
//! and reads would see the time before it waited.

use chrono::TimeDelta;
use sea_orm::prelude::{Decimal, Uuid};
use sea_orm::sqlx::Row;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::{ActiveEnum, DbErr};

use crate::db::Fault;
use crate::ledger::repo::rows;
use crate::ledger::store::{MovedWallet, Seen};
use crate::values::{Money, Timestamp, Version, WalletId, WalletStatus};

/// The function's one row.
pub(super) fn seen_of(row: &PgRow) -> Result<Seen, Fault> {
    let own: Option<Vec<u8>> = row.try_get("own_digest")?;
    let moved = if row.try_get("are_too_many")? {
        None
    } else {
        Some(moved_wallets(row)?)
    };
    Ok(Seen {
        head: rows::head(
            row.try_get("head_number")?,
            &row.try_get::<Vec<u8>, _>("head_digest")?,
            row.try_get("head_last_id")?,
            row.try_get("head_at")?,
        )?,
        own: own.map(|bytes| rows::digest(&bytes)).transpose()?,
        time: Some(row.try_get("bank_time")?),
        waited: TimeDelta::microseconds(row.try_get("waited_us")?),
        moved,
    })
}

/// The wallets, a column an array. An aggregate over no rows is NULL.
fn moved_wallets(row: &PgRow) -> Result<Vec<MovedWallet>, Fault> {
    let Some(ids): Option<Vec<Uuid>> = row.try_get("ids")? else {
        return Ok(Vec::new());
    };
    let balances: Vec<Decimal> = row.try_get("balances")?;
    let helds: Vec<Decimal> = row.try_get("helds")?;
    let statuses: Vec<String> = row.try_get("statuses")?;
    let versions: Vec<i64> = row.try_get("versions")?;
    let times: Vec<Timestamp> = row.try_get("times")?;
    let wallets = ids
        .into_iter()
        .zip(balances)
        .zip(helds)
        .zip(statuses)
        .zip(versions)
        .zip(times);
    wallets
        .map(|(((((id, balance), held), status), version), updated_at)| {
            Ok(MovedWallet {
                id: WalletId(id),
                balance: Money::from_decimal(balance).ok_or_else(|| damaged("balance"))?,
                held: Money::from_decimal(held).ok_or_else(|| damaged("held"))?,
                status: WalletStatus::try_from_value(&status)?,
                version: Version(version),
                updated_at,
            })
        })
        .collect()
}

fn damaged(column: &str) -> DbErr {
    DbErr::Type(format!("wallets.{column} is not an amount of money"))
}
