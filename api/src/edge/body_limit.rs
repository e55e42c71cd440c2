//! The limit of request bodies in bytes and in time, counted while they are read, chunked ones too.
//! Encoded bodies are refused, since their decoded size is not known before they are decoded.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{LengthLimitError, Limited, combinators::BoxBody};
use hyper::body::{Body, Frame, SizeHint};
use poem::{
    IntoResponse, Request, Response,
    http::{HeaderValue, header},
};
use tokio::time::Sleep;

use crate::problem::{Code, Problem};

/// How much a request body may hold, and how long it may take to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit {
    /// Bytes, after the decoding of chunks.
    pub max_bytes: u64,
    /// How long the server waits for the client.
    pub timeout: Duration,
    /// Whether the time-out covers the whole body or each wait.
    pub timeout_scope: TimeoutScope,
}

/// What the time-out of a body is measured over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeoutScope {
    /// From the first wait for the client to the last byte.
    #[default]
    WholeBody,
    /// From each wait for the client to the next bytes: a large body may take any time as long as bytes arrive.
    EachWait,
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self {
            max_bytes: 1024 * 1024,
            timeout: Duration::from_secs(30),
            timeout_scope: TimeoutScope::default(),
        }
    }
}

/// A limited body, as far as it was read; the edge asks after the handler has finished.
pub struct BodyState {
    limit: BodyLimit,
    /// The length that the client declared; `None` for a chunked body.
    declared_bytes: Option<u64>,
    end: OnceLock<BodyEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyEnd {
    Complete,
    TooLarge,
    TooSlow,
}

/// The rest of a body of at most this size is left to hyper: it discards what has arrived, and closes the connection
/// only if more is missing.
const THROWN_AWAY_MAX_BYTES: u64 = 64 * 1024;

impl BodyState {
    /// True when much of the body may still come: the connection cannot be used again.
    pub fn is_under_way(&self) -> bool {
        self.declared_bytes.is_none_or(|bytes| bytes > THROWN_AWAY_MAX_BYTES)
            && self.end.get() != Some(&BodyEnd::Complete)
    }

    /// The problem that stopped the reading, if the body was too large or too slow.
    pub fn fault(&self) -> Option<Problem> {
        match self.end.get()? {
            BodyEnd::Complete => None,
            BodyEnd::TooLarge => Some(too_large(self.limit)),
            BodyEnd::TooSlow => Some(too_slow(self.limit)),
        }
    }
}

/// Refuses a body that is encoded, or too large by its declared length, and limits any other body while it is read.
/// `None` for a request without a body.
pub fn guard(request: &mut Request, limit: BodyLimit) -> Result<Option<Arc<BodyState>>, Problem> {
    let body: BoxBody<Bytes, io::Error> = request.take_body().into();
    if body.is_end_stream() {
        return Ok(None);
    }
    check_encoding(request)?;
    if body.size_hint().lower() > limit.max_bytes {
        return Err(too_large(limit));
    }
    let state = Arc::new(BodyState {
        limit,
        declared_bytes: body.size_hint().exact(),
        end: OnceLock::new(),
    });
    request.set_body(BoxBody::new(LimitedBody {
        inner: Limited::new(body, usize::try_from(limit.max_bytes).unwrap_or(usize::MAX)),
        timer: None,
        state: Arc::clone(&state),
    }));
    Ok(Some(state))
}

fn check_encoding(request: &Request) -> Result<(), Problem> {
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        "request bodies are taken without content encoding only",
    ))
}

fn too_large(limit: BodyLimit) -> Problem {
    let detail = format!("the body may hold at most {} bytes", limit.max_bytes);
    Problem::new(Code::BodyTooLarge, detail).with("max_bytes", limit.max_bytes)
}

fn too_slow(limit: BodyLimit) -> Problem {
    let seconds = limit.timeout.as_secs();
    let detail = match limit.timeout_scope {
        TimeoutScope::WholeBody => format!("the body did not arrive within {seconds} seconds"),
        TimeoutScope::EachWait => format!("nothing of the body arrived for {seconds} seconds"),
    };
    Problem::new(Code::RequestTimeout, detail)
}

/// The answer to a request whose body is not read to its end: it closes the connection.
pub fn closing(problem: Problem) -> Response {
    let mut response = problem.into_response();
    close_after(&mut response);
    response
}

/// Adds `Connection: close` to an answer.
pub fn close_after(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// A body that is limited while it is read. tower-http's `TimeoutBody` limits each wait only, not the whole body.
struct LimitedBody {
    inner: Limited<BoxBody<Bytes, io::Error>>,
    /// Started at the first wait: a body that came with its head costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    state: Arc<BodyState>,
}

impl LimitedBody {
    fn end(&self, end: BodyEnd) {
        // A body ends once; polled again, it keeps its first end.
        let _ = self.state.end.set(end);
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timeout = self.state.limit.timeout;
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)))
            .as_mut()
            .poll(context)
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.state.limit.timeout_scope == TimeoutScope::EachWait {
                    self.timer = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                if error.is::<LengthLimitError>() {
                    self.end(BodyEnd::TooLarge);
                }
                Poll::Ready(Some(Err(io::Error::other(error))))
            }
            Poll::Ready(None) => {
                self.end(BodyEnd::Complete);
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_timer(context));
                self.end(BodyEnd::TooSlow);
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
