//! A closed-loop HTTP/1.1 client: each connection sends a request, waits for its answer, and sends the next one.
//!
//! An unexpected answer ends the measurement, so that the figures count only requests that succeeded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Latencies of one measurement's requests, in microseconds.
pub struct Latencies {
    pub histogram: Histogram<u64>,
    pub elapsed: Duration,
}

/// Writes one connection's requests, one after the other.
pub trait Requests: Send + 'static {
    /// Writes the next request into an empty buffer.
    fn write(&mut self, request: &mut Vec<u8>) -> Result<()>;

    /// Takes the answer to the last request, head and body, for a request that needs it.
    fn answered(&mut self, _answer: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&mut Vec<u8>) -> Result<()> + Send + 'static> Requests for F {
    fn write(&mut self, request: &mut Vec<u8>) -> Result<()> {
        self(request)
    }
}

const LATENCY_MAX_US: u64 = 60_000_000;
/// The status of answers without a body, which have no length either.
const NO_CONTENT: u16 = 204;

pub fn new_histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?)
}

/// Sends requests until the time is up, over one connection for each writer.
pub async fn run<R: Requests>(
    address: SocketAddr,
    time: Duration,
    status: u16,
    writers: impl IntoIterator<Item = R>,
) -> Result<Latencies> {
    let mut streams = Vec::new();
    for writer in writers {
        streams.push((connect(address).await?, writer));
    }
    let started = Instant::now();
    let deadline = started + time;
    let recorded = Arc::new(Mutex::new(new_histogram()?));
    let mut connections = JoinSet::new();
    for (stream, writer) in streams {
        connections.spawn(drive(stream, writer, status, deadline, recorded.clone()));
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let elapsed = started.elapsed();
    let histogram = recorded.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Latencies { histogram, elapsed })
}

/// A connection that sends small requests at once.
pub async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .context("the server takes connections")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One histogram for all connections. One per connection would take 200 KB each, and the client shares the CPU's caches
/// with the server that it measures.
type Recorded = Arc<Mutex<Histogram<u64>>>;

async fn drive(
    mut stream: TcpStream,
    mut requests: impl Requests,
    expected: u16,
    deadline: Instant,
    recorded: Recorded,
) -> Result<()> {
    let (mut request, mut answer) = (Vec::with_capacity(1_024), Vec::with_capacity(2_048));
    while Instant::now() < deadline {
        request.clear();
        requests.write(&mut request)?;
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let status = read_answer(&mut stream, &mut answer).await?;
        ensure!(
            status == expected,
            "status {status}: {}",
            String::from_utf8_lossy(&answer)
        );
        let latency_us = u64::try_from(sent.elapsed().as_micros())?.max(1);
        recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(latency_us)?;
        requests.answered(&answer)?;
    }
    Ok(())
}

/// Reads one answer into `answer`; returns its status.
pub async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the server closed the connection");
        let Some(head_end) = find(answer, b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..head_end])?;
        let status: u16 = head.get(9..12).context("a status line")?.parse()?;
        let length = if status == NO_CONTENT { 0 } else { content_length(head)? };
        if answer.len() >= head_end + length {
            return Ok(status);
        }
    }
}

/// The length of a message's body.
pub fn content_length(head: &str) -> Result<usize> {
    let length = header(head, "content-length");
    Ok(length
        .with_context(|| format!("a message without a content-length: {head}"))?
        .parse()?)
}

/// The value of a header; upper and lower case are the same in its name.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = headers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// Where a part begins.
pub fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
