//! The end of an answer that is a stream, and that a fault breaks off.

use std::io;

/// Ends a stream, and logs why: the edge has ended the request in its log when the head of the answer was ready.
pub fn broken_off(what: &str, error: impl Into<anyhow::Error>) -> io::Error {
    let error = error.into();
    tracing::error!(what, cause = format!("{error:#}"), "an answer was broken off");
    io::Error::other(error)
}
