//! The limit of request bodies in bytes and in time, counted while they are read, chunked ones too.
//! Encoded bodies are refused, since their decoded size is not known before they are decoded.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
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
    pub patience: Patience,
}

/// What the time-out of a body is measured over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patience {
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
            patience: Patience::default(),
        }
    }
}

/// The limit of each path.
#[derive(Debug)]
pub struct BodyRules {
    usual: BodyLimit,
    by_prefix: Vec<(String, BodyLimit)>,
}

impl BodyRules {
    pub fn new(usual: BodyLimit, by_prefix: Vec<(String, BodyLimit)>) -> Self {
        Self { usual, by_prefix }
    }

    fn of(&self, path: &str) -> BodyLimit {
        self.by_prefix
            .iter()
            .find(|(prefix, _)| path.starts_with(prefix))
            .map_or(self.usual, |(_, limit)| *limit)
    }
}

/// The state of a guarded body, readable after the handler has finished; empty for a request without a body.
pub struct Guarded(Option<Watched>);

struct Watched {
    state: Arc<AtomicU8>,
    limit: BodyLimit,
    /// The length that the client declared; `None` for a chunked body.
    told_bytes: Option<u64>,
}

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const READ_TO_ITS_END: u8 = 3;

/// The rest of a body of at most this size is left to hyper: it discards what has arrived, and closes the connection
/// only if more is missing.
const THROWN_AWAY_MAX_BYTES: u64 = 64 * 1024;

impl Guarded {
    /// True when much of the body may still come: the connection cannot be used again.
    pub fn is_under_way(&self) -> bool {
        self.0.as_ref().is_some_and(|guarded| {
            guarded.told_bytes.is_none_or(|bytes| bytes > THROWN_AWAY_MAX_BYTES)
                && guarded.state.load(Ordering::Relaxed) != READ_TO_ITS_END
        })
    }

    /// The problem that stopped the reading, if the body was too large or too slow.
    pub fn fault(&self) -> Option<Problem> {
        let Watched { state, limit, .. } = self.0.as_ref()?;
        match state.load(Ordering::Relaxed) {
            TOO_LARGE => Some(too_large(*limit)),
            TOO_SLOW => Some(too_slow(*limit)),
            _ => None,
        }
    }
}

/// Refuses a body that is encoded, or too large by its declared length, and limits any other body while it is read.
pub fn guard(request: &mut Request, rules: &BodyRules) -> Result<Guarded, Problem> {
    let body: BoxBody<Bytes, io::Error> = request.take_body().into();
    if body.is_end_stream() {
        return Ok(Guarded(None));
    }
    check_encoding(request)?;
    let limit = rules.of(request.uri().path());
    if body.size_hint().lower() > limit.max_bytes {
        return Err(too_large(limit));
    }
    let told_bytes = body.size_hint().exact();
    let state = Arc::new(AtomicU8::new(0));
    let limited = Limited {
        inner: body,
        left: limit.max_bytes,
        timeout: limit.timeout,
        patience: limit.patience,
        timer: None,
        state: Arc::clone(&state),
    };
    request.set_body(BoxBody::new(limited));
    Ok(Guarded(Some(Watched {
        state,
        limit,
        told_bytes,
    })))
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
    let detail = match limit.patience {
        Patience::WholeBody => format!("the body did not arrive within {seconds} seconds"),
        Patience::EachWait => format!("nothing of the body arrived for {seconds} seconds"),
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

/// A body that is limited while it is read.
struct Limited {
    inner: BoxBody<Bytes, io::Error>,
    left: u64,
    timeout: Duration,
    patience: Patience,
    /// Started at the first wait: a body that came with its head costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    state: Arc<AtomicU8>,
}

impl Limited {
    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, io::Error> {
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                if self.patience == Patience::EachWait {
                    self.timer = None;
                }
                Ok(frame)
            }
            None => Err(self.break_off(TOO_LARGE)),
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timeout = self.timeout;
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)))
            .as_mut()
            .poll(context)
    }

    fn break_off(&self, fault: u8) -> io::Error {
        self.state.store(fault, Ordering::Relaxed);
        io::Error::other("the body is over its limit")
    }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.count(frame))),
            Poll::Ready(end) => {
                if end.is_none() {
                    self.state.store(READ_TO_ITS_END, Ordering::Relaxed);
                }
                Poll::Ready(end)
            }
            Poll::Pending if self.poll_timer(context).is_ready() => Poll::Ready(Some(Err(self.break_off(TOO_SLOW)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
