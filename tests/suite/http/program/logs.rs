//! The log cannot be written, or its reader is gone: the bank goes on and counts the lines that it lost.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use harness::Backend;
use harness::program::{Serving, command};
use serde_json::json;

use super::{Place, customer, operator, verifies};

/// A stream to which the log cannot be written.
#[derive(Clone, Copy, Debug)]
enum Sink {
    FullDisk,
    ClosedPipe,
    /// A pipe whose reader never reads.
    SleepingReader,
}

impl Sink {
    /// The stream, and its reader if it must live as long.
    fn open(self) -> (Stdio, Option<PipeReader>) {
        let pipe = || io::pipe().expect("a pipe can be made");
        match self {
            Self::FullDisk => (full_device(), None),
            Self::ClosedPipe => (pipe().1.into(), None),
            Self::SleepingReader => {
                let (reader, writer) = pipe();
                (writer.into(), Some(reader))
            }
        }
    }
}

fn full_device() -> Stdio {
    let device = File::options().write(true).open("/dev/full");
    device.expect("there is a device that is full").into()
}

/// More lines of the access log than a pipe holds; if they are long, also more than the log's queue holds.
const LINES: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deposits_are_made_while_the_log_cannot_be_written() {
    for sink in [Sink::FullDisk, Sink::ClosedPipe, Sink::SleepingReader] {
        let place = Place::new(Backend::Sqlite).await;
        let (stderr, _reader) = sink.open();
        let mut command = command(place.folder.path()).await;
        command.env("FLORIN_LISTEN", "127.0.0.1:0").stderr(stderr);
        let server = Serving::spawn(command).await;
        let ana = customer(&server, "ana").await;
        let operator = operator(&place, &server).await;
        // Long lines fill the log's queue as well.
        let long = format!("/{}", "x".repeat(4_000));
        for _ in 0..LINES {
            server.caller().get(&long).await.expect(404);
        }
        let path = format!("/v1/wallets/{}/deposits", ana.wallet());
        for _ in 0..20 {
            let made = operator
                .post(&path, json!({ "amount": "1", "method": "visa" }))
                .await
                .expect(201);
            assert_eq!(made["status"], "COMPLETED", "{sink:?}");
        }
        assert_eq!(ana.balance().await, "20.0000", "{sink:?}");
        assert!(lines_lost(&server).await > 0, "{sink:?}: nothing was lost");
        server.terminate().await;
        assert_eq!(server.ended().await.status, Some(0), "{sink:?}");
        verifies(&place).await;
        place.remove().await;
    }
}

/// Reads a page of the log from time to time, until it ends.
fn read_slowly(mut reader: PipeReader) {
    let mut page = [0; 4_096];
    // A slow reader is what the test is about; nothing waits for this pause.
    while reader.read(&mut page).is_ok_and(|bytes| bytes > 0) {
        thread::sleep(Duration::from_millis(110));
    }
}

/// How long requests take while the log goes to this stream.
async fn time_of_requests(stderr: Stdio) -> Duration {
    let place = Place::new(Backend::Sqlite).await;
    let mut command = command(place.folder.path()).await;
    command.env("FLORIN_LISTEN", "127.0.0.1:0").stderr(stderr);
    let server = Serving::spawn(command).await;
    let caller = server.caller();
    let started = Instant::now();
    for _ in 0..4 * LINES {
        caller.get("/livez").await.expect(200);
    }
    let time = started.elapsed();
    server.terminate().await;
    assert_eq!(server.ended().await.status, Some(0));
    place.remove().await;
    time
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_of_the_log_does_not_slow_the_bank() {
    let usual = time_of_requests(Stdio::null()).await;
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    let reader = thread::spawn(move || read_slowly(reader));
    let slow = time_of_requests(writer.into()).await;
    reader.join().expect("the reader ends with the log");
    assert!(slow < 4 * usual, "{slow:?} instead of {usual:?}");
}

async fn lines_lost(server: &Serving) -> u64 {
    let metrics = server.caller().get("/metrics").await.text;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("florin_log_lines_lost_total "));
    let count = line.unwrap_or_else(|| panic!("the metric is missing:\n{metrics}"));
    count.parse().expect("a counter is a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_written_loses_nothing() {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &["--log", "info"]).await;
    for _ in 0..LINES {
        server.caller().get("/livez").await.expect(200);
    }
    assert_eq!(lines_lost(&server).await, 0);
    server.terminate().await;
    let ended = server.ended().await;
    let lines = ended.stderr.lines().filter(|line| line.contains("/livez"));
    assert_eq!(lines.count(), LINES);
    place.remove().await;
}

/// The exit status of a command with these streams.
async fn status_of(folder: &Path, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Option<i32> {
    let mut command = command(folder).await;
    command.args(arguments).stdout(stdout).stderr(stderr);
    let mut child = command.spawn().expect("florin can be started");
    child.wait().await.expect("florin can be waited for").code()
}

#[tokio::test]
async fn a_complaint_that_cannot_be_written_changes_no_exit_status() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let no_address = ["user", "create", "--email", "x", "--full-name", "A", "--role", "admin"];
    let no_database = ["verify", "--database-url", "sqlite://nowhere/x.db"];
    for (arguments, status) in [
        (&no_address[..], 2),
        (&["import", "activities", "nothing.csv"], 2),
        (&["serve", "--activities-dir", "nothing"], 2),
        (&["--nonsense"], 2),
        (&no_database, 3),
    ] {
        for sink in [Sink::FullDisk, Sink::ClosedPipe] {
            let ended = status_of(folder.path(), arguments, Stdio::null(), sink.open().0).await;
            assert_eq!(ended, Some(status), "{arguments:?} {sink:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_has_seen_enough_is_no_fault() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for arguments in [
        &["openapi"][..],
        &["migrate", "up"],
        &["verify"],
        &["verify", "--json"],
        &["migrate", "status"],
        &["demo", "--once", "--transfers", "10", "--days", "1"],
        &["--help"],
        &["--version"],
    ] {
        let ended = status_of(folder.path(), arguments, Sink::ClosedPipe.open().0, Stdio::null()).await;
        assert_eq!(ended, Some(0), "{arguments:?}");
    }
}

/// The exit status reports what a command found wrong, even if its report is not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_is_not_read_is_judged_all_the_same() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let ana = customer(&server, "ana").await;
    let wallet = ana.wallet().replace('-', "");
    place
        .tamper(&format!("UPDATE wallets SET balance = '9.0001' WHERE id = x'{wallet}'"))
        .await;
    server.kill().await;
    let closed = Sink::ClosedPipe.open().0;
    let ended = status_of(place.folder.path(), &["verify"], closed, Stdio::null()).await;
    assert_eq!(ended, Some(1));
    place.remove().await;
}
