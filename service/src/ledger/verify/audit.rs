//! Checks the audit log against what group commits have done. Each change of a status or of limits, and each completed
//! reversal, has a line with its id, which tells what was done, to what, and who asked for it. No such line stands alone.
//! Who asked is compared with what the journal proves. Details of lines are not checked, since they can be erased.

use sea_orm::{ActiveEnum, Iterable};

use super::dialect::{BooksDialect, SqlCheck};
use crate::audit::AuditAction;
use crate::ledger::book::action_of;
use crate::values::ChangeKind;

pub(super) fn checks_of_audit(dialect: BooksDialect) -> Vec<SqlCheck> {
    let none = dialect.no_version();
    let changed = ChangedActions::all();
    let (kinds, actions, action) = (changed.kinds(), changed.words(), changed.action_of("c.kind"));
    let reversed = format!("'{}'", AuditAction::TransferReversed.as_str());
    vec![
        (
            "every change of a wallet's status or limits has its line in the audit log, with who asked for it",
            format!(
                "SELECT c.id AS id, {none} FROM changes c LEFT JOIN wallets w ON w.id = c.subject \
                 LEFT JOIN audit_lines a ON a.id = c.id AND a.action = {action} AND a.subject_id = c.subject \
                 AND a.actor_id = coalesce(c.created_by, w.user_id) WHERE c.kind IN ({kinds}) AND a.id IS NULL"
            ),
        ),
        (
            "every completed reversal has its line in the audit log, with who asked for it",
            format!(
                "SELECT r.id AS id, {none} FROM transfers r LEFT JOIN wallets w ON w.id = r.source_wallet_id \
                 LEFT JOIN audit_lines a ON a.id = r.id AND a.action = {reversed} AND a.subject_id = r.parent_id \
                 AND a.actor_id = coalesce(r.created_by, w.user_id) AND a.api_key_id IS NOT DISTINCT FROM r.api_key_id \
                 WHERE r.kind <> 1 AND r.kind = 4 AND r.status = 2 AND a.id IS NULL"
            ),
        ),
        (
            "every line of the audit log about a change of a wallet or a reversal has it",
            format!(
                "SELECT a.id AS id, {none} FROM audit_lines a \
                 LEFT JOIN changes c ON c.id = a.id AND a.action = {action} \
                 LEFT JOIN transfers r ON r.id = a.id AND r.kind = 4 AND r.status = 2 AND a.action = {reversed} \
                 WHERE a.action IN ({actions}, {reversed}) AND c.id IS NULL AND r.id IS NULL"
            ),
        ),
    ]
}

/// The kinds of changes that have lines, as they are stored, and what these lines call them.
struct ChangedActions(Vec<(i16, &'static str)>);

impl ChangedActions {
    fn all() -> Self {
        let word_of = |kind: ChangeKind| Some((kind.to_value(), action_of(kind)?.as_str()));
        Self(ChangeKind::iter().filter_map(word_of).collect())
    }

    fn kinds(&self) -> String {
        let kinds: Vec<String> = self.0.iter().map(|(kind, _)| kind.to_string()).collect();
        kinds.join(", ")
    }

    fn words(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(_, word)| format!("'{word}'")).collect();
        words.join(", ")
    }

    /// The word of a stored kind; NULL for any other.
    fn action_of(&self, kind: &str) -> String {
        let cases = self.0.iter();
        let cases: Vec<String> = cases.map(|(kind, word)| format!("WHEN {kind} THEN '{word}'")).collect();
        format!("CASE {kind} {} END", cases.join(" "))
    }
}
