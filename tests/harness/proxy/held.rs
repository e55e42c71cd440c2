//! A request that is held on its way. It may go on as if nothing had been; or its connection is cut on the client's side
//! alone, and it arrives later, when its client no longer waits for it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

/// What the proxy knows of a request that it is to hold.
pub(super) struct Hold {
    pub words: Vec<u8>,
    come: oneshot::Sender<HeldRequest>,
}

/// A request that has not come yet.
pub struct Holding(oneshot::Receiver<HeldRequest>);

/// A request that waits in the proxy. Where it is dropped it goes on.
pub struct HeldRequest(oneshot::Sender<Decision>);

/// A request that has arrived and whose client still waits for the answer.
pub struct SentRequest(oneshot::Sender<Parting>);

/// A request whose client is gone.
pub struct LateRequest {
    go: oneshot::Sender<()>,
    answer: oneshot::Receiver<Vec<u8>>,
}

/// What a PostgreSQL answered to a late request.
#[derive(Debug)]
pub struct LateAnswer(Vec<u8>);

/// What becomes of a held request.
pub(super) enum Decision {
    Cut(Parting),
    /// It arrives, and its client is cut off later.
    SendAhead(oneshot::Receiver<Parting>),
}

/// The other ends of a late request.
pub(super) struct Parting {
    go: oneshot::Receiver<()>,
    answer: oneshot::Sender<Vec<u8>>,
}

/// A request on its way without its client.
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
    /// Returns once the request has come.
    pub async fn held(self) -> HeldRequest {
        self.0.await.expect("the proxy lives, and holds one request at a time")
    }
}

impl HeldRequest {
    /// Lets it go on.
    pub fn pass_on(self) {
        drop(self);
    }

    /// Closes the client's side. The server's stays open.
    pub fn cut(self) -> LateRequest {
        let (late, parting) = LateRequest::new();
        // The server may have closed the connection meanwhile: the answer is empty then.
        let _ = self.0.send(Decision::Cut(parting));
        late
    }

    /// Lets it arrive, on a connection that can still be cut.
    pub fn send_ahead(self) -> SentRequest {
        let (cut, is_cut) = oneshot::channel();
        let _ = self.0.send(Decision::SendAhead(is_cut));
        SentRequest(cut)
    }
}

impl SentRequest {
    /// Closes the client's side. The server's stays open.
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

    /// Lets it arrive, and gives what the server says to it.
    pub async fn arrive(self) -> LateAnswer {
        let _ = self.go.send(());
        LateAnswer(self.answer.await.unwrap_or_default())
    }
}

impl LateAnswer {
    /// The SQLSTATE of the error; `None` where the request did what it asked for.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let error = messages(&self.0).find(|(kind, _)| *kind == b'E')?.1;
        let mut fields = error.split(|byte| *byte == 0);
        let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
        Some(String::from_utf8_lossy(code).into_owned())
    }

    /// Whether the server said that it has done what was asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.error().is_none() && messages(&self.0).any(|(kind, _)| kind == b'C')
    }
}

/// PostgreSQL's messages: a letter, a length that counts itself, and the content.
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
    /// With what is not sent yet.
    pub fn with(self, request: &[u8], to: OwnedWriteHalf) -> Late {
        Late {
            parting: self,
            request: request.to_vec(),
            to,
        }
    }
}

impl Late {
    /// Waits until it may arrive, and tells the test the answer.
    pub async fn arrive(mut self, mut from: OwnedReadHalf) {
        if self.parting.go.await.is_err() {
            return;
        }
        let mut answer = Vec::new();
        // The server may have ended the session; what it said last can be read all the same.
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
