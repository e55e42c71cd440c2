//! Importing files of rows: shapes, faults, several imports at once, and contents that are known.

mod contents;
mod failing_uploads;
mod order;
mod resume;
mod shapes;
mod small;
mod uploads;

use std::path::{Path, PathBuf};

use harness::TestBank;
use harness::activities::Expected;
use service::imports::{Import, ImportError, ImportOutcome, ImportTotals, Imports, RunOptions};
use service::values::ImportKind;

/// Writes a file into the bank's folder.
fn file(bank: &TestBank, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = bank.database.folder.path().join(name);
    std::fs::write(&path, content).expect("a file can be written");
    path
}

/// Imports a file of activities to its end.
async fn import(imports: &Imports, path: &Path) -> Import {
    match try_import(imports, path, RunOptions::default()).await {
        Ok(ImportOutcome::Finished(import)) => import,
        other => panic!("{} is not finished: {other:?}", path.display()),
    }
}

async fn try_import(imports: &Imports, path: &Path, options: RunOptions) -> Result<ImportOutcome, ImportError> {
    imports.import_file(ImportKind::Activities, path, options).await
}

async fn stored(bank: &TestBank) -> u64 {
    count(bank, "activities").await
}

async fn count(bank: &TestBank, table: &str) -> u64 {
    bank.number(&format!("SELECT count(*) AS n FROM {table}"))
        .await
        .unsigned_abs()
}

/// The expected counts of an import of a feed.
fn totals(expected: &Expected) -> ImportTotals {
    ImportTotals {
        rows_read: expected.read,
        rows_inserted: expected.inserted,
        rows_duplicate: expected.duplicate,
        rows_skipped: expected.rows_skipped(),
        amounts_coerced: expected.coerced,
        skip_reasons: reasons(expected.skipped.iter().map(|(reason, count)| (*reason, *count))),
    }
}

fn reasons<'a>(reasons: impl IntoIterator<Item = (&'a str, u64)>) -> std::collections::BTreeMap<String, u64> {
    reasons
        .into_iter()
        .map(|(reason, count)| (reason.to_owned(), count))
        .collect()
}
