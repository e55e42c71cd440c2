//! A line of the audit log as the person whom it tells of may see it. Pure.

use crate::audit::StoredAuditLine;
use crate::values::UserId;

/// A line of the audit log, and whom it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct PersonLine {
    /// The line.
    pub line: StoredAuditLine,
    /// The user to whom it was done, or whose it was done to.
    pub person: Option<UserId>,
}

impl PersonLine {
    /// The line without what tells of others: of a line where another user acted, where they were; of a line that was done to
    /// another user, what they were and are.
    pub(super) fn shown_to(self, person: UserId) -> StoredAuditLine {
        let is_other = |user: Option<UserId>| user.is_some_and(|user| user != person);
        let mut line = self.line;
        if is_other(line.actor) {
            line.address = None;
            line.user_agent = None;
            line.request = None;
        }
        if is_other(self.person) {
            line.before = None;
            line.after = None;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::{AuditId, Timestamp};

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const OTHER: UserId = UserId(Uuid::from_u128(2));

    /// Whether the address and what it is now are shown to Ana.
    fn shown(actor: Option<UserId>, person: Option<UserId>) -> (bool, bool) {
        let text = || Some("text".to_owned());
        let line = StoredAuditLine {
            id: AuditId(Uuid::from_u128(7)),
            at: Timestamp::default(),
            action: "user.suspended".to_owned(),
            actor,
            api_key: None,
            subject: None,
            address: text(),
            user_agent: text(),
            request: text(),
            before: text(),
            after: text(),
        };
        let line = PersonLine { line, person }.shown_to(ANA);
        assert_eq!(
            line.address.is_some(),
            line.user_agent.is_some() && line.request.is_some()
        );
        assert_eq!(line.before, line.after);
        (line.address.is_some(), line.after.is_some())
    }

    #[test]
    fn a_person_sees_nothing_of_others() {
        assert_eq!(shown(Some(ANA), Some(ANA)), (true, true));
        assert_eq!(shown(Some(ANA), None), (true, true));
        assert_eq!(shown(Some(ANA), Some(OTHER)), (true, false));
        assert_eq!(shown(Some(OTHER), Some(ANA)), (false, true));
        assert_eq!(shown(None, Some(ANA)), (true, true));
    }
}
