//! Uploads of transactions over HTTP: they are accepted, counted once, and shown in `/stats`.

use std::sync::Arc;

use chrono::NaiveDate;
use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use crate::imports::{content_type, finished, multipart, send_to, upload_to};
use crate::sums::{HEADER, Month};

on_every_backend!(
    an_upload_is_taken_in_and_seen_in_the_totals,
    the_same_content_again_changes_nothing,
    a_content_that_has_no_transactions_fails_and_counts_nothing,
);
on_sqlite!(only_operators_may_upload_transactions, what_is_no_upload_is_refused);

pub const PATH: &str = "/v1/imports/transactions";
const ROWS: u64 = 3_000;

fn month() -> Month {
    let last = NaiveDate::from_ymd_opt(2026, 1, 5).expect("this is a day");
    Month::new(1, ROWS, last)
}

/// The id in the answer to an upload.
pub fn id_of(taken: &Value) -> &str {
    taken["id"].as_str().expect("an id is text")
}

async fn an_upload_is_taken_in_and_seen_in_the_totals(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let month = month();
    let bad = "2026-01-05T00:00:00,transfer,visa,1,0\n2026-01-05T00:00:00,deposit,visa,-1,0\n";
    let text = format!("{}{bad}", month.text);
    let taken = upload_to(&operator, PATH, "month.csv", text.as_bytes())
        .await
        .expect(202);
    let id = id_of(&taken).to_owned();
    assert_eq!(taken, json!({ "id": id, "status": "RUNNING" }));
    let expected = json!({
        "id": id,
        "kind": "transactions",
        "file": "month.csv",
        "status": "COMPLETED",
        "rows_read": ROWS + 2,
        "rows_inserted": ROWS,
        "rows_duplicate": 0,
        "rows_skipped": 2,
        "amounts_coerced": 0,
        "skip_reasons": { "invalid_amount": 1, "invalid_type": 1 },
        "started_at": "2026-01-05T03:33:58.000000Z",
        "finished_at": "2026-01-05T03:33:58.000000Z",
        "bytes_applied": text.len(),
        "bytes": text.len(),
        "failure": null,
    });
    assert_eq!(finished(&operator, &id).await, expected);
    assert_eq!(month.answered(&operator).await, month.sums);
}

async fn the_same_content_again_changes_nothing(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let month = month();
    // The second upload may arrive while the first is imported.
    let mut ids = Vec::new();
    for name in ["first.csv", "second.csv"] {
        let taken = upload_to(&operator, PATH, name, month.text.as_bytes())
            .await
            .expect(202);
        ids.push(id_of(&taken).to_owned());
    }
    for id in &ids {
        finished(&operator, id).await;
    }
    let taken = upload_to(&operator, PATH, "third.csv", month.text.as_bytes())
        .await
        .expect(202);
    ids.push(id_of(&taken).to_owned());
    for (id, name, inserted) in [
        (&ids[0], "first.csv", ROWS),
        (&ids[1], "second.csv", 0),
        (&ids[2], "third.csv", 0),
    ] {
        let import = finished(&operator, id).await;
        assert_eq!(
            (&import["status"], &import["file"]),
            (&json!("COMPLETED"), &json!(name))
        );
        assert_eq!(import["rows_read"], ROWS, "{import}");
        assert_eq!(import["rows_inserted"], inserted, "{import}");
        assert_eq!(import["rows_duplicate"], ROWS - inserted, "{import}");
    }
    assert_eq!(month.answered(&operator).await, month.sums);
}

async fn a_content_that_has_no_transactions_fails_and_counts_nothing(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    for (content, failure) in [
        (
            &b"date,kind,method,amount\n2026-01-05,deposit,visa,1\n"[..],
            "the header lacks timestamp, type, payment_method",
        ),
        (
            b"timestamp,type,payment_method,amount,Amount\n",
            "the header has amount twice",
        ),
        (
            b"{\"timestamp\":1}",
            "the header lacks timestamp, type, payment_method, amount",
        ),
        (
            b"\x00\xff\xfe",
            "the header lacks timestamp, type, payment_method, amount",
        ),
    ] {
        let taken = upload_to(&operator, PATH, "wrong.csv", content).await.expect(202);
        let import = finished(&operator, id_of(&taken)).await;
        assert_eq!(
            (&import["status"], &import["failure"]),
            (&json!("FAILED"), &json!(failure))
        );
        assert_eq!((&import["rows_read"], &import["rows_inserted"]), (&json!(0), &json!(0)));
    }
    let taken = upload_to(&operator, PATH, "empty.csv", HEADER.as_bytes())
        .await
        .expect(202);
    assert_eq!(finished(&operator, id_of(&taken)).await["status"], "COMPLETED");
    assert!(month().answered(&operator).await.is_empty());
}

async fn only_operators_may_upload_transactions(bank: Arc<TestBank>) {
    // Small enough to be sent before the answer comes: a client that is still sending may only find the connection
    // closed.
    let month = Month {
        text: format!("{HEADER}2026-01-05T00:00:00,deposit,visa,1,0\n"),
        ..month()
    };
    for (caller, status, code) in [
        (bank.anonymous(), 401, "unauthenticated"),
        (bank.with_token("nonsense"), 401, "unauthenticated"),
        (bank.customer("ana").await.caller, 403, "forbidden"),
    ] {
        let refused = upload_to(&caller, PATH, "month.csv", month.text.as_bytes()).await;
        refused.expect_problem(status, code);
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM imports").await, 0);
    assert!(month.answered(&bank.operator().await).await.is_empty());
}

async fn what_is_no_upload_is_refused(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let kind = content_type();
    let text = HEADER.as_bytes();
    for (name, content_type, body, status, code) in [
        (
            "JSON",
            "application/json",
            b"{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
        ("plain CSV", "text/csv", text.to_vec(), 415, "unsupported_media_type"),
        (
            "another field",
            &kind,
            multipart("csv", "a.csv", text),
            400,
            "invalid_request",
        ),
        ("no field", &kind, Vec::new(), 400, "invalid_request"),
        ("no multipart", &kind, text.to_vec(), 400, "invalid_request"),
    ] {
        let refused = send_to(&operator, PATH, content_type, body).await;
        assert_eq!(refused.status, status, "{name}: {}", refused.text);
        refused.expect_problem(status, code);
    }
    assert_eq!(bank.number("SELECT count(*) AS n FROM imports").await, 0);
}
