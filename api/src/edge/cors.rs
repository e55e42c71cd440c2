//! Which origins may call the API from a browser. None unless configured. Tokens travel in the `Authorization` header, so an
//! allowed origin can use only the tokens that its own script already has. The cookie of a session is for named origins: `*`
//! allows no cookies.

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

use crate::problem::{Code, Problem};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-florin-session, x-request-id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, etag, idempotent-replayed, retry-after, location, x-process-time, ratelimit, ratelimit-policy",
);
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("3600");

/// The allowed origins.
#[derive(Debug)]
pub struct Cors {
    origins: Vec<HeaderValue>,
    any: bool,
}

impl Cors {
    /// Ignores origins that are not valid values of a header.
    pub fn new(origins: &[String]) -> Self {
        let origins = origins.iter().map(|origin| origin.trim_end_matches('/'));
        let origins: Vec<_> = origins
            .filter_map(|origin| HeaderValue::from_str(origin).ok())
            .collect();
        let any = origins.iter().any(|origin| origin == "*");
        Self { origins, any }
    }

    /// The request's origin, when it has one and may read the answer.
    pub fn admits(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        (self.any || self.origins.contains(origin)).then(|| origin.clone())
    }

    /// The answer to a preflight request; `None` for any other request.
    pub fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || !headers.contains_key(header::ORIGIN) {
            return None;
        }
        if self.admits(headers).is_none() {
            let refusal = Problem::new(Code::Forbidden, "pages of this origin may not call this API");
            return Some(refusal.into_response());
        }
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let answer = response.headers_mut();
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
        Some(response)
    }

    /// Adds the CORS headers: `origin` may read the answer, and caches must keep the answers to different origins
    /// apart.
    pub fn finish(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            if self.origins.contains(&origin) {
                headers.insert(
                    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    HeaderValue::from_static("true"),
                );
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
