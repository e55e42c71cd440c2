//! `/v1/transfers`, and the deposits and withdrawals of a wallet: everything that moves money.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use service::Services;
use service::transfers::{NewPayment, NewTransfer, Transfer, TransferFilter, TransferOutcome};
use service::values::{TransferId, WalletId};
use uuid::Uuid;

use super::Tag;
use crate::auth::{Operator, SignedIn};
use crate::fields::Input;
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{
    Amount, AmountInput, CreatedOrReplayed, CursorText, IdempotencyHeader, Json, ListQuery, Listed, Located,
    MetadataValue, MethodInput, PageLimit, Text, Time, TransferKindWord, TransferStatusWord, page_request,
};

/// The handlers of `/v1/transfers`, and of the deposits and withdrawals of a wallet.
pub struct TransfersApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// A movement of money, or the record of a refused one.
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
    /// Above zero, exact, with four decimals.
    pub amount: Amount,
    /// ISO 4217; the currency of the source wallet.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// The payment method of a deposit or withdrawal; null for other transfers.
    #[oai(validator(pattern = "^[a-z0-9_]{1,32}$"))]
    pub method: Option<String>,
    /// The text that the caller gave; null when there is none.
    pub description: Option<String>,
    /// The JSON object that the caller gave, at most 4 096 bytes; null when there is none.
    pub metadata: Option<MetadataValue>,
    /// The refusal's code; null unless FAILED.
    pub failure_reason: Option<String>,
    /// The transfer that a reversal takes back; null for other transfers.
    pub reverses: Option<Uuid>,
    /// When the transfer was decided (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When the money moved (RFC 3339, UTC, microseconds); null unless COMPLETED.
    pub completed_at: Option<Time>,
    /// When a hold ends by itself; null for other transfers.
    pub expires_at: Option<Time>,
}

/// A transfer to make.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewTransfer", example)]
#[serde(deny_unknown_fields)]
pub struct NewTransferInput {
    /// A wallet of the caller's.
    source_wallet_id: Uuid,
    destination_wallet_id: Uuid,
    amount: AmountInput,
    description: Option<Text>,
    metadata: Option<MetadataValue>,
}

/// Money that enters or leaves the bank.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewPayment", example)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentInput {
    amount: AmountInput,
    method: MethodInput,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Transfers")]
impl TransfersApi {
    /// Make a transfer
    ///
    /// Moves money from a wallet of the caller's to any customer's wallet. The answer is final: a 201 is durable, a
    /// refusal with a `transfer_id` is recorded. Every other answer moved nothing, except `outcome_unknown` (503): then
    /// ask again with the same `Idempotency-Key`, since another request could move the money twice.
    ///
    /// Refusals, the first that applies: `invalid_amount`, `wallet_not_found`, `same_wallet`, `wallet_frozen`,
    /// `wallet_closed`, `currency_mismatch`, `insufficient_funds`, `balance_out_of_range`. From `wallet_frozen` on the
    /// refusal is recorded as a FAILED transfer, named in `transfer_id`; it keeps neither description nor metadata.
    #[oai(path = "/transfers", method = "post", operation_id = "transfers_create")]
    async fn create(
        &self,
        SignedIn(actor): SignedIn,
        /// Makes a repeated request move money once. Keys are the caller's own and never expire.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewTransferInput>,
    ) -> ApiResult<CreatedOrReplayed<TransferView>> {
        let outcome = self.services.transfers.submit(actor, key.0, body.0.into()).await?;
        Ok(outcome.into())
    }

    /// Deposit
    ///
    /// Brings money into the bank, from the system wallet of its payment method, which opens in the wallet's currency
    /// when an operator first uses it.
    #[oai(
        path = "/wallets/:wallet_id/deposits",
        method = "post",
        operation_id = "wallets_deposit"
    )]
    async fn deposit(
        &self,
        Operator(actor): Operator,
        wallet_id: Path<Uuid>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewPaymentInput>,
    ) -> ApiResult<CreatedOrReplayed<TransferView>> {
        let deposit = NewPayment {
            wallet: WalletId(wallet_id.0),
            amount: body.0.amount.0,
            method: body.0.method.0,
        };
        Ok(self.services.transfers.deposit(actor, key.0, deposit).await?.into())
    }

    /// Withdraw
    ///
    /// Pays money out of the bank, to the system wallet of its payment method. A customer may only name one that an
    /// operator has used in this currency before: else `unknown_method`, which comes after `wallet_not_found`.
    #[oai(
        path = "/wallets/:wallet_id/withdrawals",
        method = "post",
        operation_id = "wallets_withdraw"
    )]
    async fn withdraw(
        &self,
        SignedIn(actor): SignedIn,
        wallet_id: Path<Uuid>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewPaymentInput>,
    ) -> ApiResult<CreatedOrReplayed<TransferView>> {
        let withdrawal = NewPayment {
            wallet: WalletId(wallet_id.0),
            amount: body.0.amount.0,
            method: body.0.method.0,
        };
        Ok(self.services.transfers.withdraw(actor, key.0, withdrawal).await?.into())
    }

    /// Look at a transfer
    ///
    /// For the owners of its wallets and operators; other callers get 404, as for an unknown id. A FAILED one is for
    /// the source's owner and operators only.
    #[oai(path = "/transfers/:transfer_id", method = "get", operation_id = "transfers_get")]
    async fn get(&self, SignedIn(actor): SignedIn, transfer_id: Path<Uuid>) -> ApiResult<Json<TransferView>> {
        let transfer = self.services.transfers.get(actor, TransferId(transfer_id.0)).await?;
        Ok(Json((&transfer).into()))
    }

    /// List transfers
    ///
    /// Newest first: those of the caller's wallets, but FAILED ones only where the source is the caller's; for
    /// operators all.
    #[oai(path = "/transfers", method = "get", operation_id = "transfers_list")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each query parameter is an argument of its own in poem-openapi"
    )]
    async fn list(
        &self,
        SignedIn(actor): SignedIn,
        /// Only those of this wallet.
        wallet_id: Query<Option<Uuid>>,
        status: Query<Option<TransferStatusWord>>,
        kind: Query<Option<TransferKindWord>>,
        /// Created at or after.
        from: Query<Option<DateTime<Utc>>>,
        /// Created before.
        to: Query<Option<DateTime<Utc>>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<TransferView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let filter = TransferFilter {
            wallet: wallet_id.0.map(WalletId),
            status: status.0.map(Into::into),
            kind: kind.0.map(Into::into),
            from: from.0,
            to: to.0,
        };
        let page = self.services.transfers.list(actor, filter, request).await?;
        Ok(Json(Listed::of(page, |transfer| (&transfer).into())))
    }
}

impl Input for NewTransferInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.refusal()
    }
}

impl Input for NewPaymentInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.refusal()
    }
}

impl From<NewTransferInput> for NewTransfer {
    fn from(input: NewTransferInput) -> Self {
        Self {
            source: WalletId(input.source_wallet_id),
            destination: WalletId(input.destination_wallet_id),
            amount: input.amount.0,
            description: input.description.map(|text| text.0),
            metadata: input.metadata.and_then(MetadataValue::given),
        }
    }
}

impl Located for TransferView {
    fn location(&self) -> String {
        format!("/v1/transfers/{}", self.id)
    }
}

impl From<TransferOutcome> for CreatedOrReplayed<TransferView> {
    fn from(outcome: TransferOutcome) -> Self {
        Self {
            body: outcome.transfer.as_ref().into(),
            replayed: outcome.replayed,
        }
    }
}

impl From<&Transfer> for TransferView {
    fn from(transfer: &Transfer) -> Self {
        Self {
            id: transfer.id.0,
            kind: transfer.kind.into(),
            status: transfer.status.into(),
            source_wallet_id: transfer.source.0,
            destination_wallet_id: transfer.destination.0,
            amount: Amount(transfer.amount),
            currency: transfer.currency.code().to_owned(),
            method: transfer.method.as_ref().map(ToString::to_string),
            description: transfer.description.clone(),
            metadata: transfer.metadata.as_deref().and_then(MetadataValue::stored),
            failure_reason: transfer.failure.map(|failure| failure.code().to_owned()),
            reverses: None,
            created_at: Time(transfer.created_at),
            completed_at: transfer.completed_at().map(Time),
            expires_at: None,
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
            reverses: None,
            created_at: samples::time(),
            completed_at: Some(samples::time()),
            expires_at: None,
        }
    }
}

impl Example for NewTransferInput {
    fn example() -> Self {
        Self {
            source_wallet_id: samples::WALLET_ID,
            destination_wallet_id: samples::OTHER_WALLET_ID,
            amount: AmountInput(Some(samples::amount(125_000).0)),
            description: Some(Text(samples::DESCRIPTION.to_owned())),
            metadata: MetadataValue::stored(r#"{"order":"A-17"}"#),
        }
    }
}

impl Example for NewPaymentInput {
    fn example() -> Self {
        Self {
            amount: AmountInput(Some(samples::amount(1_000_000).0)),
            method: MethodInput::try_new("visa").expect("the sample is a method"),
        }
    }
}
