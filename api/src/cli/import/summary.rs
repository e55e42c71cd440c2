//! What became of the rows, by file and by reason: for people and for machines.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use service::imports::{Import, Totals};
use service::values::ImportStatus;

/// The imports of one run, each with the path that was named.
#[derive(Default)]
pub struct Summary {
    imports: Vec<(String, Import)>,
    is_stopped: bool,
}

impl Summary {
    pub fn add(&mut self, path: &Path, import: Import) {
        self.imports.push((path.display().to_string(), import));
    }

    /// The run was stopped, perhaps within a file.
    pub fn stop(&mut self, path: &Path, import: Option<Import>) {
        if let Some(import) = import {
            self.add(path, import);
        }
        self.is_stopped = true;
    }

    pub fn has_failed(&self) -> bool {
        self.imports
            .iter()
            .any(|(_, import)| import.status == ImportStatus::Failed)
    }

    pub fn total(&self) -> Totals {
        let mut total = Totals::default();
        for (_, import) in &self.imports {
            total.add(&import.counts);
        }
        total
    }

    pub fn to_text(&self) -> String {
        let total = self.total();
        let names = self.imports.iter().map(|(path, _)| path.chars().count());
        let width = names.max().unwrap_or_default().max("total".len());
        let mut text = format!("{:width$}  status     ", "file");
        for column in COLUMNS {
            text.push_str(&format!("{column:>12}"));
        }
        text.push('\n');
        for (path, import) in &self.imports {
            line(
                &mut text,
                &format!("{:width$}  {:9}  ", path, import.status),
                &import.counts,
            );
        }
        line(&mut text, &format!("{:width$}  {:9}  ", "total", ""), &total);
        for (reason, count) in &total.skip_reasons {
            text.push_str(&format!("skipped {count:>10}  {}\n", reason.replace('_', " ")));
        }
        for (path, import) in &self.imports {
            if let Some(failure) = &import.failure {
                text.push_str(&format!("{path}: {failure}\n"));
            }
        }
        text
    }

    pub fn to_json(&self) -> Value {
        let files: Vec<Value> = self.imports.iter().map(|(path, import)| file(path, import)).collect();
        let mut total = counts(&self.total());
        total["files"] = json!(files.len());
        json!({ "stopped": self.is_stopped, "files": files, "total": total })
    }
}

const COLUMNS: [&str; 5] = ["read", "inserted", "duplicate", "skipped", "coerced"];

fn line(text: &mut String, head: &str, counts: &Totals) {
    let numbers = [
        counts.rows_read,
        counts.rows_inserted,
        counts.rows_duplicate,
        counts.rows_skipped,
        counts.amounts_coerced,
    ];
    text.push_str(head);
    for number in numbers {
        // Writing to a String cannot fail.
        let _ = write!(text, "{number:>12}");
    }
    text.push('\n');
}

fn file(path: &str, import: &Import) -> Value {
    let mut value = json!({
        "id": import.id,
        "kind": import.kind,
        "file": import.file,
        "path": path,
        "status": import.status,
        "failure": import.failure,
        "bytes": import.size,
        "bytes_applied": import.checkpoint,
    });
    if let (Some(value), Value::Object(counts)) = (value.as_object_mut(), counts(&import.counts)) {
        value.extend(counts);
    }
    value
}

fn counts(totals: &Totals) -> Value {
    json!({
        "rows_read": totals.rows_read,
        "rows_inserted": totals.rows_inserted,
        "rows_duplicate": totals.rows_duplicate,
        "rows_skipped": totals.rows_skipped,
        "amounts_coerced": totals.amounts_coerced,
        "skip_reasons": totals.skip_reasons,
    })
}
