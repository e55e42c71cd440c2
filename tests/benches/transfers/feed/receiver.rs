//! A receiver of webhooks that answers 204 at once. The tests' receiver keeps what it gets; this one must cost little,
//! since it shares the machine with the server.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::readers::{EventCount, ReaderThread};
use crate::common::client::{content_length, find, header};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Counts different events: one that comes again is not counted.
pub struct CountingReceiver {
    pub address: SocketAddr,
    pub events: EventCount,
    /// Ends when it is dropped.
    _thread: ReaderThread,
}

impl CountingReceiver {
    pub async fn start() -> Result<Self> {
        let thread = ReaderThread::start()?;
        let listener = thread
            .run(async { Ok(TcpListener::bind("127.0.0.1:0").await?) })
            .await?;
        let address = listener.local_addr()?;
        let received = Arc::new(ReceivedIds::default());
        let events = received.events.clone();
        thread.begin(accept(listener, received));
        Ok(Self {
            address,
            events,
            _thread: thread,
        })
    }
}

/// What all connections have received.
#[derive(Default)]
struct ReceivedIds {
    /// Digests of the ids, since a million ids would take much memory.
    seen: Mutex<HashSet<u64>>,
    hasher: RandomState,
    events: EventCount,
}

impl ReceivedIds {
    fn add(&self, id: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert(self.hasher.hash_one(id)) {
            self.events.add_one();
        }
    }
}

async fn accept(listener: TcpListener, received: Arc<ReceivedIds>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let received = received.clone();
        tokio::spawn(async move {
            if let Err(fault) = answer(stream, &received).await {
                eprintln!("  a connection of the receiver has ended: {fault:#}");
            }
        });
    }
}

/// Answers one request after the other, until the server closes the connection.
async fn answer(mut stream: TcpStream, received: &ReceivedIds) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(4_096);
    while let Some(head_end) = read_head(&mut stream, &mut bytes).await? {
        let head = std::str::from_utf8(&bytes[..head_end])?;
        let end = head_end + content_length(head)?;
        let id = header(head, "webhook-id").context("a webhook has an id")?.to_owned();
        while bytes.len() < end {
            ensure!(stream.read_buf(&mut bytes).await? > 0, "half a request");
        }
        bytes.drain(..end);
        received.add(&id);
        stream.write_all(ANSWER).await?;
    }
    Ok(())
}

/// Reads until a head is complete, and gives its length; `None` at the end.
async fn read_head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Option<usize>> {
    loop {
        if let Some(at) = find(bytes, b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        // The server may end a connection that it does not need, also by a reset when it is killed.
        if stream.read_buf(bytes).await.unwrap_or_default() == 0 {
            return Ok(None);
        }
    }
}
