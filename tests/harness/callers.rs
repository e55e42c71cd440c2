//! The callers of a bank as types, and the answers that they get.

use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use service::identity::Actor;
use service::tls::client_config;
use service::values::WalletId;

/// A client of HTTP. All tests make theirs here: `Client::new` panics, since it looks for TLS settings of the process.
#[must_use]
pub fn http_client() -> Client {
    let client = Client::builder().tls_backend_preconfigured(client_config());
    client.build().expect("the TLS settings are those of the bank")
}

/// Sends requests, with or without a token.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    base: String,
    pub token: Option<String>,
}

/// A signed-in customer and their first wallet.
#[derive(Clone)]
pub struct Customer {
    pub caller: Caller,
    pub actor: Actor,
    pub email: String,
    pub wallet: WalletId,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// `Null` if the body is not JSON.
    pub json: Value,
    pub text: String,
}

impl Caller {
    pub(crate) fn new(http: Client, base: String, token: Option<String>) -> Self {
        Self { http, base, token }
    }

    /// A caller without a token, for the server at an address.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self::new(http_client(), format!("http://{address}"), None)
    }

    /// The same caller with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request that is not sent yet, with the caller's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// A POST without a body.
    pub async fn act(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::POST, path)).await
    }

    /// A POST under an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Answer {
        Answer::of(
            self.request(Method::POST, path)
                .header("Idempotency-Key", key)
                .json(&body),
        )
        .await
    }
}

impl Answer {
    /// Sends a request and reads its answer.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer can be read");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status: status.as_u16(),
            headers,
            json,
            text,
        }
    }

    /// Sends a request and reads only the first part of the answer, for an answer without an end.
    pub async fn begun(request: RequestBuilder) -> Self {
        let mut response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let part = response
            .chunk()
            .await
            .expect("the answer can be read")
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&part).into_owned();
        Self {
            status: status.as_u16(),
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    /// A header's text; empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A member of the body as text; empty if it is missing or no string.
    #[must_use]
    pub fn text_of(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_default()
    }

    /// The body of a problem document without its request id, so that equal problems of two requests compare equal.
    /// Fails unless the id equals the header's.
    #[track_caller]
    #[must_use]
    pub fn text_without_id(&self) -> String {
        let id = format!(",\"request_id\":\"{}\"", self.header("x-request-id"));
        assert_eq!(self.text.matches(&id).count(), 1, "{id}: {}", self.text);
        self.text.replace(&id, "")
    }

    /// Fails unless the status is this one; returns the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// Fails unless this is a complete problem document with this status and code. Every refusal and every fault must
    /// be one.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.text_of("code")), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.json[member].is_string(), "{member} is missing: {}", self.text);
        }
        assert_eq!(self.text_of("request_id"), self.header("x-request-id"), "{}", self.text);
        assert!(!self.header("x-request-id").is_empty());
        assert_eq!(self.text_of("type"), format!("/docs/problems#{code}"));
        assert!(StatusCode::from_u16(status).is_ok_and(|status| !status.is_success()));
    }
}
