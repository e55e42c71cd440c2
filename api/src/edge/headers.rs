//! The headers of every answer, and the request id that ties an answer to its line in the log.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use uuid::{Builder, Uuid};

/// Ties an answer to the log; sent back on every answer.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static X_PROCESS_TIME: HeaderName = HeaderName::from_static("x-process-time");

const REQUEST_ID_MAX: usize = 64;

/// What an answer of the API may load, if a browser shows it: nothing. The pages bring a policy of their own.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The headers that are the same on every answer, unless the answer has its own.
pub static FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    // Pages of configured origins use CORS, which this does not limit.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// A request's id, known to be safe in a header and in a log line.
#[derive(Debug, Clone)]
pub struct RequestIdHeader(HeaderValue);

impl RequestIdHeader {
    /// The client's own id when it is safe to repeat, otherwise a fresh one.
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.get(&X_REQUEST_ID) {
            Some(value) if is_fit(value.as_bytes()) => Self(value.clone()),
            _ => Self::fresh(),
        }
    }

    /// An id that no other request of any process has.
    pub fn fresh() -> Self {
        SOURCE.next()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The source of fresh ids: one random start per process, then a counter, so that no request needs random bytes from
/// the kernel.
struct RequestIdSource {
    start: u128,
    next: AtomicU64,
}

static SOURCE: LazyLock<RequestIdSource> = LazyLock::new(RequestIdSource::new);

impl RequestIdSource {
    #[expect(
        clippy::disallowed_methods,
        reason = "an id of a request is no data of the bank, and nothing follows from it"
    )]
    fn new() -> Self {
        Self {
            start: Uuid::new_v4().as_u128(),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> RequestIdHeader {
        // An odd multiplier permutes the counter, so that ids look unlike each other and never repeat; the two bits
        // that the UUID's variant takes from its top leave a permutation of 62 bits.
        let count = self
            .next
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let id = Builder::from_random_bytes((self.start ^ u128::from(count)).to_be_bytes()).into_uuid();
        let mut buffer = Uuid::encode_buffer();
        let text = id.as_hyphenated().encode_lower(&mut buffer);
        RequestIdHeader(HeaderValue::from_str(text).expect("hexadecimal digits and hyphens are fit for a header"))
    }
}

/// 1 to 64 characters of `[A-Za-z0-9_.-]`: nothing that could break a log line or a header.
fn is_fit(id: &[u8]) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Paths whose answers hold data: a user's own, or reports that change and may be for operators only.
const DATA: [&str; 5] = ["/v1", "/statistics", "/stats", "/analytics", "/transactions"];

/// Whether the answers of a path must not be kept by caches.
pub fn holds_data(path: &str) -> bool {
    let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    DATA.iter().any(|data| path.strip_prefix(data).is_some_and(is_below))
}

/// Adds the headers of every answer. What holds data must not be kept by caches.
pub fn finish(headers: &mut HeaderMap, id: &RequestIdHeader, started: Instant, holds_data: bool) {
    headers.reserve(FIXED.len() + 3);
    for (name, value) in &FIXED {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    headers.insert(&X_REQUEST_ID, id.0.clone());
    headers.insert(&X_PROCESS_TIME, seconds(started.elapsed().as_micros()));
    if holds_data && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Microseconds as decimal seconds, rounded to the nearest tenth of a millisecond, without a float: a finer time would
/// reveal what was looked up.
fn seconds(micros: u128) -> HeaderValue {
    let tenths = (micros + 50) / 100;
    let text = format!("{}.{:04}", tenths / 10_000, tenths % 10_000);
    HeaderValue::try_from(text).expect("digits and a point are fit for a header")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_clients_id_is_reused_only_when_it_is_harmless() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(&X_REQUEST_ID, HeaderValue::from_static(value));
            RequestIdHeader::of(&headers).as_str().to_owned()
        };
        assert_eq!(of("order-17_a.B"), "order-17_a.B");
        for bad in ["", "a b", "a\"b", "a/b", "{}"] {
            assert_eq!(of(bad).len(), 36, "{bad}");
        }
    }

    #[test]
    fn what_holds_data_is_named_by_whole_segments() {
        for path in [
            "/v1",
            "/v1/users/me",
            "/statistics",
            "/statistics/stream",
            "/stats",
            "/analytics/kyc-funnel",
        ] {
            assert!(holds_data(path), "{path}");
        }
        for path in [
            "/",
            "/v10",
            "/livez",
            "/metrics",
            "/docs",
            "/openapi.json",
            "/statistician",
        ] {
            assert!(!holds_data(path), "{path}");
        }
    }

    #[test]
    fn a_policy_of_its_own_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'self'"),
        );
        finish(&mut headers, &RequestIdHeader::fresh(), Instant::now(), true);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "default-src 'self'");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        let mut headers = HeaderMap::new();
        finish(&mut headers, &RequestIdHeader::fresh(), Instant::now(), false);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY);
        assert!(!headers.contains_key(header::CACHE_CONTROL));
    }

    #[test]
    fn fresh_ids_are_uuids_and_differ() {
        let seen: HashSet<_> = (0..10_000)
            .map(|_| RequestIdHeader::fresh().as_str().to_owned())
            .collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|id| Uuid::parse_str(id).is_ok()));
    }

    #[test]
    fn process_time_is_decimal_seconds() {
        assert_eq!(seconds(1_234), "0.0012");
        assert_eq!(seconds(250), "0.0003");
        assert_eq!(seconds(49), "0.0000");
        assert_eq!(seconds(12_999_950), "13.0000");
    }
}
