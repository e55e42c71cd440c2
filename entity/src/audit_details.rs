//! What the audit log knows of people: the part of each line that an erasure empties. Nothing else of it ever changes.

use sea_orm::entity::prelude::*;

use crate::values::{AuditId, Sha256Digest};

/// The rest of a line of the audit log.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_details")]
pub struct Model {
    /// The line's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    /// The client's address.
    pub address: Option<String>,
    /// The client's own description of itself.
    pub user_agent: Option<String>,
    /// The id of the request, which a client may choose.
    pub request_id: Option<String>,
    /// A keyed digest of the e-mail address of a failed sign-in.
    pub email_digest: Option<Sha256Digest>,
    /// A JSON value: what it was before.
    pub before: Option<String>,
    /// A JSON value: what it is now.
    pub after: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
