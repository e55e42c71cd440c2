//! Answers with an `ETag`, and the two headers in which a caller names tags of earlier answers.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{MetaParamIn, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use serde::Serialize;
use service::wallets::Expected;

use super::entity_tags::{EntityTags, PATTERN};
use super::json::{Created, Json, Located, string_header};
use crate::problem::Problem;

/// 200 with an `ETag`.
pub struct Tagged<T> {
    /// The JSON body of the answer.
    pub body: T,
    /// The value of the `ETag`, without quotation marks.
    pub tag: String,
}

/// 201 with an `ETag`.
pub struct CreatedTagged<T>(pub Tagged<T>);

/// 200 with an `ETag`, or 304 without a body for a caller who has it.
pub struct Refreshed<T> {
    /// The current state and its tag.
    pub now: Tagged<T>,
    /// The tags of the states that the caller has.
    pub known: KnownTags,
}

/// The `If-None-Match` header: the tags of the states that the caller has.
pub struct KnownTags(Option<EntityTags>);

/// The `If-Match` header: the states of the resource in which the caller wants it changed.
pub struct ExpectedTags(pub Expected);

impl KnownTags {
    /// Whether the caller has the state with this tag. The comparison is weak, as RFC 9110 requires for
    /// `If-None-Match`.
    fn has(&self, tag: &str) -> bool {
        self.0.as_ref().is_some_and(|tags| tags.name_weakly(tag))
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
        // A list that cannot be read matches nothing, and the caller gets the body.
        let tags = EntityTags::of(request.headers(), header::IF_NONE_MATCH);
        Ok(Self(tags.unwrap_or_default()))
    }
}

impl<'a> ApiExtractor<'a> for ExpectedTags {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_registry: &mut Registry) {}

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let mut schema = MetaSchema::new("string");
        schema.pattern = Some(PATTERN.to_owned());
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match EntityTags::of(request.headers(), header::IF_MATCH) {
            Ok(None | Some(EntityTags::Any)) => Ok(Self(Expected::Anything)),
            Ok(Some(EntityTags::Listed(tags))) => {
                // The comparison is strong: a weak tag never matches.
                let strong = tags.into_iter().filter(|tag| !tag.is_weak);
                Ok(Self(Expected::OneOf(strong.map(|tag| tag.opaque).collect())))
            }
            // A condition that cannot be read must never count as no condition.
            Err(_) => {
                let message = "must be * or ETags in quotation marks, with commas between them";
                Err(Problem::invalid_field("If-Match", message).into())
            }
        }
    }
}

fn set_tag(response: &mut Response, tag: &str) {
    // A tag is made of digits and capitals, so this cannot fail; without a tag the answer would still be right.
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

fn with_tag(mut meta: MetaResponses) -> MetaResponses {
    let tag = string_header("ETag", "Changes whenever the body does.");
    meta.responses[0].headers.push(tag);
    meta
}

impl<T: Type + Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        set_tag(&mut response, &self.tag);
        response
    }
}

impl<T: Type + Serialize> ApiResponse for Tagged<T> {
    fn meta() -> MetaResponses {
        with_tag(Json::<T>::meta())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Located + Serialize> IntoResponse for CreatedTagged<T> {
    fn into_response(self) -> Response {
        let mut response = Created(self.0.body).into_response();
        set_tag(&mut response, &self.0.tag);
        response
    }
}

impl<T: Type + Located + Serialize> ApiResponse for CreatedTagged<T> {
    fn meta() -> MetaResponses {
        with_tag(Created::<T>::meta())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + Serialize> IntoResponse for Refreshed<T> {
    fn into_response(self) -> Response {
        if !self.known.has(&self.now.tag) {
            return self.now.into_response();
        }
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        set_tag(&mut response, &self.now.tag);
        response
    }
}

impl<T: Type + Serialize> ApiResponse for Refreshed<T> {
    fn meta() -> MetaResponses {
        let mut meta = Tagged::<T>::meta();
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
