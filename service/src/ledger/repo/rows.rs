//! Turns rows into the ledger's own types.

use std::sync::LazyLock;

use std::sync::Arc;

use entity::{holds, transfers, wallets};
use sea_orm::prelude::Uuid;
use sea_orm::{FromQueryResult, IdenStatic, Iterable, QueryResult};

use crate::db::{Fault, SqlDialect};
use crate::journal::{Head, LedgerIdentity};
use crate::ledger::types::{Failure, Hold, LimitState, Original, Outflow, TextsSeal, Transfer, Wallet, WalletLimits};
use crate::values::{Money, RecordId, Sha256Digest, Timestamp};

/// The columns of a wallet, in the order of its entity's fields.
pub(super) static WALLET_COLUMNS: LazyLock<String> = LazyLock::new(columns_of::<wallets::Column>);

/// The columns of a transfer, in the order of its entity's fields.
pub(super) static TRANSFER_COLUMNS: LazyLock<String> = LazyLock::new(columns_of::<transfers::Column>);

/// The columns of a table, for a statement that names them. `SELECT *` will not do: PostgreSQL refuses to run a
/// prepared one again once a newer release has added a column, and an older release may still run then.
pub(crate) fn columns_of<C: IdenStatic + Iterable>() -> String {
    let names: Vec<&str> = C::iter().map(|column| column.as_str()).collect();
    names.join(", ")
}

/// A row that begins with `WALLET_COLUMNS`. Its columns are read by their positions: to look up each name in each row
/// takes longer, for hundreds of wallets while the turn is held.
pub(super) fn wallet(row: impl Into<QueryResult>) -> Result<Wallet, Fault> {
    use wallets::Column;
    let row = row.into();
    Ok(Wallet {
        id: row.try_get_by(Column::Id as usize)?,
        owner: row.try_get_by(Column::UserId as usize)?,
        method: row.try_get_by(Column::Method as usize)?,
        currency: row.try_get_by(Column::Currency as usize)?,
        balance: row.try_get_by(Column::Balance as usize)?,
        held: row.try_get_by(Column::Held as usize)?,
        status: row.try_get_by(Column::Status as usize)?,
        version: row.try_get_by(Column::Version as usize)?,
        created_at: row.try_get_by(Column::CreatedAt as usize)?,
        updated_at: row.try_get_by(Column::UpdatedAt as usize)?,
        limits: limits_of(&row)?,
    })
}

fn limits_of(row: &QueryResult) -> Result<Option<Box<LimitState>>, Fault> {
    use wallets::Column;
    let Some(day): Option<i32> = row.try_get_by(Column::CountedDay as usize)? else {
        return Ok(None);
    };
    Ok(Some(Box::new(LimitState {
        limits: WalletLimits {
            per_transfer: row.try_get_by(Column::LimitPerTransfer as usize)?,
            per_day_amount: row.try_get_by(Column::LimitPerDayAmount as usize)?,
            per_day_count: row.try_get_by(Column::LimitPerDayCount as usize)?,
        },
        outflow: Outflow {
            day,
            amount: row.try_get_by(Column::CountedAmount as usize)?,
            transfers: row.try_get_by(Column::CountedTransfers as usize)?,
        },
    })))
}

/// A stored row as a wallet.
pub(crate) fn wallet_of(model: wallets::Model) -> Wallet {
    Wallet {
        id: model.id,
        owner: model.user_id,
        method: model.method,
        currency: model.currency,
        balance: model.balance,
        held: model.held,
        status: model.status,
        version: model.version,
        created_at: model.created_at,
        updated_at: model.updated_at,
        limits: model.counted_day.map(|day| {
            Box::new(LimitState {
                limits: WalletLimits {
                    per_transfer: model.limit_per_transfer,
                    per_day_amount: model.limit_per_day_amount,
                    per_day_count: model.limit_per_day_count,
                },
                outflow: Outflow {
                    day,
                    amount: model.counted_amount.unwrap_or_default(),
                    transfers: model.counted_transfers.unwrap_or_default(),
                },
            })
        }),
    }
}

/// A stored row as what has become of a hold. One that says how it ended and not when, or the other way round, is a
/// damaged one.
pub(crate) fn hold_of(model: holds::Model) -> Result<Hold, Fault> {
    let end = match (model.end, model.ended_at) {
        (Some(end), Some(at)) => Some((end, at)),
        (None, None) => None,
        _ => return Err(Fault::damaged(&format!("the end of the hold {}", model.id))),
    };
    Ok(Hold {
        id: model.id,
        wallet: model.wallet_id,
        remaining: model.remaining,
        captured: model.captured,
        expires_at: model.expires_at,
        end,
    })
}

/// The columns of an original: those of `transfers t`, then those of `holds h` with a prefix, then the sum of its
/// completed reversals, in ten-thousandths.
pub(super) fn original_columns() -> String {
    let transfers = prefixed::<transfers::Column>("t", "");
    let holds = prefixed::<holds::Column>("h", "hold_");
    format!("{transfers}, {holds}")
}

fn prefixed<C: IdenStatic + Iterable>(alias: &str, prefix: &str) -> String {
    let columns = C::iter().map(|column| {
        let name = column.as_str();
        format!("{alias}.\"{name}\" AS \"{prefix}{name}\"")
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// A row with `original_columns` and `reversed`.
pub(super) fn original(row: impl Into<QueryResult>) -> Result<Original, Fault> {
    let row = row.into();
    let transfer = transfer_of(transfers::Model::from_query_result(&row, "")?)?;
    let hold = holds::Model::from_query_result_optional(&row, "hold_")?;
    let reversed: Option<i64> = row.try_get("", "reversed")?;
    let reversed = Money::from_units(reversed.unwrap_or_default());
    Ok(Original {
        transfer: Arc::new(transfer),
        hold: hold.map(hold_of).transpose()?,
        reversed: reversed.ok_or_else(|| Fault::damaged("the reversals of a transfer"))?,
    })
}

pub(super) fn transfer(row: impl Into<QueryResult>) -> Result<Transfer, Fault> {
    transfer_of(transfers::Model::from_query_result(&row.into(), "")?)
}

/// A stored row as a transfer. A failure reason that is unknown, or lacks its amount, makes the row a damaged one; so does
/// an amount without a reason, since no leaf would have it.
pub(crate) fn transfer_of(model: transfers::Model) -> Result<Transfer, Fault> {
    let failure = match model.failure_reason.as_deref() {
        None if model.available.is_some() => {
            return Err(Fault::damaged(&format!("what {} had available", model.id)));
        }
        None => None,
        Some(code) => Some(
            Failure::from_stored(code, model.available)
                .ok_or_else(|| Fault::damaged(&format!("the failure {code:?}")))?,
        ),
    };
    Ok(Transfer {
        id: model.id,
        kind: model.kind,
        status: model.status,
        source: model.source_wallet_id,
        destination: model.destination_wallet_id,
        amount: model.amount,
        currency: model.currency,
        method: model.method,
        description: model.description,
        metadata: model.metadata,
        failure,
        parent: model.parent_id,
        batch: model.batch_id,
        created_by: model.created_by,
        api_key: model.api_key_id,
        request_id: model.request_id,
        released: model.released,
        key: model.idempotency_key,
        request: model.request_digest,
        texts: model.texts_digest.map(|digest| TextsSeal {
            digest,
            salt: model.texts_salt,
        }),
        created_at: model.created_at,
        expires_at: model.expires_at,
    })
}

/// The columns that `transfer_in` reads, with NULL in the place of those that enter no leaf.
pub(crate) fn leaf_columns() -> String {
    use transfers::Column;
    let columns = Column::iter().map(|column| {
        let name = column.as_str();
        let enters_none = matches!(
            column,
            Column::Description | Column::Metadata | Column::RequestId | Column::RequestDigest | Column::TextsSalt
        );
        if enters_none {
            format!("NULL AS {name}")
        } else {
            name.to_owned()
        }
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// The condition that the driver can read the times of a transfer: it panics on an infinite one.
pub(crate) fn times_are_finite(dialect: SqlDialect) -> String {
    let (made, ends) = (
        dialect.is_finite("created_at"),
        dialect.is_finite("coalesce(expires_at, created_at)"),
    );
    format!("{made} AND {ends}")
}

/// A row that begins with the columns of a transfer, in the order of its entity's fields. They are read by their
/// positions: to look up each name in each row takes longer than to read the value.
pub(crate) fn transfer_in(row: &QueryResult) -> Result<Transfer, Fault> {
    use transfers::Column;
    transfer_of(transfers::Model {
        id: row.try_get_by(Column::Id as usize)?,
        kind: row.try_get_by(Column::Kind as usize)?,
        status: row.try_get_by(Column::Status as usize)?,
        source_wallet_id: row.try_get_by(Column::SourceWalletId as usize)?,
        destination_wallet_id: row.try_get_by(Column::DestinationWalletId as usize)?,
        amount: row.try_get_by(Column::Amount as usize)?,
        currency: row.try_get_by(Column::Currency as usize)?,
        method: row.try_get_by(Column::Method as usize)?,
        description: row.try_get_by(Column::Description as usize)?,
        metadata: row.try_get_by(Column::Metadata as usize)?,
        failure_reason: row.try_get_by(Column::FailureReason as usize)?,
        available: row.try_get_by(Column::Available as usize)?,
        released: row.try_get_by(Column::Released as usize)?,
        parent_id: row.try_get_by(Column::ParentId as usize)?,
        batch_id: row.try_get_by(Column::BatchId as usize)?,
        created_by: row.try_get_by(Column::CreatedBy as usize)?,
        api_key_id: row.try_get_by(Column::ApiKeyId as usize)?,
        request_id: row.try_get_by(Column::RequestId as usize)?,
        idempotency_key: row.try_get_by(Column::IdempotencyKey as usize)?,
        request_digest: row.try_get_by(Column::RequestDigest as usize)?,
        texts_digest: row.try_get_by(Column::TextsDigest as usize)?,
        texts_salt: row.try_get_by(Column::TextsSalt as usize)?,
        created_at: row.try_get_by(Column::CreatedAt as usize)?,
        expires_at: row.try_get_by(Column::ExpiresAt as usize)?,
    })
}

pub(super) fn head(number: i64, digest_bytes: &[u8], last_id: Uuid, at: Timestamp) -> Result<Head, Fault> {
    Ok(Head {
        number,
        digest: digest(digest_bytes)?,
        last_id: RecordId(last_id),
        at,
    })
}

pub(super) fn identity(id: Uuid, salt: &[u8]) -> Result<LedgerIdentity, Fault> {
    let salt = digest(salt)?.0;
    Ok(LedgerIdentity { id, salt })
}

pub(super) fn digest(bytes: &[u8]) -> Result<Sha256Digest, Fault> {
    let bytes = bytes.try_into();
    bytes
        .map(Sha256Digest)
        .map_err(|_| sea_orm::DbErr::Type("a digest of the journal has not 32 bytes".to_owned()).into())
}

pub(super) fn no_head() -> Fault {
    sea_orm::DbErr::RecordNotFound("the journal has no row".to_owned()).into()
}

pub(super) fn no_bank_clock() -> Fault {
    sea_orm::DbErr::RecordNotFound("the bank's clock has no row".to_owned()).into()
}
