//! Accepts connections from a listener and serves them until the shutdown. Unlike poem's own server it does not
//! busy-loop when descriptors run out, limits the number of connections, and sends small answers at once (TCP_NODELAY).

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use ipnet::IpNet;
use poem::{Endpoint, Response};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::connection::{self, Peer, Seat};
use super::peers::Peers;

/// What bounds the server's connections; a body has its own limits in `EdgeConfig`.
#[derive(Debug, Clone)]
pub struct Limits {
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

impl Default for Limits {
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

/// Connections over the limit, for paths that are always open. Each answers one request, whose head has a shorter
/// time-out.
const SPARE_CONNECTIONS: usize = 64;
const SPARE_HEADER_TIMEOUT: Duration = Duration::from_secs(1);
/// Together with the time for the head, a client can hold a spare connection for about two seconds.
const SPARE_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(50);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long connections are still accepted after the signal to stop: the kernel's queue is empty before that.
const LAST_CALL: Duration = Duration::from_millis(20);

/// Serves `endpoint` on `listener` until `shutdown` is ready, then finishes the requests under way within the grace
/// time and returns. Dropping this future ends every connection at once.
pub async fn serve<E, F>(listener: TcpListener, endpoint: E, limits: Limits, shutdown: F) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
    F: Future<Output = ()>,
{
    let local = listener.local_addr()?;
    let endpoint = Arc::new(endpoint);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let peers = Peers::new(&limits);
    let serve_one = |(stream, remote): (TcpStream, SocketAddr)| {
        let peer = Peer { local, remote };
        let place = peers.connect(remote.ip());
        let is_spare = place.is_none();
        let spare = is_spare.then(|| peers.connect_spare(remote.ip())).flatten();
        let mut limits = limits.clone();
        if is_spare {
            limits.header_timeout = limits.header_timeout.min(SPARE_HEADER_TIMEOUT);
            limits.write_timeout = limits.write_timeout.min(SPARE_WRITE_TIMEOUT);
        }
        let seat = Seat {
            peer,
            peers: Arc::clone(&peers),
            place,
        };
        let (endpoint, stopped) = (Arc::clone(&endpoint), stopped.clone());
        async move {
            // Over both limits the connection is closed without an answer, which costs nothing.
            if !is_spare || spare.is_some() {
                connection::serve(stream, seat, endpoint, limits, stopped).await;
            }
        }
    };
    let open_max = limits.connections_max + SPARE_CONNECTIONS;
    let mut shutdown = pin!(shutdown);
    {
        let mut accepted = pin!(accept(&listener));
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => report(ended),
                one = &mut accepted, if connections.len() < open_max => {
                    accepted.set(accept(&listener));
                    connections.spawn(serve_one(one));
                }
            }
        }
    }

    // Connections that the kernel has accepted already are served, since a reset would leave their clients in doubt.
    // Later ones are refused.
    let last_call = Instant::now() + LAST_CALL;
    while connections.len() < open_max
        && let Ok(one) = timeout_at(last_call, accept(&listener)).await
    {
        connections.spawn(serve_one(one));
    }
    drop(listener);

    drop(stop);
    drain(connections, limits.shutdown_grace).await;
    Ok(())
}

/// Waits for the open connections, which have received the signal, and ends those that outlive the grace time.
async fn drain(mut connections: JoinSet<()>, grace: Duration) {
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if timeout(grace, all_ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "requests outlived the grace time and were dropped"
        );
        connections.shutdown().await;
    }
}

/// The next connection. Pauses after a failure to accept: otherwise a lasting error would use a whole core.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(error = %error, "no connection can be accepted");
                sleep(pause).await;
                pause = ACCEPT_PAUSE_MAX.min(pause * 2);
            }
        }
    }
}

/// True when only this connection failed, before it was accepted: the next one may succeed.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Logs a panic of a connection's task. The edge catches the panics of handlers, so this one is a bug in `edge`.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(error = %error, "a connection's task panicked");
    }
}
