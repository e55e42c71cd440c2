//! The table of the audit log: it says what the pages say, whatever the texts are, and a part never looks whole.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{audit_details, audit_lines};
use harness::audit_history::BUSY_SUBJECT;
use harness::{Answer, TestBank, on_every_backend};
use reqwest::Method;
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use service::clock::{Clock, id_at};
use service::values::{AuditId, Timestamp};

use super::{PATH, auditor, pages, store, table, text};

on_every_backend!(
    the_table_says_what_the_pages_say,
    a_fault_in_the_middle_breaks_the_table_off,
);
on_sqlite!(hostile_texts_stay_texts, the_accept_header_chooses_the_form);

const COLUMNS: [&str; 12] = [
    "id",
    "at",
    "action",
    "actor_id",
    "api_key_id",
    "subject_kind",
    "subject_id",
    "address",
    "user_agent",
    "request_id",
    "before",
    "after",
];

/// The rows of a table, by their columns.
fn rows(table: &Answer) -> Vec<Value> {
    assert_eq!(table.status, 200, "{}", table.text);
    let mut reader = csv::Reader::from_reader(table.text.as_bytes());
    let columns = reader.headers().expect("a table has columns").clone();
    assert_eq!(columns, COLUMNS.to_vec());
    let row = |record: csv::StringRecord| -> Value {
        let cells = columns.iter().zip(record.iter());
        cells.map(|(column, cell)| (column.to_owned(), json!(cell))).collect()
    };
    reader
        .records()
        .map(|record| row(record.expect("every row has as many cells")))
        .collect()
}

async fn the_table_says_what_the_pages_say(bank: Arc<TestBank>) {
    let all = store(&bank, 1_500).await;
    let auditor = auditor(&bank).await;
    for query in [
        all.clone(),
        format!("{all}&subject_id={BUSY_SUBJECT}"),
        format!("{all}&limit=1"),
    ] {
        let table = table(&auditor, &query).await;
        assert!(table.text.ends_with("\r\n"), "{query}");
        let rows = rows(&table);
        let items = pages(&auditor, query.trim_end_matches("&limit=1"), 500).await;
        assert!(
            rows.len() == items.len() && items.len() > 400,
            "{query}: {}",
            rows.len()
        );
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        for (row, item) in rows.iter().zip(&items) {
            for name in COLUMNS {
                let value = match name {
                    "subject_kind" => &item["subject"]["kind"],
                    "subject_id" => &item["subject"]["id"],
                    name => &item[name],
                };
                assert_eq!(row[name], cell(value), "{name} of {item}");
            }
        }
    }
    let nothing = table(&auditor, "to=2001-01-01T00:00:00Z").await;
    assert_eq!(nothing.text, format!("{}\r\n", COLUMNS.join(",")));
}

/// Takes the lines away, so that every further look at them fails; `show` brings them back.
async fn hide(bank: &TestBank) {
    bank.execute("ALTER TABLE audit_lines RENAME TO audit_lines_hidden")
        .await;
}

async fn show(bank: &TestBank) {
    bank.execute("ALTER TABLE audit_lines_hidden RENAME TO audit_lines")
        .await;
}

/// Lines that no buffer of a connection holds.
const LONG: u32 = 50_000;

async fn a_fault_in_the_middle_breaks_the_table_off(bank: Arc<TestBank>) {
    let all = store(&bank, LONG).await;
    let auditor = auditor(&bank).await;
    let request = auditor.request(Method::GET, &format!("{PATH}?{all}"));
    let mut response = request
        .header("accept", "text/csv")
        .send()
        .await
        .expect("the server answers");
    assert_eq!(response.status().as_u16(), 200);
    let first = response.chunk().await.expect("the beginning can be read");
    assert!(first.is_some_and(|first| first.starts_with(b"id,at,")));
    hide(&bank).await;
    let is_broken = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    show(&bank).await;
    assert!(is_broken, "a part looks like a whole");
    // Without a fault it is whole.
    let whole = table(&auditor, &all).await;
    assert_eq!(whole.text.lines().count(), 1 + LONG as usize);
}

/// Stores a line whose details are all this text; `before` and `after` are JSON with it.
async fn store_text(bank: &TestBank, at: Timestamp, text: &str) {
    let id = AuditId(id_at(at));
    let line = audit_lines::ActiveModel {
        id: Set(id),
        at: Set(at),
        action: Set("user.signed_in".to_owned()),
        actor_id: Set(None),
        api_key_id: Set(None),
        subject_kind: Set(None),
        subject_id: Set(None),
        person_id: Set(None),
    };
    let written = audit_lines::Entity::insert(line).exec_without_returning(&bank.db.write);
    written.await.expect("a line can be written");
    let details = audit_details::ActiveModel {
        id: Set(id),
        address: Set(Some(text.to_owned())),
        user_agent: Set(Some(text.to_owned())),
        request_id: Set(Some(text.to_owned())),
        email_digest: Set(None),
        before: Set(Some(json!(text).to_string())),
        after: Set(Some(json!({ text: text }).to_string())),
    };
    let written = audit_details::Entity::insert(details).exec_without_returning(&bank.db.write);
    written.await.expect("details can be written");
}

async fn hostile_texts_stay_texts(bank: Arc<TestBank>) {
    let since = bank.clock.now() - TimeDelta::days(3);
    let texts = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "'x",
        "\t=1",
        "\r\n=1",
        "a,b;c",
        "\"\"",
        "\"\r\nid,at",
        "＝1",
        "<b>",
        "plain",
    ];
    for (number, text) in (0..).zip(texts) {
        store_text(&bank, since + TimeDelta::seconds(number), text).await;
    }
    let auditor = auditor(&bank).await;
    let query = format!("to={}", text(since + TimeDelta::hours(1)));
    let items = pages(&auditor, &query, 500).await;
    let rows = rows(&table(&auditor, &query).await);
    assert_eq!((items.len(), rows.len()), (texts.len(), texts.len()));
    for ((item, row), text) in items.iter().zip(&rows).zip(texts.iter().rev()) {
        for name in ["address", "user_agent", "request_id"] {
            assert_eq!(item[name], *text);
            let cell = row[name].as_str().expect("a cell is a text");
            assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), *text);
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?}");
        }
        assert_eq!((&item["before"], &item["after"][text]), (&json!(text), &json!(text)));
        for name in ["before", "after"] {
            let cell = row[name].as_str().expect("a cell is a text");
            let json: Value = serde_json::from_str(cell).expect("it is JSON as it is stored");
            assert_eq!(json, item[name]);
        }
    }
}

async fn the_accept_header_chooses_the_form(bank: Arc<TestBank>) {
    let auditor = auditor(&bank).await;
    for (accept, content_type) in [
        ("*/*", "application/json"),
        ("application/pdf", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/json;q=0.1, text/*", "text/csv; charset=utf-8"),
    ] {
        let request = auditor.request(Method::GET, PATH).header("accept", accept);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, content_type),
            "{accept}"
        );
        let mut varies = answer.headers.get_all("vary").iter();
        assert!(varies.any(|value| value == "accept"), "{accept}");
    }
}
