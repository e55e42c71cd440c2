//! The answer to a request that moves money, or only asks what would happen: what was made, or a preview of it.

use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

use super::json::{Json, Located};
use super::replay::{CreatedOrReplayed, marked, with_mark};

/// 201, or 200 for a dry run.
pub enum CreatedOrPreview<T, P> {
    /// What was made, now or by an earlier request.
    Created(CreatedOrReplayed<T>),
    /// What would be made.
    Preview(Preview<P>),
}

/// 200 with what was done, or with what would be done.
pub enum DoneOrPreview<T, P> {
    /// What was done.
    Done {
        /// The JSON body of the answer.
        body: T,
        /// True for the stored outcome of an earlier request with the same key.
        replayed: bool,
    },
    /// What would be done.
    Preview(Preview<P>),
}

/// The answer to a dry run.
pub struct Preview<P> {
    /// The JSON body of the answer.
    pub body: P,
    /// True when the request would be answered with the stored outcome of an earlier one.
    pub replayed: bool,
}

impl<P: Type + Serialize> IntoResponse for Preview<P> {
    fn into_response(self) -> Response {
        marked(Json(self.body).into_response(), self.replayed)
    }
}

impl<T, P> IntoResponse for CreatedOrPreview<T, P>
where
    T: Located + Serialize,
    P: Type + Serialize,
{
    fn into_response(self) -> Response {
        match self {
            Self::Created(created) => created.into_response(),
            Self::Preview(preview) => preview.into_response(),
        }
    }
}

impl<T, P> ApiResponse for CreatedOrPreview<T, P>
where
    T: Type + Located + Serialize,
    P: Type + Serialize,
{
    fn meta() -> MetaResponses {
        let mut meta = CreatedOrReplayed::<T>::meta();
        let mut previews = with_mark(Json::<P>::meta()).responses;
        for preview in &mut previews {
            preview.description = "What would happen, for a dry run";
        }
        meta.responses.extend(previews);
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        P::register(registry);
    }
}

impl<T, P> IntoResponse for DoneOrPreview<T, P>
where
    T: Type + Serialize,
    P: Type + Serialize,
{
    fn into_response(self) -> Response {
        match self {
            Self::Done { body, replayed } => marked(Json(body).into_response(), replayed),
            Self::Preview(preview) => preview.into_response(),
        }
    }
}

impl<T, P> ApiResponse for DoneOrPreview<T, P>
where
    T: Type + Serialize,
    P: Type + Serialize,
{
    fn meta() -> MetaResponses {
        let mut either = MetaSchema::ANY;
        either.any_of = vec![T::schema_ref(), P::schema_ref()];
        let mut meta = with_mark(Json::<T>::meta());
        for content in meta.responses.iter_mut().flat_map(|response| &mut response.content) {
            content.schema = MetaSchemaRef::Inline(Box::new(either.clone()));
        }
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        P::register(registry);
    }
}
