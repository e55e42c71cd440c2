//! HTTP written by hand on a socket, for what a client library would not send or would hide.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing on a loopback socket takes this long; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and the bytes that were read beyond the last answer.
pub struct Connection {
    pub stream: TcpStream,
    ahead: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no complete answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// The connection ended before the first byte of an answer.
    Unanswered,
    /// It ended inside an answer, which must never happen.
    Cut,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the server takes connections")
    }

    /// Connects, unless no server listens.
    pub async fn try_open(address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address))
            .await
            .map_err(|_| ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            ahead: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the server reads what it is sent");
    }

    /// Sends bytes, unless the server has closed the connection.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref()))
            .await
            .map_err(|_| ErrorKind::TimedOut)?
    }

    /// The next answer.
    pub async fn answer(&mut self) -> RawAnswer {
        self.try_answer().await.expect("every request is answered")
    }

    /// The next answer, if it is complete.
    pub async fn try_answer(&mut self) -> Result<RawAnswer, Broken> {
        let (status, headers) = self.head().await?;
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().expect("a content length is a number"));
        let framed = !headers.iter().any(|(name, _)| name == "transfer-encoding");
        assert!(framed, "the bank's answers have a length");
        while self.ahead.len() < length {
            self.read_more().await.map_err(|_| Broken::Cut)?;
        }
        let body = self.ahead.drain(..length).collect();
        Ok(RawAnswer { status, headers, body })
    }

    /// The status and headers of the next answer; the body is not read.
    pub async fn head(&mut self) -> Result<(u16, Vec<(String, String)>), Broken> {
        let end = loop {
            if let Some(end) = self.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            let broken = if self.ahead.is_empty() {
                Broken::Unanswered
            } else {
                Broken::Cut
            };
            self.read_more().await.map_err(|_| broken)?;
        };
        let head: Vec<u8> = self.ahead.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head is text");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 "))
            .and_then(|rest| rest.get(..3));
        let status = status
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_else(|| panic!("no status line: {head}"));
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        Ok((status, headers.collect()))
    }

    /// Waits until the server closes the connection; returns what it sent before.
    pub async fn until_closed(&mut self) -> Vec<u8> {
        while self.read_more().await.is_ok() {}
        std::mem::take(&mut self.ahead)
    }

    /// True if nothing comes within this time, not even the connection's end.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        self.ahead.is_empty() && timeout(time, self.read_more()).await.is_err()
    }

    async fn read_more(&mut self) -> io::Result<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await;
        match read.expect("the server answers or hangs up")? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl RawAnswer {
    /// A header's text; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Fails unless this is a problem document with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let document = self.json();
        assert_eq!(
            (document["status"].as_u64(), document["code"].as_str()),
            (Some(status.into()), Some(code))
        );
        assert!(!self.header("x-request-id").is_empty());
        assert_eq!(document["request_id"].as_str(), Some(self.header("x-request-id")));
    }
}

/// A request's bytes; `headers` are whole lines without their ends.
pub fn request(start: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{start} HTTP/1.1\r\nhost: bank\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        ));
    }
    format!("{text}\r\n{body}")
}
