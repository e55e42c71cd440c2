//! Answers to requests whose head could not be read, so that they never reached the application: written as bytes,
//! with the headers and the problem document that every other failure has.

use std::fmt::Write;

use bytes::Bytes;
use memchr::memmem;

use super::headers::{FIXED, RequestIdHeader};
use crate::problem::{self, Code, Problem};

/// True for an answer that hyper made: a bare 4xx without the request id that every other answer has.
pub fn is_hypers_own(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.")
        && bytes.get(8..10) == Some(b" 4")
        && bytes.ends_with(b"\r\n\r\n")
        && memmem::find(bytes, b"x-request-id").is_none()
}

/// The whole message to send instead of hyper's answer. A head that is too large because of its target is answered with
/// 414.
pub fn instead_of(bare: &[u8], target_is_long: bool) -> Bytes {
    let (code, detail) = match bare.get(9..12) {
        Some(b"431") if !target_is_long => (
            Code::HeadersTooLarge,
            "the head of the request is larger than the server takes",
        ),
        Some(b"414" | b"431") => (
            Code::UriTooLong,
            "the target of the request is longer than the server takes",
        ),
        _ => (Code::InvalidRequest, "the head of the request is not HTTP/1.1"),
    };
    of(code, detail)
}

/// The whole message for a request whose head could not be read.
pub fn of(code: Code, detail: &'static str) -> Bytes {
    let problem = Problem::new(code, detail);
    let id = RequestIdHeader::fresh();
    let body = problem.document(id.as_str());
    let mut message = format!("HTTP/1.1 {}\r\n", code.status());
    // Writing to a String cannot fail.
    let _ = write!(
        message,
        "content-type: {}\r\ncontent-length: {}\r\n",
        problem::CONTENT_TYPE,
        body.len()
    );
    for (name, value) in &FIXED {
        let _ = write!(message, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let _ = write!(message, "x-request-id: {}\r\nx-process-time: 0.0000\r\n", id.as_str());
    message.push_str("connection: close\r\n\r\n");
    [message.as_bytes(), &body].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_client_errors_are_hypers_own() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        assert!(is_hypers_own(bare));
        let ours = instead_of(bare, false);
        assert!(ours.starts_with(b"HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        assert!(!is_hypers_own(&ours));
        assert!(instead_of(bare, true).starts_with(b"HTTP/1.1 414 URI Too Long\r\n"));
        assert!(!is_hypers_own(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!is_hypers_own(b"HTTP/1.1 404 Not Found\r\nx-request-id: a\r\n\r\n"));
    }
}
