//! A multipart body in pieces. The parser gets the head of a part bit by bit, and at most as many bytes as a head may
//! have: by itself it would keep every byte until the end of a head comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};

/// The most bytes before a part's content: its boundary and its headers.
pub const PART_HEAD_MAX_BYTES: usize = 8 * 1024;

const PIECE_BYTES: usize = 1024;
const UNBOUNDED: usize = usize::MAX;

/// The bytes that the body may still pass on before a part's content; its reader sets them.
#[derive(Clone)]
pub struct Bound(Arc<AtomicUsize>);

impl Bound {
    /// Limits the bytes to `PART_HEAD_MAX_BYTES` until a part's content begins.
    pub fn begin_head(&self) {
        self.0.store(PART_HEAD_MAX_BYTES, Relaxed);
    }

    /// Lifts the limit: a part's content has begun.
    pub fn begin_content(&self) {
        self.0.store(UNBOUNDED, Relaxed);
    }

    /// True when a head used up its bytes.
    pub fn is_exceeded(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// The body, which passes on no more than `Bound` allows.
pub struct BoundedParts {
    inner: BoxBody<Bytes, io::Error>,
    bound: Bound,
    rest: Bytes,
    /// Set after each piece, to return `Pending` once: the parser reads until it has to wait, and parses only then.
    is_pausing: bool,
}

impl BoundedParts {
    /// A body that begins with the head of its first part, and the bound for its reader.
    pub fn new(inner: BoxBody<Bytes, io::Error>) -> (Self, Bound) {
        let bound = Bound(Arc::new(AtomicUsize::new(PART_HEAD_MAX_BYTES)));
        let body = Self {
            inner,
            bound: bound.clone(),
            rest: Bytes::new(),
            is_pausing: false,
        };
        (body, bound)
    }

    /// The next piece of the bytes that have arrived.
    fn piece(&mut self) -> Result<Frame<Bytes>, io::Error> {
        self.is_pausing = true;
        let left = self.bound.0.load(Relaxed);
        let bytes = match left {
            0 => return Err(io::Error::other("the head of a part is too long")),
            UNBOUNDED => self.rest.len(),
            left => self.rest.len().min(PIECE_BYTES).min(left),
        };
        if left != UNBOUNDED {
            self.bound.0.store(left - bytes, Relaxed);
        }
        Ok(Frame::data(self.rest.split_to(bytes)))
    }
}

impl Body for BoundedParts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if std::mem::take(&mut self.is_pausing) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(self.piece()))
    }
}
