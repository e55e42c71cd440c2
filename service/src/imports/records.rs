//! Cuts a file into CSV records, in constant memory whatever its content.
//!
//! An unclosed quote would make the rest of the file one record, and a stray quote all lines up to the next quote. So
//! where a record spans too many lines, only its first line is skipped, and reading continues at the next line.

use std::io::{self, Read};
use std::ops::Range;

use csv::ByteRecord;
use csv_core::ReadRecordResult;

use super::counts::SkipReason;

/// Bytes of the longest record, the line ends in its quotes included.
pub(super) const RECORD_MAX_BYTES: usize = 64 * 1024;
/// The most lines of a record. Fields of a feed have one line, addresses or notes a few; more lines are taken for a
/// stray quote. The smaller this is, the fewer lines a stray quote swallows.
pub(super) const RECORD_MAX_LINES: u64 = 16;
/// Bytes parsed before the lines are counted again: most records end within, and a stray quote among short lines is
/// given up soon.
const CHUNK_BYTES: usize = 256;
/// Room for several of the longest records, so that the unread rest is seldom moved.
const BUFFER_BYTES: usize = 8 * RECORD_MAX_BYTES;
/// Bytes of a too long line that the rejects file shows.
const SHOWN_MAX_BYTES: usize = 1024;
const FIELDS: usize = 32;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const LINE_TOO_LONG: SkipReason = "line_too_long";
const UNCLOSED_QUOTE: SkipReason = "unclosed_quote";

/// What comes next in the file.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A record; `Records::record` answers it.
    Record,
    /// A line that cannot be read as a record, and why.
    Skipped(SkipReason),
    /// The end of the file.
    End,
}

/// A file as records, one after the other.
pub struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that is not read yet.
    left: Range<usize>,
    is_exhausted: bool,
    position: u64,
    next_line: u64,
    core: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    record: ByteRecord,
    raw: Range<usize>,
    /// The beginning of a line longer than `RECORD_MAX_BYTES`; otherwise empty.
    shown: Vec<u8>,
    line: u64,
}

impl<R: Read> Records<R> {
    /// Reads from where `source` stands: at the offset `position` of its file, in line `line`.
    pub fn new(source: R, position: u64, line: u64) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            left: 0..0,
            is_exhausted: false,
            position,
            next_line: line,
            core: csv_core::Reader::new(),
            // Never full: a record has at most as many bytes without its quotes as with them.
            fields: vec![0; RECORD_MAX_BYTES + 1],
            ends: vec![0; FIELDS],
            record: ByteRecord::new(),
            raw: 0..0,
            shown: Vec::new(),
            line,
        }
    }

    /// Reads the next record, or skips a line that cannot be read as one. Blank lines are ignored.
    pub fn read_next(&mut self) -> io::Result<Found> {
        self.shown.clear();
        self.skip_blank_lines()?;
        if self.left.is_empty() {
            return Ok(Found::End);
        }
        self.line = self.next_line;
        let window = self.left.start..self.left.end.min(self.left.start + RECORD_MAX_BYTES);
        match self.parse(window.clone()) {
            Some(taken) => {
                self.raw = window.start..window.start + taken;
                self.advance(taken);
                Ok(Found::Record)
            }
            None => self.skip_line(window),
        }
    }

    /// The record that was found last.
    pub fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// What was found last, as the file has it, without its line end; a too long line is cut.
    pub fn raw(&self) -> &[u8] {
        let raw = if self.shown.is_empty() {
            &self.buffer[self.raw.clone()]
        } else {
            &self.shown
        };
        raw.trim_ascii_end()
    }

    /// The number of the line in which what was found last begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The number of the line behind it.
    pub fn next_line(&self) -> u64 {
        self.next_line
    }

    /// The offset behind it.
    pub fn offset(&self) -> u64 {
        self.position
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            self.fill()?;
            let left = &self.buffer[self.left.clone()];
            let mark = if self.position == 0 && left.starts_with(BYTE_ORDER_MARK) {
                BYTE_ORDER_MARK.len()
            } else {
                0
            };
            let ends = left[mark..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let blank = mark + ends.count();
            self.advance(blank);
            if blank == 0 || !self.left.is_empty() {
                return Ok(());
            }
        }
    }

    /// Fills the buffer until it has the longest record, or the end of the file.
    fn fill(&mut self) -> io::Result<()> {
        if self.is_exhausted || self.left.len() >= RECORD_MAX_BYTES {
            return Ok(());
        }
        self.buffer.copy_within(self.left.clone(), 0);
        self.left = 0..self.left.len();
        while self.left.end < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.left.end..]) {
                Ok(0) => {
                    self.is_exhausted = true;
                    break;
                }
                Ok(bytes) => self.left.end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Parses one record at the beginning of a window and answers how many bytes it takes; `None` when it does not end
    /// in the window, or spans too many lines.
    fn parse(&mut self, window: Range<usize>) -> Option<usize> {
        let is_last = self.is_last(&window);
        'again: loop {
            self.core.reset();
            let (mut taken, mut written, mut fields) = (0, 0, 0);
            loop {
                let rest = &self.buffer[window.start + taken..window.end];
                // The end of the file ends a record as the end of a line does, but not within quotes.
                let input = match rest {
                    [] if is_last => b"\n".as_slice(),
                    [] => return None,
                    _ => &rest[..rest.len().min(CHUNK_BYTES)],
                };
                let (result, read, wrote, ended) =
                    self.core
                        .read_record(input, &mut self.fields[written..], &mut self.ends[fields..]);
                let is_at_end = rest.is_empty();
                taken += if is_at_end { 0 } else { read };
                (written, fields) = (written + wrote, fields + ended);
                match result {
                    ReadRecordResult::Record => {
                        let line_ends = self.core.line() - 1 - u64::from(input[..read].ends_with(b"\n"));
                        if line_ends >= RECORD_MAX_LINES {
                            return None;
                        }
                        self.keep(fields);
                        return Some(taken);
                    }
                    ReadRecordResult::OutputEndsFull => {
                        self.ends.resize(self.ends.len() * 2, 0);
                        continue 'again;
                    }
                    ReadRecordResult::InputEmpty if !is_at_end && self.core.line() <= RECORD_MAX_LINES => {}
                    ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull | ReadRecordResult::End => return None,
                }
            }
        }
    }

    /// True where the file ends with the window.
    fn is_last(&self, window: &Range<usize>) -> bool {
        self.is_exhausted && window.end == self.left.end
    }

    fn keep(&mut self, fields: usize) {
        self.record.clear();
        let mut start = 0;
        for end in &self.ends[..fields] {
            self.record.push_field(&self.fields[start..*end]);
            start = *end;
        }
    }

    /// Skips a line whose record does not end: its quote is not closed in time, or it is too long.
    fn skip_line(&mut self, window: Range<usize>) -> io::Result<Found> {
        let line = &self.buffer[window.clone()];
        let end = line.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        // The file's last line needs no line end.
        let end = end.or(self.is_last(&window).then_some(line.len()));
        if let Some(end) = end {
            self.raw = window.start..window.start + end;
            self.advance(end);
            return Ok(Found::Skipped(UNCLOSED_QUOTE));
        }
        self.shown = line[..line.len().min(SHOWN_MAX_BYTES)].to_vec();
        loop {
            let left = &self.buffer[self.left.clone()];
            let end = left.iter().position(|byte| *byte == b'\n');
            self.advance(end.map_or(left.len(), |end| end + 1));
            self.fill()?;
            if end.is_some() || self.left.is_empty() {
                return Ok(Found::Skipped(LINE_TOO_LONG));
            }
        }
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.buffer[self.left.start..self.left.start + bytes];
        self.next_line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.position += bytes as u64;
        self.left.start += bytes;
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
