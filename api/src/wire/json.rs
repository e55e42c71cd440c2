//! JSON bodies read by serde straight from the bytes, so that no number passes through a float.

use std::ops::Deref;

use poem::{
    IntoResponse, Request, RequestBody, Response,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, impl_apirequest_for_payload,
    payload::{ParsePayload, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;

use crate::fields::{self, Input};
use crate::problem::{Code, Problem};

const CONTENT_TYPE: &str = "application/json";

/// A JSON body: of a request, or of a 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A created resource, which has a path.
pub trait Located: Send {
    /// The path of the resource, for the `Location` header.
    fn location(&self) -> String;
}

/// A JSON body answered with 201.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T>(pub T);

/// A JSON body answered with 201, of something that is shown once and has no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownOnce<T>(pub T);

/// A JSON body answered with 202.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Type> Payload for Json<T> {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        content_type == CONTENT_TYPE || is_json_in_utf8(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// `application/json` in any case, with no charset but UTF-8.
fn is_json_in_utf8(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(CONTENT_TYPE)
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

impl<T: Input> ParsePayload for Json<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(_request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        Ok(Self(fields::read(&bytes, Code::InvalidRequest)?))
    }
}

impl_apirequest_for_payload!(Json<T>, T: Input);

fn write<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = Response::builder().status(status).body(bytes);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
            response
        }
        Err(error) => {
            // `IntoResponse` cannot fail, so this fault is logged here and not by the edge.
            tracing::error!(error = %error, "an answer could not be written as JSON");
            Problem::new(Code::Internal, "the answer could not be written").into_response()
        }
    }
}

fn write_located<T: Located + Serialize>(status: StatusCode, value: &T) -> Response {
    let mut response = write(status, value);
    // A path of ids cannot fail here; without it the answer would still be right.
    if let Ok(location) = HeaderValue::from_str(&value.location()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn located<T: Type>(status: u16) -> MetaResponses {
    let mut meta = meta::<T>(status);
    let location = string_header("Location", "The path where this can be looked at.");
    meta.responses[0].headers.push(location);
    meta
}

fn meta<T: Type>(status: u16) -> MetaResponses {
    let content = vec![MetaMediaType {
        content_type: CONTENT_TYPE,
        schema: T::schema_ref(),
    }];
    let description = match status {
        201 => "Created",
        202 => "Accepted",
        _ => "OK",
    };
    let answer = MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content,
        headers: vec![],
    };
    MetaResponses {
        responses: vec![answer],
    }
}

impl<T: Type + Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        write(StatusCode::OK, &self.0)
    }
}

impl<T: Type + Serialize> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        meta::<T>(200)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Located + Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        write_located(StatusCode::CREATED, &self.0)
    }
}

impl<T: Type + Located + Serialize> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        located::<T>(201)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + Serialize> IntoResponse for ShownOnce<T> {
    fn into_response(self) -> Response {
        write(StatusCode::CREATED, &self.0)
    }
}

impl<T: Type + Serialize> ApiResponse for ShownOnce<T> {
    fn meta() -> MetaResponses {
        meta::<T>(201)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Located + Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        write_located(StatusCode::ACCEPTED, &self.0)
    }
}

impl<T: Type + Located + Serialize> ApiResponse for Accepted<T> {
    fn meta() -> MetaResponses {
        located::<T>(202)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// A response header of the OpenAPI document, whose value is a text.
pub(super) fn string_header(name: &str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf8_is_read() {
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(<Json<String> as Payload>::check_content_type(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
            "application/xml",
        ] {
            assert!(!<Json<String> as Payload>::check_content_type(bad), "{bad}");
        }
    }
}
