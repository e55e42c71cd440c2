//! `/v1/users/me/export` and `/v1/users/{user_id}/erase`: what the bank has about a person, and the end of it.

use std::sync::Arc;

use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::Path;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};
use service::Services;
use service::values::UserId;
use uuid::Uuid;

use super::Tag;
use super::users::UserView;
use crate::auth::{Session, UsersManage};
use crate::export::{self, Export, PersonalDataView};
use crate::problem::ApiResult;
use crate::wire::{Json, NoBody};

/// The handlers of a person's data.
pub struct PersonalDataApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// An export, as a stream.
pub struct ExportAnswer(Body);

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl PersonalDataApi {
    /// Export my data
    ///
    /// Everything that the bank has about the caller, as one object. For people who have signed in, not for API keys. The
    /// audit log notes it.
    ///
    /// The answer is a stream. One that the server cannot finish is broken off, and is no JSON.
    #[oai(path = "/me/export", method = "get", operation_id = "users_export")]
    async fn export(&self, Session(actor): Session) -> ApiResult<ExportAnswer> {
        let export = Export::begin(self.services.clone(), Some(&actor), actor.user).await?;
        Ok(ExportAnswer(export::body(export)))
    }

    /// Erase a user
    ///
    /// For good: e-mail address, name and password, sessions, API keys and webhooks, where the person was and what was changed
    /// of them in the audit log, and the texts of the transfers that the person asked for. The books stay, with ids and
    /// amounts, and so do the texts of others. All wallets of the user must be closed. Admins cannot erase themselves.
    /// The answer comes when nothing is left, which takes a while after very many transfers; 503 `unavailable` may also
    /// say that the user is erased, and that what is left of their data is erased within minutes. The body is empty.
    #[oai(path = "/:user_id/erase", method = "post", operation_id = "users_erase")]
    async fn erase(
        &self,
        UsersManage(actor): UsersManage,
        user_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<Json<UserView>> {
        let user = self.services.identity.erase(&actor, UserId(user_id.0)).await?;
        Ok(Json(user.into()))
    }
}

impl IntoResponse for ExportAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::builder().body(self.0);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl ApiResponse for ExportAnswer {
    fn meta() -> MetaResponses {
        let answer = MetaResponse {
            description: "OK",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: PersonalDataView::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses {
            responses: vec![answer],
        }
    }

    fn register(registry: &mut Registry) {
        PersonalDataView::register(registry);
    }
}
