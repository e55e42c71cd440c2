//! The types of the columns. A value is checked when it is made, so that later code need not check it again.

mod activity;
mod currency;
mod digest;
mod ids;
mod method;
mod money;
mod request_id;
mod statuses;

pub use activity::{ActivityStatus, Channel, KycStep, Product};
pub use currency::Currency;
pub use digest::{Digest, Sha256Digest, TextsSalt};
pub use ids::{
    ApiKeyId, AuditId, BatchId, Bucket, ChangeId, DeliveryId, ImportId, OneTimeTokenId, RecordId, SessionId,
    TransferId, UserId, Version, WalletId, WebhookId, WebhookWorkerId,
};
pub use method::Method;
pub use money::{Money, MoneyError};
pub use request_id::RequestId;
pub use statuses::{
    ChangeKind, DeliveryStatus, HoldEnd, ImportKind, ImportStatus, Role, SigningScheme, TransferKind, TransferStatus,
    UserStatus, WalletStatus, WebhookStatus,
};

/// A moment in UTC with whole microseconds, as both databases keep it.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// The text of a moment: RFC 3339, UTC, microseconds.
#[must_use]
pub fn time_text(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// Implements `From` into `Value`, `ValueType`, `TryGetable` and `Nullable` for a type that is stored as another one.
///
/// `$from` turns the stored form into `Option<Self>`, so that a damaged column is an error and not a guess.
macro_rules! stored_as {
    ($type:ty, $stored:ty, $null:expr, $into:expr, $from:expr) => {
        impl From<$type> for sea_orm::Value {
            fn from(value: $type) -> Self {
                let into: fn($type) -> $stored = $into;
                into(value).into()
            }
        }

        impl sea_orm::sea_query::ValueType for $type {
            fn try_from(value: sea_orm::Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
                let from: fn($stored) -> Option<$type> = $from;
                from(<$stored as sea_orm::sea_query::ValueType>::try_from(value)?)
                    .ok_or(sea_orm::sea_query::ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($type).to_owned()
            }

            fn array_type() -> sea_orm::sea_query::ArrayType {
                <$stored as sea_orm::sea_query::ValueType>::array_type()
            }

            fn column_type() -> sea_orm::sea_query::ColumnType {
                <$stored as sea_orm::sea_query::ValueType>::column_type()
            }
        }

        impl sea_orm::sea_query::Nullable for $type {
            fn null() -> sea_orm::Value {
                $null
            }
        }

        impl sea_orm::TryGetable for $type {
            fn try_get_by<I: sea_orm::ColIdx>(
                row: &sea_orm::QueryResult,
                index: I,
            ) -> Result<Self, sea_orm::TryGetError> {
                let from: fn($stored) -> Option<$type> = $from;
                from(<$stored as sea_orm::TryGetable>::try_get_by(row, index)?)
                    .ok_or_else(|| $crate::values::damaged(stringify!($type)))
            }
        }
    };
}
use stored_as;

/// The error for a column whose value its type can never have written.
fn damaged(type_name: &str) -> sea_orm::TryGetError {
    sea_orm::TryGetError::DbErr(sea_orm::DbErr::Type(format!("column holds no valid {type_name}")))
}
