//! `/v1/users/me/sessions`: where the caller is signed in.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::actor::{Actor, Credential};
use service::identity::LiveSession;
use service::values::SessionId;
use uuid::Uuid;

use super::Tag;
use crate::auth::Session;
use crate::problem::ApiResult;
use crate::samples;
use crate::wire::{Json, Listed, NoBody, NoContent, Time};

/// The handlers of `/v1/users/me/sessions`.
pub struct SessionsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// A place where a user is signed in.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Session", example)]
pub struct SessionView {
    id: Uuid,
    /// When the user signed in (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When the tokens were last refreshed; at first, when the user signed in (RFC 3339, UTC, microseconds).
    last_used_at: Time,
    /// The client's IP address at that time; null where it is not known.
    address: Option<String>,
    /// The client's own description of itself at that time, up to 200 characters; null when it gave none.
    user_agent: Option<String>,
    /// True for the session of this request.
    current: bool,
}

#[OpenApi(prefix_path = "/v1/users/me/sessions", tag = "Tag::Users")]
impl SessionsApi {
    /// List my sessions
    ///
    /// Where the caller is signed in, newest first; at most 50, so that there is one page. A further sign-in ends the
    /// oldest session.
    #[oai(path = "/", method = "get", operation_id = "sessions_list")]
    async fn list(&self, Session(actor): Session) -> ApiResult<Json<Listed<SessionView>>> {
        let sessions = self.services.identity.sessions(actor.user).await?;
        let items = sessions.into_iter().map(|session| SessionView::of(session, &actor));
        Ok(Json(Listed {
            items: items.collect(),
            next_cursor: None,
        }))
    }

    /// End all my sessions
    ///
    /// This one, too: the caller has to sign in again. The body is empty.
    #[oai(path = "/", method = "delete", operation_id = "sessions_end_all")]
    async fn end_all(&self, Session(actor): Session, _body: NoBody) -> ApiResult<NoContent> {
        self.services.identity.end_sessions(&actor).await?;
        Ok(NoContent)
    }

    /// End one of my sessions
    ///
    /// Its tokens are refused from now on, by other servers of the bank within one second. A session of another user gets
    /// 404, as an unknown id and an ended session do. The body is empty.
    #[oai(path = "/:session_id", method = "delete", operation_id = "sessions_end")]
    async fn end(&self, Session(actor): Session, session_id: Path<Uuid>, _body: NoBody) -> ApiResult<NoContent> {
        let id = SessionId(session_id.0);
        self.services.identity.end_session(&actor, id).await?;
        Ok(NoContent)
    }
}

impl SessionView {
    /// A session, which may be the one of the actor's request.
    pub(super) fn of(session: LiveSession, actor: &Actor) -> Self {
        Self {
            id: session.id.0,
            created_at: Time(session.created_at),
            last_used_at: Time(session.last_used_at),
            address: session.address.map(|address| address.to_string()),
            user_agent: session.user_agent,
            current: actor.credential == Credential::Session(session.id),
        }
    }
}

impl Example for SessionView {
    fn example() -> Self {
        Self {
            id: samples::SESSION_ID,
            created_at: samples::time(),
            last_used_at: samples::time(),
            address: Some("192.0.2.7".to_owned()),
            user_agent: Some("Mozilla/5.0".to_owned()),
            current: true,
        }
    }
}
