//! The SQL of imports. `advance` is what every kind calls in the transaction that stores a block's rows.

use std::collections::BTreeMap;

use entity::imports;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set,
    Statement, sqlx,
};

use super::import::{Import, ImportTotals};
use super::kind::Block;
use crate::db::Fault;
use crate::values::{Digest, ImportId, ImportKind, ImportStatus, Timestamp};

/// Whether an import's checkpoint moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    Changed,
    /// The checkpoint is not at the block's beginning any more, or the import is finished or gone: nothing of the block
    /// may stay.
    Stale,
}

// Compare and set: whoever applies a block first moves the checkpoint, and everybody else who has read it finds out here.
// Both drivers take `$n`.
const ADVANCE: &str = "
UPDATE imports SET checkpoint = $3, block = block + 1, rows_read = rows_read + $4, rows_inserted = rows_inserted + $5,
    rows_duplicate = rows_duplicate + $6, rows_skipped = rows_skipped + $7, amounts_coerced = amounts_coerced + $8,
    skip_reasons = $9
WHERE id = $1 AND checkpoint = $2 AND status = 'RUNNING'";

/// Moves an import's checkpoint behind a block and adds its counts, if it still stands at the block's beginning.
pub async fn advance<Batch: Sync>(
    tx: &impl ConnectionTrait,
    block: &Block<Batch>,
    inserted: u64,
    duplicate: u64,
) -> Result<Advanced, Fault> {
    let step = BlockStep::of(block, inserted, duplicate);
    let values = [
        block.import.into(),
        step.from.into(),
        step.to.into(),
        step.read.into(),
        step.inserted.into(),
        step.duplicate.into(),
        step.skipped.into(),
        step.coerced.into(),
        block.skip_reasons.clone().into(),
    ];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), ADVANCE, values);
    Ok(advanced(tx.execute_raw(statement).await?.rows_affected()))
}

macro_rules! advance_on_driver {
    ($(#[$doc:meta])* $name:ident, $connection:ty) => {
        $(#[$doc])*
        pub async fn $name<Batch: Sync>(
            tx: &mut $connection,
            block: &Block<Batch>,
            inserted: u64,
            duplicate: u64,
        ) -> Result<Advanced, Fault> {
            let step = BlockStep::of(block, inserted, duplicate);
            let query = sqlx::query(ADVANCE)
                .bind(block.import.0)
                .bind(step.from)
                .bind(step.to)
                .bind(step.read)
                .bind(step.inserted)
                .bind(step.duplicate)
                .bind(step.skipped)
                .bind(step.coerced)
                .bind(&block.skip_reasons);
            let done = query.execute(tx).await?;
            Ok(advanced(done.rows_affected()))
        }
    };
}

advance_on_driver!(
    /// `advance` for who speaks to PostgreSQL's driver directly.
    advance_on_postgres,
    PgConnection
);
advance_on_driver!(
    /// `advance` for who speaks to SQLite's driver directly.
    advance_on_sqlite,
    SqliteConnection
);

const STANDS_AT: &str = "SELECT 1 FROM imports WHERE id = $1 AND checkpoint = $2 AND status = 'RUNNING'";

/// True while an import stands at a block's beginning.
pub async fn stands_at<Batch: Sync>(db: &impl ConnectionTrait, block: &Block<Batch>) -> Result<bool, Fault> {
    let values = [block.import.into(), signed(block.from).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), STANDS_AT, values);
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// The same for who stores a block in several transactions, of which `advance` is the last.
pub async fn stands_at_on_sqlite<Batch: Sync>(tx: &mut SqliteConnection, block: &Block<Batch>) -> Result<bool, Fault> {
    let query = sqlx::query(STANDS_AT).bind(block.import.0).bind(signed(block.from));
    Ok(query.fetch_optional(tx).await?.is_some())
}

/// A block in numbers, as the columns take them.
struct BlockStep {
    from: i64,
    to: i64,
    read: i64,
    inserted: i64,
    duplicate: i64,
    skipped: i64,
    coerced: i64,
}

impl BlockStep {
    fn of<Batch>(block: &Block<Batch>, inserted: u64, duplicate: u64) -> Self {
        Self {
            from: signed(block.from),
            to: signed(block.to),
            read: signed(block.counts.read),
            inserted: signed(inserted),
            duplicate: signed(duplicate),
            skipped: signed(block.counts.rows_skipped()),
            coerced: signed(block.counts.coerced),
        }
    }
}

/// Files of 2^63 bytes there are none.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn advanced(rows_affected: u64) -> Advanced {
    if rows_affected == 1 {
        Advanced::Changed
    } else {
        Advanced::Stale
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
        file: Set(import.file.clone()),
        path: Set(path),
        digest: Set(import.digest),
        size: Set(signed(import.size)),
        checkpoint: Set(signed(import.checkpoint)),
        block: Set(signed(import.block)),
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

/// The import that holds a content: the unfinished one, and for kinds that count a content once the finished one too.
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

/// Why uploads fail whose file is the trouble and not what stands in it.
pub(super) const FILE_GONE: &str = "the uploaded file is gone";
pub(super) const FILE_CHANGED: &str = "the uploaded file changed while it was read";
/// What earlier versions said of both.
const FILE_UNREADABLE: &str = "the uploaded file cannot be read";

/// What became of a content before: it was imported to its end, or else failed for what stands in it.
pub(super) async fn known(
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
        // COMPLETED stands before FAILED.
        .order_by_asc(imports::Column::Status);
    query.one(db).await?.map(import).transpose()
}

/// An upload that is not at its end.
pub(super) struct WaitingUpload {
    pub id: ImportId,
    pub kind: ImportKind,
    /// Where its file waits.
    pub path: String,
}

/// Uploads that are not at their end, oldest first.
pub(super) async fn unfinished_uploads(db: &impl ConnectionTrait) -> Result<Vec<WaitingUpload>, Fault> {
    let query = imports::Entity::find()
        .filter(imports::Column::Status.eq(ImportStatus::Running))
        .filter(imports::Column::Path.is_not_null())
        .order_by_asc(imports::Column::Id);
    let waiting = query.all(db).await?.into_iter().map(|row| WaitingUpload {
        id: row.id,
        kind: row.kind,
        path: row.path.unwrap_or_default(),
    });
    Ok(waiting.collect())
}

/// Lets a running import hold its content. A unique violation of `digest` means that another one does.
pub(super) async fn hold_content(db: &impl ConnectionTrait, id: ImportId) -> Result<Advanced, Fault> {
    let change = imports::ActiveModel {
        holds_content: Set(true),
        ..Default::default()
    };
    // A failed import that held its content would keep it from ever being imported.
    let update = imports::Entity::update_many()
        .set(change)
        .filter(imports::Column::Id.eq(id))
        .filter(imports::Column::Status.eq(ImportStatus::Running));
    Ok(advanced(update.exec(db).await?.rows_affected))
}

/// How an import ends.
pub(super) enum End<'a> {
    /// Its rows are applied up to this byte, behind which there are none.
    Completed {
        checkpoint: u64,
        keeps_content: bool,
    },
    /// The rows of its content were applied by another import.
    Copied(&'a ImportTotals),
    Failed(&'a str),
}

/// Ends a running import; `Stale` when it is not running any more or has got further.
pub(super) async fn finish(
    db: &impl ConnectionTrait,
    import: &Import,
    end: End<'_>,
    now: Timestamp,
) -> Result<Advanced, Fault> {
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
            checkpoint,
            keeps_content,
        } => {
            update = update.filter(imports::Column::Checkpoint.eq(signed(checkpoint)));
            change.status = Set(ImportStatus::Completed);
            change.checkpoint = Set(signed(import.size));
            change.holds_content = Set(keeps_content);
        }
        End::Copied(counts) => {
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
    Ok(advanced(update.set(change).exec(db).await?.rows_affected))
}

/// Skip reasons as they stand in the table.
pub(super) fn reasons_text<K: AsRef<str>>(reasons: &BTreeMap<K, u64>) -> String {
    let reasons = reasons
        .iter()
        .map(|(reason, count)| (reason.as_ref().to_owned(), (*count).into()));
    serde_json::Value::Object(reasons.collect()).to_string()
}

fn import(row: imports::Model) -> Result<Import, Fault> {
    let unsigned = |number: i64| u64::try_from(number).map_err(|_| damaged("a negative number"));
    let skip_reasons = serde_json::from_str(&row.skip_reasons).map_err(|_| damaged("skip reasons"))?;
    Ok(Import {
        id: row.id,
        kind: row.kind,
        file: row.file,
        status: row.status,
        failure: row.failure,
        digest: row.digest,
        size: unsigned(row.size)?,
        checkpoint: unsigned(row.checkpoint)?,
        block: unsigned(row.block)?,
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

fn damaged(what: &str) -> Fault {
    DbErr::Type(format!("an import's row is damaged: {what}")).into()
}
