//! Movements of money, and recorded refusals. Written once; only the texts can be erased.

use sea_orm::entity::prelude::*;

use crate::values::{
    BatchId, Currency, Digest, Method, Money, RequestId, Sha256Digest, TextsSalt, TransferId, TransferKind,
    TransferStatus, UserId, WalletId,
};

/// One movement of money, or the record of a refused one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "transfers")]
pub struct Model {
    /// Ids sort as the transfers were created, and share one order with those of changes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TransferId,
    /// What the transfer is for.
    pub kind: TransferKind,
    /// Whether the money moved.
    pub status: TransferStatus,
    /// The wallet that pays; of a deposit, the system wallet of its payment method.
    pub source_wallet_id: WalletId,
    /// The wallet that receives; of a withdrawal, the system wallet of its payment method.
    pub destination_wallet_id: WalletId,
    /// Above zero.
    pub amount: Money,
    /// The currency of the source wallet.
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal; `None` on other kinds.
    pub method: Option<Method>,
    /// The caller's text; `None` without one, on a recorded refusal, and after an erasure.
    pub description: Option<String>,
    /// The caller's JSON object, as it was sent; `None` as for the description.
    pub metadata: Option<String>,
    /// The refusal's code; set exactly when the status is FAILED.
    pub failure_reason: Option<String>,
    /// What the source had available when `insufficient_funds` refused it, for replays.
    pub available: Option<Money>,
    /// What a RELEASE, or the final CAPTURE of a hold, gave back.
    pub released: Option<Money>,
    /// The hold of a CAPTURE or RELEASE, or the transfer that a REVERSAL takes back.
    pub parent_id: Option<TransferId>,
    /// The batch of the request that asked for it.
    pub batch_id: Option<BatchId>,
    /// The user who asked for it; `None` when it was the source's owner, and on the RELEASE of an expired hold.
    pub created_by: Option<UserId>,
    /// The API key of the request; `None` without one, and on the RELEASE of an expired hold.
    pub api_key_id: Option<Uuid>,
    /// The id of that request; `None` on the RELEASE of an expired hold, and where a client's own id was erased.
    pub request_id: Option<RequestId>,
    /// Digest of caller and Idempotency-Key; unique. `None` without a key.
    pub idempotency_key: Option<Digest>,
    /// Digest of the request with that key; `None` after an erasure, since it was computed from the texts.
    pub request_digest: Option<Digest>,
    /// Digest of the salt, the description and the metadata; `None` without texts. An erasure keeps it.
    pub texts_digest: Option<Sha256Digest>,
    /// Random bytes in that digest; `None` without texts and after an erasure.
    pub texts_salt: Option<TextsSalt>,
    /// When it was decided, in the bank's time; the id holds the same microsecond.
    pub created_at: DateTimeUtc,
    /// When a HOLD ends by itself.
    pub expires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
