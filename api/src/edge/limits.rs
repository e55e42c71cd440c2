//! What bounds the connections of the server, and the targets of its requests.

use std::time::Duration;

use ipnet::IpNet;

/// The longest request target.
pub const URI_MAX_BYTES: usize = 8 * 1024;

/// Connections over the limit, for paths that are always open. Each answers one request.
pub const SPARE_CONNECTIONS: usize = 64;

/// The time for the head on such a connection. Together with the time for the answer, a client can hold it for about
/// two seconds.
const SPARE_HEADER_TIMEOUT: Duration = Duration::from_secs(1);
const SPARE_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// What bounds the server's connections; a body has its own limits in `EdgeConfig`.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections at one time. On 64 more only paths that are always open are answered; the rest wait in the kernel's
    /// queue.
    pub connections_max: usize,
    /// The most of them that one address may hold, in percent.
    pub peer_share_percent: u8,
    /// Proxies whose forwarded client address is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// From the first byte of a request's head to its last; also from connect to the first byte.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub keep_alive_timeout: Duration,
    /// How long a client may take no byte of an answer.
    pub write_timeout: Duration,
    /// Bytes of a request's head, its target included.
    pub header_max_bytes: usize,
    /// How long requests under way may go on after the signal to stop.
    pub shutdown_grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            peer_share_percent: 50,
            trusted_proxies: Vec::new(),
            header_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            header_max_bytes: 32 * 1024,
            shutdown_grace: Duration::from_secs(25),
        }
    }
}

impl ConnectionLimits {
    /// The limits of a connection over the limit.
    pub(super) fn of_spare(&self) -> Self {
        Self {
            header_timeout: self.header_timeout.min(SPARE_HEADER_TIMEOUT),
            write_timeout: self.write_timeout.min(SPARE_WRITE_TIMEOUT),
            ..self.clone()
        }
    }
}
