//! A mail server for one test: it speaks SMTP without TLS, and keeps what it takes. It can put mails off, refuse them,
//! or hang up on every caller.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use service::config::MailConfig;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than a mail takes on a busy machine, with a few attempts that fail.
const PATIENCE: Duration = Duration::from_secs(30);

/// The address that mails of tests come from.
pub const MAIL_FROM: &str = "Florin <no-reply@bank.example>";

/// What the server does with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpMood {
    /// It takes it.
    Takes,
    /// It takes none now, and says so.
    PutsOff,
    /// It will never take it, and repeats the address, as many servers do.
    Refuses,
    /// It closes every connection at once.
    HangsUp,
}

/// A mail as the server took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The address of the envelope's sender.
    pub from: String,
    /// The addresses that it goes to.
    pub to: Vec<String>,
    /// Its head and its text.
    pub text: String,
}

/// A mail server. It ends when it is dropped.
pub struct SmtpServer {
    address: SocketAddr,
    post: Arc<PostOffice>,
    listening: JoinHandle<()>,
}

struct PostOffice {
    state: Mutex<PostState>,
    changed: Notify,
}

struct PostState {
    mood: SmtpMood,
    mails: Vec<ReceivedMail>,
    calls: usize,
}

impl SmtpServer {
    /// Starts a server that takes mails.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let post = Arc::new(PostOffice {
            state: Mutex::new(PostState {
                mood: SmtpMood::Takes,
                mails: Vec::new(),
                calls: 0,
            }),
            changed: Notify::new(),
        });
        let serving = post.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let post = serving.clone();
                // A client that goes away ends its own conversation only.
                tokio::spawn(async move { post.talk(stream).await.unwrap_or_default() });
            }
        });
        Self {
            address,
            post,
            listening,
        }
    }

    /// What a bank has to know to send its mails here.
    #[must_use]
    pub fn config(&self) -> MailConfig {
        MailConfig {
            smtp_url: SecretString::from(self.url()),
            from: MAIL_FROM.to_owned(),
        }
    }

    /// The value of `FLORIN_SMTP_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From now on the server does this.
    pub fn set(&self, mood: SmtpMood) {
        self.post.state().mood = mood;
    }

    /// All mails that came and were not taken out by `next_to`.
    #[must_use]
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.post.state().mails.clone()
    }

    /// Waits for a mail to this address, and takes the oldest one out.
    pub async fn next_to(&self, address: &str) -> ReceivedMail {
        let is_for = |mail: &ReceivedMail| mail.to.iter().any(|to| to == address);
        let found = self.wait(|state| {
            let place = state.mails.iter().position(is_for)?;
            Some(state.mails.remove(place))
        });
        match timeout(PATIENCE, found).await {
            Ok(mail) => mail,
            Err(_) => panic!("no mail to {address} comes: {:?}", self.mails()),
        }
    }

    /// Waits until so many connections were made, whatever became of them.
    pub async fn called(&self, calls: usize) {
        let called = self.wait(|state| (state.calls >= calls).then_some(()));
        let called = timeout(PATIENCE, called).await;
        called.unwrap_or_else(|_| panic!("it was called {} times", self.post.state().calls));
    }

    async fn wait<T>(&self, mut find: impl FnMut(&mut PostState) -> Option<T>) -> T {
        loop {
            let changed = self.post.changed.notified();
            if let Some(found) = find(&mut self.post.state()) {
                return found;
            }
            changed.await;
        }
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl ReceivedMail {
    /// The one-time token in its text.
    #[track_caller]
    #[must_use]
    pub fn token(&self) -> String {
        let lines = self.text.lines().map(str::trim);
        let mut tokens = lines.filter(|line| line.starts_with("florin_ot_"));
        let token = tokens.next().unwrap_or_else(|| panic!("no token: {}", self.text));
        token.to_owned()
    }
}

impl PostOffice {
    fn state(&self) -> MutexGuard<'_, PostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut PostState)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mood = self.state().mood;
        self.change(|state| state.calls += 1);
        if mood == SmtpMood::HangsUp {
            return Ok(());
        }
        let mut stream = BufReader::new(stream);
        say(&mut stream, "220 test").await?;
        let mut mail = empty();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if let Some(from) = line.strip_prefix("MAIL FROM:") {
                mail = empty();
                mail.from = address_in(from);
                say(&mut stream, "250 ok").await?;
            } else if let Some(to) = line.strip_prefix("RCPT TO:") {
                let to = address_in(to);
                match mood {
                    SmtpMood::PutsOff => say(&mut stream, "451 not now").await?,
                    SmtpMood::Refuses => say(&mut stream, &format!("550 <{to}> is unknown here")).await?,
                    SmtpMood::Takes | SmtpMood::HangsUp => {
                        mail.to.push(to);
                        say(&mut stream, "250 ok").await?;
                    }
                }
            } else if line == "DATA" {
                say(&mut stream, "354 go on").await?;
                mail.text = data(&mut stream).await?;
                let taken = std::mem::replace(&mut mail, empty());
                self.change(|state| state.mails.push(taken));
                say(&mut stream, "250 taken").await?;
            } else if line == "QUIT" {
                return say(&mut stream, "221 bye").await;
            } else if line.starts_with("EHLO") {
                say(&mut stream, "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8").await?;
            } else {
                say(&mut stream, "502 not here").await?;
            }
        }
    }
}

fn empty() -> ReceivedMail {
    ReceivedMail {
        from: String::new(),
        to: Vec::new(),
        text: String::new(),
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await
}

/// Reads a mail up to the line with a single dot, and takes away the dots that were put before lines that begin with
/// one.
async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// The address between the angle brackets.
fn address_in(text: &str) -> String {
    let inside = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(text, |(address, _)| address).to_owned()
}
