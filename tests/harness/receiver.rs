//! A receiver of webhooks for one test: a server of HTTP/1.1 on the loopback interface that keeps what it gets. A test says
//! how it answers each request, and waits for what shall come. The paths of its URLs tell endpoints apart.

mod connections;
mod request;
mod signature;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::connections::ReceiverState;
pub use self::request::ReceivedHook;
pub use self::signature::{hmac_signature, is_signed_by};

/// Longer than deliveries take on a busy machine, and than another replica waits for the lease of a killed one.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The size of an answer that no sender reads to its end.
const HUGE_BYTES: usize = 64 * 1024 * 1024;

/// What the receiver does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookReply {
    /// It answers this status at once.
    Status(u16),
    /// It answers this status after a time.
    Later(Duration, u16),
    /// It answers 200 as soon as the test calls `let_go`.
    Held,
    /// It never answers, and keeps the connection open.
    Hangs,
    /// It answers 302 with this address.
    Redirects(String),
    /// It answers this status with a text.
    Says(u16, String),
    /// It answers 200 with a body of 64 MiB.
    Huge,
    /// It answers something that is not HTTP.
    Babbles,
    /// It closes the connection without an answer.
    HangsUp,
}

/// A receiver of webhooks. It ends when it is dropped.
pub struct HookReceiver {
    address: SocketAddr,
    state: Arc<ReceiverState>,
    listening: JoinHandle<()>,
}

impl HookReceiver {
    /// Starts a receiver that answers 200 to everything.
    pub async fn start() -> Self {
        Self::start_with(true).await
    }

    /// Starts a receiver that keeps no requests, and counts what it has taken.
    pub async fn counting() -> Self {
        Self::start_with(false).await
    }

    async fn start_with(keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(ReceiverState::new(keeps));
        let serving = state.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.change(|log| log.connections += 1);
                let state = serving.clone();
                // A sender that goes away ends its own connection only.
                tokio::spawn(async move { state.serve(stream).await.unwrap_or_default() });
            }
        });
        Self {
            address,
            state,
            listening,
        }
    }

    /// The address of an endpoint here; `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port, for a URL with another host.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it does this with every request.
    pub fn set(&self, reply: HookReply) {
        self.reply_with(move |_| reply.clone());
    }

    /// From now on this says what it does with a request.
    pub fn reply_with(&self, rule: impl Fn(&ReceivedHook) -> HookReply + Send + Sync + 'static) {
        self.state.log().rule = Arc::new(rule);
    }

    /// Answers every request that is held now.
    pub fn let_go(&self) {
        self.state.change(|log| log.let_go += 1);
    }

    /// Every request to a path, in the order in which they came.
    #[must_use]
    pub fn hooks(&self, path: &str) -> Vec<ReceivedHook> {
        let log = self.state.log();
        let hooks = log.hooks.iter().filter(|hook| hook.path == path);
        hooks.cloned().collect()
    }

    /// The requests to a path that were answered with success, in the order in which they came.
    #[must_use]
    pub fn delivered(&self, path: &str) -> Vec<ReceivedHook> {
        let mut hooks = self.hooks(path);
        hooks.retain(ReceivedHook::is_taken);
        hooks
    }

    /// Waits until so many requests came to a path, answered or not, and gives them all.
    pub async fn until(&self, path: &str, count: usize) -> Vec<ReceivedHook> {
        self.until_that(path, &format!("{count} requests"), |hooks| hooks.len() >= count)
            .await
    }

    /// Waits until so many requests to a path were answered with success, and gives these.
    pub async fn until_delivered(&self, path: &str, count: usize) -> Vec<ReceivedHook> {
        let taken = |hooks: &[ReceivedHook]| hooks.iter().filter(|hook| hook.is_taken()).count() >= count;
        let mut hooks = self.until_that(path, &format!("{count} deliveries"), taken).await;
        hooks.retain(ReceivedHook::is_taken);
        hooks
    }

    /// Waits until what came to a path is as wanted, and gives it.
    pub async fn until_that(
        &self,
        path: &str,
        words: &str,
        is_so: impl Fn(&[ReceivedHook]) -> bool,
    ) -> Vec<ReceivedHook> {
        let wanted = self.wait(|| Some(self.hooks(path)).filter(|hooks| is_so(hooks)));
        match timeout(PATIENCE, wanted).await {
            Ok(hooks) => hooks,
            Err(_) => panic!("{words} to {path} do not come: {:#?}", self.hooks(path)),
        }
    }

    /// Waits until so many requests to a path were answered with success, within a time; for a receiver that only counts too.
    pub async fn until_counted(&self, path: &str, count: usize, within: Duration) {
        let counted = self.wait(|| (self.counted(path) >= count).then_some(()));
        let counted = timeout(within, counted).await;
        counted.unwrap_or_else(|_| panic!("{path} has taken {} of {count}", self.counted(path)));
    }

    /// How many requests to a path were answered with success.
    #[must_use]
    pub fn counted(&self, path: &str) -> usize {
        self.state.log().delivered.get(path).copied().unwrap_or_default()
    }

    /// The most requests to one path that were in hand at one time.
    #[must_use]
    pub fn most_at_once(&self, path: &str) -> usize {
        self.state.log().most_at_once.get(path).copied().unwrap_or_default()
    }

    /// The most requests to one path with one `webhook-id` that were in hand at one time.
    #[must_use]
    pub fn most_of_one_id(&self) -> usize {
        self.state.log().most_of_one_id
    }

    /// How many connections were made, with requests or without.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.log().connections
    }

    /// How many bytes of huge answers were sent before the sender closed the connection.
    #[must_use]
    pub fn sent_bytes(&self) -> usize {
        self.state.log().sent_bytes
    }

    async fn wait<T>(&self, mut find: impl FnMut() -> Option<T>) -> T {
        loop {
            let changed = self.state.changed.notified();
            if let Some(found) = find() {
                return found;
            }
            changed.await;
        }
    }
}

impl Drop for HookReceiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
