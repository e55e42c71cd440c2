//! The schema protects the audit log: a line is written once, and its details can be emptied and not changed otherwise.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};
use service::values::Role;
use uuid::Uuid;

on_every_backend!(
    lines_are_never_changed_or_deleted,
    details_are_never_deleted,
    details_can_be_emptied_and_nothing_else,
);

async fn takes(bank: &TestBank, sql: &str) {
    if let Err(error) = bank.dry_run(sql).await {
        panic!("{sql}\n{error}");
    }
}

/// A misspelt statement would fail as well, so the error must name the rule.
async fn refuses(bank: &TestBank, sql: &str) {
    let error = bank.dry_run(sql).await.expect_err(sql).to_string();
    assert!(error.contains("written once"), "{sql}\n{error}");
}

async fn lines_are_never_changed_or_deleted(bank: Arc<TestBank>) {
    bank.user("ana", Role::Customer).await;
    let other = bank.literal(Uuid::from_u128(7));
    for columns in [
        "at = at".to_owned(),
        "action = 'user.erased'".to_owned(),
        format!("id = {other}"),
        format!("actor_id = {other}"),
        format!("api_key_id = {other}"),
        format!("subject_id = {other}"),
        "subject_kind = NULL, subject_id = NULL".to_owned(),
        "person_id = NULL".to_owned(),
    ] {
        refuses(&bank, &format!("UPDATE audit_lines SET {columns}")).await;
    }
    refuses(&bank, "DELETE FROM audit_lines").await;
    match bank.backend {
        Backend::Postgres => refuses(&bank, "TRUNCATE audit_lines").await,
        Backend::Sqlite => {
            for verb in ["REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"] {
                refuses(&bank, &format!("{verb} INTO audit_lines SELECT * FROM audit_lines")).await;
            }
        }
    }
}

async fn details_are_never_deleted(bank: Arc<TestBank>) {
    bank.user("ana", Role::Customer).await;
    refuses(&bank, "DELETE FROM audit_details").await;
    match bank.backend {
        Backend::Postgres => refuses(&bank, "TRUNCATE audit_details").await,
        Backend::Sqlite => {
            for verb in ["REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"] {
                refuses(&bank, &format!("{verb} INTO audit_details SELECT * FROM audit_details")).await;
            }
        }
    }
}

/// A digest as an SQL literal.
fn digest(bank: &TestBank, byte: &str) -> String {
    let digits = byte.repeat(32);
    match bank.backend {
        Backend::Postgres => format!(r"'\x{digits}'"),
        Backend::Sqlite => format!("x'{digits}'"),
    }
}

async fn details_can_be_emptied_and_nothing_else(bank: Arc<TestBank>) {
    let (id, other) = (bank.literal(Uuid::from_u128(7)), bank.literal(Uuid::from_u128(8)));
    let (known, unknown) = (digest(&bank, "07"), digest(&bank, "08"));
    let row = format!(
        "INSERT INTO audit_details (id, address, user_agent, request_id, email_digest, \"before\", \"after\") \
         VALUES ({id}, '192.0.2.7', 'test/1', 'request-1', {known}, '1', '2')"
    );
    let update = |columns: &str| format!("UPDATE audit_details SET {columns} WHERE id = {id}");
    let values = [
        ("address", "'192.0.2.8'"),
        ("user_agent", "'test/2'"),
        ("request_id", "'request-2'"),
        ("email_digest", unknown.as_str()),
        ("\"before\"", "'3'"),
        ("\"after\"", "'3'"),
    ];
    for (column, value) in values {
        let emptied = update(&format!("{column} = NULL"));
        let set = update(&format!("{column} = {value}"));
        takes(&bank, &format!("{row}; {emptied}")).await;
        takes(&bank, &format!("{row}; {}", update(&format!("{column} = {column}")))).await;
        refuses(&bank, &format!("{row}; {set}")).await;
        // What was erased does not come back.
        refuses(&bank, &format!("{row}; {emptied}; {set}")).await;
    }
    let all = values.map(|(column, _)| format!("{column} = NULL")).join(", ");
    takes(&bank, &format!("{row}; {}", update(&all))).await;
    refuses(&bank, &format!("{row}; {}", update(&format!("{all}, id = {other}")))).await;
    refuses(&bank, &format!("{row}; {}", update("address = NULL, \"after\" = '3'"))).await;
}
