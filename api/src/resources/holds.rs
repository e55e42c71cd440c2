//! `/v1/transfers/{id}/capture` and `/void`: what becomes of a hold.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::transfers::NewCapture;
use service::values::TransferId;
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::NewCaptureInput;
use super::transfers::{TransferAnswer, answer, asking};
use crate::auth::TransfersWrite;
use crate::problem::ApiResult;
use crate::wire::{IdempotencyHeader, Json, NoBody};

/// The handlers of captures and voids.
pub struct HoldsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/transfers", tag = "Tag::Transfers")]
impl HoldsApi {
    /// Capture a hold
    ///
    /// Moves held money to the destination: all that remains, or a part. The final capture gives the rest back. For the
    /// owner of the destination, and operators; the source's owner cannot take a promise back.
    ///
    /// Refusals, the first that applies: `invalid_amount`, `transfer_not_found`, `forbidden`, `not_a_hold`,
    /// `hold_closed`, `amount_exceeds_hold`, `wallet_frozen`, `wallet_closed`, `balance_out_of_range`. From
    /// `wallet_frozen` on the refusal is recorded as a FAILED transfer.
    #[oai(path = "/:transfer_id/capture", method = "post", operation_id = "transfers_capture")]
    async fn capture(
        &self,
        TransfersWrite(actor): TransfersWrite,
        transfer_id: Path<Uuid>,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewCaptureInput>,
    ) -> ApiResult<TransferAnswer> {
        let new = NewCapture {
            hold: TransferId(transfer_id.0),
            amount: body.0.amount(),
            is_final: body.0.is_final(),
        };
        let transfers = &self.services.transfers;
        answer(asking(actor, key, &dry_run), |asking| transfers.capture(asking, new)).await
    }

    /// Void a hold
    ///
    /// Gives what remains of it back to the source, on a frozen or closed wallet too. For the owner of the destination,
    /// and operators. The request needs no body.
    ///
    /// Refusals, the first that applies: `transfer_not_found`, `forbidden`, `not_a_hold`, `hold_closed`.
    #[oai(path = "/:transfer_id/void", method = "post", operation_id = "transfers_void")]
    async fn void(
        &self,
        TransfersWrite(actor): TransfersWrite,
        transfer_id: Path<Uuid>,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request count once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        _body: NoBody,
    ) -> ApiResult<TransferAnswer> {
        let (transfers, hold) = (&self.services.transfers, TransferId(transfer_id.0));
        answer(asking(actor, key, &dry_run), |asking| transfers.void(asking, hold)).await
    }
}
