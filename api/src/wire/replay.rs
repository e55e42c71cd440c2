//! The answer to a request that moved money: 201, with a header that marks a replay.

use poem::http::HeaderValue;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

use super::json::{Created, Located, string_header};
use crate::problem::REPLAYED;

/// 201, with `Idempotent-Replayed: true` when the outcome is that of an earlier request.
pub struct CreatedOrReplayed<T> {
    /// The JSON body of the answer.
    pub body: T,
    /// True for the stored outcome of an earlier request with the same key.
    pub replayed: bool,
}

impl<T: Located + Serialize> IntoResponse for CreatedOrReplayed<T> {
    fn into_response(self) -> Response {
        marked(Created(self.body).into_response(), self.replayed)
    }
}

impl<T: Type + Located + Serialize> ApiResponse for CreatedOrReplayed<T> {
    fn meta() -> MetaResponses {
        with_mark(Created::<T>::meta())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// The same answer, marked if it is a replay.
pub(super) fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The same answers of the OpenAPI document with the header that marks a replay.
pub(super) fn with_mark(mut meta: MetaResponses) -> MetaResponses {
    let note = "true when this is the stored outcome of an earlier request with the same key.";
    for response in &mut meta.responses {
        response.headers.push(string_header("Idempotent-Replayed", note));
    }
    meta
}
