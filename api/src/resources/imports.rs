//! `/v1/imports`: files that are uploaded now and imported in the background.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::actor::Actor;
use service::imports::{Import, ImportFilter, RejectedLine};
use service::values::{ImportId, ImportKind};
use uuid::Uuid;

use super::Tag;
use crate::auth::{ImportsRead, ImportsWrite};
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{
    Accepted, CursorText, FileUpload, ImportKindWord, ImportStatusWord, Json, ListQuery, Listed, Located, PageLimit,
    Time, page_request,
};

/// The handlers of `/v1/imports`.
pub struct ImportsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// An upload that is accepted; `GET /v1/imports/{import_id}` shows its progress.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "StartedImport", example)]
pub struct StartedImportView {
    id: Uuid,
    status: ImportStatusWord,
}

/// The import of a file, and what happened to its rows so far: every row that was read was inserted, is a duplicate, or
/// was skipped.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Import", example)]
pub struct ImportView {
    /// Names the import in `GET /v1/imports/{import_id}`.
    pub id: Uuid,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub kind: ImportKindWord,
    /// The file's name, without control characters, at most 255 characters.
    pub file: String,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: ImportStatusWord,
    /// Rows read so far, without the header.
    pub rows_read: u64,
    /// Rows that were new and count now.
    pub rows_inserted: u64,
    /// Rows that were imported before; they change nothing.
    pub rows_duplicate: u64,
    /// Rows that were left out; `skip_reasons` says why.
    pub rows_skipped: u64,
    /// Rows whose amount could not be read and became zero.
    pub amounts_coerced: u64,
    /// Skipped rows by reason.
    pub skip_reasons: BTreeMap<String, u64>,
    /// When the file was accepted for import (RFC 3339, UTC, microseconds).
    pub started_at: Time,
    /// When the import was completed or failed (RFC 3339, UTC, microseconds); null while it is RUNNING.
    pub finished_at: Option<Time>,
    /// Bytes of the file whose rows are applied.
    pub bytes_applied: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Why the file cannot be read; null unless FAILED.
    pub failure: Option<String>,
}

/// A line of a file that was left out.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "RejectedLine", example)]
pub struct RejectedLineView {
    /// The line of the file on which the row begins; the header is line 1.
    line: u64,
    /// Why it was left out, a word such as `blank_timestamp`.
    reason: String,
    /// The row as the file has it, at most 500 characters; what is no text is replaced.
    row: String,
}

#[OpenApi(prefix_path = "/v1/imports", tag = "Tag::Imports")]
impl ImportsApi {
    /// Import merchants' activity
    ///
    /// Takes a CSV file of activity rows in and imports it in the background, one upload after the other. A 202 is
    /// durable: the import goes on after a crash. An upload that breaks off leaves nothing behind. Rows that are there
    /// already are counted as duplicates and change nothing.
    #[oai(path = "/activities", method = "post", operation_id = "imports_activities")]
    async fn activities(
        &self,
        ImportsWrite(actor): ImportsWrite,
        upload: FileUpload,
    ) -> ApiResult<Accepted<StartedImportView>> {
        self.take_in(&actor, ImportKind::Activities, upload).await
    }

    /// Import transactions
    ///
    /// Takes a CSV file of other systems' deposits and withdrawals in and adds them to the daily totals in the
    /// background. A content that was imported before is known and changes nothing: its rows are counted as duplicates.
    #[oai(path = "/transactions", method = "post", operation_id = "imports_transactions")]
    async fn transactions(
        &self,
        ImportsWrite(actor): ImportsWrite,
        upload: FileUpload,
    ) -> ApiResult<Accepted<StartedImportView>> {
        self.take_in(&actor, ImportKind::Transactions, upload).await
    }

    /// List imports
    ///
    /// Newest first, those of the command line and of other servers among them.
    #[oai(path = "/", method = "get", operation_id = "imports_list")]
    async fn list(
        &self,
        _reader: ImportsRead,
        /// Only those of this kind.
        kind: Query<Option<ImportKindWord>>,
        /// Only those with this status.
        status: Query<Option<ImportStatusWord>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<ImportView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let filter = ImportFilter {
            kind: kind.0.map(Into::into),
            status: status.0.map(Into::into),
        };
        let page = self.services.imports.list(filter, request).await?;
        Ok(Json(Listed::of(page, ImportView::from)))
    }

    /// List the rows that an import left out
    ///
    /// In the order of the file, with their reasons. The first 1 000 of each import are kept; `florin import --rejects`
    /// writes all of them.
    #[oai(path = "/:import_id/rejects", method = "get", operation_id = "imports_rejects")]
    async fn rejects(
        &self,
        _reader: ImportsRead,
        import_id: Path<Uuid>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<RejectedLineView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let id = ImportId(import_id.0);
        let page = self.services.imports.rejects(id, request).await?;
        Ok(Json(Listed::of(page, RejectedLineView::from)))
    }

    /// Look at an import
    ///
    /// How far it has come, and what became of its rows; imports of the command line among them.
    #[oai(path = "/:import_id", method = "get", operation_id = "imports_get")]
    async fn get(&self, _operator: ImportsRead, import_id: Path<Uuid>) -> ApiResult<Json<ImportView>> {
        let import = self.services.imports.get(ImportId(import_id.0)).await?;
        Ok(Json(import.into()))
    }
}

impl ImportsApi {
    /// Takes a slot in the queue before the file is read, so that an upload that does not fit is refused at once.
    async fn take_in(
        &self,
        actor: &Actor,
        kind: ImportKind,
        upload: FileUpload,
    ) -> ApiResult<Accepted<StartedImportView>> {
        let imports = &self.services.imports;
        let slot = imports.admit(kind, upload.declared_bytes()).await?;
        let (file, body) = upload.file().await?;
        let import = imports.receive_upload(actor, slot, &file, body).await?;
        Ok(Accepted(StartedImportView {
            id: import.id.0,
            status: import.status.into(),
        }))
    }
}

impl Located for StartedImportView {
    fn location(&self) -> String {
        format!("/v1/imports/{}", self.id)
    }
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            id: import.id.0,
            kind: import.kind.into(),
            file: import.file_name,
            status: import.status.into(),
            rows_read: import.counts.rows_read,
            rows_inserted: import.counts.rows_inserted,
            rows_duplicate: import.counts.rows_duplicate,
            rows_skipped: import.counts.rows_skipped,
            amounts_coerced: import.counts.amounts_coerced,
            skip_reasons: import.counts.skip_reasons,
            started_at: Time(import.started_at),
            finished_at: import.finished_at.map(Time),
            bytes_applied: import.bytes_applied,
            bytes: import.size,
            failure: import.failure,
        }
    }
}

impl From<RejectedLine> for RejectedLineView {
    fn from(rejected: RejectedLine) -> Self {
        Self {
            line: rejected.line,
            reason: rejected.reason,
            row: rejected.raw,
        }
    }
}

impl Example for RejectedLineView {
    fn example() -> Self {
        Self {
            line: 17,
            reason: "blank_merchant".to_owned(),
            row: "01993f2a-7c00-7a10-8f3b-6d1c0e5a9b06,,2026-01-05T03:33:58,POS,,12.50,SUCCESS,POS,,STARTER".to_owned(),
        }
    }
}

impl Example for StartedImportView {
    fn example() -> Self {
        Self {
            id: samples::IMPORT_ID,
            status: ImportStatusWord::Running,
        }
    }
}

impl Example for ImportView {
    fn example() -> Self {
        Self {
            id: samples::IMPORT_ID,
            kind: ImportKindWord::Activities,
            file: "activities_20260105.csv".to_owned(),
            status: ImportStatusWord::Completed,
            rows_read: 31_734,
            rows_inserted: 31_700,
            rows_duplicate: 25,
            rows_skipped: 9,
            amounts_coerced: 6,
            skip_reasons: BTreeMap::from([("blank_merchant".to_owned(), 9)]),
            started_at: samples::time(),
            finished_at: Some(samples::time()),
            bytes_applied: 3_978_267,
            bytes: 3_978_267,
            failure: None,
        }
    }
}
