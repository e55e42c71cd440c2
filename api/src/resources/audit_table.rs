//! The audit log as a table (RFC 4180) of any length. A page of lines is read, written and taken by the connection
//! before the next one is read, so it takes the memory of one page, and a client that hangs up ends the reading. A
//! fault breaks the connection off.

use std::io;

use futures_util::stream;
use poem::Body;
use service::audit::{AuditExport, StoredAuditLine};

use crate::wire::{broken_off, csv_rows, guarded, time_text};

const COLUMNS: [&str; 12] = [
    "id",
    "at",
    "action",
    "actor_id",
    "api_key_id",
    "subject_kind",
    "subject_id",
    "address",
    "user_agent",
    "request_id",
    "before",
    "after",
];

/// A table as a stream of bytes. No line is read before the first of them is asked for.
pub fn body(export: AuditExport) -> Body {
    let begun = TableStream {
        export,
        has_head: false,
    };
    Body::from_bytes_stream(stream::try_unfold(begun, |mut rest: TableStream| async move {
        let part = rest.next_part().await?;
        Ok::<_, io::Error>(part.map(|part| (part, rest)))
    }))
}

/// How far a table is written.
struct TableStream {
    export: AuditExport,
    has_head: bool,
}

impl TableStream {
    async fn next_part(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut part = Vec::new();
        if !self.has_head {
            self.has_head = true;
            write_head(&mut part)?;
            return Ok(Some(part));
        }
        let lines = self.export.next_page().await;
        let Some(lines) = lines.map_err(|fault| broken_off("a table of the audit log", fault))? else {
            return Ok(None);
        };
        write_lines(&lines, &mut part)?;
        Ok(Some(part))
    }
}

fn write_head(out: &mut Vec<u8>) -> io::Result<()> {
    let mut table = csv_rows(out);
    table.write_record(COLUMNS)?;
    table.flush()
}

/// Where there is nothing the cell is empty.
fn write_lines(lines: &[StoredAuditLine], out: &mut Vec<u8>) -> io::Result<()> {
    let text = |text: &Option<String>| guarded(text.as_deref().unwrap_or_default());
    let mut table = csv_rows(out);
    for line in lines {
        let (kind, subject) = match &line.subject {
            Some(subject) => (guarded(&subject.kind), subject.id.to_string()),
            None => (String::new(), String::new()),
        };
        table.write_record([
            line.id.to_string(),
            time_text(line.at),
            guarded(&line.action),
            line.actor.map(|user| user.to_string()).unwrap_or_default(),
            line.api_key.map(|key| key.to_string()).unwrap_or_default(),
            kind,
            subject,
            text(&line.address),
            text(&line.user_agent),
            text(&line.request),
            text(&line.before),
            text(&line.after),
        ])?;
    }
    table.flush()
}
