//! Holds a request on its way to the server. The request may then go on as usual. Or the proxy closes only the client's
//! side of the connection, and the request arrives later, when its client no longer waits for it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

/// What the proxy keeps about a request that it must hold.
pub(super) struct Hold {
    pub words: Vec<u8>,
    come: oneshot::Sender<HeldRequest>,
}

/// A request that has not reached the proxy yet.
pub struct Holding(oneshot::Receiver<HeldRequest>);

/// A request that waits in the proxy. If dropped, it goes on.
pub struct HeldRequest(oneshot::Sender<Decision>);

/// A request that has reached the server while its client still waits for the answer.
pub struct SentRequest(oneshot::Sender<Parting>);

/// A request whose client is gone; it has reached the server, or will on `arrive`.
pub struct LateRequest {
    go: oneshot::Sender<()>,
    answer: oneshot::Receiver<Vec<u8>>,
}

/// What PostgreSQL answered to a late request.
#[derive(Debug)]
pub struct LateAnswer(Vec<u8>);

/// What must happen to a held request.
pub(super) enum Decision {
    Cut(Parting),
    /// It goes to the server now, and its client is cut off later.
    SendAhead(oneshot::Receiver<Parting>),
}

/// The proxy's ends of a late request's channels.
pub(super) struct Parting {
    go: oneshot::Receiver<()>,
    answer: oneshot::Sender<Vec<u8>>,
}

/// A late request on the proxy's side, with its connection to the server.
pub(super) struct Late {
    parting: Parting,
    request: Vec<u8>,
    to: OwnedWriteHalf,
}

impl Hold {
    pub fn of(words: &[u8]) -> (Self, Holding) {
        let (come, holding) = oneshot::channel();
        let words = words.to_vec();
        (Self { words, come }, Holding(holding))
    }

    /// Waits for the test's decision; `None` lets the request go on.
    pub async fn decided(self) -> Option<Decision> {
        let (decide, decided) = oneshot::channel();
        self.come.send(HeldRequest(decide)).ok()?;
        decided.await.ok()
    }
}

impl Holding {
    /// Returns once the request has reached the proxy.
    pub async fn held(self) -> HeldRequest {
        self.0.await.expect("the proxy lives, and holds one request at a time")
    }
}

impl HeldRequest {
    /// Lets it go on to the server.
    pub fn pass_on(self) {
        drop(self);
    }

    /// Closes the client's side of the connection. The server's side stays open.
    pub fn cut(self) -> LateRequest {
        let (late, parting) = LateRequest::new();
        // The send fails if the server has closed the connection meanwhile; the answer is then empty.
        let _ = self.0.send(Decision::Cut(parting));
        late
    }

    /// Lets it reach the server, on a connection that can still be cut.
    pub fn send_ahead(self) -> SentRequest {
        let (cut, is_cut) = oneshot::channel();
        let _ = self.0.send(Decision::SendAhead(is_cut));
        SentRequest(cut)
    }
}

impl SentRequest {
    /// Closes the client's side of the connection. The server's side stays open.
    pub fn cut(self) -> LateRequest {
        let (late, parting) = LateRequest::new();
        let _ = self.0.send(parting);
        late
    }
}

impl LateRequest {
    fn new() -> (Self, Parting) {
        let (go, gone) = oneshot::channel();
        let (sender, answer) = oneshot::channel();
        let parting = Parting {
            go: gone,
            answer: sender,
        };
        (Self { go, answer }, parting)
    }

    /// Lets it reach the server, and returns the server's answer.
    pub async fn arrive(self) -> LateAnswer {
        let _ = self.go.send(());
        LateAnswer(self.answer.await.unwrap_or_default())
    }
}

impl LateAnswer {
    /// The SQLSTATE of the error; `None` if the answer contains no error or is empty.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let error = messages(&self.0).find(|(kind, _)| *kind == b'E')?.1;
        let mut fields = error.split(|byte| *byte == 0);
        let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
        Some(String::from_utf8_lossy(code).into_owned())
    }

    /// Whether the server reported that a statement completed, and no error.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.error().is_none() && messages(&self.0).any(|(kind, _)| kind == b'C')
    }
}

/// PostgreSQL's messages: a letter, a length that includes its own four bytes, and the content.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<5>()?;
        let [kind, length @ ..] = *head;
        let length = u32::from_be_bytes(length).checked_sub(4)?;
        let (content, others) = rest.split_at_checked(length as usize)?;
        bytes = others;
        Some((kind, content))
    })
}

impl Parting {
    /// Adds the part of the request that is not sent yet, and the connection to send it on.
    pub fn with(self, request: &[u8], to: OwnedWriteHalf) -> Late {
        Late {
            parting: self,
            request: request.to_vec(),
            to,
        }
    }
}

impl Late {
    /// Waits until the test lets it arrive, and sends the test the answer.
    pub async fn arrive(mut self, mut from: OwnedReadHalf) {
        if self.parting.go.await.is_err() {
            return;
        }
        let mut answer = Vec::new();
        // The server may have ended the session; its last messages can be read even then.
        let _ = self.to.write_all(&self.request).await;
        let mut buffer = vec![0; 64 * 1024];
        while !messages(&answer).any(|(kind, _)| kind == b'Z')
            && let Ok(bytes @ 1..) = from.read(&mut buffer).await
        {
            answer.extend_from_slice(&buffer[..bytes]);
        }
        // The test may have ended.
        let _ = self.parting.answer.send(answer);
    }
}
