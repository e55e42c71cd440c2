//! Erasing a person: what tells who they were is gone from every table, and the books stand.

mod crash;
mod paths;
mod races;
mod refusals;
mod stage;
mod stored;
mod waiting;

use harness::{Backend, TestBank};
use sea_orm::{ConnectionTrait, Statement};

/// A row of any table, as text in lower case. Bytes are hexadecimal digits.
pub struct StoredRow {
    pub table: String,
    pub text: String,
}

/// Every row of every table; tables and columns are read from the schema.
pub async fn stored_rows(bank: &TestBank) -> Vec<StoredRow> {
    let tables = match bank.backend {
        Backend::Postgres => "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = current_schema()",
        Backend::Sqlite => "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    };
    let mut rows = Vec::new();
    for table in texts(bank, tables).await {
        let query = match bank.backend {
            Backend::Postgres => format!("SELECT one::text AS text FROM \"{table}\" AS one"),
            Backend::Sqlite => {
                let columns = format!("SELECT name AS text FROM pragma_table_info('{table}')");
                let columns = texts(bank, &columns).await;
                assert!(!columns.is_empty(), "{table} has no columns");
                let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                format!("SELECT {} AS text FROM \"{table}\"", quoted.join(" || ' ' || "))
            }
        };
        let found = texts(bank, &query).await.into_iter().map(|text| StoredRow {
            table: table.clone(),
            text: text.to_lowercase(),
        });
        rows.extend(found);
    }
    assert!(rows.len() > 20, "only {} rows were read", rows.len());
    rows
}

/// Everything that is stored, in one order, to show that nothing has changed.
async fn sorted_rows(bank: &TestBank) -> Vec<String> {
    let rows = stored_rows(bank).await.into_iter();
    let mut rows: Vec<String> = rows.map(|row| format!("{}: {}", row.table, row.text)).collect();
    rows.sort_unstable();
    rows
}

/// The texts that a query gives as `text`.
pub async fn texts(bank: &TestBank, sql: &str) -> Vec<String> {
    let query = Statement::from_string(bank.db.backend(), sql);
    let rows = bank.db.read.query_all_raw(query).await.expect("the query runs");
    let text = |row: &sea_orm::QueryResult| row.try_get::<String>("", "text").expect("a row has a text");
    rows.iter().map(text).collect()
}

/// The tables with rows that have a mark, as text or as bytes.
fn tables_with(rows: &[StoredRow], mark: &str) -> Vec<String> {
    let mark = mark.to_lowercase();
    let digits: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
    let has_mark = |row: &&StoredRow| row.text.contains(&mark) || row.text.contains(&digits);
    let mut tables: Vec<String> = rows.iter().filter(has_mark).map(|row| row.table.clone()).collect();
    tables.dedup();
    tables
}
