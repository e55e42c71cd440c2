//! The connection's socket: observes what is read and written, and replaces the bare answer that hyper gives to a head
//! it cannot read by a problem document.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{activity::ConnectionActivity, framing::Framing, limits::URI_MAX_BYTES, raw_answer};

/// A TCP stream whose reads and writes are observed.
pub struct Socket {
    stream: TcpStream,
    activity: Arc<ConnectionActivity>,
    framing: Framing,
    /// What is left to be sent instead of hyper's own answer.
    instead: Bytes,
}

impl Socket {
    pub fn new(stream: TcpStream, activity: Arc<ConnectionActivity>) -> Self {
        Self {
            stream,
            activity,
            framing: Framing::default(),
            instead: Bytes::new(),
        }
    }

    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends the document instead of hyper's answer `bare`, and reports to hyper that `bare` was written.
    fn poll_write_instead(&mut self, bare: &[u8], context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.instead.is_empty() {
            let is_long = self.framing.start_line_bytes() > URI_MAX_BYTES;
            self.instead = raw_answer::instead_of(bare, is_long);
            self.activity.note_leftovers();
        }
        while self.instead.has_remaining() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.instead);
            self.activity.note_write(written.is_pending());
            self.instead.advance(ready!(written)?);
        }
        Poll::Ready(Ok(bare.len()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = &buffer.filled()[before..];
        self.framing.take(bytes);
        self.activity.note_framing(&self.framing);
        self.activity.note_read(bytes.len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = slices.first()
            && raw_answer::is_hypers_own(first)
        {
            return self.poll_write_instead(first, context);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.note_write(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
