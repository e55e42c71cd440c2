//! A TCP proxy in front of a database or a Redis. It counts round trips and can stop passing bytes at a chosen one,
//! which is the moment to kill the program behind it. It can also lead to another port, and hold single requests.

mod held;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::held::{Decision, Hold, Late};
pub use self::held::{HeldRequest, Holding, LateAnswer, LateRequest, SentRequest};

/// Where the proxy goes silent. Round trips are counted from 1, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    Never,
    /// The request of this round trip does not arrive.
    BeforeRequest(u64),
    /// The request of this round trip arrives, its answer does not.
    BeforeAnswer(u64),
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    silent: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    /// The port to which new connections lead.
    port: AtomicU16,
    /// New connections are closed at once.
    is_shut: AtomicBool,
    silence: Mutex<Silence>,
    round_trips: AtomicU64,
    /// Round trips by the first byte of their request.
    by_kind: Mutex<BTreeMap<u8, u64>>,
    silent: watch::Sender<bool>,
    /// The next answer is lost, and its connection is closed.
    cuts: AtomicBool,
    /// The answer to the next request that contains these words is lost, and its connection is closed.
    cuts_answer_to: Mutex<Option<&'static str>>,
    /// The next request that contains its words is held.
    hold: Mutex<Option<Hold>>,
}

/// State that both directions of one connection share.
#[derive(Default)]
struct Marks {
    /// A request is under way.
    asked: AtomicBool,
    /// Its answer must be lost.
    cut: AtomicBool,
}

impl Proxy {
    /// Starts in front of a port on the loopback interface.
    pub async fn start(port: u16, silence: Silence) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (sender, silent) = watch::channel(false);
        let shared = Arc::new(Shared {
            port: AtomicU16::new(port),
            is_shut: AtomicBool::new(false),
            silence: Mutex::new(silence),
            round_trips: AtomicU64::new(0),
            by_kind: Mutex::default(),
            silent: sender,
            cuts: AtomicBool::new(false),
            cuts_answer_to: Mutex::default(),
            hold: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            silent,
            task,
        }
    }

    /// Lets new connections lead to another port, where another server takes the place of the first.
    pub fn lead_to(&self, port: u16) {
        self.shared.port.store(port, Ordering::SeqCst);
    }

    /// Closes every new connection at once, as if no server were there.
    pub fn shut(&self) {
        self.shared.is_shut.store(true, Ordering::SeqCst);
    }

    /// Serves new connections again.
    pub fn open(&self) {
        self.shared.is_shut.store(false, Ordering::SeqCst);
    }

    /// Stops passing bytes in both directions, and keeps every connection open.
    pub fn go_silent(&self) {
        self.shared.silent.send_replace(true);
    }

    /// Goes silent at a later round trip; its number counts from now on.
    pub fn go_silent_in(&self, silence: Silence) {
        let now = self.round_trips();
        *self.shared.silence() = match silence {
            Silence::Never => Silence::Never,
            Silence::BeforeRequest(trip) => Silence::BeforeRequest(now + trip),
            Silence::BeforeAnswer(trip) => Silence::BeforeAnswer(now + trip),
        };
    }

    /// Ends the silence. Connections that lost bytes are closed; the others and new ones are served.
    pub fn speak_again(&self) {
        *self.shared.silence() = Silence::Never;
        self.shared.silent.send_replace(false);
    }

    /// Holds the next request that contains these words, until the test decides what happens to it.
    pub fn hold(&self, words: impl AsRef<[u8]>) -> Holding {
        let (hold, holding) = Hold::of(words.as_ref());
        *self.shared.hold() = Some(hold);
        holding
    }

    /// Loses the next answer and closes its connection; new connections are served.
    pub fn cut_next_answer(&self) {
        self.shared.cuts.store(true, Ordering::SeqCst);
    }

    /// Loses the answer to the next request that contains these words, and closes its connection.
    pub fn cut_answer_to(&self, words: &'static str) {
        *self.shared.cuts_answer_to() = Some(words);
    }

    /// The number of round trips so far.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// The number of round trips whose request begins with this byte: each type of PostgreSQL message has its own
    /// letter.
    #[must_use]
    pub fn round_trips_of(&self, kind: u8) -> u64 {
        let by_kind = self.shared.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        by_kind.get(&kind).copied().unwrap_or_default()
    }

    /// Returns once it is silent.
    pub async fn has_gone_silent(&mut self) {
        // This cannot fail: the sender lives as long as the proxy.
        let _ = self.silent.wait_for(|silent| *silent).await;
    }

    /// True while it is silent.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self.silent.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections are tasks of this set: they end with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if !shared.is_shut.load(Ordering::SeqCst) {
                    connections.spawn(connect(client, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection to its end.
async fn connect(client: TcpStream, shared: Arc<Shared>) {
    let port = shared.port.load(Ordering::SeqCst);
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    for stream in [&client, &server] {
        // Without this, TCP delays small messages to join them (Nagle's algorithm), which slows the tests down.
        let _ = stream.set_nodelay(true);
    }
    let ((from_client, to_client), (mut from_server, to_server)) = (client.into_split(), server.into_split());
    let marks = Marks::default();
    let late = tokio::select! {
        late = requests(from_client, to_server, &shared, &marks) => late,
        () = answers(&mut from_server, to_client, &shared, &marks) => None,
    };
    // At this point the client's side is closed.
    if let Some(late) = late {
        late.arrive(from_server).await;
    }
}

impl Shared {
    fn count(&self, kind: u8) {
        let mut by_kind = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        *by_kind.entry(kind).or_default() += 1;
    }

    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cuts_answer_to(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.cuts_answer_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self) -> MutexGuard<'_, Option<Hold>> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once, for the first request that contains the chosen words.
    fn is_to_be_cut(&self, request: &[u8]) -> bool {
        self.cuts_answer_to()
            .take_if(|words| contains(request, words.as_bytes()))
            .is_some()
    }

    fn hold_of(&self, request: &[u8]) -> Option<Hold> {
        self.hold().take_if(|hold| contains(request, &hold.words))
    }

    /// Returns false at once while the proxy passes bytes. While it is silent, waits for the end of the silence and
    /// returns true: the bytes are lost, and the caller must close the connection.
    async fn loses(&self) -> bool {
        let mut silent = self.silent.subscribe();
        if !*silent.borrow_and_update() {
            return false;
        }
        // This cannot fail: the sender belongs to `self`.
        let _ = silent.wait_for(|silent| !silent).await;
        true
    }
}

fn contains(request: &[u8], words: &[u8]) -> bool {
    request.windows(words.len()).any(|part| part == words)
}

/// Passes on the client's bytes. The first bytes after an answer begin a round trip. Returns the request that must
/// arrive without its client, if there is one.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, marks: &Marks) -> Option<Late> {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if !marks.asked.swap(true, Ordering::SeqCst) {
            shared.count(buffer[0]);
            let round_trip = shared.round_trips.fetch_add(1, Ordering::SeqCst) + 1;
            if matches!(*shared.silence(), Silence::BeforeRequest(last) if round_trip >= last) {
                shared.silent.send_replace(true);
            }
        }
        let request = &buffer[..bytes];
        if shared.is_to_be_cut(request) {
            marks.cut.store(true, Ordering::SeqCst);
        }
        if let Some(hold) = shared.hold_of(request) {
            match hold.decided().await {
                Some(Decision::Cut(parting)) => return Some(parting.with(request, to)),
                Some(Decision::SendAhead(cut)) => {
                    to.write_all(request).await.ok()?;
                    match cut.await {
                        Ok(parting) => return Some(parting.with(&[], to)),
                        Err(_) => continue,
                    }
                }
                None => {}
            }
        }
        if shared.loses().await || to.write_all(request).await.is_err() {
            return None;
        }
    }
    None
}

async fn answers(from: &mut OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, marks: &Marks) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if matches!(*shared.silence(), Silence::BeforeAnswer(last) if shared.round_trips.load(Ordering::SeqCst) >= last)
        {
            shared.silent.send_replace(true);
        }
        if marks.cut.load(Ordering::SeqCst) || shared.cuts.swap(false, Ordering::SeqCst) {
            return;
        }
        if shared.loses().await {
            return;
        }
        marks.asked.store(false, Ordering::SeqCst);
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}
