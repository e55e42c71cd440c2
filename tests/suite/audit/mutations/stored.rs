//! What the database has: the lines of the audit log by action, and every row of every other table.

use std::collections::BTreeMap;

use harness::TestBank;

use crate::erasure::{stored_rows, texts};

/// Tables that are not compared: the log itself; the chain over rows of other tables, to which a process adds an empty
/// row when it begins.
const LEFT_OUT: [&str; 3] = ["audit_lines", "audit_details", "journal"];

/// One statement, so that it sees one moment. A line without its details, or details without a line, have a word that
/// no action has.
const LINES: &str = "
SELECT CASE WHEN d.id IS NULL THEN 'a line without details' ELSE l.action END AS text, l.id AS id
FROM audit_lines AS l LEFT JOIN audit_details AS d ON d.id = l.id
UNION ALL
SELECT 'details without a line' AS text, d.id AS id
FROM audit_details AS d WHERE NOT EXISTS (SELECT 1 FROM audit_lines AS l WHERE l.id = d.id)
ORDER BY 2";

/// What is stored at a moment.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredState {
    /// Of every table but those that are left out.
    rows: Vec<String>,
    /// How many lines the log has of each action.
    lines: BTreeMap<String, usize>,
}

impl StoredState {
    /// Reads it. A commit in between shows in the lines, which are read before the rows and after them.
    pub async fn of(bank: &TestBank) -> Self {
        let mut lines = texts(bank, LINES).await;
        loop {
            let mut rows: Vec<String> = Vec::new();
            for row in stored_rows(bank).await {
                if !LEFT_OUT.contains(&row.table.as_str()) {
                    rows.push(format!("{}: {}", row.table, row.text));
                }
            }
            rows.sort_unstable();
            let again = texts(bank, LINES).await;
            if again == lines {
                return Self {
                    rows,
                    lines: counted(lines),
                };
            }
            lines = again;
        }
    }

    /// The actions of the lines that were added since, sorted.
    #[track_caller]
    pub fn lines_since(&self, before: &Self) -> Vec<&str> {
        let mut added = Vec::new();
        for action in before.lines.keys() {
            assert!(self.lines.contains_key(action), "lines of {action} are gone");
        }
        for (action, count) in &self.lines {
            let known = before.lines.get(action).copied().unwrap_or_default();
            assert!(*count >= known, "a line of {action} is gone");
            added.extend(std::iter::repeat_n(action.as_str(), count - known));
        }
        added
    }

    /// Whether a row beside the log is another one.
    pub fn rows_differ_from(&self, before: &Self) -> bool {
        self.rows != before.rows
    }
}

fn counted(lines: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for action in lines {
        *counts.entry(action).or_default() += 1;
    }
    counts
}
