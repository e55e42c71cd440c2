//! The rejected lines that the bank keeps of an import, for those who cannot read its file. Pure.

use serde_json::json;

use super::counts::SkipReason;

/// The most rejected lines that are kept of an import: enough to see what is wrong with the file.
pub const KEPT_REJECTS_MAX: u64 = 1_000;
/// Characters of a line that are kept.
pub const KEPT_CHARS_MAX: usize = 500;

/// A rejected line that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// The line of the file on which the record begins; the header is line 1.
    pub line: u64,
    /// Why it was rejected, such as `blank_timestamp`.
    pub reason: String,
    /// The line itself, at most `KEPT_CHARS_MAX` characters; what is no text is replaced.
    pub raw: String,
}

/// The rejected lines of a block, up to a number.
pub(super) struct KeptRejects {
    left: u64,
    lines: Vec<RejectedLine>,
}

impl KeptRejects {
    /// Keeps as many as are left of an import that has so many already.
    pub fn after(rows_skipped: u64) -> Self {
        Self {
            left: KEPT_REJECTS_MAX.saturating_sub(rows_skipped),
            lines: Vec::new(),
        }
    }

    pub fn has_room(&self) -> bool {
        self.left > 0
    }

    pub fn keep(&mut self, line: u64, reason: SkipReason, raw: &[u8]) {
        if self.left > 0 {
            self.left -= 1;
            self.lines.push(RejectedLine {
                line,
                reason: reason.to_owned(),
                raw: shown(raw),
            });
        }
    }

    /// The lines since the last call.
    pub fn take(&mut self) -> Vec<RejectedLine> {
        std::mem::take(&mut self.lines)
    }
}

/// The lines as the statement that stores them takes them; `None` without lines.
pub(super) fn rejects_text(lines: &[RejectedLine]) -> Option<String> {
    let lines = lines.iter().map(|line| json!([line.line, line.reason, line.raw]));
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| serde_json::Value::Array(lines).to_string())
}

/// A line as both databases can hold it: PostgreSQL takes no zero.
fn shown(raw: &[u8]) -> String {
    let most = raw.len().min(4 * KEPT_CHARS_MAX);
    let text = String::from_utf8_lossy(&raw[..most]);
    let text = text.trim_end_matches(['\r', '\n']);
    let kept = text.chars().take(KEPT_CHARS_MAX);
    kept.map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_kept_as_a_short_text() {
        assert_eq!(shown(b"a,b\r\n"), "a,b");
        assert_eq!(shown(b"a\0\xff,b"), "a\u{fffd}\u{fffd},b");
        assert_eq!(shown(&vec![b'x'; 100_000]).len(), KEPT_CHARS_MAX);
        assert_eq!(shown("é".repeat(600).as_bytes()), "é".repeat(KEPT_CHARS_MAX));
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let mut kept = KeptRejects::after(KEPT_REJECTS_MAX - 3);
        (1..=2).for_each(|line| kept.keep(line, "bad", b"x"));
        assert_eq!(kept.take().len(), 2);
        (3..=9).for_each(|line| kept.keep(line, "bad", b"x"));
        let lines = kept.take();
        assert_eq!(lines.iter().map(|line| line.line).collect::<Vec<_>>(), [3]);
        assert_eq!(rejects_text(&lines).as_deref(), Some(r#"[[3,"bad","x"]]"#));
        let mut full = KeptRejects::after(u64::MAX);
        full.keep(1, "bad", b"x");
        assert_eq!(rejects_text(&full.take()), None);
    }
}
