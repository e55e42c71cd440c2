//! The general limit of requests by caller: asked for every request under `/v1`, and shown in the headers of the draft
//! draft-ietf-httpapi-ratelimit-headers-10. The edge does not know the bank's callers: the application counts them.

use std::fmt;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::{
    IntoResponse, Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
};

use super::peers::ForwardedClient;
use crate::problem::{Code, Problem};

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The limit counts by the minute.
const WINDOW_S: u32 = 60;

/// What a request says about who sends it.
pub struct Asker {
    /// The bearer token, which may be forged.
    pub token: Option<String>,
    /// The client's address; that of the proxy when it is not trusted.
    pub address: Option<IpAddr>,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestsLeft {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests that may follow at once.
    pub left: u32,
    /// Seconds until there is one more.
    pub more_in_s: u32,
    /// `Some` when this request is one too many: seconds to wait.
    pub retry_after_s: Option<u32>,
}

type Count = dyn Fn(Asker) -> BoxFuture<'static, Option<RequestsLeft>> + Send + Sync;

/// Counts requests for the edge.
#[derive(Clone)]
pub struct RequestLimit(Arc<Count>);

impl RequestLimit {
    /// The application's count of a caller's requests; `None` where it has no limit for this one.
    pub fn new(count: impl Fn(Asker) -> BoxFuture<'static, Option<RequestsLeft>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }

    /// Counts a request. A browser sends preflights by itself, so they are free. Not an `async` function, which would keep
    /// the request across its waits: a request cannot be shared between threads.
    pub fn count(&self, request: &Request) -> BoxFuture<'static, Option<RequestsLeft>> {
        if request.method() == Method::OPTIONS {
            return Box::pin(ready(None));
        }
        (self.0)(Asker::of(request))
    }
}

impl fmt::Debug for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestLimit")
    }
}

impl Asker {
    fn of(request: &Request) -> Self {
        let token = request.headers().get(header::AUTHORIZATION).and_then(bearer);
        Self {
            token: token.map(str::to_owned),
            address: address_of(request),
        }
    }
}

impl RequestsLeft {
    /// The answer to a request that is one too many.
    pub fn refusal(&self) -> Option<Response> {
        let wait_s = self.retry_after_s?;
        let detail = format!("a caller may ask {} times a minute; nothing happened", self.per_minute);
        let problem = Problem::new(Code::RateLimited, detail).retry_after(wait_s);
        Some(problem.into_response())
    }

    /// Adds the headers that say what is left.
    pub fn write(&self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={WINDOW_S}", self.per_minute);
        let state = format!("\"default\";r={};t={}", self.left, self.more_in_s);
        for (name, text) in [(&RATE_LIMIT_POLICY, policy), (&RATE_LIMIT, state)] {
            let value = HeaderValue::try_from(text).expect("digits and a few signs are fit for a header");
            headers.insert(name, value);
        }
    }
}

/// The client's address: the one that a trusted proxy forwards, else that of the connection.
pub fn address_of(request: &Request) -> Option<IpAddr> {
    match request.extensions().get::<ForwardedClient>() {
        Some(ForwardedClient(client)) => Some(*client),
        None => request.remote_addr().as_socket_addr().map(|address| address.ip()),
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: RequestsLeft = RequestsLeft {
        per_minute: 100,
        left: 50,
        more_in_s: 1,
        retry_after_s: None,
    };

    #[test]
    fn headers_have_the_form_of_the_draft() {
        let mut headers = HeaderMap::new();
        LEFT.write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"default\";q=100;w=60");
        assert_eq!(headers["ratelimit"], "\"default\";r=50;t=1");
        assert!(LEFT.refusal().is_none());
        let refused = RequestsLeft {
            retry_after_s: Some(7),
            ..LEFT
        };
        let refusal = refused.refusal().expect("it is one too many");
        assert_eq!(
            (refusal.status().as_u16(), refusal.header("retry-after")),
            (429, Some("7"))
        );
    }

    #[test]
    fn a_bearer_token_is_found_in_any_case() {
        let of = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!((of("Basic abc"), of("Bearer")), (None, None));
    }

    #[tokio::test]
    async fn preflights_are_not_counted() {
        let limit = RequestLimit::new(|_| Box::pin(ready(Some(LEFT))));
        let preflight = Request::builder().method(Method::OPTIONS).finish();
        assert_eq!(limit.count(&preflight).await, None);
        assert_eq!(limit.count(&Request::builder().finish()).await, Some(LEFT));
    }
}
