//! Answers that caches may keep for a while.

use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaResponses, MetaSchema, MetaSchemaRef, Registry};

use super::Json;

/// A 200 that says who may keep a copy, and for how long.
pub struct Cached<T> {
    /// What is answered.
    pub body: Json<T>,
    /// The value of `Cache-Control`.
    pub control: &'static str,
}

impl<T> IntoResponse for Cached<T>
where
    Json<T>: IntoResponse,
{
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.control));
        response
    }
}

impl<T> ApiResponse for Cached<T>
where
    Json<T>: ApiResponse,
{
    fn meta() -> MetaResponses {
        let mut meta = Json::<T>::meta();
        let header = MetaHeader {
            name: "Cache-Control".to_owned(),
            description: Some("How many seconds a copy may be used.".to_owned()),
            required: false,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        meta.responses[0].headers.push(header);
        meta
    }

    fn register(registry: &mut Registry) {
        Json::<T>::register(registry);
    }
}
