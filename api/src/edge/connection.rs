//! One connection: HTTP/1.1 by hyper, under our own clock, closed in a way that lets the client read its last answer.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
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
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    activity::{ActivityClock, ConnectionActivity, Phase},
    body_limit,
    peers::{ForwardedClient, OverShare, PeerPlace, Peers},
    raw_answer,
    server::Limits,
    socket::Socket,
    strictness::AmbiguousLength,
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

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The server's address.
    pub local: SocketAddr,
    /// The address of the client, or of the proxy in front of it.
    pub remote: SocketAddr,
}

/// The two ends of a connection, and its place among the others.
pub struct Seat {
    pub peer: Peer,
    pub peers: Arc<Peers>,
    /// `None` for a spare connection, over the limit: it answers one request, and only on paths that are always open.
    pub place: Option<PeerPlace>,
}

/// Serves one connection to its end. When the channel `stop` closes, the request under way is finished and no other
/// is taken.
pub async fn serve<E>(stream: TcpStream, seat: Seat, endpoint: Arc<E>, limits: Limits, mut stop: watch::Receiver<()>)
where
    E: Endpoint<Output = Response> + 'static,
{
    // Fails only on a closed socket, which the first read reports.
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(ConnectionActivity::default());
    let service = service_fn(|request| answer(request, &seat, Arc::clone(&endpoint), Arc::clone(&activity)));
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&activity)));
    let mut builder = http1::Builder::new();
    // hyper's own time-out would count an idle connection as a slow one, and sets up a timer for each request.
    builder
        .header_read_timeout(None)
        .max_header_size(limits.header_max_bytes);
    let mut connection = builder.serve_connection(socket, service);

    let mut clock = ActivityClock::new(limits);
    let is_stopping = stop.clone();
    let mut stop = pin!(stop.changed());
    let (mut is_listening, mut is_told) = (false, false);
    let too_slow = std::future::poll_fn(|context| {
        if !is_listening {
            is_listening = true;
            // Registers the task's waker with the channel, so that later polls read an atomic instead of taking its
            // lock.
            let _ = stop.as_mut().poll(context);
        }
        if !is_told && is_stopping.has_changed().is_err() {
            is_told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        // Its errors come from the client: broken heads, resets. They are answered already, or the client is gone.
        if Pin::new(&mut connection).poll(context).is_ready() {
            return Poll::Ready(None);
        }
        clock.poll(&activity, context).map(Some)
    })
    .await;

    let stream = connection.into_parts().io.into_inner().into_stream();
    let stopping = async {
        let mut stopping = is_stopping;
        // An error says that the channel is closed, which is the signal.
        let _ = stopping.changed().await;
        sleep(LINGER_PAUSE).await;
    };
    let linger = if seat.place.is_some() { LINGER } else { SPARE_LINGER };
    tokio::select! {
        () = close(stream, &activity, too_slow, linger) => {}
        () = stopping => {}
    }
}

async fn answer<E>(
    mut request: Request<Incoming>,
    seat: &Seat,
    endpoint: Arc<E>,
    activity: Arc<ConnectionActivity>,
) -> Result<hyper::Response<Tracked>, Infallible>
where
    E: Endpoint<Output = Response>,
{
    if !activity.begin(!request.body().is_end_stream()) {
        request.extensions_mut().insert(AmbiguousLength);
    }
    let Seat { peer, peers, place } = seat;
    let mut is_over = place.is_none();
    let forwarded = match peers.forwarded(peer.remote.ip(), request.headers()) {
        Some(client) => {
            request.extensions_mut().insert(ForwardedClient(client));
            let place = peers.forward(client);
            is_over |= place.is_none();
            place
        }
        None => None,
    };
    if is_over {
        request.extensions_mut().insert(OverShare);
    }
    let local = LocalAddr(Addr::SocketAddr(peer.local));
    let remote = RemoteAddr(Addr::SocketAddr(peer.remote));
    let mut response = endpoint
        .get_response((request, local, remote, Scheme::HTTP).into())
        .await;
    if place.is_none() {
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
async fn close(mut stream: TcpStream, activity: &ConnectionActivity, too_slow: Option<Phase>, linger: Duration) {
    if activity.is_gone() {
        return;
    }
    let farewell = async {
        if too_slow == Some(Phase::RequestHead) && activity.has_head_bytes() {
            stream.write_all(&raw_answer::of(Code::RequestTimeout)).await?;
        }
        if too_slow != Some(Phase::Writing) && activity.may_have_leftovers() {
            stream.shutdown().await?;
            let mut sink = [0; 16 * 1024];
            let mut taken = 0;
            while taken < LINGER_MAX_BYTES {
                match timeout(LINGER_PAUSE, stream.read(&mut sink)).await?? {
                    0 => break,
                    bytes => taken += bytes,
                }
            }
        }
        io::Result::Ok(())
    };
    // However it ends, the connection is over.
    let _ = timeout(linger, farewell).await;
}
