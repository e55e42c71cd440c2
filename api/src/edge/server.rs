//! Accepts connections from a listener and serves them until the shutdown. Unlike poem's own server it does not
//! busy-loop when descriptors run out, limits the number of connections, and sends small answers at once (TCP_NODELAY).

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use poem::{Endpoint, Response};
use service::backoff::Backoff;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{self, ConnectionContext},
    limits::{ConnectionLimits, SPARE_CONNECTIONS},
    peers::Peers,
};

const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(50);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long connections are still accepted after the signal to stop: the kernel's queue is empty before that.
const LAST_CALL: Duration = Duration::from_millis(20);

/// Serves `endpoint` on `listener` until `shutdown` is ready, then finishes the requests under way within the grace
/// time and returns. Dropping this future ends every connection at once.
pub async fn serve<E, F>(listener: TcpListener, endpoint: E, limits: ConnectionLimits, shutdown: F) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
    F: Future<Output = ()>,
{
    let local = listener.local_addr()?;
    let endpoint = Arc::new(endpoint);
    let peers = Peers::new(&limits);
    let stop = CancellationToken::new();
    let mut connections = JoinSet::new();
    let open_max = limits.connections_max + SPARE_CONNECTIONS;
    // Connections that the kernel has accepted already are served, since a reset would leave their clients in doubt.
    // Later ones are refused.
    let mut last_call = pin!(async {
        shutdown.await;
        sleep(LAST_CALL).await;
    });
    {
        let mut accepted = pin!(accept(&listener));
        loop {
            tokio::select! {
                () = &mut last_call => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => report(ended),
                (stream, remote) = &mut accepted, if connections.len() < open_max => {
                    accepted.set(accept(&listener));
                    let place = peers.connect(remote.ip()).or_else(|| peers.connect_spare(remote.ip()));
                    // Over both limits the connection is closed without an answer, which costs nothing.
                    let Some(place) = place else { continue };
                    let limits = if place.is_spare() { limits.of_spare() } else { limits.clone() };
                    let context = ConnectionContext { local, remote, peers: Arc::clone(&peers), place };
                    // A token of its own: a shared one would be a lock that all connections take.
                    let stop = stop.child_token();
                    connections.spawn(connection::serve(stream, context, Arc::clone(&endpoint), limits, stop));
                }
            }
        }
    }
    drop(listener);
    stop.cancel();
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
    let mut backoff = Backoff::new(ACCEPT_PAUSE_MIN, ACCEPT_PAUSE_MAX);
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(error = %error, "no connection can be accepted");
                sleep(backoff.next_pause()).await;
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
