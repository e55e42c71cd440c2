//! The SQL of imports. No other module calls it: a kind of file is given a `Checkpoint`.

mod checkpoint;
mod rejects;

pub(super) use checkpoint::{advance, is_at, is_at_on_sqlite};
pub(super) use rejects::{copy as copy_rejects, list as rejects};

use std::collections::BTreeMap;

use entity::imports;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Set,
};

use super::import::{Import, ImportTotals};
use super::lists::ImportFilter;
use crate::db::Fault;
use crate::page::PageRequest;
use crate::values::{Digest, ImportId, ImportKind, ImportStatus, Timestamp};

/// Whether an import was still as expected, and was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportUpdate {
    Changed,
    Stale,
}

/// No file has 2^63 bytes.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn updated(rows_affected: u64) -> ImportUpdate {
    if rows_affected == 1 {
        ImportUpdate::Changed
    } else {
        ImportUpdate::Stale
    }
}

/// Writes a new import. A unique violation of `digest` means that another one holds the content already.
pub(super) async fn insert(
    db: &impl ConnectionTrait,
    import: &Import,
    path: Option<String>,
    holds_content: bool,
) -> Result<(), Fault> {
    let row = imports::ActiveModel {
        id: Set(import.id),
        kind: Set(import.kind),
        file: Set(import.file_name.clone()),
        path: Set(path),
        digest: Set(import.digest),
        size: Set(signed(import.size)),
        checkpoint: Set(signed(import.bytes_applied)),
        block: Set(signed(import.blocks_applied)),
        rows_read: Set(signed(import.counts.rows_read)),
        rows_inserted: Set(signed(import.counts.rows_inserted)),
        rows_duplicate: Set(signed(import.counts.rows_duplicate)),
        rows_skipped: Set(signed(import.counts.rows_skipped)),
        amounts_coerced: Set(signed(import.counts.amounts_coerced)),
        skip_reasons: Set(reasons_text(&import.counts.skip_reasons)),
        status: Set(import.status),
        failure: Set(import.failure.clone()),
        holds_content: Set(holds_content),
        started_at: Set(import.started_at),
        finished_at: Set(import.finished_at),
    };
    row.insert(db).await?;
    Ok(())
}

pub(super) async fn find(db: &impl ConnectionTrait, id: ImportId) -> Result<Option<Import>, Fault> {
    imports::Entity::find_by_id(id).one(db).await?.map(import).transpose()
}

/// Imports, newest first. There are as many as files, so that no index serves the filter.
pub(super) async fn list(
    db: &impl ConnectionTrait,
    filter: ImportFilter,
    request: &PageRequest<ImportId>,
) -> Result<Vec<Import>, Fault> {
    let rows = imports::Entity::find()
        .apply_if(filter.kind, |query, kind| query.filter(imports::Column::Kind.eq(kind)))
        .apply_if(filter.status, |query, status| {
            query.filter(imports::Column::Status.eq(status))
        })
        .apply_if(request.after, |query, after| {
            query.filter(imports::Column::Id.lt(after))
        })
        .order_by_desc(imports::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    rows.into_iter().map(import).collect()
}

/// The import that holds a content: an unfinished one, or, for kinds that count a content once, the completed one.
pub(super) async fn holder(
    db: &impl ConnectionTrait,
    kind: ImportKind,
    digest: Digest,
) -> Result<Option<Import>, Fault> {
    let query = imports::Entity::find()
        .filter(imports::Column::Kind.eq(kind))
        .filter(imports::Column::Digest.eq(digest))
        .filter(imports::Column::HoldsContent.eq(true));
    query.one(db).await?.map(import).transpose()
}

/// Why uploads fail for their file, not for its content.
pub(super) const FILE_GONE: &str = "the uploaded file is gone";
pub(super) const FILE_CHANGED: &str = "the uploaded file changed while it was read";
/// What earlier versions wrote for both.
const FILE_UNREADABLE: &str = "the uploaded file cannot be read";

/// The ended import of a content: a completed one, otherwise one that failed for its content.
pub(super) async fn find_ended(
    db: &impl ConnectionTrait,
    kind: ImportKind,
    digest: Digest,
) -> Result<Option<Import>, Fault> {
    let is_its_own = imports::Column::Failure.is_not_in([FILE_GONE, FILE_CHANGED, FILE_UNREADABLE]);
    let query = imports::Entity::find()
        .filter(imports::Column::Kind.eq(kind))
        .filter(imports::Column::Digest.eq(digest))
        .filter(imports::Column::Status.ne(ImportStatus::Running))
        .filter(Condition::any().add(imports::Column::Failure.is_null()).add(is_its_own))
        // COMPLETED sorts before FAILED.
        .order_by_asc(imports::Column::Status);
    query.one(db).await?.map(import).transpose()
}

/// An upload whose import is RUNNING.
pub(super) struct WaitingUpload {
    pub id: ImportId,
    pub kind: ImportKind,
    /// `FOLDER_ID/IMPORT_ID.csv`: which server's folder has the file.
    pub stored_as: String,
}

/// Uploads whose import is RUNNING, oldest first.
pub(super) async fn unfinished_uploads(db: &impl ConnectionTrait) -> Result<Vec<WaitingUpload>, Fault> {
    let query = imports::Entity::find()
        .filter(imports::Column::Status.eq(ImportStatus::Running))
        .filter(imports::Column::Path.is_not_null())
        .order_by_asc(imports::Column::Id);
    let waiting = query.all(db).await?.into_iter().map(|row| WaitingUpload {
        id: row.id,
        kind: row.kind,
        stored_as: row.path.unwrap_or_default(),
    });
    Ok(waiting.collect())
}

/// Lets a running import hold its content. A unique violation of `digest` means that another one does.
pub(super) async fn hold_content(db: &impl ConnectionTrait, id: ImportId) -> Result<ImportUpdate, Fault> {
    let change = imports::ActiveModel {
        holds_content: Set(true),
        ..Default::default()
    };
    // Only a RUNNING one: a failed import that held its content would keep every other import from holding it.
    let update = imports::Entity::update_many()
        .set(change)
        .filter(imports::Column::Id.eq(id))
        .filter(imports::Column::Status.eq(ImportStatus::Running));
    Ok(updated(update.exec(db).await?.rows_affected))
}

/// How an import ends.
pub(super) enum End<'a> {
    /// Its rows are applied up to this offset, and no row is behind it.
    Completed {
        bytes_applied: u64,
        keeps_content: bool,
    },
    /// The rows of its content were applied by another import.
    AlreadyApplied(&'a ImportTotals),
    Failed(&'a str),
}

/// Ends a running import; `Stale` when it is not running any more, or, for `Completed`, when its checkpoint has moved.
pub(super) async fn finish(
    db: &impl ConnectionTrait,
    import: &Import,
    end: End<'_>,
    now: Timestamp,
) -> Result<ImportUpdate, Fault> {
    let mut update = imports::Entity::update_many()
        .filter(imports::Column::Id.eq(import.id))
        .filter(imports::Column::Status.eq(ImportStatus::Running));
    let mut change = imports::ActiveModel {
        finished_at: Set(Some(now)),
        path: Set(None),
        ..Default::default()
    };
    match end {
        End::Completed {
            bytes_applied,
            keeps_content,
        } => {
            update = update.filter(imports::Column::Checkpoint.eq(signed(bytes_applied)));
            change.status = Set(ImportStatus::Completed);
            change.checkpoint = Set(signed(import.size));
            change.holds_content = Set(keeps_content);
        }
        End::AlreadyApplied(counts) => {
            change.status = Set(ImportStatus::Completed);
            change.checkpoint = Set(signed(import.size));
            change.rows_read = Set(signed(counts.rows_read));
            change.rows_duplicate = Set(signed(counts.rows_duplicate));
            change.rows_skipped = Set(signed(counts.rows_skipped));
            change.amounts_coerced = Set(signed(counts.amounts_coerced));
            change.skip_reasons = Set(reasons_text(&counts.skip_reasons));
        }
        End::Failed(sentence) => {
            change.status = Set(ImportStatus::Failed);
            change.failure = Set(Some(sentence.to_owned()));
            change.holds_content = Set(false);
        }
    }
    Ok(updated(update.set(change).exec(db).await?.rows_affected))
}

/// Skip reasons as the table has them: a JSON object of counts.
pub(super) fn reasons_text<K: AsRef<str>>(reasons: &BTreeMap<K, u64>) -> String {
    let reasons = reasons
        .iter()
        .map(|(reason, count)| (reason.as_ref().to_owned(), (*count).into()));
    serde_json::Value::Object(reasons.collect()).to_string()
}

fn import(row: imports::Model) -> Result<Import, Fault> {
    let unsigned = |number: i64| u64::try_from(number).map_err(|_| Fault::damaged("a negative number of an import"));
    let skip_reasons =
        serde_json::from_str(&row.skip_reasons).map_err(|_| Fault::damaged("skip reasons of an import"))?;
    Ok(Import {
        id: row.id,
        kind: row.kind,
        file_name: row.file,
        status: row.status,
        failure: row.failure,
        digest: row.digest,
        size: unsigned(row.size)?,
        bytes_applied: unsigned(row.checkpoint)?,
        blocks_applied: unsigned(row.block)?,
        counts: ImportTotals {
            rows_read: unsigned(row.rows_read)?,
            rows_inserted: unsigned(row.rows_inserted)?,
            rows_duplicate: unsigned(row.rows_duplicate)?,
            rows_skipped: unsigned(row.rows_skipped)?,
            amounts_coerced: unsigned(row.amounts_coerced)?,
            skip_reasons,
        },
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}
