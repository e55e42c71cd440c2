//! Proofs for strangers: receipts of transfers, the journal's head, and the public keys that both are checked with.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use service::Services;
use service::values::TransferId;
use uuid::Uuid;

use super::Tag;
use super::journal_view::{JournalHeadView, JournalKeySetView};
use super::receipt_view::ReceiptView;
use super::well_known::MAY_BE_KEPT;
use crate::auth::{JournalRead, TransfersRead};
use crate::problem::ApiResult;
use crate::wire::{Cached, Json};

/// The handlers of receipts and of the journal's heads and keys.
pub struct ReceiptsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(tag = "Tag::Journal")]
impl ReceiptsApi {
    /// Prove a transfer
    ///
    /// A document that proves without the bank that the transfer stands in the journal: a program needs only the keys of
    /// `/.well-known/florin-keys.json` to check it. It has what both sides of the transfer may know, and of texts only a
    /// digest. For the callers who may look at the transfer; others get 404, as for an unknown id.
    ///
    /// A hold is shown as it began, PENDING; its captures and its release have receipts of their own.
    #[oai(
        path = "/v1/transfers/:transfer_id/receipt",
        method = "get",
        operation_id = "transfers_receipt"
    )]
    async fn receipt(
        &self,
        TransfersRead(actor): TransfersRead,
        transfer_id: Path<Uuid>,
    ) -> ApiResult<Json<ReceiptView>> {
        let receipt = self
            .services
            .receipts
            .receipt(&actor, TransferId(transfer_id.0))
            .await?;
        Ok(Json(receipt.into()))
    }

    /// Look at the journal's head
    ///
    /// The newest row of the journal, signed. Keep one a day elsewhere: `florin journal verify --since` proves that the
    /// journal of today extends it, so no history from before can be rewritten unseen.
    #[oai(path = "/v1/journal/head", method = "get", operation_id = "journal_head")]
    async fn head(&self, _reader: JournalRead) -> ApiResult<Json<JournalHeadView>> {
        let head = self.services.receipts.head().await?;
        Ok(Json(head.into()))
    }

    /// Keys that verify receipts and heads
    ///
    /// A JSON Web Key Set with every key of the journal; those of access tokens are separate. A key stays in it for good, so
    /// that old receipts can be checked.
    #[oai(
        path = "/.well-known/florin-keys.json",
        method = "get",
        operation_id = "journal_keys"
    )]
    async fn keys(&self) -> Cached<JournalKeySetView> {
        Cached {
            body: Json(self.services.receipts.public_keys().into()),
            control: MAY_BE_KEPT,
        }
    }
}
