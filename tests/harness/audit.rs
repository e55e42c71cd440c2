//! The lines of the audit log as the database has them.

use std::collections::HashMap;

use entity::{audit_details, audit_lines};
use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder};
use serde_json::Value;
use service::values::{ApiKeyId, AuditId, Sha256Digest, Timestamp, UserId};

use crate::bank::TestBank;

/// A line of the audit log, with its details.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedLine {
    pub id: AuditId,
    pub at: Timestamp,
    pub action: String,
    pub actor: Option<UserId>,
    pub api_key: Option<ApiKeyId>,
    /// What it was done to: a word, and the id.
    pub subject: Option<(String, Uuid)>,
    pub person: Option<UserId>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request: Option<String>,
    pub email_digest: Option<Sha256Digest>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl RecordedLine {
    /// Fails unless the subject is this one.
    #[track_caller]
    pub fn expect_subject(&self, kind: &str, id: Uuid) {
        assert_eq!(self.subject, Some((kind.to_owned(), id)), "{self:?}");
    }

    /// Fails unless the details that tell of the client are these: address, description, request id.
    #[track_caller]
    pub fn expect_client(&self, address: Option<&str>, user_agent: Option<&str>, request: Option<&str>) {
        let found = (
            self.address.as_deref(),
            self.user_agent.as_deref(),
            self.request.as_deref(),
        );
        assert_eq!(found, (address, user_agent, request), "{self:?}");
    }
}

impl TestBank {
    /// Every line of the audit log, in the order of the ids. Lines of one moment are in no order, and a test's clock
    /// stands still.
    pub async fn audit_lines(&self) -> Vec<RecordedLine> {
        recorded_lines(&self.db.read).await
    }

    /// The lines of an action.
    pub async fn lines_of(&self, action: &str) -> Vec<RecordedLine> {
        let mut lines = self.audit_lines().await;
        lines.retain(|line| line.action == action);
        lines
    }

    /// The only line of an action.
    pub async fn line_of(&self, action: &str) -> RecordedLine {
        let mut lines = self.lines_of(action).await;
        assert_eq!(lines.len(), 1, "{action}: {lines:?}");
        lines.remove(0)
    }
}

/// Every line of a bank's database, in the order of the ids.
pub async fn recorded_lines(db: &DatabaseConnection) -> Vec<RecordedLine> {
    let lines = audit_lines::Entity::find().order_by_asc(audit_lines::Column::Id);
    let lines = lines.all(db).await.expect("lines can be read");
    let details = audit_details::Entity::find().all(db).await;
    let details = details.expect("details can be read").into_iter();
    let mut details: HashMap<AuditId, _> = details.map(|row| (row.id, row)).collect();
    let recorded = lines.into_iter().map(|line| {
        let details = details.remove(&line.id).expect("a line has its details");
        recorded(line, details)
    });
    let recorded: Vec<RecordedLine> = recorded.collect();
    assert!(details.is_empty(), "details without a line: {details:?}");
    recorded
}

fn recorded(line: audit_lines::Model, details: audit_details::Model) -> RecordedLine {
    let json = |text: Option<String>| text.map(|text| serde_json::from_str::<Value>(&text).expect("it is JSON"));
    RecordedLine {
        id: line.id,
        at: line.at,
        action: line.action,
        actor: line.actor_id,
        api_key: line.api_key_id,
        subject: line.subject_kind.zip(line.subject_id),
        person: line.person_id,
        address: details.address,
        user_agent: details.user_agent,
        request: details.request_id,
        email_digest: details.email_digest,
        before: json(details.before),
        after: json(details.after),
    }
}
