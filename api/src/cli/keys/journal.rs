//! `florin keys --journal`: the keys that sign heads of the journal and receipts.

use std::path::Path;

use serde_json::{Value, json};
use service::identity::KeyChangeError;
use service::receipts::{
    JournalKeyReport, JournalKeyState, list_journal_keys, retire_journal_key, rotate_journal_keys,
};
use service::values::Timestamp;

use super::{KeyAction, ShownKeys};
use crate::cli::table::{TableColumn, table};
use crate::wire::time_text;

/// Does what is asked to the keys of the journal.
pub(super) fn apply(action: &KeyAction, path: &Path, now: Timestamp) -> Result<ShownKeys, KeyChangeError> {
    let keys = match action {
        KeyAction::Rotate => rotate_journal_keys(path, now)?,
        KeyAction::List => list_journal_keys(path, now)?,
        KeyAction::Retire { kid } => retire_journal_key(path, kid, now)?,
    };
    Ok(ShownKeys {
        table: keys_to_text(&keys),
        json: keys.iter().map(key_to_json).collect(),
    })
}

fn keys_to_text(keys: &[JournalKeyReport]) -> String {
    let columns = ["key", "made", "state"].map(TableColumn::text);
    let row = |report: &JournalKeyReport| {
        let key = &report.key;
        [key.kid.clone(), time_text(key.created_at), sentence(report.state)]
    };
    let rows: Vec<[String; 3]> = keys.iter().map(row).collect();
    table(columns, &rows)
}

fn key_to_json(report: &JournalKeyReport) -> Value {
    json!({
        "kid": report.key.kid,
        "created_at": time_text(report.key.created_at),
        "state": word(report.state),
        "changes_at": changes_at(report.state).map(time_text),
    })
}

fn sentence(state: JournalKeyState) -> String {
    match state {
        JournalKeyState::Waiting { signs_at } => format!("signs from {}", time_text(signs_at)),
        JournalKeyState::Signing => "signs".to_owned(),
        JournalKeyState::Superseded => "superseded".to_owned(),
        JournalKeyState::Retired { at } => format!("retired at {}", time_text(at)),
    }
}

fn word(state: JournalKeyState) -> &'static str {
    match state {
        JournalKeyState::Waiting { .. } => "waiting",
        JournalKeyState::Signing => "signing",
        JournalKeyState::Superseded => "superseded",
        JournalKeyState::Retired { .. } => "retired",
    }
}

/// When the state ends; for a key that is retired, when that was.
fn changes_at(state: JournalKeyState) -> Option<Timestamp> {
    match state {
        JournalKeyState::Signing | JournalKeyState::Superseded => None,
        JournalKeyState::Waiting { signs_at: at } | JournalKeyState::Retired { at } => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use service::receipts::JournalPublicKey;

    use super::*;

    fn report(state: JournalKeyState) -> JournalKeyReport {
        let key = JournalPublicKey {
            kid: "5f0c1e9ab2d37846".to_owned(),
            public: [7; 32],
            created_at: Timestamp::UNIX_EPOCH,
            retired_at: None,
        };
        JournalKeyReport { key, state }
    }

    #[test]
    fn a_key_is_shown_with_its_state() {
        let at = Timestamp::UNIX_EPOCH;
        let keys = [
            JournalKeyState::Waiting { signs_at: at },
            JournalKeyState::Signing,
            JournalKeyState::Superseded,
            JournalKeyState::Retired { at },
        ]
        .map(report);
        let lines = [
            "key               made                         state",
            "5f0c1e9ab2d37846  1970-01-01T00:00:00.000000Z  signs from 1970-01-01T00:00:00.000000Z",
            "5f0c1e9ab2d37846  1970-01-01T00:00:00.000000Z  signs",
            "5f0c1e9ab2d37846  1970-01-01T00:00:00.000000Z  superseded",
            "5f0c1e9ab2d37846  1970-01-01T00:00:00.000000Z  retired at 1970-01-01T00:00:00.000000Z",
            "",
        ];
        assert_eq!(keys_to_text(&keys), lines.join("\n"));
        let shown = keys.each_ref().map(key_to_json);
        let states = shown.each_ref().map(|key| &key["state"]);
        assert_eq!(states, ["waiting", "signing", "superseded", "retired"]);
        let changes = shown.each_ref().map(|key| key["changes_at"].as_str());
        let time = Some("1970-01-01T00:00:00.000000Z");
        assert_eq!(changes, [time, None, None, time]);
    }
}
