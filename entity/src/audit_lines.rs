//! The audit log, without what tells who a person is. Appended to, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{ApiKeyId, AuditId, UserId};

/// What was done, by whom, to whom, and when.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_lines")]
pub struct Model {
    /// For what a group commit did, the id of the change or transfer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    /// When it was done.
    pub at: DateTimeUtc,
    /// A word such as `user.suspended`.
    pub action: String,
    /// The user who did it; `None` for the bank itself, a command without `--as`, and a caller who has not
    /// signed in.
    pub actor_id: Option<UserId>,
    /// The API key of the request; `None` without one.
    pub api_key_id: Option<ApiKeyId>,
    /// What it was done to, as a word such as `user`; `None` for the bank itself.
    pub subject_kind: Option<String>,
    /// The id of that; set exactly when the word is.
    pub subject_id: Option<Uuid>,
    /// The user whom the line is about: the subject, or the subject's owner.
    pub person_id: Option<UserId>,
}

impl ActiveModelBehavior for ActiveModel {}
