//! Tests of the sender, against receivers on this machine. Names are looked up in a list.

use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::resolver::LookUp;
use super::*;
use crate::values::SigningScheme;
use crate::webhooks::addresses::AddressPolicy::{PrivateToo, PublicOnly};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));
const LONG: Duration = Duration::from_secs(10);

/// Gives each name the same addresses, and counts the look-ups. Without addresses a look-up fails.
struct ListedNames {
    addresses: Vec<IpAddr>,
    look_ups: AtomicUsize,
}

impl ListedNames {
    fn new(addresses: &[IpAddr]) -> Arc<Self> {
        Arc::new(Self {
            addresses: addresses.to_vec(),
            look_ups: AtomicUsize::new(0),
        })
    }
}

impl NameResolver for ListedNames {
    fn look_up(&self, _: &str) -> LookUp {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        let found = if self.addresses.is_empty() {
            Err(io::Error::other("no such name"))
        } else {
            Ok(self.addresses.clone())
        };
        Box::pin(ready(found))
    }
}

/// What a receiver does with a connection.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers each request with this text.
    Answers(&'static str),
    /// Reads a request and gives no answer.
    Hangs,
    /// Speaks before it reads.
    SpeaksFirst,
    /// Answers the first request with a body without an end.
    NeverEnds,
}

/// A receiver on this machine.
struct LocalReceiver {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl LocalReceiver {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((HERE, 0)).await.expect("a port is free");
        let receiver = Self {
            address: listener.local_addr().expect("it is bound"),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (receiver.connections.clone(), receiver.requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, manner, requests.clone()));
            }
        });
        receiver
    }

    fn url(&self, scheme: &str, host: &str) -> HookUrl {
        let text = format!("{scheme}://{host}:{}/hook?key=1", self.address.port());
        HookUrl::parse(&text, PrivateToo).expect("it is a URL")
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Relaxed), self.requests.lock().len())
    }
}

/// Returns when the connection ends, with or without an error.
async fn serve(mut stream: TcpStream, manner: Manner, requests: Arc<Mutex<Vec<String>>>) -> io::Result<()> {
    if let Manner::SpeaksFirst = manner {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
    }
    loop {
        let request = read_request(&mut stream).await?;
        requests.lock().push(request);
        match manner {
            Manner::Answers(text) => stream.write_all(text.as_bytes()).await?,
            Manner::Hangs | Manner::SpeaksFirst => {}
            Manner::NeverEnds => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(&[b'a'; 4_096]).await?;
                }
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let (mut text, mut part) = (String::new(), [0; 4_096]);
    loop {
        let length = stream.read(&mut part).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.push_str(&String::from_utf8_lossy(&part[..length]));
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        if body.is_some_and(|body| body == BODY) {
            return Ok(text);
        }
    }
}

const BODY: &str = r#"{"type":"webhook.test"}"#;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthank you";

async fn send_within(sender: &Sender, url: &HookUrl, deadline: Duration) -> WebhookAttempt {
    let secrets = [SigningSecret::new(SigningScheme::Hmac, [7; 32])];
    let request = SignedRequest::new(url, "event-1", BODY, DateTime::UNIX_EPOCH, &secrets);
    sender.send(&request, deadline).await
}

async fn send(sender: &Sender, url: &HookUrl) -> WebhookAttempt {
    send_within(sender, url, LONG).await
}

fn local_sender() -> Sender {
    Sender::new(PrivateToo, ListedNames::new(&[HERE]))
}

#[tokio::test]
async fn a_webhook_is_posted_with_its_signature() {
    let receiver = LocalReceiver::start(Manner::Answers(OK)).await;
    let attempt = send(&local_sender(), &receiver.url("http", "receiver.example")).await;
    assert_eq!(
        attempt,
        WebhookAttempt {
            outcome: AttemptOutcome::Delivered,
            status: Some(200),
            excerpt: Some("thank you".to_owned()),
            error: None,
            gone: false,
            retry_after: None,
        }
    );
    let request = receiver.requests.lock().concat();
    let secret = SigningSecret::new(SigningScheme::Hmac, [7; 32]);
    let signature = signatures(&[secret], "event-1", 0, BODY);
    assert!(request.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{request}");
    for line in [
        &*format!("host: receiver.example:{}", receiver.address.port()),
        "content-type: application/json",
        "webhook-id: event-1",
        "webhook-timestamp: 0",
        &format!("webhook-signature: {signature}"),
        &format!("user-agent: {USER_AGENT}"),
    ] {
        assert!(request.lines().any(|found| found == line), "{line}: {request}");
    }
}

#[tokio::test]
async fn a_refused_address_is_never_connected_to() {
    let receiver = LocalReceiver::start(Manner::Answers(OK)).await;
    for addresses in [&[HERE][..], &[ELSEWHERE, HERE], &[HERE, ELSEWHERE], &[]] {
        let sender = Sender::new(PublicOnly, ListedNames::new(addresses));
        let attempt = send(&sender, &receiver.url("http", "receiver.example")).await;
        // The same answer for a name that does not exist.
        assert_eq!(
            attempt,
            WebhookAttempt::unanswered(SendError::NoAddress),
            "{addresses:?}"
        );
    }
    for host in ["127.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"] {
        let names = ListedNames::new(&[HERE]);
        let attempt = send(&Sender::new(PublicOnly, names.clone()), &receiver.url("http", host)).await;
        assert_eq!(attempt, WebhookAttempt::unanswered(SendError::NoAddress), "{host}");
        assert_eq!(names.look_ups.load(Ordering::Relaxed), 0, "{host}");
    }
    assert_eq!(receiver.counts(), (0, 0));
}

#[tokio::test]
async fn a_connection_is_looked_up_once_and_used_again() {
    // More than an excerpt, and little enough to be read to its end.
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{}", "a".repeat(9_000));
    let receiver = LocalReceiver::start(Manner::Answers(long.leak())).await;
    let names = ListedNames::new(&[HERE]);
    let sender = Sender::new(PrivateToo, names.clone());
    for _ in 0..3 {
        let attempt = send(&sender, &receiver.url("http", "receiver.example")).await;
        assert_eq!(attempt.outcome, AttemptOutcome::Delivered);
        // The client takes the connection back in a task of its own.
        for _ in 0..10 {
            yield_now().await;
        }
    }
    assert_eq!((receiver.counts(), names.look_ups.load(Ordering::Relaxed)), ((1, 3), 1));
}

#[tokio::test]
async fn a_redirect_is_a_failure() {
    let target = LocalReceiver::start(Manner::Answers(OK)).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        target.address
    );
    let receiver = LocalReceiver::start(Manner::Answers(answer.leak())).await;
    let attempt = send(&local_sender(), &receiver.url("http", "receiver.example")).await;
    assert_eq!((attempt.outcome, attempt.status), (AttemptOutcome::Failed, Some(307)));
    assert_eq!((receiver.counts(), target.counts()), ((1, 1), (0, 0)));
}

#[tokio::test]
async fn an_answer_says_what_follows() {
    for (head, status, gone, seconds) in [
        ("410 Gone\r\n", 410, true, None),
        ("503 Unavailable\r\nRetry-After: 120\r\n", 503, false, Some(120)),
        (
            "429 Slower\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n",
            429,
            false,
            None,
        ),
        ("404 Not Found\r\n", 404, false, None),
    ] {
        let answer = format!("HTTP/1.1 {head}Content-Length: 2\r\n\r\nno");
        let receiver = LocalReceiver::start(Manner::Answers(answer.leak())).await;
        let attempt = send(&local_sender(), &receiver.url("http", "receiver.example")).await;
        assert_eq!(
            attempt,
            WebhookAttempt {
                outcome: AttemptOutcome::Failed,
                status: Some(status),
                excerpt: Some("no".to_owned()),
                error: None,
                gone,
                retry_after: seconds.map(Duration::from_secs),
            }
        );
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_a_bound_and_the_status_decides() {
    let receiver = LocalReceiver::start(Manner::NeverEnds).await;
    let attempt = send(&local_sender(), &receiver.url("http", "receiver.example")).await;
    assert_eq!(attempt.outcome, AttemptOutcome::Delivered);
    assert_eq!(attempt.excerpt, Some("a".repeat(EXCERPT_MAX)));
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntha";
    let receiver = LocalReceiver::start(Manner::Answers(cut)).await;
    let url = receiver.url("http", "receiver.example");
    let attempt = send_within(&local_sender(), &url, Duration::from_millis(300)).await;
    assert_eq!(
        (attempt.outcome, attempt.excerpt.as_deref()),
        (AttemptOutcome::Delivered, Some("tha"))
    );
}

#[tokio::test]
async fn each_failure_has_its_reason() {
    let hanging = LocalReceiver::start(Manner::Hangs).await;
    let url = hanging.url("http", "receiver.example");
    let attempt = send_within(&local_sender(), &url, Duration::from_millis(100)).await;
    assert_eq!(attempt, WebhookAttempt::unanswered(SendError::Late));

    let speaking = LocalReceiver::start(Manner::SpeaksFirst).await;
    let attempt = send(&local_sender(), &speaking.url("https", "receiver.example")).await;
    assert_eq!(attempt, WebhookAttempt::unanswered(SendError::Tls));

    let babbling = LocalReceiver::start(Manner::Answers("this is no HTTP\r\n\r\n")).await;
    let attempt = send(&local_sender(), &babbling.url("http", "receiver.example")).await;
    assert_eq!(attempt, WebhookAttempt::unanswered(SendError::Broken));

    let closed = TcpListener::bind((HERE, 0)).await.expect("a port is free");
    let port = closed.local_addr().expect("it is bound").port();
    drop(closed);
    let url = HookUrl::parse(&format!("http://receiver.example:{port}/"), PrivateToo).expect("it is a URL");
    let attempt = send(&local_sender(), &url).await;
    assert_eq!(attempt, WebhookAttempt::unanswered(SendError::Unreachable));
}
