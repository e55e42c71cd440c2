//! Movements of money, and the refusals that were recorded instead of one. Written once; only the texts can be erased.

use sea_orm::entity::prelude::*;

use crate::values::{
    Currency, Digest, Method, Money, Sha256Digest, TextsSalt, TransferId, TransferKind, TransferStatus, UserId,
    WalletId,
};

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
    /// What a RELEASE gave back.
    pub released: Option<Money>,
    /// The transfer that this one ends, or takes back.
    pub parent_id: Option<TransferId>,
    /// The batch that it was asked for in.
    pub batch_id: Option<Uuid>,
    /// Who asked for it; `None` where the source's owner did.
    pub created_by: Option<UserId>,
    /// The key that the caller came with; `None` where the caller had signed in.
    pub api_key_id: Option<Uuid>,
    /// Digest of caller and Idempotency-Key; unique.
    pub idempotency_key: Option<Digest>,
    /// Digest of what was asked for under that key; `None` after an erasure, since the texts were in it.
    pub request_digest: Option<Digest>,
    /// Digest of the salt, the description and the metadata. It stays when these are erased.
    pub texts_digest: Option<Sha256Digest>,
    pub texts_salt: Option<TextsSalt>,
    pub created_at: DateTimeUtc,
    /// When a HOLD ends by itself.
    pub expires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
