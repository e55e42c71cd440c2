//! One connection: HTTP/1.1 by hyper, under our own clock, closed in a way that lets the client read its last answer.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use poem::{
    Addr, Endpoint, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    activity::{ActivityClock, ConnectionActivity, Phase},
    body_limit,
    limits::ConnectionLimits,
    peers::{ForwardedClient, OverShare, PeerPlace, Peers},
    raw_answer,
    socket::Socket,
    strictness::UncertainEnd,
};
use crate::problem::Code;

/// How long the server reads on after its last byte from a client that still sends. Closing at once would reset the
/// connection, and the client would lose an answer that it has not read yet: many clients read only once they have sent
/// everything.
const LINGER: Duration = Duration::from_secs(30);

/// The same for a spare connection. It must be free again soon, so that a refused client does not keep a health check
/// out.
const SPARE_LINGER: Duration = Duration::from_millis(200);

/// How long such a client may send nothing.
const LINGER_PAUSE: Duration = Duration::from_secs(2);

/// How many bytes are read and discarded while lingering.
const LINGER_MAX_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// The two ends of a connection, and its place among the others.
pub struct ConnectionContext {
    /// The server's address.
    pub local: SocketAddr,
    /// The address of the client, or of the proxy in front of it.
    pub remote: SocketAddr,
    /// All connections, by address.
    pub peers: Arc<Peers>,
    /// Held as long as the connection.
    pub place: PeerPlace,
}

/// Serves one connection to its end. Once `stop` is cancelled, the request under way is finished and no other is taken.
pub async fn serve<E>(
    stream: TcpStream,
    context: ConnectionContext,
    endpoint: Arc<E>,
    limits: ConnectionLimits,
    stop: CancellationToken,
) where
    E: Endpoint<Output = Response> + 'static,
{
    // Fails only on a closed socket, which the first read reports.
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(ConnectionActivity::default());
    let service = service_fn(|request| answer(request, &context, Arc::clone(&endpoint), Arc::clone(&activity)));
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&activity)));
    let mut builder = http1::Builder::new();
    // hyper's own time-out counts an idle connection as a slow one, and ends a slow one without an answer.
    builder
        .header_read_timeout(None)
        .max_header_size(limits.header_max_bytes);
    let mut connection = builder.serve_connection(socket, service);

    // hyper-util's GracefulShutdown keeps the connection, and its socket is needed for the last answer.
    let mut clock = ActivityClock::new(limits);
    let mut is_stopping = false;
    let too_slow = loop {
        tokio::select! {
            // In this order: the clock looks at what the connection has just done.
            biased;
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            // Its errors come from the client: broken heads, resets. They are answered already, or the client is gone.
            _ = &mut connection => break None,
            phase = poll_fn(|task| clock.poll(&activity, task)) => break Some(phase),
        }
    };

    let stream = connection.into_parts().io.into_inner().into_stream();
    let linger = if context.place.is_spare() { SPARE_LINGER } else { LINGER };
    let stopping = async {
        stop.cancelled().await;
        sleep(LINGER_PAUSE).await;
    };
    // However it ends, the connection is over.
    tokio::select! {
        _ = timeout(linger, last_answer(stream, &activity, too_slow)) => {}
        () = stopping => {}
    }
}

async fn answer<E>(
    mut request: Request<Incoming>,
    context: &ConnectionContext,
    endpoint: Arc<E>,
    activity: Arc<ConnectionActivity>,
) -> Result<hyper::Response<Tracked>, Infallible>
where
    E: Endpoint<Output = Response>,
{
    if !activity.begin(!request.body().is_end_stream()) {
        request.extensions_mut().insert(UncertainEnd);
    }
    let is_spare = context.place.is_spare();
    let client = context.peers.forwarded(context.remote.ip(), request.headers());
    let forwarded = client.and_then(|client| context.peers.forward(client));
    if is_spare || client.is_some() && forwarded.is_none() {
        request.extensions_mut().insert(OverShare);
    }
    if let Some(client) = client {
        request.extensions_mut().insert(ForwardedClient(client));
    }
    let local = LocalAddr(Addr::SocketAddr(context.local));
    let remote = RemoteAddr(Addr::SocketAddr(context.remote));
    let mut response = endpoint
        .get_response((request, local, remote, Scheme::HTTP).into())
        .await;
    if is_spare {
        body_limit::close_after(&mut response);
    }
    let response: hyper::Response<BoxBody<Bytes, io::Error>> = response.into();
    Ok(response.map(|inner| Tracked {
        inner,
        activity,
        _forwarded: forwarded,
    }))
}

/// A response body that notes when hyper drops it.
struct Tracked {
    inner: BoxBody<Bytes, io::Error>,
    activity: Arc<ConnectionActivity>,
    /// Held until the answer ends, so that a forwarded stream counts as long as it lasts.
    _forwarded: Option<PeerPlace>,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.activity.end();
    }
}

/// Answers 408 to a client that was too slow with its head, and reads on from a client that may still be sending.
async fn last_answer(mut stream: TcpStream, activity: &ConnectionActivity, too_slow: Option<Phase>) -> io::Result<()> {
    if too_slow == Some(Phase::RequestHead) && activity.has_head_bytes() {
        let detail = "the head of the request did not arrive in time";
        stream.write_all(&raw_answer::of(Code::RequestTimeout, detail)).await?;
    }
    if too_slow == Some(Phase::Writing) || !activity.may_have_leftovers() {
        return Ok(());
    }
    stream.shutdown().await?;
    // Not an array: it would be a part of every connection's task.
    let mut sink = vec![0; 16 * 1024];
    let mut taken = 0;
    while taken < LINGER_MAX_BYTES {
        match timeout(LINGER_PAUSE, stream.read(&mut sink)).await?? {
            0 => break,
            bytes => taken += bytes,
        }
    }
    Ok(())
}
