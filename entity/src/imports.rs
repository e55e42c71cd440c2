//! Files whose rows are brought in: how far each has come, and what became of its rows.

use sea_orm::entity::prelude::*;

use crate::values::{Digest, ImportId, ImportKind, ImportStatus};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImportId,
    pub kind: ImportKind,
    /// The file's name, as people know it.
    pub file: String,
    /// Where an uploaded file waits; `None` when the file is somebody else's.
    pub path: Option<String>,
    /// Digest of the file's content.
    pub digest: Digest,
    /// The file's bytes.
    pub size: i64,
    /// The byte up to which rows are applied.
    pub checkpoint: i64,
    /// How many blocks are applied.
    pub block: i64,
    pub rows_read: i64,
    pub rows_inserted: i64,
    pub rows_duplicate: i64,
    pub rows_skipped: i64,
    pub amounts_coerced: i64,
    /// Rows skipped by reason, as a JSON object.
    pub skip_reasons: String,
    pub status: ImportStatus,
    /// Why the file cannot be read; set exactly when the status is FAILED.
    pub failure: Option<String>,
    /// No other import of the kind may hold the same content.
    pub holds_content: bool,
    pub started_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
