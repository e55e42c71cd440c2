//! Counts what the bank has stored, to show that a refused request stored nothing.

use harness::TestBank;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

/// Rows by table, and the number of changes of wallets.
#[derive(Debug, PartialEq, Eq, FromQueryResult)]
pub struct Rows {
    pub users: i64,
    pub wallets: i64,
    pub active_wallets: i64,
    pub changes: i64,
    pub transfers: i64,
    pub entries: i64,
}

const COUNT: &str = "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM wallets) AS wallets, \
    (SELECT count(*) FROM wallets WHERE status = 'ACTIVE') AS active_wallets, \
    (SELECT CAST(coalesce(sum(version), 0) AS bigint) FROM wallets) AS changes, \
    (SELECT count(*) FROM transfers) AS transfers, (SELECT count(*) FROM entries) AS entries";

/// Counts everything.
pub async fn count(bank: &TestBank) -> Rows {
    let statement = Statement::from_string(bank.db.backend(), COUNT);
    let row = bank
        .db
        .read
        .query_one_raw(statement)
        .await
        .expect("rows can be counted")
        .expect("a count is one row");
    Rows::from_query_result(&row, "").expect("counts are whole numbers")
}
