//! What sessions tell the audit log.

use sea_orm::ActiveEnum;
use serde_json::json;

use super::SessionEnd;
use crate::actor::{Actor, ClientInfo};
use crate::audit::{AuditAction, AuditLine, AuditSubject};
use crate::values::{SessionId, Timestamp, UserId};

/// A session began.
pub(super) fn began(actor: &Actor, session: SessionId, now: Timestamp) -> AuditLine {
    AuditLine::at(AuditAction::UserSignedIn, now)
        .by(actor)
        .to(AuditSubject::Session(session), Some(actor.user))
}

/// The actor's own sessions ended, each with a line.
pub(super) fn ended(actor: &Actor, sessions: &[SessionId], reason: SessionEnd, now: Timestamp) -> Vec<AuditLine> {
    let reason = json!({ "reason": reason.to_value() });
    let lines = sessions.iter().map(|session| {
        AuditLine::at(AuditAction::SessionEnded, now)
            .by(actor)
            .to(AuditSubject::Session(*session), Some(actor.user))
            .after(&reason)
    });
    lines.collect()
}

/// A used refresh token came again, and ended its session. There is no actor: it may be the user or a thief.
pub(super) fn token_reused(
    user: UserId,
    sessions: &[SessionId],
    client: &ClientInfo,
    now: Timestamp,
) -> Vec<AuditLine> {
    let lines = sessions.iter().map(|session| {
        AuditLine::at(AuditAction::TokenReused, now)
            .from_client(client)
            .to(AuditSubject::Session(*session), Some(user))
    });
    lines.collect()
}
