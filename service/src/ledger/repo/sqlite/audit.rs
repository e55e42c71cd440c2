//! Writes the lines of the audit log of a commit.

use sea_orm::sqlx::{self, Sqlite, Transaction};
use serde_json::{Value, json};

use super::json_rows::{text, time};
use crate::audit::{AuditLine, AuditSubject};
use crate::db::{Fault, hex};

/// Inserts lines and their details.
pub async fn insert_lines(tx: &mut Transaction<'static, Sqlite>, lines: &[AuditLine]) -> Result<(), Fault> {
    let rows: Vec<Value> = lines.iter().map(line_row).collect();
    sqlx::query(INSERT_LINES).bind(text(&rows)).execute(&mut **tx).await?;
    let rows: Vec<Value> = lines.iter().map(details_row).collect();
    sqlx::query(INSERT_DETAILS).bind(text(&rows)).execute(&mut **tx).await?;
    Ok(())
}

fn line_row(line: &AuditLine) -> Value {
    json!([
        hex(line.id.0.as_bytes()),
        time(line.at),
        line.action.as_str(),
        line.actor.map(|user| hex(user.0.as_bytes())),
        line.api_key.map(|key| hex(key.0.as_bytes())),
        line.subject.map(AuditSubject::kind),
        line.subject.map(|subject| hex(subject.id().as_bytes())),
        line.person.map(|user| hex(user.0.as_bytes())),
    ])
}

const INSERT_LINES: &str = "
INSERT INTO audit_lines (id, at, action, actor_id, api_key_id, subject_kind, subject_id, person_id)
SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4), value ->> 5,
    unhex(value ->> 6), unhex(value ->> 7)
FROM json_each(?)";

fn details_row(line: &AuditLine) -> Value {
    let details = &line.details;
    json!([
        hex(line.id.0.as_bytes()),
        details.address.map(|address| address.to_string()),
        details.user_agent,
        details.request,
        details.before,
        details.after,
    ])
}

const INSERT_DETAILS: &str = r#"
INSERT INTO audit_details (id, address, user_agent, request_id, "before", "after")
SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)"#;
