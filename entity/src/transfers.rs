//! Movements of money, and the refusals that were recorded instead of one.

use sea_orm::entity::prelude::*;

use crate::values::{Currency, Digest, Method, Money, TransferId, TransferKind, TransferStatus, WalletId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "transfers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TransferId,
    pub kind: TransferKind,
    pub status: TransferStatus,
    pub source_wallet_id: WalletId,
    pub destination_wallet_id: WalletId,
    pub amount: Money,
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal.
    pub method: Option<Method>,
    pub description: Option<String>,
    /// The caller's JSON object, as it was sent.
    pub metadata: Option<String>,
    /// The refusal's code; set exactly when the status is FAILED.
    pub failure_reason: Option<String>,
    /// What the source had available when `insufficient_funds` refused it, for replays.
    pub available: Option<Money>,
    /// Digest of caller and Idempotency-Key; unique.
    pub idempotency_key: Option<Digest>,
    /// Digest of what was asked for under that key.
    pub request_digest: Option<Digest>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
