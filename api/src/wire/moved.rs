//! Answers that carry a header of their own: moved money, and a wallet with its tag.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

use super::json::{Created, Json};
use crate::problem::REPLAYED;

/// 201, with `Idempotent-Replayed: true` when the outcome is that of an earlier request.
pub struct Moved<T> {
    pub body: T,
    pub replayed: bool,
}

/// 200 with an `ETag`.
pub struct Tagged<T> {
    pub body: T,
    pub tag: String,
}

impl<T: Type + Serialize> IntoResponse for Moved<T> {
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

impl<T: Type + Serialize> ApiResponse for Moved<T> {
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
        let mut response = Json(self.body).into_response();
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
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

fn string_header(name: &str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    }
}
