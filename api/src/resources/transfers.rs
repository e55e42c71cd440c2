//! `/v1/transfers`: make a transfer or hold its money, take one back, look at them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::transfers::{Asking, NewReversal, TransferFilter, TransferOutcome};
use service::values::{BatchId, TransferId, WalletId};
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::{NewReversalInput, NewTransferInput};
use super::transfer_view::{TransferPreview, TransferView};
use crate::auth::{Operator, SignedIn};
use crate::problem::ApiResult;
use crate::wire::{
    CreatedOrPreview, CursorText, IdempotencyHeader, Json, ListQuery, Listed, PageLimit, Preview, TransferKindWord,
    TransferStatusWord, page_request,
};

/// The handlers of `/v1/transfers`.
pub struct TransfersApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The answer to a request that moves or holds money.
pub type Moved = CreatedOrPreview<TransferView, TransferPreview>;

impl Moved {
    /// The answer to a request, which may be a dry run.
    pub fn of(outcome: TransferOutcome, is_dry_run: bool) -> Self {
        if is_dry_run {
            Self::Preview(Preview {
                body: TransferPreview::of(&outcome.transfer, outcome.unopened),
                replayed: outcome.replayed,
            })
        } else {
            Self::Created(outcome.into())
        }
    }
}

/// Who asks, under which key, and whether for a dry run.
pub(super) fn asking(actor: service::identity::Actor, key: IdempotencyHeader, dry_run: &Query<Option<bool>>) -> Asking {
    Asking {
        actor,
        key: key.0,
        is_dry_run: dry_run.0.unwrap_or(false),
    }
}

#[OpenApi(prefix_path = "/v1/transfers", tag = "Tag::Transfers")]
impl TransfersApi {
    /// Make a transfer, or hold its money
    ///
    /// Moves money from a wallet of the caller's to any customer's wallet, or, with `hold`, holds it for the
    /// destination's owner to capture. The answer is final: a 201 is durable, a refusal with a `transfer_id` is recorded.
    /// Every other answer moved nothing, except `outcome_unknown` (503): then ask again with the same `Idempotency-Key`,
    /// since another request could move the money twice.
    ///
    /// Refusals, the first that applies: `invalid_amount`, `wallet_not_found`, `payee_not_found`, `same_wallet`,
    /// `wallet_frozen`, `wallet_closed`, `currency_mismatch`, `limit_exceeded`, `insufficient_funds`,
    /// `balance_out_of_range`. From `wallet_frozen` on the refusal is recorded as a FAILED transfer, named in
    /// `transfer_id`; it keeps neither description nor metadata.
    #[oai(path = "/", method = "post", operation_id = "transfers_create")]
    async fn create(
        &self,
        SignedIn(actor): SignedIn,
        /// True to be told what would happen, and nothing else.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once. Keys are the caller's own and never expire.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewTransferInput>,
    ) -> ApiResult<Moved> {
        let asking = asking(actor, key, &dry_run);
        let is_dry_run = asking.is_dry_run;
        let outcome = self.services.transfers.submit(asking, body.0.request("")?).await?;
        Ok(Moved::of(outcome, is_dry_run))
    }

    /// Take a transfer back
    ///
    /// All of it or a part, as often as something is left of it: TRANSFER, DEPOSIT, WITHDRAWAL and CAPTURE that are
    /// COMPLETED. A wallet that cannot pay back refuses, and the refusal is recorded.
    ///
    /// Refusals, the first that applies: `invalid_amount`, `transfer_not_found`, `not_reversible`,
    /// `amount_exceeds_original`, and from `wallet_frozen` on those of a transfer but `limit_exceeded`.
    #[oai(path = "/:transfer_id/reverse", method = "post", operation_id = "transfers_reverse")]
    async fn reverse(
        &self,
        Operator(actor): Operator,
        transfer_id: Path<Uuid>,
        /// True to be told what would happen, and nothing else.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewReversalInput>,
    ) -> ApiResult<Moved> {
        let asking = asking(actor, key, &dry_run);
        let is_dry_run = asking.is_dry_run;
        let (amount, description) = body.0.into_parts();
        let new = NewReversal {
            original: TransferId(transfer_id.0),
            amount,
            description,
        };
        let outcome = self.services.transfers.reverse(asking, new).await?;
        Ok(Moved::of(outcome, is_dry_run))
    }

    /// Look at a transfer
    ///
    /// For the owners of its wallets and operators; other callers get 404, as for an unknown id. A recorded refusal is
    /// for the source's owner, the user who asked, and operators only.
    #[oai(path = "/:transfer_id", method = "get", operation_id = "transfers_get")]
    async fn get(&self, SignedIn(actor): SignedIn, transfer_id: Path<Uuid>) -> ApiResult<Json<TransferView>> {
        let transfer = self.services.transfers.get(actor, TransferId(transfer_id.0)).await?;
        Ok(Json((&transfer).into()))
    }

    /// List transfers
    ///
    /// Newest first: those of the caller's wallets, but recorded refusals only where the source is the caller's or the
    /// caller asked; for operators all. A page may hold fewer items than `limit` beside a `next_cursor`: go on until it
    /// is null. `status` compares the status as it is when the page is read.
    #[oai(path = "/", method = "get", operation_id = "transfers_list")]
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
        /// Only those of this batch.
        batch_id: Query<Option<Uuid>>,
        /// Only the captures and the release of this hold, or the reversals of this transfer.
        parent_id: Query<Option<Uuid>>,
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
            batch: batch_id.0.map(BatchId),
            parent: parent_id.0.map(TransferId),
            from: from.0,
            to: to.0,
        };
        let page = self.services.transfers.list(actor, filter, request).await?;
        Ok(Json(Listed::of(page, |transfer| (&transfer).into())))
    }
}
