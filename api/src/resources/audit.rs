//! `/v1/audit`: who did what, to whom, when, and from where.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem::http::{HeaderValue, header};
use poem::{Body, FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};
use service::Services;
use service::audit::AuditFilter;
use service::values::UserId;
use service::wallets::TimeRange;
use uuid::Uuid;

use super::Tag;
use super::audit_table;
use super::audit_view::AuditLineView;
use crate::auth::AuditRead;
use crate::problem::ApiResult;
use crate::wire::{ActionText, CursorText, Json, ListQuery, Listed, MediaType, PageLimit, page_request, preferred};

/// The handlers of `/v1/audit`.
pub struct AuditApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// The form in which the audit log is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditForm {
    /// A page of a list.
    Json,
    /// A table of every line.
    Csv,
}

/// The audit log in one of its forms.
pub enum AuditAnswer {
    /// A page of the list.
    Page(Json<Listed<AuditLineView>>),
    /// Every line, as a stream.
    Table(Body),
}

#[OpenApi(prefix_path = "/v1/audit", tag = "Tag::Audit")]
impl AuditApi {
    /// List the audit log
    ///
    /// Newest first: what was done and tried, by whom, to whom, when and from where. A page may hold fewer items than
    /// `limit` beside a `next_cursor`: go on until it is null. A range that ends before it begins is refused. JSON by
    /// default; with `Accept: text/csv` a table of every line that the filters admit, for which `limit` and `cursor` do
    /// not count.
    ///
    /// The table is a stream, and one that the server cannot finish is broken off. An empty cell stands for null; a
    /// text that a spreadsheet might take for a formula, or that begins with an apostrophe, has one more apostrophe
    /// before it.
    #[oai(path = "/", method = "get", operation_id = "audit_list")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each query parameter is an argument of its own in poem-openapi"
    )]
    async fn list(
        &self,
        _auditor: AuditRead,
        /// Only what this user did.
        actor_id: Query<Option<Uuid>>,
        /// Only this action.
        action: Query<Option<ActionText>>,
        /// Only what was done to this user, session, API key, wallet, transfer, import or webhook.
        subject_id: Query<Option<Uuid>>,
        /// Done at or after.
        from: Query<Option<DateTime<Utc>>>,
        /// Done before.
        to: Query<Option<DateTime<Utc>>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
        form: AuditForm,
    ) -> ApiResult<AuditAnswer> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let range = TimeRange { from: from.0, to: to.0 };
        range.check_order()?;
        let filter = AuditFilter {
            actor: actor_id.0.map(UserId),
            action: action.0.map(|action| action.0),
            subject: subject_id.0,
            from: range.from,
            to: range.to,
        };
        let audit = &self.services.audit;
        Ok(match form {
            AuditForm::Json => {
                let page = audit.list(filter, request).await?;
                AuditAnswer::Page(Json(Listed::of(page, AuditLineView::from)))
            }
            AuditForm::Csv => AuditAnswer::Table(audit_table::body(audit.export(filter))),
        })
    }
}

impl AuditForm {
    /// Both forms; of two that a caller likes equally well, it gets the first.
    const ALL: [(Self, MediaType); 2] = [(Self::Json, ("application", "json")), (Self::Csv, ("text", "csv"))];
}

/// Not a documented parameter: OpenAPI describes `Accept` by the media types of the answers.
impl<'a> FromRequest<'a> for AuditForm {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(preferred(request.headers(), &Self::ALL).unwrap_or(Self::Json))
    }
}

impl IntoResponse for AuditAnswer {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Page(page) => page.into_response(),
            Self::Table(body) => Response::builder().content_type("text/csv; charset=utf-8").body(body),
        };
        let vary = HeaderValue::from_static("accept");
        response.headers_mut().insert(header::VARY, vary);
        response
    }
}

impl ApiResponse for AuditAnswer {
    fn meta() -> MetaResponses {
        let json = MetaMediaType {
            content_type: "application/json",
            schema: Listed::<AuditLineView>::schema_ref(),
        };
        let table = MetaMediaType {
            content_type: "text/csv",
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let answer = MetaResponse {
            description: "OK",
            status: Some(200),
            status_range: None,
            content: vec![json, table],
            headers: Vec::new(),
        };
        MetaResponses {
            responses: vec![answer],
        }
    }

    fn register(registry: &mut Registry) {
        Listed::<AuditLineView>::register(registry);
    }
}
