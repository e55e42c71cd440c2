//! A request to the receiver, read from its connection.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::DateTime;
use serde_json::Value;
use service::values::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct ReceivedHook {
    /// Where it was sent to.
    pub path: String,
    /// Names are in lower case.
    pub headers: BTreeMap<String, String>,
    /// The exact text.
    pub body: String,
    /// When it was read to its end.
    pub at: Instant,
    /// Which request to this path with this `webhook-id` it is, from 1.
    pub attempt: usize,
    /// What it was answered with; `None` while it waits, and when no answer was sent.
    pub status: Option<u16>,
}

impl ReceivedHook {
    /// A header; empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The header `webhook-id`: the event's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The time in the header `webhook-timestamp`.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        let seconds = self.header("webhook-timestamp").parse().expect("the time is a number");
        DateTime::from_timestamp(seconds, 0).expect("it is a time")
    }

    /// The event in the body.
    #[must_use]
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// True if it was answered with success.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        is_success(self.status)
    }
}

/// True for the status of an answer that takes a webhook.
pub(super) fn is_success(status: Option<u16>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}

/// The next request of a connection; `None` when it is closed.
pub(super) async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<ReceivedHook>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    Ok(Some(ReceivedHook {
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        at: Instant::now(),
        attempt: 0,
        status: None,
    }))
}
