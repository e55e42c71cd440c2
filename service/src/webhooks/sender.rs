//! Sends webhooks: one signed request, one attempt. What an attempt leads to, its caller decides.
//!
//! Invariants: a connection goes only to an address that the policy allows, also if the name's addresses change between two
//! attempts; a redirect is not followed, and a proxy not used, since either would choose an address past the policy;
//! an answer is read up to a bound, and no attempt lasts longer than its deadline.

mod excerpt;
mod resolver;

pub(super) use resolver::for_owner;
pub use resolver::{NameResolver, SystemResolver};

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use self::excerpt::{EXCERPT_MAX, excerpt_of};
use self::resolver::CheckedResolver;
use super::addresses::AddressPolicy;
use super::secret::SigningSecret;
use super::signature::signatures;
use super::url::HookUrl;
use crate::tls;
use crate::values::Timestamp;

/// How long an attempt may take, from its connection to the end of the answer.
pub(super) const ATTEMPT_MAX: Duration = Duration::from_secs(15);
/// How long a connection may take, with the look-up of the name and TLS.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long the body of an answer is read. The status has decided already.
const BODY_MAX: Duration = Duration::from_secs(2);
/// The most bytes of a body that are read so that the connection can serve the next request.
const DRAIN_MAX: usize = 65_536;
/// How long a connection waits for the next request, and how many of one server do.
const IDLE_MAX: Duration = Duration::from_secs(10);
const IDLE_PER_SERVER_MAX: usize = 2;

const USER_AGENT: &str = concat!("Florin/", env!("CARGO_PKG_VERSION"));

/// One request. It is signed for its time, so each attempt has its own.
pub struct SignedRequest<'a> {
    url: &'a HookUrl,
    id: &'a str,
    body: &'a str,
    timestamp: i64,
    signatures: String,
}

impl<'a> SignedRequest<'a> {
    /// Signs with each of the secrets, in their order. The id has no dot, and is the same in each attempt.
    #[must_use]
    pub fn new(url: &'a HookUrl, id: &'a str, body: &'a str, at: Timestamp, secrets: &[SigningSecret]) -> Self {
        let timestamp = at.timestamp();
        Self {
            url,
            id,
            body,
            timestamp,
            signatures: signatures(secrets, id, timestamp, body),
        }
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// Whether the receiver took it.
    pub outcome: AttemptOutcome,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The beginning of the answer's body, at most 1 KiB.
    pub excerpt: Option<String>,
    /// Why there was no answer.
    pub error: Option<SendError>,
    /// The receiver answered 410: it wants no more webhooks.
    pub gone: bool,
    /// The pause that the receiver asked for.
    pub retry_after: Option<Duration>,
}

/// Whether the receiver took a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// It answered 200 to 299.
    Delivered,
    /// It answered otherwise, or not at all.
    Failed,
}

/// Why there was no answer. The owner of the endpoint reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The name could not be looked up, or has an address that is refused. One text for both: the difference would tell
    /// which names exist in the bank's own network.
    #[error("the host has no address that webhooks may be sent to")]
    NoAddress,
    /// No connection within five seconds.
    #[error("the host could not be connected to")]
    Unreachable,
    /// No secure connection.
    #[error("the host does not speak TLS, or its certificate is not valid")]
    Tls,
    /// No answer within the deadline.
    #[error("the host did not answer in time")]
    Late,
    /// The connection ended before an answer, or the answer was not HTTP.
    #[error("the host did not give a whole answer")]
    Broken,
}

/// Sends webhooks. Cloning clones a handle; the connections are shared.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    policy: AddressPolicy,
}

impl Sender {
    /// Connects to nothing yet. The bank looks names up with [`SystemResolver`].
    #[must_use]
    pub fn new(policy: AddressPolicy, resolver: Arc<dyn NameResolver>) -> Self {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config())
            .dns_resolver(CheckedResolver::new(policy, resolver))
            .redirect(Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .http1_only()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_SERVER_MAX);
        let client = client
            .build()
            .expect("the settings are constants, and a unit test builds a sender");
        Self { client, policy }
    }

    /// Sends a request once. Returns within the deadline, and within 15 seconds.
    pub async fn send(&self, request: &SignedRequest<'_>, deadline: Duration) -> WebhookAttempt {
        // The client connects to an address without looking it up.
        if !self.policy.admits_host(&request.url.host()) {
            return WebhookAttempt::unanswered(SendError::NoAddress);
        }
        let ends_at = Instant::now() + deadline.min(ATTEMPT_MAX);
        let response = match timeout_at(ends_at, self.post(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return WebhookAttempt::unanswered(SendError::of(&error)),
            Err(_) => return WebhookAttempt::unanswered(SendError::Late),
        };
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let body_ends_at = ends_at.min(Instant::now() + BODY_MAX);
        let excerpt = excerpt_of(&beginning(response, body_ends_at).await);
        WebhookAttempt::answered(status, excerpt, retry_after)
    }

    async fn post(&self, request: &SignedRequest<'_>) -> reqwest::Result<Response> {
        self.client
            .post(request.url.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", request.id)
            .header("webhook-timestamp", request.timestamp)
            .header("webhook-signature", &request.signatures)
            .body(request.body.to_owned())
            .send()
            .await
    }
}

impl WebhookAttempt {
    /// An attempt without an answer. For a caller that could not send: the URL of an endpoint may have become one that is
    /// refused.
    pub(super) fn unanswered(error: SendError) -> Self {
        Self {
            outcome: AttemptOutcome::Failed,
            status: None,
            excerpt: None,
            error: Some(error),
            gone: false,
            retry_after: None,
        }
    }

    fn answered(status: StatusCode, excerpt: Option<String>, retry_after: Option<Duration>) -> Self {
        let outcome = if status.is_success() {
            AttemptOutcome::Delivered
        } else {
            AttemptOutcome::Failed
        };
        Self {
            outcome,
            status: Some(status.as_u16()),
            excerpt,
            error: None,
            gone: status == StatusCode::GONE,
            retry_after,
        }
    }
}

impl SendError {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_dns() {
            Self::NoAddress
        } else if is_of_tls(error) {
            Self::Tls
        } else if error.is_connect() {
            Self::Unreachable
        } else {
            Self::Broken
        }
    }
}

/// True if TLS is among the causes of an error.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An error in an I/O error is not its source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

/// The pause that the receiver asks for, in seconds. One that is given as a date is passed over.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The first bytes of a body. Reads on for a while without keeping what it reads; if then there is still more, the
/// connection ends with the response.
async fn beginning(mut response: Response, ends_at: Instant) -> Vec<u8> {
    let (mut kept, mut length) = (Vec::new(), 0);
    while length <= DRAIN_MAX {
        let Ok(Ok(Some(part))) = timeout_at(ends_at, response.chunk()).await else {
            break;
        };
        length += part.len();
        let room = EXCERPT_MAX - kept.len();
        kept.extend_from_slice(&part[..part.len().min(room)]);
    }
    kept
}

#[cfg(test)]
mod tests;
