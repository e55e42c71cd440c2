//! Answers and bodies without content.

use poem::http::StatusCode;
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};

use super::Json;
use crate::fields::{self, Input};
use crate::problem::Code;

/// 204: it is done, and there is nothing to say.
pub struct NoContent;

/// 202: it will be done, and the answer tells nothing of what is done.
pub struct Undisclosed;

/// A JSON object, all of whose fields may be missing; a request without a body counts as an object without fields.
pub struct JsonOrNothing<T>(pub T);

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        without_content(204, "Done")
    }

    fn register(_registry: &mut Registry) {}
}

impl IntoResponse for Undisclosed {
    fn into_response(self) -> Response {
        StatusCode::ACCEPTED.into_response()
    }
}

impl ApiResponse for Undisclosed {
    fn meta() -> MetaResponses {
        without_content(202, "Accepted")
    }

    fn register(_registry: &mut Registry) {}
}

fn without_content(status: u16, description: &'static str) -> MetaResponses {
    let answer = MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: Vec::new(),
        headers: Vec::new(),
    };
    MetaResponses {
        responses: vec![answer],
    }
}

impl<'a, T: Input> ApiExtractor<'a> for JsonOrNothing<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: <Json<T> as Payload>::CONTENT_TYPE,
                schema: <Json<T> as Payload>::schema_ref(),
            }],
            // A client that reads the document sends an object.
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = body.take()?.into_bytes().await?;
        let is_nothing = bytes.trim_ascii().is_empty();
        match request.content_type() {
            Some(content_type) if !<Json<T> as Payload>::check_content_type(content_type) => {
                let content_type = content_type.to_owned();
                return Err(ContentTypeError::NotSupported { content_type }.into());
            }
            None if !is_nothing => return Err(ContentTypeError::ExpectContentType.into()),
            _ => {}
        }
        let bytes = if is_nothing { &b"{}"[..] } else { &bytes[..] };
        Ok(Self(fields::read(bytes, Code::InvalidRequest)?))
    }
}
