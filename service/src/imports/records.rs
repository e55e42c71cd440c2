//! Cuts a file into CSV records, in constant memory whatever stands in it.
//!
//! A quote that nobody closes would swallow the rest of the file as one record, and a stray one all lines up to the next
//! quote: a record that spans too many lines costs the line it begins in, and reading goes on at the next.

use std::io::{self, Read};
use std::ops::Range;

use csv::ByteRecord;
use csv_core::ReadRecordResult;

use super::kind::SkipReason;

/// The longest record, lines within quotes among it.
pub(super) const RECORD_MAX_BYTES: usize = 64 * 1024;
/// The most lines of a record. Fields of a feed hold none, and addresses or notes a few; what spans more is a stray quote,
/// and the fewer lines are taken for one record, the fewer are lost with it.
pub(super) const RECORD_MAX_LINES: u64 = 16;
/// What is looked at before the lines are counted: most records end within, and a line that is given up costs no more.
const CHUNK_BYTES: usize = 256;
/// Several of the longest, so that what is left of one filling is seldom moved.
const BUFFER_BYTES: usize = 8 * RECORD_MAX_BYTES;
/// How much of an endless line is shown to people.
const SHOWN_MAX_BYTES: usize = 1024;
const FIELDS: usize = 32;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const LINE_TOO_LONG: SkipReason = "line_too_long";
const UNCLOSED_QUOTE: SkipReason = "unclosed_quote";

/// What stands next in the file.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A record, in `record`.
    Record,
    /// A line that is no record.
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
    /// The beginning of a line that did not fit into the buffer.
    shown: Vec<u8>,
    line: u64,
}

impl<R: Read> Records<R> {
    /// Reads on from a place in a file: its byte, and the number of its line, both of where `source` stands.
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

    /// Goes to the next record; blank lines are none.
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

    /// What was found last, as it stands in the file.
    pub fn raw(&self) -> &[u8] {
        let raw = if self.shown.is_empty() {
            &self.buffer[self.raw.clone()]
        } else {
            &self.shown
        };
        raw.trim_ascii_end()
    }

    /// The line in which it begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The line behind it.
    pub fn next_line(&self) -> u64 {
        self.next_line
    }

    /// The byte behind it.
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

    /// Makes sure that the longest record would be there, or the end of the file.
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

    /// Reads one record at the beginning of a window and says how many bytes it takes; `None` when it does not end there, or
    /// spans too many lines.
    fn parse(&mut self, window: Range<usize>) -> Option<usize> {
        let is_last = self.is_last(&window);
        'again: loop {
            self.core.reset();
            let (mut taken, mut written, mut fields) = (0, 0, 0);
            loop {
                let rest = &self.buffer[window.start + taken..window.end];
                // The end of the file ends a record as the end of a line does: not within quotes.
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

    /// Leaves a line out whose record does not end: its quote is not closed in time, or it is too long.
    fn skip_line(&mut self, window: Range<usize>) -> io::Result<Found> {
        let line = &self.buffer[window.clone()];
        let end = line.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        // The last line needs no end.
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
