//! The one shape of every failure: an RFC 9457 problem document with a stable `code`. The client gets the code and the
//! detail. The cause inside the server is only logged.

mod advice;
mod code;
mod document;
mod field_fault;

use std::{borrow::Cow, error::Error as StdError, fmt};

use bytes::Bytes;
use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use self::document::Document;
pub use self::{advice::Advice, code::Code, document::write_id, field_fault::FieldFault};

/// What a handler returns: its answer, or a problem instead.
pub type ApiResult<T> = Result<T, Problem>;

/// The media type of every failure.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The schema of a problem inside an answer, which `openapi` describes: it is the problem of a part, such as one transfer
/// of a batch, and has no id of a request.
pub const PART_SCHEMA: &str = "PartProblem";

/// The header that marks an answer as the replay of an earlier one.
pub const REPLAYED: &str = "idempotent-replayed";

/// The most bytes of a client's own text that a problem repeats.
const ECHO_MAX: usize = 200;

type Cause = Box<dyn StdError + Send + Sync>;

/// One failure as the client sees it, with the cause that only the log sees.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    members: Vec<(&'static str, Value)>,
    retry_after_s: Option<u32>,
    replayed: bool,
    allow: Option<HeaderValue>,
    cause: Option<Cause>,
}

impl Problem {
    /// A problem with a sentence for the person who reads it.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            members: Vec::new(),
            retry_after_s: None,
            replayed: false,
            allow: None,
            cause: None,
        }
    }

    /// A 400 that names the one field or parameter that cannot be read, and why.
    pub fn invalid_field(field: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self::of_fields(Code::InvalidRequest, vec![FieldFault::new(field, message)])
    }

    /// A 422 that names the one field whose value can be read and is refused, and why.
    pub fn unprocessable_field(field: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self::of_fields(Code::InvalidField, vec![FieldFault::new(field, message)])
    }

    /// A problem that names every field or parameter that is refused, and why. The detail names the first.
    pub fn of_fields(code: Code, faults: Vec<FieldFault>) -> Self {
        let detail = match &faults[..] {
            [] => code.title().to_owned(),
            [one] => one.to_string(),
            [first, others @ ..] => format!("{first} (and {} more: see errors)", others.len()),
        };
        Self::new(code, detail).with("errors", json!(faults))
    }

    /// A bug of the server: `cause` is not sent to the client; the edge logs it once, with its chain.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(
            Code::Internal,
            "the server failed to answer this request; nothing more can be said here",
        )
        .caused_by(cause)
    }

    /// Adds a member to the document, for instance `available` or `transfer_id`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((key, value.into()));
        self
    }

    /// Asks the client to wait before it tries again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Marks this as the stored outcome of an earlier request with the same key.
    #[must_use]
    pub fn replayed(mut self) -> Self {
        self.replayed = true;
        self
    }

    /// Keeps what happened inside for the log; it is never part of the document.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The methods that the path has, for the `Allow` header of a 405.
    #[must_use]
    pub fn allow(mut self, methods: &str) -> Self {
        self.allow = HeaderValue::from_str(methods).ok();
        self
    }

    /// The whole document, with the id of the request that it answers.
    pub fn document(&self, request_id: &str) -> Bytes {
        Document::of(self).with_id(request_id)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The sentence for the person who reads it.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// Cuts a client's own text to at most `ECHO_MAX` bytes, at the boundary of a character.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(ECHO_MAX)]
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5 + self.members.len()))?;
        map.serialize_entry("type", &self.code.type_uri())?;
        map.serialize_entry("title", self.code.title())?;
        map.serialize_entry("status", &self.code.status().as_u16())?;
        map.serialize_entry("code", self.code.as_str())?;
        map.serialize_entry("detail", &self.detail)?;
        for (key, value) in &self.members {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.code.status()
    }

    fn as_response(&self) -> Response {
        let document = Document::of(self);
        let mut response = Response::builder().status(self.status()).body(document.without_id());
        response.extensions_mut().insert(document);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s.or(self.code.default_retry_after_s()) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(methods) = &self.allow {
            headers.insert(header::ALLOW, methods.clone());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.as_response()
    }
}

/// The error answers are written into the OpenAPI document by `openapi`, once for all operations.
impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_registry: &mut Registry) {}
}

/// Lets an object of an answer contain a problem.
impl Type for Problem {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        PART_SCHEMA.into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(PART_SCHEMA.into())
    }

    fn register(registry: &mut Registry) {
        // `openapi::finish` replaces this schema by the full one.
        registry.create_schema::<Self, _>(PART_SCHEMA.into(), |_| MetaSchema::new("object"));
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// For views that contain a problem; no request has one.
impl ParseFromJSON for Problem {
    fn parse_from_json(_value: Option<Value>) -> ParseResult<Self> {
        Err(ParseError::custom("a problem is never sent to the bank"))
    }
}

impl ToJSON for Problem {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_holds_the_five_members_and_then_the_extra_ones() {
        let problem = Problem::new(Code::InsufficientFunds, "not enough").with("available", "1.0000");
        let text = serde_json::to_string(&problem).expect("serialises");
        assert_eq!(
            text,
            r#"{"type":"/docs/problems#insufficient_funds","title":"Insufficient funds","status":422,"code":"insufficient_funds","detail":"not enough","available":"1.0000"}"#
        );
    }

    #[test]
    fn a_cause_is_never_part_of_the_document() {
        let problem = Problem::internal("password=hunter2");
        assert!(!serde_json::to_string(&problem).expect("serialises").contains("hunter2"));
        assert!(problem.source().is_some());
    }

    #[test]
    fn a_long_field_name_is_cut_at_a_character() {
        let problem = Problem::invalid_field("ä".repeat(5_000), "unknown");
        assert!(problem.detail().len() < 300);
    }

    #[test]
    fn try_again_answers_say_when() {
        let response = Problem::new(Code::Overloaded, "full").as_response();
        assert_eq!(response.header("retry-after"), Some("1"));
        let response = Problem::new(Code::Overloaded, "full").retry_after(7).as_response();
        assert_eq!(response.header("retry-after"), Some("7"));
    }
}
