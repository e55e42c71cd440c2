//! `/v1/transfers`: make a transfer or hold its money, take one back, look at them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::actor::Actor;
use service::transfers::{Asking, NewReversal, TransferError, TransferFilter, TransferOutcome};
use service::values::{BatchId, TransferId, WalletId};
use service::wallets::TimeRange;
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::{NewReversalInput, NewTransferInput};
use super::transfer_view::{TransferPreview, TransferView};
use crate::auth::{TransfersRead, TransfersReverse, TransfersWrite};
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
pub type TransferAnswer = CreatedOrPreview<TransferView, TransferPreview>;

/// Asks a service to move or hold money, or what would happen if it did.
pub(super) async fn answer<F>(asking: Asking, ask: impl FnOnce(Asking) -> F) -> ApiResult<TransferAnswer>
where
    F: Future<Output = Result<TransferOutcome, TransferError>>,
{
    let is_dry_run = asking.is_dry_run;
    let outcome = ask(asking).await?;
    if is_dry_run {
        return Ok(TransferAnswer::Preview(Preview {
            body: TransferPreview::of(&outcome.transfer, outcome.unopened),
            replayed: outcome.replayed,
        }));
    }
    Ok(TransferAnswer::Created(outcome.into()))
}

/// Who asks, under which key, and whether for a dry run.
pub(super) fn asking(actor: Actor, key: IdempotencyHeader, dry_run: &Query<Option<bool>>) -> Asking {
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
        TransfersWrite(actor): TransfersWrite,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once. Keys are the caller's own and never expire.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewTransferInput>,
    ) -> ApiResult<TransferAnswer> {
        let new = body.0.request("")?;
        let transfers = &self.services.transfers;
        answer(asking(actor, key, &dry_run), |asking| transfers.submit(asking, new)).await
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
        TransfersReverse(actor): TransfersReverse,
        transfer_id: Path<Uuid>,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewReversalInput>,
    ) -> ApiResult<TransferAnswer> {
        let (amount, description) = body.0.into_parts();
        let new = NewReversal {
            original: TransferId(transfer_id.0),
            amount,
            description,
        };
        let transfers = &self.services.transfers;
        answer(asking(actor, key, &dry_run), |asking| transfers.reverse(asking, new)).await
    }

    /// Look at a transfer
    ///
    /// For the owners of its wallets and staff; other callers get 404, as for an unknown id. A recorded refusal is
    /// for the source's owner, the user who asked, and staff only.
    #[oai(path = "/:transfer_id", method = "get", operation_id = "transfers_get")]
    async fn get(&self, TransfersRead(actor): TransfersRead, transfer_id: Path<Uuid>) -> ApiResult<Json<TransferView>> {
        let transfer = self.services.transfers.get(&actor, TransferId(transfer_id.0)).await?;
        Ok(Json((&transfer).into()))
    }

    /// List transfers
    ///
    /// Newest first: those of the caller's wallets, but recorded refusals only where the source is the caller's or the
    /// caller asked; for staff all. A page may hold fewer items than `limit` beside a `next_cursor`: go on until it
    /// is null. `status` compares the status as it is when the page is read. A range that ends before it begins is
    /// refused.
    #[oai(path = "/", method = "get", operation_id = "transfers_list")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each query parameter is an argument of its own in poem-openapi"
    )]
    async fn list(
        &self,
        TransfersRead(actor): TransfersRead,
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
        let range = TimeRange { from: from.0, to: to.0 };
        range.check_order()?;
        let filter = TransferFilter {
            wallet: wallet_id.0.map(WalletId),
            status: status.0.map(Into::into),
            kind: kind.0.map(Into::into),
            batch: batch_id.0.map(BatchId),
            parent: parent_id.0.map(TransferId),
            from: range.from,
            to: range.to,
        };
        let page = self.services.transfers.list(&actor, filter, request).await?;
        Ok(Json(Listed::of(page, |transfer| (&transfer).into())))
    }
}
