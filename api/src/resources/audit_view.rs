//! A line of the audit log as clients see it.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::audit::{StoredAuditLine, StoredAuditSubject};
use uuid::{Uuid, uuid};

use crate::samples;
use crate::wire::{StoredJson, Time};

/// Something that was done, or tried.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AuditLine", example)]
pub struct AuditLineView {
    /// Names the line.
    id: Uuid,
    /// When it was done (RFC 3339, UTC, microseconds).
    at: Time,
    /// What was done, such as `user.suspended`. Later versions may have more of them.
    #[oai(validator(pattern = "^[a-z_]+[.][a-z_]+$"))]
    action: String,
    /// The user who did it; null for the bank itself, a command without `--as`, and a caller who has not signed in.
    actor_id: Option<Uuid>,
    /// The API key of the request; null without one.
    api_key_id: Option<Uuid>,
    subject: Option<AuditSubjectView>,
    /// The client's IP address; null where it is not known, at the terminal, and once it is erased.
    address: Option<String>,
    /// The client's own description of itself, up to 200 characters; null as `address` is.
    user_agent: Option<String>,
    /// Names the request in the server's log; null as `address` is.
    request_id: Option<String>,
    /// What it was before, as an object that depends on the action; null where there is nothing to tell, and once it is
    /// erased.
    before: Option<StoredJson>,
    /// What it is now; null as `before` is.
    after: Option<StoredJson>,
}

/// To what something was done; null for the bank itself, and where an unknown address was named.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AuditSubject", example)]
pub struct AuditSubjectView {
    /// What it is: `user`, `session`, `api_key`, `wallet`, `transfer`, `import` or `webhook`. Later versions may
    /// have more of them.
    kind: String,
    /// Its id.
    id: Uuid,
}

impl From<StoredAuditLine> for AuditLineView {
    fn from(line: StoredAuditLine) -> Self {
        Self {
            id: line.id.0,
            at: Time(line.at),
            action: line.action,
            actor_id: line.actor.map(|user| user.0),
            api_key_id: line.api_key.map(|key| key.0),
            subject: line.subject.map(AuditSubjectView::from),
            address: line.address,
            user_agent: line.user_agent,
            request_id: line.request,
            before: line.before.and_then(StoredJson::of),
            after: line.after.and_then(StoredJson::of),
        }
    }
}

impl From<StoredAuditSubject> for AuditSubjectView {
    fn from(subject: StoredAuditSubject) -> Self {
        Self {
            kind: subject.kind,
            id: subject.id,
        }
    }
}

const SAMPLE_ID: Uuid = uuid!("01993f2a-7d00-7a80-8fa0-de838ccdf009");
const SAMPLE_ACTOR_ID: Uuid = uuid!("01993f2a-5b00-7a00-8e2a-5c0b0d4a8a00");
const SAMPLE_REQUEST_ID: &str = "0198c5a2-7d3e-4c41-9f0e-3b1f5a6c7d8e";

impl Example for AuditLineView {
    fn example() -> Self {
        let status = |status: &str| StoredJson::of(format!("{{\"status\":\"{status}\"}}"));
        Self {
            id: SAMPLE_ID,
            at: samples::time(),
            action: "user.suspended".to_owned(),
            actor_id: Some(SAMPLE_ACTOR_ID),
            api_key_id: None,
            subject: Some(AuditSubjectView::example()),
            address: Some("192.0.2.7".to_owned()),
            user_agent: Some("Mozilla/5.0".to_owned()),
            request_id: Some(SAMPLE_REQUEST_ID.to_owned()),
            before: status("active"),
            after: status("suspended"),
        }
    }
}

impl Example for AuditSubjectView {
    fn example() -> Self {
        Self {
            kind: "user".to_owned(),
            id: samples::USER_ID,
        }
    }
}
