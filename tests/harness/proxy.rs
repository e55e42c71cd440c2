//! A TCP proxy in front of a database or a Redis that counts round trips, and at a chosen one lets nothing more through:
//! the moment to kill whoever is behind it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where the proxy goes silent. Round trips are counted from 1, over all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    Never,
    /// The request of this round trip does not arrive.
    BeforeRequest(u64),
    /// It arrives, and its answer does not.
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
    silence: Silence,
    round_trips: AtomicU64,
    /// Round trips by the first byte of their request.
    by_kind: Mutex<BTreeMap<u8, u64>>,
    silent: watch::Sender<bool>,
    /// The next answer is lost, and its connection with it.
    cuts: AtomicBool,
    /// The next request with these words in it loses its answer, and its connection with it.
    cuts_answer_to: Mutex<Option<&'static str>>,
}

/// What both directions of one connection know.
#[derive(Default)]
struct Marks {
    /// A request is under way.
    asked: AtomicBool,
    /// Its answer is to be lost.
    cut: AtomicBool,
}

impl Proxy {
    /// Starts in front of a port on the loopback interface.
    pub async fn start(port: u16, silence: Silence) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (sender, silent) = watch::channel(false);
        let shared = Arc::new(Shared {
            silence,
            round_trips: AtomicU64::new(0),
            by_kind: Mutex::default(),
            silent: sender,
            cuts: AtomicBool::new(false),
            cuts_answer_to: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, port, shared.clone()));
        Self {
            address,
            shared,
            silent,
            task,
        }
    }

    /// Lets nothing more through, and keeps every connection open.
    pub fn go_silent(&self) {
        self.shared.silent.send_replace(true);
    }

    /// Loses the next answer and closes its connection; new connections are served.
    pub fn cut_next_answer(&self) {
        self.shared.cuts.store(true, Ordering::SeqCst);
    }

    /// Loses the answer to the next request that contains these words, and closes its connection.
    pub fn cut_answer_to(&self, words: &'static str) {
        *self.shared.cuts_answer_to() = Some(words);
    }

    /// Round trips so far.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Round trips whose request begins with this byte: PostgreSQL's messages have a letter each.
    #[must_use]
    pub fn round_trips_of(&self, kind: u8) -> u64 {
        let by_kind = self.shared.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        by_kind.get(&kind).copied().unwrap_or_default()
    }

    /// Returns once it is silent.
    pub async fn has_gone_silent(&mut self) {
        // The sender is as old as the proxy itself.
        let _ = self.silent.wait_for(|silent| *silent).await;
    }

    /// True once it is silent.
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

async fn accept(listener: TcpListener, port: u16, shared: Arc<Shared>) {
    // Connections are tasks of this set: they end with the proxy.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let shared = shared.clone();
                connections.spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    for stream in [&client, &server] {
                        // Small messages would else wait for each other and cost a test its time.
                        let _ = stream.set_nodelay(true);
                    }
                    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                    let marks = Marks::default();
                    tokio::select! {
                        () = requests(from_client, to_server, &shared, &marks) => {}
                        () = answers(from_server, to_client, &shared, &marks) => {}
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Shared {
    fn count(&self, kind: u8) {
        let mut by_kind = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        *by_kind.entry(kind).or_default() += 1;
    }

    fn cuts_answer_to(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.cuts_answer_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once for a request with the chosen words in it.
    fn is_to_be_cut(&self, request: &[u8]) -> bool {
        let chosen = |words: &&'static str| request.windows(words.len()).any(|part| part == words.as_bytes());
        self.cuts_answer_to().take_if(|words| chosen(words)).is_some()
    }
}

/// Passes on what the client says; the first words after an answer begin a round trip.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, marks: &Marks) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if !marks.asked.swap(true, Ordering::SeqCst) {
            shared.count(buffer[0]);
            let round_trip = shared.round_trips.fetch_add(1, Ordering::SeqCst) + 1;
            if matches!(shared.silence, Silence::BeforeRequest(last) if round_trip >= last) {
                shared.silent.send_replace(true);
            }
        }
        if shared.is_to_be_cut(&buffer[..bytes]) {
            marks.cut.store(true, Ordering::SeqCst);
        }
        until_not_silent(shared).await;
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, marks: &Marks) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if let Silence::BeforeAnswer(last) = shared.silence
            && shared.round_trips.load(Ordering::SeqCst) >= last
        {
            shared.silent.send_replace(true);
        }
        if marks.cut.load(Ordering::SeqCst) || shared.cuts.swap(false, Ordering::SeqCst) {
            return;
        }
        until_not_silent(shared).await;
        marks.asked.store(false, Ordering::SeqCst);
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

/// Once silent, for ever.
async fn until_not_silent(shared: &Shared) {
    if *shared.silent.borrow() {
        std::future::pending::<()>().await;
    }
}
