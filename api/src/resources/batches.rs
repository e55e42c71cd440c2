//! `/v1/transfers/batch`: transfers that one request asks for together.

use std::sync::Arc;

use poem_openapi::param::Query;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::transfers::{BatchAnswer, ShownTransfer, TransferError};
use service::values::TransferStatus;
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::NewBatchInput;
use super::transfer_view::{TransferPreview, TransferView};
use super::transfers::asking;
use crate::auth::TransfersWrite;
use crate::problem::{ApiResult, Problem};
use crate::samples;
use crate::wire::{DoneOrPreview, IdempotencyHeader, Json, Preview};

/// The handler of `/v1/transfers/batch`.
pub struct BatchesApi {
    /// The services that the handler calls.
    pub services: Arc<Services>,
}

/// What became of the transfers of a batch.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Batch", example)]
pub struct BatchView {
    /// Finds them in `GET /v1/transfers?batch_id=`.
    pub batch_id: Uuid,
    /// In the order of the request.
    pub results: Vec<BatchItemView>,
}

/// What became of one transfer of a batch.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BatchItem", example)]
pub struct BatchItemView {
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: BatchItemStatus,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub transfer: Option<TransferView>,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub problem: Option<Problem>,
}

/// What would become of the transfers of a batch: the answer to a dry run. Nothing is written.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BatchPreview", example)]
pub struct BatchPreview {
    /// In the order of the request.
    pub results: Vec<BatchItemPreview>,
}

/// What would become of one transfer of a batch.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "BatchItemPreview", example)]
pub struct BatchItemPreview {
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: BatchItemStatus,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub transfer: Option<TransferPreview>,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub problem: Option<Problem>,
}

/// How far a transfer of a batch has come. REFUSED where nothing is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
pub enum BatchItemStatus {
    /// The money is held.
    Pending,
    /// The money moved.
    Completed,
    /// Refused, and recorded as such.
    Failed,
    /// Refused, and nothing is recorded.
    Refused,
}

/// The answer to a batch, which may be a dry run.
type BatchResponse = DoneOrPreview<BatchView, BatchPreview>;

#[OpenApi(prefix_path = "/v1/transfers", tag = "Tag::Transfers")]
impl BatchesApi {
    /// Make transfers together
    ///
    /// Up to 1 000 transfers or holds, decided in their order in one commit, so that money which an earlier one brings may
    /// be spent by a later one. A source of another user is `wallet_not_found` of its item. The key is one for the
    /// whole batch.
    ///
    /// With `atomic` all are made or none: the first that is refused is answered with its own code, and `index` says
    /// which it was; where the refusal is recorded, `transfer_id` and `batch_id` name the record. Otherwise each has
    /// its own result.
    #[oai(path = "/batch", method = "post", operation_id = "transfers_batch")]
    async fn batch(
        &self,
        TransfersWrite(actor): TransfersWrite,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewBatchInput>,
    ) -> ApiResult<BatchResponse> {
        let asking = asking(actor, key, &dry_run);
        let is_dry_run = asking.is_dry_run;
        let answer = self.services.transfers.batch(asking, body.0.request()?).await?;
        Ok(response(answer, is_dry_run))
    }
}

fn response(answer: BatchAnswer, is_dry_run: bool) -> BatchResponse {
    let replayed = answer.replayed;
    if is_dry_run {
        let results = answer.items.into_iter().map(BatchItemPreview::from).collect();
        let body = BatchPreview { results };
        return BatchResponse::Preview(Preview { body, replayed });
    }
    let body = BatchView {
        batch_id: answer.id.0,
        results: answer.items.into_iter().map(BatchItemView::from).collect(),
    };
    BatchResponse::Done { body, replayed }
}

/// How far a transfer has come, and the transfer or the problem.
fn parts<T>(
    item: Result<ShownTransfer, TransferError>,
    view: impl FnOnce(ShownTransfer) -> T,
) -> (BatchItemStatus, Option<T>, Option<Problem>) {
    let status = status_of(&item);
    match item {
        Ok(shown) => (status, Some(view(shown)), None),
        Err(error) => (status, None, Some(error.into())),
    }
}

impl From<Result<ShownTransfer, TransferError>> for BatchItemView {
    fn from(item: Result<ShownTransfer, TransferError>) -> Self {
        let (status, transfer, problem) = parts(item, |shown| (&shown).into());
        Self {
            status,
            transfer,
            problem,
        }
    }
}

impl From<Result<ShownTransfer, TransferError>> for BatchItemPreview {
    fn from(item: Result<ShownTransfer, TransferError>) -> Self {
        let (status, transfer, problem) = parts(item, |shown| TransferPreview::of(&shown, None));
        Self {
            status,
            transfer,
            problem,
        }
    }
}

/// Of a dry run too, FAILED stands for a refusal that would be recorded.
fn status_of(item: &Result<ShownTransfer, TransferError>) -> BatchItemStatus {
    match item {
        Ok(shown) => match shown.status() {
            TransferStatus::Pending => BatchItemStatus::Pending,
            TransferStatus::Completed => BatchItemStatus::Completed,
            TransferStatus::Failed => BatchItemStatus::Failed,
        },
        Err(TransferError::Failed { .. }) => BatchItemStatus::Failed,
        Err(
            TransferError::Refused(_)
            | TransferError::BatchRefused { .. }
            | TransferError::TooManyLookups { .. }
            | TransferError::KeyReused
            | TransferError::NotFound
            | TransferError::Wallet(_)
            | TransferError::Submit(_)
            | TransferError::Fault(_),
        ) => BatchItemStatus::Refused,
    }
}

impl Example for BatchView {
    fn example() -> Self {
        Self {
            batch_id: samples::TRANSFER_ID,
            results: vec![BatchItemView::example()],
        }
    }
}

impl Example for BatchItemView {
    fn example() -> Self {
        Self {
            status: BatchItemStatus::Completed,
            transfer: Some(TransferView::example()),
            problem: None,
        }
    }
}

impl Example for BatchPreview {
    fn example() -> Self {
        Self {
            results: vec![BatchItemPreview::example()],
        }
    }
}

impl Example for BatchItemPreview {
    fn example() -> Self {
        Self {
            status: BatchItemStatus::Completed,
            transfer: Some(TransferPreview::example()),
            problem: None,
        }
    }
}
