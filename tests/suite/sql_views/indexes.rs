//! On PostgreSQL the indexes of the tables serve the views.

use harness::{Backend, TestBank};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};

const ID: &str = "01a22dd1-047f-7765-bc2a-2ea97509a49f";

/// The plan of a query, where PostgreSQL reads a whole table only if it can use no index. In an empty bank it always would.
async fn plan(bank: &TestBank, sql: &str) -> String {
    let tx = bank.db.write.begin().await.expect("a transaction can begin");
    let settings = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off";
    tx.execute_unprepared(settings).await.expect("settings can be made");
    let query = Statement::from_string(bank.db.backend(), format!("EXPLAIN {sql}"));
    let rows = tx.query_all_raw(query).await.expect("it can be explained");
    let lines = rows
        .iter()
        .map(|row| row.try_get_by_index::<String>(0).expect("a plan is text"));
    let plan = lines.collect::<Vec<_>>().join("\n");
    tx.rollback().await.expect("it can be rolled back");
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_found_by_index() {
    let bank = TestBank::open(Backend::Postgres).await;
    for (view, condition, index) in [
        ("v_accounts", "account_id", "wallets_pkey"),
        ("v_accounts", "owner_id", "wallets_user_currency_unique"),
        ("v_journal", "transfer_id", "transfers_pkey"),
        ("v_journal", "parent_id", "transfers_by_parent"),
        ("v_journal", "batch_id", "transfers_by_batch"),
        ("v_postings", "account_id", "entries_pkey"),
    ] {
        let plan = plan(&bank, &format!("SELECT * FROM {view} WHERE {condition} = '{ID}'")).await;
        let is_served = plan.contains(&format!("using {index}")) && !plan.contains("Seq Scan on");
        assert!(is_served, "{view}.{condition}:\n{plan}");
    }
    let range = format!(
        "SELECT * FROM v_postings WHERE account_id = '{ID}' AND at >= '2026-01-05' AND at < '2026-01-06' ORDER BY version"
    );
    let plan = plan(&bank, &range).await;
    let is_served = plan.contains("using entries_pkey") && plan.contains("using transfers_pkey");
    assert!(is_served && !plan.contains("Seq Scan"), "{plan}");
    bank.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_query_does_not_name_is_not_joined() {
    let bank = TestBank::open(Backend::Postgres).await;
    let plan = plan(
        &bank,
        &format!("SELECT kind, amount FROM v_journal WHERE transfer_id = '{ID}'"),
    )
    .await;
    assert!(!plan.contains("holds"), "{plan}");
    bank.close().await;
}
