//! Answers that carry a header of their own: moved money, and a wallet with its tag.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{
    MetaHeader, MetaParamIn, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use serde::Serialize;

use super::json::{Created, Json, Located};
use crate::problem::REPLAYED;

/// 201, with `Idempotent-Replayed: true` when the outcome is that of an earlier request.
pub struct Moved<T> {
    pub body: T,
    pub replayed: bool,
}

/// 200 with an `ETag`, or 304 without a body for a caller who has it.
pub struct Tagged<T> {
    pub body: T,
    pub tag: String,
    pub known: KnownTags,
}

/// The `If-None-Match` header: tags of what the caller has.
pub struct KnownTags(Vec<String>);

impl KnownTags {
    /// Whether the caller has this. The comparison is weak, as a 304 asks for.
    fn has(&self, tag: &str) -> bool {
        let mut known = self.0.iter().flat_map(|list| list.split(',')).map(str::trim);
        known.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    }
}

impl<'a> ApiExtractor<'a> for KnownTags {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_registry: &mut Registry) {}

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let lists = request.headers().get_all(header::IF_NONE_MATCH).iter();
        // A list that is no text names no tag of ours.
        let lists = lists.filter_map(|list| list.to_str().ok());
        Ok(Self(lists.map(str::to_owned).collect()))
    }
}

impl<T: Located + Serialize> IntoResponse for Moved<T> {
    fn into_response(self) -> Response {
        let mut response = Created(self.body).into_response();
        if self.replayed {
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl<T: Type + Located + Serialize> ApiResponse for Moved<T> {
    fn meta() -> MetaResponses {
        let mut meta = Created::<T>::meta();
        let note = "true when this is the stored outcome of an earlier request with the same key.";
        meta.responses[0]
            .headers
            .push(string_header("Idempotent-Replayed", note));
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = if self.known.has(&self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Json(self.body).into_response()
        };
        // A tag is made of digits and capitals, so this cannot fail; without a tag the answer would still be right.
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: Type + Serialize> ApiResponse for Tagged<T> {
    fn meta() -> MetaResponses {
        let mut meta = Json::<T>::meta();
        meta.responses[0]
            .headers
            .push(string_header("ETag", "Changes whenever the body does."));
        meta.responses.push(MetaResponse {
            description: "Not modified: the caller has what is there.",
            status: Some(304),
            status_range: None,
            content: Vec::new(),
            headers: vec![string_header("ETag", "The tag that the caller has.")],
        });
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

pub(super) fn string_header(name: &str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    }
}
