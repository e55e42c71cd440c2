//! A multipart body in pieces: the parser is given the head of a part bit by bit, and no more of it than a head may hold.
//! By itself it would keep every byte until a head's end comes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};

/// The most that may stand before a part's content: its boundary and its headers.
pub const PART_HEAD_MAX_BYTES: usize = 8 * 1024;

const PIECE_BYTES: usize = 1024;
const UNBOUNDED: usize = usize::MAX;

/// Tells the body whether a head is awaited.
#[derive(Clone)]
pub struct Bound(Arc<AtomicUsize>);

impl Bound {
    /// From now on at most this much is given until a part's content begins.
    pub fn begin_head(&self) {
        self.0.store(PART_HEAD_MAX_BYTES, Relaxed);
    }

    /// A part's content has begun.
    pub fn begin_content(&self) {
        self.0.store(UNBOUNDED, Relaxed);
    }

    /// True when a head was longer than it may be.
    pub fn is_exceeded(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// The body under its bound.
pub struct BoundedParts {
    inner: BoxBody<Bytes, io::Error>,
    bound: Bound,
    rest: Bytes,
    /// The parser reads until it has to wait, and looks at what it has only then.
    is_pausing: bool,
}

impl BoundedParts {
    /// A body whose first part's head is awaited.
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

    /// The next piece of what is there.
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
