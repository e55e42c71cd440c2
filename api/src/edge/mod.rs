//! The HTTP edge: what applies to every request, whatever its route: ids, headers, limits, cross-origin rules, one
//! shape of failure, one line in the access log. It must not depend on what the bank does.

mod access_log;
mod activity;
mod body_limit;
mod connection;
mod cors;
mod errors;
mod framing;
mod headers;
mod hops;
mod limits;
mod peers;
mod raw_answer;
mod routes;
mod server;
mod socket;
mod strictness;
mod throttle;
mod wrap;

pub use self::{
    access_log::{CallerNote, TARGET as ACCESS_TARGET},
    body_limit::{BodyLimit, TimeoutScope},
    headers::RequestIdHeader,
    limits::ConnectionLimits,
    routes::Routes,
    server::serve,
    throttle::{Asker, RequestLimit, RequestsLeft, address_of},
    wrap::{EdgeConfig, wrap},
};
