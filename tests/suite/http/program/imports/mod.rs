//! `florin import` for its users: which files it reads, what it prints, its exit status, and that a kill loses nothing.

mod commands;
mod kills;
mod serving;

use std::fs;
use std::path::Path;

use harness::activities::{Expected, Feed};
use harness::program::Ended;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};

use super::Place;

/// Three blocks on PostgreSQL; one and a half blocks in many parts on SQLite.
const MANY: u64 = 190_000;

fn write(folder: &Path, name: &str, feed: Feed) -> Expected {
    let mut file = fs::File::create(folder.join(name)).expect("a file can be made");
    feed.write_to(&mut file).expect("a file can be written")
}

/// The summary of an import that ended with a status.
pub fn summary(ended: &Ended, status: i32) -> Value {
    assert_eq!(ended.status, Some(status), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("the summary is no JSON: {ended:?}"))
}

fn counts(expected: &Expected) -> Value {
    json!({
        "rows_read": expected.read,
        "rows_inserted": expected.inserted,
        "rows_duplicate": expected.duplicate,
        "rows_skipped": expected.rows_skipped(),
        "amounts_coerced": expected.coerced,
        "skip_reasons": expected.skipped,
    })
}

fn counted(summary: &Value) -> Value {
    let mut counts = summary.clone();
    let object = counts.as_object_mut().expect("counts are an object");
    object.retain(|name, _| name.starts_with("rows_") || name.starts_with("amounts_") || name == "skip_reasons");
    counts
}

const STORED: &str = "SELECT count(*) AS n FROM activities";
const INSERTED: &str = "SELECT CAST(sum(rows_inserted) AS bigint) AS n FROM imports";
const UNFINISHED: &str = "SELECT count(*) AS n FROM imports WHERE status = 'RUNNING'";

/// A whole number that a query gives as `n`.
pub async fn number(place: &Place, sql: &str) -> u64 {
    let db = Database::connect(&place.url)
        .await
        .expect("the bank's database can be opened");
    let query = Statement::from_string(db.get_database_backend(), sql);
    let row = db
        .query_one_raw(query)
        .await
        .expect("the query runs")
        .expect("the query gives a row");
    let number: i64 = row.try_get("", "n").expect("`n` is a whole number");
    db.close().await.expect("a connection can be closed");
    number.unsigned_abs()
}
