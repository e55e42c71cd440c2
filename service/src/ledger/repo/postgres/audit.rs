//! Binds the lines of the audit log that a commit writes.

use super::bind::{BoundQuery, column};
use crate::audit::{AuditDetails, AuditLine, AuditSubject};

/// Binds lines, in the order of `AUDIT_LINES`.
pub fn bind_lines<'q>(query: BoundQuery<'q>, lines: &'q [AuditLine]) -> BoundQuery<'q> {
    query
        .bind(column(lines, |line| line.id.0))
        .bind(column(lines, |line| line.at))
        .bind(column(lines, |line| line.action.as_str()))
        .bind(column(lines, |line| line.actor.map(|user| user.0)))
        .bind(column(lines, |line| line.api_key.map(|key| key.0)))
        .bind(column(lines, |line| line.subject.map(AuditSubject::kind)))
        .bind(column(lines, |line| line.subject.map(AuditSubject::id)))
        .bind(column(lines, |line| line.person.map(|user| user.0)))
}

/// Binds the details of lines, in the order of `AUDIT_DETAILS`.
pub fn bind_details<'q>(query: BoundQuery<'q>, lines: &'q [AuditLine]) -> BoundQuery<'q> {
    let details: Vec<&'q AuditDetails> = lines.iter().map(|line| &line.details).collect();
    query
        .bind(column(lines, |line| line.id.0))
        .bind(column(&details, |details| {
            details.address.map(|address| address.to_string())
        }))
        .bind(column(&details, |details| details.user_agent.as_deref()))
        .bind(column(&details, |details| details.request.as_deref()))
        .bind(column(&details, |details| details.before.as_deref()))
        .bind(column(&details, |details| details.after.as_deref()))
}
