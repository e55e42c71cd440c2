//! A transfer as clients see it, and what would become of one.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::transfers::{Hold, ShownTransfer, TransferOutcome};
use service::values::WalletId;
use uuid::Uuid;

use crate::samples;
use crate::wire::{Amount, CreatedOrReplayed, Located, MetadataValue, Time, TransferKindWord, TransferStatusWord};

/// A movement of money, a hold or its end, or the record of a refused one.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Transfer", example)]
pub struct TransferView {
    /// Names the transfer in `GET /v1/transfers/{transfer_id}`.
    pub id: Uuid,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub kind: TransferKindWord,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: TransferStatusWord,
    /// The wallet that pays; for a deposit, the bank's own wallet of the payment method.
    pub source_wallet_id: Uuid,
    /// The wallet that receives; for a withdrawal, the bank's own wallet of the payment method.
    pub destination_wallet_id: Uuid,
    /// Above zero, exact, with four decimals. Of a release, what it gave back.
    pub amount: Amount,
    /// ISO 4217; the currency of the source wallet.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The payment method of a deposit or withdrawal, or of the hold or reversal of one; null for other transfers.
    #[oai(validator(pattern = "^[a-z0-9_]{1,32}$"))]
    pub method: Option<String>,
    /// The text that the caller gave; null when there is none.
    pub description: Option<String>,
    /// The JSON object that the caller gave, at most 4 096 bytes; null when there is none.
    pub metadata: Option<MetadataValue>,
    /// The refusal's code, or how a hold ended of which nothing was captured: `voided` or `expired`; null unless FAILED.
    pub failure_reason: Option<String>,
    /// The batch that asked for it; null for a transfer of its own.
    pub batch_id: Option<Uuid>,
    /// The hold of a CAPTURE or RELEASE; null for other transfers.
    pub hold_id: Option<Uuid>,
    /// The transfer that a REVERSAL takes back; null for other transfers.
    pub reverses: Option<Uuid>,
    /// The sum of its completed reversals.
    pub reversed: Amount,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub hold: Option<HoldView>,
    /// The user who asked for it; null when that is the source's owner, and for the release of an expired hold.
    pub created_by: Option<Uuid>,
    /// The API key that asked for it; null without one, and where it is another user's: staff see every key, and owners of
    /// wallets also those of their deposits and reversals.
    pub api_key_id: Option<Uuid>,
    /// When the transfer was decided (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When the money moved, or when a hold ended of which something was captured (RFC 3339, UTC, microseconds); null
    /// unless COMPLETED.
    pub completed_at: Option<Time>,
}

/// What has become of a HOLD; null for other transfers.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Hold", example)]
pub struct HoldView {
    /// What is still held; zero once the hold has ended.
    pub remaining: Amount,
    /// What captures have taken.
    pub captured: Amount,
    /// When it ends by itself (RFC 3339, UTC, microseconds).
    pub expires_at: Time,
}

/// A transfer that would be made: the answer to a dry run. Nothing is written.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "TransferPreview", example)]
pub struct TransferPreview {
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub kind: TransferKindWord,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: TransferStatusWord,
    /// The wallet that would pay; null for a payment method that would be opened.
    pub source_wallet_id: Option<Uuid>,
    /// The wallet that would receive; null for a payment method that would be opened.
    pub destination_wallet_id: Option<Uuid>,
    /// Above zero, exact, with four decimals.
    pub amount: Amount,
    /// ISO 4217.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The payment method; null where there is none.
    #[oai(validator(pattern = "^[a-z0-9_]{1,32}$"))]
    pub method: Option<String>,
    /// The text that the caller gave; null when there is none.
    pub description: Option<String>,
    /// The JSON object that the caller gave; null when there is none.
    pub metadata: Option<MetadataValue>,
    /// Null: a refusal is answered with a problem.
    pub failure_reason: Option<String>,
    /// Null: a dry run makes no batch.
    pub batch_id: Option<Uuid>,
    /// The hold of a CAPTURE or RELEASE; null for other transfers.
    pub hold_id: Option<Uuid>,
    /// The transfer that a REVERSAL would take back; null for other transfers.
    pub reverses: Option<Uuid>,
    /// Zero: nothing of it can be taken back yet.
    pub reversed: Amount,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub hold: Option<HoldView>,
    /// The user who asks for it; null when that is the source's owner.
    pub created_by: Option<Uuid>,
    /// The API key that asks for it; null without one.
    pub api_key_id: Option<Uuid>,
}

impl Located for TransferView {
    fn location(&self) -> String {
        format!("/v1/transfers/{}", self.id)
    }
}

impl From<TransferOutcome> for CreatedOrReplayed<TransferView> {
    fn from(outcome: TransferOutcome) -> Self {
        Self {
            body: (&outcome.transfer).into(),
            replayed: outcome.replayed,
        }
    }
}

impl From<&ShownTransfer> for TransferView {
    fn from(shown: &ShownTransfer) -> Self {
        let transfer = &*shown.transfer;
        Self {
            id: transfer.id.0,
            kind: transfer.kind.into(),
            status: shown.status().into(),
            source_wallet_id: transfer.source.0,
            destination_wallet_id: transfer.destination.0,
            amount: Amount(transfer.amount),
            currency: transfer.currency.code().to_owned(),
            method: transfer.method.as_ref().map(ToString::to_string),
            description: transfer.description.clone(),
            metadata: transfer.metadata.as_deref().and_then(MetadataValue::stored),
            failure_reason: shown.failure_reason().map(str::to_owned),
            batch_id: transfer.batch.map(|batch| batch.0),
            hold_id: transfer.hold_id().map(|hold| hold.0),
            reverses: transfer.reverses().map(|original| original.0),
            reversed: Amount(shown.reversed),
            hold: shown.hold.map(HoldView::from),
            created_by: transfer.created_by.map(|user| user.0),
            api_key_id: shown.api_key.map(|key| key.0),
            created_at: Time(transfer.created_at),
            completed_at: shown.completed_at().map(Time),
        }
    }
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self {
            remaining: Amount(hold.remaining),
            captured: Amount(hold.captured),
            expires_at: Time(hold.expires_at),
        }
    }
}

impl TransferPreview {
    /// What would be made. `unopened` is a wallet that does not exist yet.
    pub fn of(shown: &ShownTransfer, unopened: Option<WalletId>) -> Self {
        let transfer = &*shown.transfer;
        let opened = |wallet: WalletId| (Some(wallet) != unopened).then_some(wallet.0);
        Self {
            kind: transfer.kind.into(),
            status: shown.status().into(),
            source_wallet_id: opened(transfer.source),
            destination_wallet_id: opened(transfer.destination),
            amount: Amount(transfer.amount),
            currency: transfer.currency.code().to_owned(),
            method: transfer.method.as_ref().map(ToString::to_string),
            description: transfer.description.clone(),
            metadata: transfer.metadata.as_deref().and_then(MetadataValue::stored),
            failure_reason: shown.failure_reason().map(str::to_owned),
            batch_id: None,
            hold_id: transfer.hold_id().map(|hold| hold.0),
            reverses: transfer.reverses().map(|original| original.0),
            reversed: Amount(shown.reversed),
            hold: shown.hold.map(HoldView::from),
            created_by: transfer.created_by.map(|user| user.0),
            api_key_id: shown.api_key.map(|key| key.0),
        }
    }
}

impl Example for TransferView {
    fn example() -> Self {
        Self {
            id: samples::TRANSFER_ID,
            kind: TransferKindWord::Transfer,
            status: TransferStatusWord::Completed,
            source_wallet_id: samples::WALLET_ID,
            destination_wallet_id: samples::OTHER_WALLET_ID,
            amount: samples::amount(125_000),
            currency: "USD".to_owned(),
            method: None,
            description: Some(samples::DESCRIPTION.to_owned()),
            metadata: MetadataValue::stored(r#"{"order":"A-17"}"#),
            failure_reason: None,
            batch_id: None,
            hold_id: None,
            reverses: None,
            reversed: samples::amount(0),
            hold: None,
            created_by: None,
            api_key_id: None,
            created_at: samples::time(),
            completed_at: Some(samples::time()),
        }
    }
}

impl Example for HoldView {
    fn example() -> Self {
        Self {
            remaining: samples::amount(125_000),
            captured: samples::amount(0),
            expires_at: samples::time(),
        }
    }
}

impl Example for TransferPreview {
    fn example() -> Self {
        Self {
            kind: TransferKindWord::Transfer,
            status: TransferStatusWord::Completed,
            source_wallet_id: Some(samples::WALLET_ID),
            destination_wallet_id: Some(samples::OTHER_WALLET_ID),
            amount: samples::amount(125_000),
            currency: "USD".to_owned(),
            method: None,
            description: Some(samples::DESCRIPTION.to_owned()),
            metadata: None,
            failure_reason: None,
            batch_id: None,
            hold_id: None,
            reverses: None,
            reversed: samples::amount(0),
            hold: None,
            created_by: None,
            api_key_id: None,
        }
    }
}
