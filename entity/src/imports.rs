//! Imported files: how far each import has come, and what became of the file's rows.

use sea_orm::entity::prelude::*;

use crate::values::{Digest, ImportId, ImportKind, ImportStatus};

/// The import of one file.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    /// Ids sort as the imports were created.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImportId,
    /// What the file's rows are.
    pub kind: ImportKind,
    /// The file's name, without its folder.
    pub file: String,
    /// `FOLDER_ID/IMPORT_ID.csv` of an uploaded file, which names the server's folder and is no path to open; `None` once the import is finished, and for a file that was not uploaded.
    pub path: Option<String>,
    /// Digest of the file's content.
    pub digest: Digest,
    /// The file's size in bytes.
    pub size: i64,
    /// The offset in bytes up to which rows are applied.
    pub checkpoint: i64,
    /// How many blocks are applied.
    pub block: i64,
    /// Rows read so far: the sum of inserted, duplicate and skipped ones.
    pub rows_read: i64,
    /// Rows that were new.
    pub rows_inserted: i64,
    /// Rows that were stored already.
    pub rows_duplicate: i64,
    /// Rows that were left out; `skip_reasons` says why.
    pub rows_skipped: i64,
    /// Rows whose amount could not be read and counts as zero.
    pub amounts_coerced: i64,
    /// Rows skipped by reason, as a JSON object.
    pub skip_reasons: String,
    /// How far the import has come.
    pub status: ImportStatus,
    /// Why the file cannot be read; set exactly when the status is FAILED.
    pub failure: Option<String>,
    /// True while no other import of this kind may hold the same content.
    pub holds_content: bool,
    /// When the import was created.
    pub started_at: DateTimeUtc,
    /// When it was completed or failed; `None` while it is RUNNING.
    pub finished_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
