//! The summary of an import run, by file and by reason: a text for people, JSON for programs.

use std::path::Path;

use serde_json::{Value, json};
use service::imports::{Import, ImportTotals};
use service::values::ImportStatus;

/// The imports of one run, each with the path that was named.
#[derive(Default)]
pub struct ImportSummary {
    imports: Vec<(String, Import)>,
    is_stopped: bool,
}

impl ImportSummary {
    pub fn add(&mut self, path: &Path, import: Import) {
        self.imports.push((path.display().to_string(), import));
    }

    /// Marks the run as stopped. `import` is the import that it stopped in; `None` when none of its rows was read.
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

    pub fn total(&self) -> ImportTotals {
        let mut total = ImportTotals::default();
        for (_, import) in &self.imports {
            total.add(&import.counts);
        }
        total
    }

    /// A table that fits 80 columns; below it the reasons of skipped rows, and the failures.
    pub fn to_text(&self) -> String {
        let total = self.total();
        let columns = columns(&total);
        let numbers_width: usize = columns.iter().map(|column| column.width).sum();
        let room = LINE_WIDTH.saturating_sub("  completed".len() + numbers_width);
        let names: Vec<String> = self.imports.iter().map(|(path, _)| ending(path, room)).collect();
        let width = names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or_default().max("total".len());
        let line = |name: &str, status: &str, cell: &dyn Fn(&SummaryColumn) -> String| {
            let cells: String = columns.iter().map(cell).collect();
            format!("{name:width$}  {status:9}{cells}\n")
        };
        let numbers = |counts: &ImportTotals| {
            let counts = counts.clone();
            move |column: &SummaryColumn| format!("{:>1$}", (column.of)(&counts), column.width)
        };
        let mut text = line("file", "status", &|column| format!("{:>1$}", column.name, column.width));
        for (name, (_, import)) in names.iter().zip(&self.imports) {
            text.push_str(&line(name, &import.status.to_string(), &numbers(&import.counts)));
        }
        text.push_str(&line("total", "", &numbers(&total)));
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

const LINE_WIDTH: usize = 80;

/// A column of numbers.
struct SummaryColumn {
    name: &'static str,
    of: fn(&ImportTotals) -> u64,
    /// Characters, the two blanks before the column included.
    width: usize,
}

impl SummaryColumn {
    /// No wider than its name and its numbers are.
    fn new(name: &'static str, of: fn(&ImportTotals) -> u64, total: &ImportTotals) -> Self {
        let width = 2 + name.len().max(of(total).to_string().len());
        Self { name, of, width }
    }
}

fn columns(total: &ImportTotals) -> [SummaryColumn; 5] {
    [
        SummaryColumn::new("read", |counts| counts.rows_read, total),
        SummaryColumn::new("inserted", |counts| counts.rows_inserted, total),
        SummaryColumn::new("duplicate", |counts| counts.rows_duplicate, total),
        SummaryColumn::new("skipped", |counts| counts.rows_skipped, total),
        SummaryColumn::new("coerced", |counts| counts.amounts_coerced, total),
    ]
}

/// The end of a path, which distinguishes files, in at most `room` characters.
fn ending(path: &str, room: usize) -> String {
    let length = path.chars().count();
    if length <= room {
        return path.to_owned();
    }
    let end: String = path.chars().skip(length + 1 - room.max(1)).collect();
    format!("…{end}")
}

fn file(path: &str, import: &Import) -> Value {
    let mut value = json!({
        "id": import.id,
        "kind": import.kind,
        "file": import.file_name,
        "path": path,
        "status": import.status,
        "failure": import.failure,
        "bytes": import.size,
        "bytes_applied": import.bytes_applied,
    });
    if let (Some(value), Value::Object(counts)) = (value.as_object_mut(), counts(&import.counts)) {
        value.extend(counts);
    }
    value
}

fn counts(totals: &ImportTotals) -> Value {
    json!({
        "rows_read": totals.rows_read,
        "rows_inserted": totals.rows_inserted,
        "rows_duplicate": totals.rows_duplicate,
        "rows_skipped": totals.rows_skipped,
        "amounts_coerced": totals.amounts_coerced,
        "skip_reasons": totals.skip_reasons,
    })
}
