//! One line per request in the log, even when the client went away before the answer. It contains no bodies and no
//! query strings, since they may be secrets, and of the headers only the request id and the forwarded client address.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use poem::{
    Request, Response,
    http::{Method, Uri},
    web::RemoteAddr,
};
use tracing::Level;
use uuid::Uuid;

use super::{headers::RequestIdHeader, peers::ForwardedClient, routes::Routes};

/// The target of these lines, for the log filter.
pub const TARGET: &str = "florin::access";

/// The status logged for a request that was dropped before its answer. It is never sent.
const ABORTED: u16 = 499;

/// The caller's user id, set once the token is checked. The edge puts an empty note on each request that will be
/// logged.
#[derive(Clone, Default)]
pub struct CallerNote(Arc<OnceLock<Uuid>>);

impl CallerNote {
    /// Notes the user, if this request will be logged.
    pub fn write(request: &Request, user: Uuid) {
        if let Some(note) = request.extensions().get::<Self>() {
            // A request has one token, so the note is set only once.
            let _ = note.0.set(user);
        }
    }
}

/// The log line of a request. It is written once: when the request is answered, or when it is dropped.
pub struct AccessLog<'a>(Option<AccessLine<'a>>);

struct AccessLine<'a> {
    method: Method,
    uri: Uri,
    peer: RemoteAddr,
    /// Logged instead of the proxy's address.
    client: Option<ForwardedClient>,
    id: RequestIdHeader,
    started: Instant,
    user: CallerNote,
    routes: &'a Routes,
}

impl<'a> AccessLog<'a> {
    /// Collects what the line needs. When the log level excludes it, this costs one check of the level.
    pub fn begin(request: &mut Request, id: &RequestIdHeader, started: Instant, routes: &'a Routes) -> Self {
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return Self(None);
        }
        let user = CallerNote::default();
        request.extensions_mut().insert(user.clone());
        Self(Some(AccessLine {
            method: request.method().clone(),
            uri: request.original_uri().clone(),
            peer: request.remote_addr().clone(),
            client: request.extensions().get().copied(),
            id: id.clone(),
            started,
            user,
            routes,
        }))
    }

    /// Writes the line of an answered request.
    pub fn end(mut self, response: &Response) {
        if let Some(line) = self.0.take() {
            line.write(response.status().as_u16());
        }
    }
}

impl Drop for AccessLog<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.write(ABORTED);
        }
    }
}

impl AccessLine<'_> {
    fn write(&self, status: u16) {
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let peer = match self.client {
            Some(ForwardedClient(client)) => Some(client.to_string()),
            None => self.peer.as_socket_addr().map(ToString::to_string),
        };
        let path = self.uri.path();
        tracing::info!(
            target: TARGET,
            method = self.method.as_str(),
            path,
            // The same for all paths that differ only in ids, so that lines can be counted by it.
            route = self.routes.template(path),
            status,
            duration_us,
            user = self.user.0.get().map(tracing::field::display),
            request_id = self.id.as_str(),
            peer,
            "{}",
            if status == ABORTED { "aborted" } else { "answered" },
        );
    }
}
