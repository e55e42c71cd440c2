//! One line a request in the log, even for a request whose client went away before the answer.
//! Never holds header values, bodies or query strings: they may be secrets.

use std::time::Instant;

use poem::{
    Request, Response,
    http::{Method, Uri},
    web::RemoteAddr,
};
use tracing::Level;

use super::headers::RequestId;

/// The target of these lines, for the log filter.
pub const TARGET: &str = "florin::access";

/// The status written for a request that was dropped before its answer (nobody is sent it).
const ABORTED: u16 = 499;

/// The line that a request owes the log; it is written once, at the end or when the request is dropped.
pub struct AccessLog(Option<Line>);

struct Line {
    method: Method,
    uri: Uri,
    peer: RemoteAddr,
    id: RequestId,
    started: Instant,
}

impl AccessLog {
    /// Notes what the line needs; costs a look at the level when the log does not want it.
    pub fn begin(request: &Request, id: &RequestId, started: Instant) -> Self {
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return Self(None);
        }
        Self(Some(Line {
            method: request.method().clone(),
            uri: request.original_uri().clone(),
            peer: request.remote_addr().clone(),
            id: id.clone(),
            started,
        }))
    }

    /// Writes the line of an answered request.
    pub fn end(mut self, response: &Response) {
        if let Some(line) = self.0.take() {
            line.write(response.status().as_u16());
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.write(ABORTED);
        }
    }
}

impl Line {
    fn write(&self, status: u16) {
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let peer = self.peer.as_socket_addr().map(tracing::field::display);
        tracing::info!(
            target: TARGET,
            method = self.method.as_str(),
            path = self.uri.path(),
            status,
            duration_us,
            request_id = self.id.as_str(),
            peer,
            "{}",
            if status == ABORTED { "aborted" } else { "answered" },
        );
    }
}
