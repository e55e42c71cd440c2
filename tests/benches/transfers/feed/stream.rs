//! A reader of the stream of server-sent events that counts them, and can time them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use chrono::DateTime;
use hdrhistogram::Histogram;
use serde_json::Value;
use service::clock::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::readers::{EventCount, ReaderThread};
use crate::common::client::{connect, header, new_histogram};
use crate::timed::get;

const BUFFER_BYTES: usize = 65_536;

/// Reads the stream from its opening on.
pub struct CountedStream {
    pub events: EventCount,
    delays: Arc<Mutex<Histogram<u64>>>,
    /// Ends when it is dropped.
    _thread: ReaderThread,
}

impl CountedStream {
    /// Opens a stream whose events are counted.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self> {
        Self::start(address, token, false).await
    }

    /// Opens a stream whose events are also timed, for which each is parsed.
    pub async fn open_timed(address: SocketAddr, token: &str) -> Result<Self> {
        Self::start(address, token, true).await
    }

    async fn start(address: SocketAddr, token: &str, is_timed: bool) -> Result<Self> {
        let thread = ReaderThread::start()?;
        let stream = thread.run(request(address, get("/v1/events/stream", token))).await?;
        let events = EventCount::default();
        let delays = Arc::new(Mutex::new(new_histogram()?));
        let sink = EventSink {
            events: events.clone(),
            delays: is_timed.then(|| delays.clone()),
        };
        thread.begin(follow(stream, sink));
        Ok(Self {
            events,
            delays,
            _thread: thread,
        })
    }

    /// The microseconds from each event's time to its arrival.
    pub fn delays(&self) -> Histogram<u64> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Sends the request and reads the head of the answer.
async fn request(address: SocketAddr, request: String) -> Result<BufReader<TcpStream>> {
    let mut stream = connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        ensure!(stream.read_line(&mut head).await? > 0, "no answer: {head}");
    }
    ensure!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let is_chunked = header(&head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    ensure!(is_chunked, "a stream comes in chunks: {head}");
    Ok(stream)
}

/// Reads chunk after chunk. A chunk need not end where a line does.
async fn follow(mut stream: BufReader<TcpStream>, sink: EventSink) -> Result<()> {
    let (mut size, mut text) = (String::new(), Vec::<u8>::new());
    loop {
        size.clear();
        stream.read_line(&mut size).await?;
        let bytes = usize::from_str_radix(size.trim_end(), 16).context("a chunk has a size")?;
        ensure!(bytes > 0, "the server has ended the stream");
        let begin = text.len();
        // A line end follows each chunk.
        text.resize(begin + bytes + 2, 0);
        stream.read_exact(&mut text[begin..]).await?;
        text.truncate(begin + bytes);
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in text[..complete].split(|byte| *byte == b'\n') {
            sink.take(line)?;
        }
        text.drain(..complete);
    }
}

/// Where the lines of a stream go.
struct EventSink {
    events: EventCount,
    delays: Option<Arc<Mutex<Histogram<u64>>>>,
}

impl EventSink {
    /// Counts the line of an event that has its data: each has one.
    fn take(&self, line: &[u8]) -> Result<()> {
        let Some(data) = line.strip_prefix(b"data:") else {
            return Ok(());
        };
        if let Some(delays) = &self.delays {
            let delay_us = age_us(data)?;
            let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner);
            delays.saturating_record(delay_us);
        }
        self.events.add_one();
        Ok(())
    }
}

/// How old an event is, by the clock that also gave it its time: server and reader are on one machine.
fn age_us(data: &[u8]) -> Result<u64> {
    let now = SystemClock.now();
    let event: Value = serde_json::from_slice(data)?;
    let at = DateTime::parse_from_rfc3339(event["at"].as_str().context("an event has a time")?)?;
    let age_us = now.signed_duration_since(at).num_microseconds().unwrap_or_default();
    Ok(u64::try_from(age_us).unwrap_or_default().max(1))
}
