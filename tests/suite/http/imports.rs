//! Uploads over HTTP: they are stored as they arrive, have a size limit, and leave nothing behind when they break off.

use std::fs;
use std::future::Future;
use std::sync::Arc;

use harness::activities::{Dirt, Feed};
use harness::bank::UPLOAD_MAX_BYTES;
use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::imports::UPLOADS_MAX;
use tokio::time::timeout;

use crate::raw::{Connection, PATIENCE};

on_every_backend!(an_upload_is_taken_in_and_told, an_upload_that_breaks_off_leaves_nothing);
on_sqlite!(
    what_is_no_upload_is_refused,
    a_file_over_the_limit_leaves_nothing,
    only_operators_may_upload_and_look,
    more_uploads_than_fit_are_told_to_come_back,
);

const PATH: &str = "/v1/imports/activities";
pub const BOUNDARY: &str = "----a-boundary-of-the-tests";

/// A multipart body with one field.
pub fn multipart(field: &str, file: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file}\"\r\n\
         Content-Type: text/csv\r\n\r\n"
    );
    [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

/// Uploads a file of activities.
pub async fn upload(caller: &Caller, file: &str, content: &[u8]) -> Answer {
    upload_to(caller, PATH, file, content).await
}

/// Uploads a file to a path.
pub async fn upload_to(caller: &Caller, path: &str, file: &str, content: &[u8]) -> Answer {
    send_to(caller, path, &content_type(), multipart("file", file, content)).await
}

/// The content type of the multipart bodies of these tests.
pub fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

pub async fn send(caller: &Caller, content_type: &str, body: Vec<u8>) -> Answer {
    send_to(caller, PATH, content_type, body).await
}

/// Sends any body and content type as an upload.
pub async fn send_to(caller: &Caller, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request = caller.request(Method::POST, path).header("content-type", content_type);
    Answer::of(request.body(body)).await
}

/// Waits until an import has ended, and returns it.
pub async fn finished(caller: &Caller, id: &str) -> Value {
    let look = async {
        loop {
            let import = caller.get(&format!("/v1/imports/{id}")).await.expect(200);
            if import["status"] != "RUNNING" {
                return import;
            }
        }
    };
    timeout(3 * PATIENCE, look).await.expect("an import comes to its end")
}

pub fn waiting(bank: &TestBank) -> usize {
    let Ok(entries) = fs::read_dir(bank.config.data_dir.join("uploads")) else {
        return 0;
    };
    // The file with the folder's own name stays.
    entries
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != ".id"))
        .count()
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let look = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    within_patience(what, look).await;
}

async fn within_patience<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("not so after a while: {what}"))
}

pub async fn records(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM imports").await
}

async fn an_upload_is_taken_in_and_told(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let (text, expected) = Feed::new(1, 3_000, Dirt::Much).text();
    let taken = upload(&operator, "feed \u{e9}.csv", text.as_bytes()).await.expect(202);
    let id = taken["id"].as_str().expect("an id is text").to_owned();
    assert_eq!(taken, json!({ "id": id, "status": "RUNNING" }));
    let import = finished(&operator, &id).await;
    let expected = json!({
        "id": id,
        "kind": "activities",
        "file": "feed \u{e9}.csv",
        "status": "COMPLETED",
        "rows_read": expected.read,
        "rows_inserted": expected.inserted,
        "rows_duplicate": expected.duplicate,
        "rows_skipped": expected.rows_skipped(),
        "amounts_coerced": expected.coerced,
        "skip_reasons": expected.skipped,
        "started_at": "2026-01-05T03:33:58.000000Z",
        "finished_at": "2026-01-05T03:33:58.000000Z",
        "bytes_applied": text.len(),
        "bytes": text.len(),
        "failure": null,
    });
    assert_eq!(import, expected);
    let wrong = upload(&operator, "wrong.csv", b"a,b\n1,2\n").await.expect(202);
    let wrong = finished(&operator, wrong["id"].as_str().expect("an id is text")).await;
    assert_eq!(wrong["status"], "FAILED");
    assert!(
        wrong["failure"]
            .as_str()
            .is_some_and(|words| words.starts_with("the header lacks event_id"))
    );
    until("nothing waits", async || waiting(&bank) == 0).await;
    let is_idle = async || bank.anonymous().get("/readyz").await.expect(200)["importing"].is_null();
    until("nothing is imported", is_idle).await;
}

async fn what_is_no_upload_is_refused(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let file = |field| multipart(field, "a.csv", b"event_id\n");
    for kind in [
        "application/json",
        "text/csv",
        "multipart/mixed; boundary=x",
        "multipart/form-datas; boundary=x",
    ] {
        send(&operator, kind, file("file"))
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    let none = operator.request(Method::POST, PATH).body(file("file"));
    Answer::of(none).await.expect_problem(415, "unsupported_media_type");
    let end = format!("--{BOUNDARY}--\r\n").into_bytes();
    let torn = file("file")[..150].to_vec();
    for (name, kind, body) in [
        ("no boundary", "multipart/form-data", file("file")),
        ("another boundary", "multipart/form-data; boundary=other", file("file")),
        ("no field", content_type().as_str(), end),
        ("another field", content_type().as_str(), file("files")),
        ("no body", content_type().as_str(), Vec::new()),
        ("no end", content_type().as_str(), torn),
        (
            "no multipart",
            content_type().as_str(),
            b"event_id,merchant_id\n".to_vec(),
        ),
    ] {
        let answer = send(&operator, kind, body).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
        answer.expect_problem(400, "invalid_request");
    }
    let missing = send(&operator, &content_type(), format!("--{BOUNDARY}--\r\n").into_bytes()).await;
    assert_eq!(missing.json["errors"][0]["field"], "file");
    assert_eq!((records(&bank).await, waiting(&bank)), (0, 0));
}

/// The head of an upload.
pub fn head(operator: &Caller, framing: &str) -> String {
    let token = operator.token.as_deref().expect("an operator has a token");
    let kind = content_type();
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: bank\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n"
    )
}

async fn a_file_over_the_limit_leaves_nothing(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let largest = usize::try_from(UPLOAD_MAX_BYTES).expect("a test's limit is small");
    // The head already shows the size, so the body need not be sent.
    let mut uploading = Connection::open(bank.address).await;
    uploading.send(head(&operator, "content-length: 99999999999")).await;
    uploading.answer().await.expect_problem(413, "body_too_large");
    // Detected while the body arrives, by the size of the file and by that of the body.
    for bytes in [largest + 1, largest + 100_000] {
        let body = multipart("file", "large.csv", &vec![b'x'; bytes]);
        let mut chunked = Connection::open(bank.address).await;
        chunked.send(head(&operator, "transfer-encoding: chunked")).await;
        chunked.send(format!("{:x}\r\n", body.len())).await;
        // The answer may come before the last byte is read.
        let _ = chunked.try_send(&body).await;
        let _ = chunked.try_send("\r\n0\r\n\r\n").await;
        chunked.answer().await.expect_problem(413, "body_too_large");
    }
    until("nothing is left", async || waiting(&bank) == 0).await;
    assert_eq!(records(&bank).await, 0);
    // A file of the largest size is accepted.
    let taken = upload(&operator, "large.csv", &vec![b'x'; largest]).await.expect(202);
    finished(&operator, taken["id"].as_str().expect("an id is text")).await;
}

async fn an_upload_that_breaks_off_leaves_nothing(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let body = multipart("file", "feed.csv", &vec![b'x'; 300_000]);
    for framing in ["content-length: 1000000", "transfer-encoding: chunked"] {
        let mut connection = Connection::open(bank.address).await;
        connection.send(head(&operator, framing)).await;
        if framing.starts_with("transfer") {
            connection.send(format!("{:x}\r\n", 1_000_000)).await;
        }
        connection.send(&body[..200_000]).await;
        until("the file arrives", async || waiting(&bank) == 1).await;
        drop(connection);
        until("what has arrived is removed", async || waiting(&bank) == 0).await;
        assert_eq!(records(&bank).await, 0);
    }
    // The places of those uploads are free again.
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    upload(&operator, "feed.csv", text.as_bytes()).await.expect(202);
}

async fn only_operators_may_upload_and_look(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let operator = bank.operator().await;
    let taken = upload(&operator, "feed.csv", text.as_bytes()).await.expect(202);
    let id = taken["id"].as_str().expect("an id is text");
    finished(&operator, id).await;
    for (caller, status, code) in [
        (bank.anonymous(), 401, "unauthenticated"),
        (bank.customer("ana").await.caller, 403, "forbidden"),
    ] {
        upload(&caller, "feed.csv", text.as_bytes())
            .await
            .expect_problem(status, code);
        caller
            .get(&format!("/v1/imports/{id}"))
            .await
            .expect_problem(status, code);
    }
    operator
        .get("/v1/imports/01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01")
        .await
        .expect_problem(404, "not_found");
    assert_eq!(records(&bank).await, 1);
}

async fn more_uploads_than_fit_are_told_to_come_back(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let body = multipart("file", "feed.csv", text.as_bytes());
    let mut arriving = Vec::new();
    for _ in 0..UPLOADS_MAX {
        let mut connection = Connection::open(bank.address).await;
        connection
            .send(head(&operator, &format!("content-length: {}", body.len())))
            .await;
        connection.send(&body[..body.len() - 10]).await;
        arriving.push(connection);
    }
    until("as many as fit are under way", async || waiting(&bank) == UPLOADS_MAX).await;
    let refused = upload(&operator, "feed.csv", text.as_bytes()).await;
    refused.expect_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "10");
    assert_eq!(waiting(&bank), UPLOADS_MAX);
    for mut connection in arriving {
        connection.send(&body[body.len() - 10..]).await;
        assert_eq!(connection.answer().await.status, 202);
    }
    until("each is imported", async || waiting(&bank) == 0).await;
    upload(&operator, "feed.csv", text.as_bytes()).await.expect(202);
    assert_eq!(
        bank.number("SELECT CAST(sum(rows_inserted) AS bigint) AS n FROM imports")
            .await,
        10
    );
}
