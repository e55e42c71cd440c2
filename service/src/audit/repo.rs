//! The SQL of the audit log, but for what the ledger writes with its group commits.

mod list;

pub(super) use list::{ComparedActor, ListedLines, list};

use entity::{audit_details, audit_lines};
use sea_orm::{DatabaseTransaction, EntityTrait, Set};

use super::{AuditLine, AuditSubject};
use crate::db::Fault;

/// Writes lines, as a part of the transaction of what they tell of.
pub(crate) async fn record(tx: &DatabaseTransaction, lines: &[AuditLine]) -> Result<(), Fault> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows = lines.iter().map(|line| audit_lines::ActiveModel {
        id: Set(line.id),
        at: Set(line.at),
        action: Set(line.action.as_str().to_owned()),
        actor_id: Set(line.actor),
        api_key_id: Set(line.api_key),
        subject_kind: Set(line.subject.map(|subject| subject.kind().to_owned())),
        subject_id: Set(line.subject.map(AuditSubject::id)),
        person_id: Set(line.person),
    });
    audit_lines::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    let details = lines.iter().map(|line| {
        let details = &line.details;
        audit_details::ActiveModel {
            id: Set(line.id),
            address: Set(details.address.map(|address| address.to_string())),
            user_agent: Set(details.user_agent.clone()),
            request_id: Set(details.request.clone()),
            email_digest: Set(details.email_digest),
            before: Set(details.before.clone()),
            after: Set(details.after.clone()),
        }
    });
    audit_details::Entity::insert_many(details)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}
