//! The forms that an upload may have, and how an upload is refused while its body still arrives.

use std::path::Path;
use std::sync::Arc;

use harness::activities::{Dirt, Feed};
use harness::database::TestDatabase;
use harness::{Backend, TestBank};
use service::config::Config;
use service::imports::UPLOADS_MAX;

use crate::imports::{BOUNDARY, content_type, finished, head, multipart, records, send, upload, waiting};
use crate::raw::Connection;

on_sqlite!(
    an_upload_is_one_file_and_nothing_else,
    the_head_of_a_part_is_bounded,
    a_place_is_taken_before_the_body_comes,
    a_file_that_the_disk_cannot_hold_is_refused_before_it_comes,
    a_disk_that_fills_while_a_file_comes_keeps_its_reserve,
    a_refusal_is_read_by_a_client_that_sends_everything_first,
);

/// A part of a multipart body with these header lines.
fn part(headers: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\n{headers}\r\n\r\n{content}\r\n")
}

const FILE_HEADERS: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"";

async fn an_upload_is_one_file_and_nothing_else(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let end = format!("--{BOUNDARY}--\r\n");
    let file = part(FILE_HEADERS, "event_id\n");
    let note = part("Content-Disposition: form-data; name=\"note\"", "hello");
    let large = part(FILE_HEADERS, &"x".repeat(300_000));
    for (body, field) in [
        ([&file[..], &file].concat(), "file"),
        ([&file[..], &note].concat(), "note"),
        ([&note[..], &file].concat(), "note"),
        ([&large[..], &note].concat(), "note"),
        ([&large[..], &large].concat(), "file"),
        ([&file[..], &part("X: y", "")].concat(), ""),
    ] {
        let answer = send(&operator, &content_type(), [body, end.clone()].concat().into_bytes()).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], field, "{}", answer.text);
    }
    assert_eq!((records(&bank).await, waiting(&bank)), (0, 0));
}

async fn the_head_of_a_part_is_bounded(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let end = format!("--{BOUNDARY}--\r\n");
    let with = |bytes: usize| part(&format!("{FILE_HEADERS}\r\nX-Note: {}", "x".repeat(bytes)), "a,b\n");
    let taken = send(
        &operator,
        &content_type(),
        [with(7_000), end.clone()].concat().into_bytes(),
    )
    .await;
    finished(&operator, taken.expect(202)["id"].as_str().expect("an id is text")).await;
    let file = part(FILE_HEADERS, "a,b\n");
    let too_long = with(9_000);
    let preamble = "x".repeat(9_000);
    for body in [
        [&too_long[..], &end].concat(),
        [&preamble[..], "\r\n", &file, &end].concat(),
    ] {
        let answer = send(&operator, &content_type(), body.into_bytes()).await;
        answer.expect_problem(400, "invalid_request");
        assert!(answer.text_of("detail").contains("8192 bytes"), "{}", answer.text);
    }
    let second = [&file[..], &too_long, &end].concat();
    let answer = send(&operator, &content_type(), second.into_bytes()).await;
    answer.expect_problem(400, "invalid_request");
    // A part whose headers never end is refused without waiting for their end.
    let mut endless = Connection::open(bank.address).await;
    endless.send(head(&operator, "transfer-encoding: chunked")).await;
    let begun = format!("--{BOUNDARY}\r\nX-Note: {}", "x".repeat(9_000));
    endless.send(format!("{:x}\r\n{begun}\r\n", begun.len())).await;
    let answer = endless.answer().await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!((records(&bank).await, waiting(&bank)), (1, 0));
}

async fn a_place_is_taken_before_the_body_comes(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let body = multipart("file", "feed.csv", text.as_bytes());
    let mut arriving = Vec::new();
    for _ in 0..UPLOADS_MAX {
        let mut connection = Connection::open(bank.address).await;
        let framing = format!("expect: 100-continue\r\ncontent-length: {}", body.len());
        connection.send(head(&operator, &framing)).await;
        // The server asks for the body, so the request is in progress.
        assert_eq!(connection.head().await.map(|(status, _)| status), Ok(100));
        arriving.push(connection);
    }
    upload(&operator, "feed.csv", text.as_bytes())
        .await
        .expect_problem(503, "overloaded");
    for mut connection in arriving {
        connection.send(&body).await;
        assert_eq!(connection.answer().await.status, 202);
    }
}

async fn a_file_that_the_disk_cannot_hold_is_refused_before_it_comes(bank: Arc<TestBank>) {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let large = |config: &mut Config| config.upload_max_bytes = 1 << 60;
    let other = TestBank::open_with(Backend::Sqlite, database, bank.clock.clone(), large).await;
    let operator = other.operator().await;
    let mut connection = Connection::open(other.address).await;
    // More than any disk has; none of it is sent.
    connection
        .send(head(&operator, &format!("content-length: {}", 1_u64 << 59)))
        .await;
    let answer = connection.answer().await;
    answer.expect_problem(507, "storage_full");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!((records(&other).await, waiting(&other)), (0, 0));
    // An upload that fits is still accepted.
    upload(&operator, "a.csv", b"a,b\n").await.expect(202);
    other.close().await;
}

async fn a_disk_that_fills_while_a_file_comes_keeps_its_reserve(bank: Arc<TestBank>) {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let reserve = bytes_free(database.folder.path()) - 16 * MEGABYTE;
    let config = |config: &mut Config| {
        config.upload_max_bytes = 1 << 40;
        config.disk_reserve_bytes = reserve;
    };
    let other = TestBank::open_with(Backend::Sqlite, database, bank.clock.clone(), config).await;
    let operator = other.operator().await;
    let mut connection = Connection::open(other.address).await;
    connection.send(head(&operator, "transfer-encoding: chunked")).await;
    let begun = format!("--{BOUNDARY}\r\n{FILE_HEADERS}\r\n\r\n");
    connection.send(format!("{:x}\r\n{begun}\r\n", begun.len())).await;
    let rows = vec![b'x'; 4 * MEGABYTE as usize];
    for _ in 0..12 {
        connection.send(format!("{:x}\r\n", rows.len())).await;
        connection.send(&rows).await;
        connection.send("\r\n").await;
    }
    connection.answer().await.expect_problem(507, "storage_full");
    assert_eq!((records(&other).await, waiting(&other)), (0, 0));
    other.close().await;
}

const MEGABYTE: u64 = 1024 * 1024;

/// The free bytes of a folder's disk, as `df` prints them.
fn bytes_free(folder: &Path) -> u64 {
    let mut df = std::process::Command::new("df");
    let output = df
        .args(["--output=avail", "-B1"])
        .arg(folder)
        .output()
        .expect("df can be run");
    let text = String::from_utf8(output.stdout).expect("df writes text");
    let number = text.lines().nth(1).expect("a line under the heading");
    number.trim().parse().expect("df tells a number")
}

async fn a_refusal_is_read_by_a_client_that_sends_everything_first(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let ana = bank.customer("ana").await.caller;
    let megabyte = vec![b'x'; 1024 * 1024];
    for (caller, status, code) in [(&operator, 413, "body_too_large"), (&ana, 403, "forbidden")] {
        let megabytes = if status == 413 { 100 } else { 3 };
        let mut connection = Connection::open(bank.address).await;
        let framing = format!("content-length: {}", megabytes * megabyte.len());
        connection.send(head(caller, &framing)).await;
        for sent in 0..megabytes {
            let taken = connection.try_send(&megabyte).await;
            assert!(taken.is_ok(), "the server hangs up after {sent} MiB: {taken:?}");
        }
        let answer = connection.answer().await;
        answer.expect_problem(status, code);
        assert_eq!(answer.header("connection"), "close");
    }
}
