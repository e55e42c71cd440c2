//! The receiver's connections: each request is noted and answered as the test has said, and those in hand are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::request::{self, ReceivedHook};
use super::{HUGE_BYTES, HookReply};

pub(super) type HookRule = Arc<dyn Fn(&ReceivedHook) -> HookReply + Send + Sync>;

/// What the receiver's connections share.
pub(super) struct ReceiverState {
    log: Mutex<ReceiverLog>,
    pub changed: Notify,
}

/// What came, and what is done with it.
pub(super) struct ReceiverLog {
    pub rule: HookRule,
    pub hooks: Vec<ReceivedHook>,
    /// False: it only counts, for a test with more requests than fit into memory.
    keeps: bool,
    pub delivered: BTreeMap<String, usize>,
    /// Path and `webhook-id` of each request that is not answered yet.
    in_hand: Vec<(String, String)>,
    pub most_at_once: BTreeMap<String, usize>,
    pub most_of_one_id: usize,
    pub connections: usize,
    pub sent_bytes: usize,
    pub let_go: usize,
}

impl ReceiverLog {
    fn new(keeps: bool) -> Self {
        Self {
            rule: Arc::new(|_| HookReply::Status(200)),
            hooks: Vec::new(),
            keeps,
            delivered: BTreeMap::new(),
            in_hand: Vec::new(),
            most_at_once: BTreeMap::new(),
            most_of_one_id: 0,
            connections: 0,
            sent_bytes: 0,
            let_go: 0,
        }
    }

    /// Notes a request; gives its place among those that are kept.
    fn begin(&mut self, hook: &mut ReceivedHook) -> usize {
        let is_same = |other: &&ReceivedHook| other.path == hook.path && other.id() == hook.id();
        hook.attempt = if self.keeps {
            self.hooks.iter().filter(is_same).count() + 1
        } else {
            1
        };
        self.in_hand.push((hook.path.clone(), hook.id().to_owned()));
        let at_once = self.in_hand.iter().filter(|(path, _)| *path == hook.path).count();
        let most = self.most_at_once.entry(hook.path.clone()).or_default();
        *most = at_once.max(*most);
        let of_one = self.in_hand.iter();
        let of_one = of_one
            .filter(|(path, id)| *path == hook.path && id == hook.id())
            .count();
        self.most_of_one_id = of_one.max(self.most_of_one_id);
        if self.keeps {
            self.hooks.push(hook.clone());
        }
        self.hooks.len().saturating_sub(1)
    }

    fn end(&mut self, hook: &ReceivedHook, place: usize, status: Option<u16>) {
        let in_hand = self.in_hand.iter();
        let mut in_hand = in_hand
            .enumerate()
            .filter(|(_, (path, id))| *path == hook.path && id == hook.id());
        let found = in_hand.next().map(|(number, _)| number);
        self.in_hand.remove(found.expect("a request that began is in hand"));
        if request::is_success(status) {
            *self.delivered.entry(hook.path.clone()).or_default() += 1;
        }
        if let Some(kept) = self.hooks.get_mut(place) {
            kept.status = status;
        }
    }
}

impl ReceiverState {
    pub(super) fn new(keeps: bool) -> Self {
        Self {
            log: Mutex::new(ReceiverLog::new(keeps)),
            changed: Notify::new(),
        }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, ReceiverLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ReceiverLog) -> T) -> T {
        let changed = change(&mut self.log());
        self.changed.notify_waiters();
        changed
    }

    /// Answers the requests of one connection.
    pub(super) async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(mut hook) = request::read(&mut stream).await? {
            let (place, let_go) = self.change(|log| (log.begin(&mut hook), log.let_go));
            let rule = self.log().rule.clone();
            let reply = rule(&hook);
            let status = self.decide(&reply, &mut stream, let_go).await;
            // Noted before the answer is sent: the sender may send its next request as soon as it has the answer.
            self.change(|log| log.end(&hook, place, status));
            let Some(status) = status else { return Ok(()) };
            match reply {
                HookReply::Huge => return self.send_huge(&mut stream).await,
                HookReply::Babbles => return stream.get_mut().write_all(b"hello\r\n\r\n").await,
                HookReply::Redirects(to) => answer(&mut stream, status, &format!("location: {to}\r\n"), "").await?,
                HookReply::Says(_, text) => answer(&mut stream, status, "", &text).await?,
                HookReply::Status(_)
                | HookReply::Later(..)
                | HookReply::Held
                | HookReply::Hangs
                | HookReply::HangsUp => answer(&mut stream, status, "", "").await?,
            }
        }
        Ok(())
    }

    /// Waits as the reply says, and gives the status to answer; `None` when no answer is sent.
    async fn decide(&self, reply: &HookReply, stream: &mut BufReader<TcpStream>, let_go: usize) -> Option<u16> {
        match reply {
            HookReply::Status(status) | HookReply::Says(status, _) => Some(*status),
            HookReply::Redirects(_) => Some(302),
            HookReply::Huge => Some(200),
            // A status that is no success, for what is not even an answer.
            HookReply::Babbles => Some(0),
            HookReply::HangsUp => None,
            HookReply::Later(time, status) => tokio::select! {
                () = sleep(*time) => Some(*status),
                () = has_gone(stream) => None,
            },
            HookReply::Hangs => {
                has_gone(stream).await;
                None
            }
            HookReply::Held => tokio::select! {
                () = self.is_let_go(let_go) => Some(200),
                () = has_gone(stream) => None,
            },
        }
    }

    async fn is_let_go(&self, before: usize) {
        loop {
            let changed = self.changed.notified();
            if self.log().let_go > before {
                return;
            }
            changed.await;
        }
    }

    async fn send_huge(&self, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE_BYTES}\r\n\r\n");
        stream.get_mut().write_all(head.as_bytes()).await?;
        let part = [b'x'; 4096];
        for _ in 0..HUGE_BYTES / part.len() {
            stream.get_mut().write_all(&part).await?;
            self.log().sent_bytes += part.len();
        }
        Ok(())
    }
}

/// Returns once the sender has closed the connection.
async fn has_gone(stream: &mut BufReader<TcpStream>) {
    let mut byte = [0];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

async fn answer(stream: &mut BufReader<TcpStream>, status: u16, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}");
    stream.get_mut().write_all(text.as_bytes()).await
}
