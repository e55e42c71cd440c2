//! Tracks where each request of a connection begins and ends, beside hyper, which hides a Content-Length that comes
//! with a Transfer-Encoding. A proxy in front may use the one header and hyper the other, and then one client's body
//! becomes another client's request (request smuggling). Such a request must be detected to be refused.
//!
//! It only observes: hyper refuses what it cannot read, and the tracking stops there.

/// Bytes that are kept of a line: the names and lengths that matter are shorter.
const LINE_KEPT_BYTES: usize = 256;

/// The framing of one connection, as far as its bytes were read.
#[derive(Debug, Default)]
pub struct Framing {
    state: FramingState,
    /// What is left of a body or a chunk: the next line comes after it.
    to_skip_bytes: u64,
    line: Vec<u8>,
    line_bytes: usize,
    target_bytes: usize,
    head: RequestHead,
    heads: u32,
    ambiguous: Option<u32>,
}

/// What the next line is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum FramingState {
    #[default]
    Start,
    Header,
    ChunkSize,
    Trailer,
    /// Not HTTP/1.1, or a framing that is not supported.
    Lost,
}

#[derive(Debug, Default)]
struct RequestHead {
    length: Option<u64>,
    is_chunked: bool,
}

impl Framing {
    /// Takes the next bytes that were read.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_lost() {
            let taken = if self.to_skip_bytes > 0 {
                self.skip(bytes.len())
            } else {
                self.take_line(bytes)
            };
            bytes = &bytes[taken..];
        }
    }

    /// The first request on the connection that has both lengths, counted from 1.
    pub fn ambiguous(&self) -> Option<u32> {
        self.ambiguous
    }

    /// True when the bytes could not be followed: nothing is known from there on.
    pub fn is_lost(&self) -> bool {
        self.state == FramingState::Lost
    }

    /// Bytes of the newest request's first line, as far as it came.
    pub fn start_line_bytes(&self) -> usize {
        if self.state == FramingState::Start && self.line_bytes > 0 {
            self.line_bytes
        } else {
            self.target_bytes
        }
    }

    fn skip(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.to_skip_bytes).unwrap_or(usize::MAX).min(available);
        self.to_skip_bytes -= taken as u64;
        taken
    }

    fn take_line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let kept = part.len().min(LINE_KEPT_BYTES.saturating_sub(self.line.len()));
        self.line.extend_from_slice(&part[..kept]);
        self.line_bytes += part.len();
        let Some(end) = end else {
            return bytes.len();
        };
        let line = std::mem::take(&mut self.line);
        self.state = self.after(line.strip_suffix(b"\r").unwrap_or(&line));
        self.line = line;
        self.line.clear();
        self.line_bytes = 0;
        end + 1
    }

    /// What the bytes after a line are.
    fn after(&mut self, line: &[u8]) -> FramingState {
        match self.state {
            // An empty line before a request is not part of it.
            FramingState::Start if line.is_empty() => FramingState::Start,
            FramingState::Start => {
                self.target_bytes = self.line_bytes;
                FramingState::Header
            }
            FramingState::Header if line.is_empty() => self.end_head(),
            FramingState::Header => self.note_header(line),
            FramingState::ChunkSize => match chunk_size(line) {
                Some(0) => FramingState::Trailer,
                Some(size) => {
                    // The line end after a chunk is counted with it.
                    self.to_skip_bytes = size.saturating_add(2);
                    FramingState::ChunkSize
                }
                None => FramingState::Lost,
            },
            FramingState::Trailer if line.is_empty() => FramingState::Start,
            FramingState::Trailer => FramingState::Trailer,
            FramingState::Lost => FramingState::Lost,
        }
    }

    fn note_header(&mut self, line: &[u8]) -> FramingState {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.head.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).map(<[u8]>::trim_ascii);
            let length = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            match length {
                Some(length) => self.head.length = Some(length),
                None => return FramingState::Lost,
            }
        }
        FramingState::Header
    }

    fn end_head(&mut self) -> FramingState {
        self.heads = self.heads.saturating_add(1);
        let RequestHead { length, is_chunked } = std::mem::take(&mut self.head);
        if !is_chunked {
            self.to_skip_bytes = length.unwrap_or(0);
            return FramingState::Start;
        }
        if length.is_some() {
            self.ambiguous.get_or_insert(self.heads);
        }
        FramingState::ChunkSize
    }
}

/// The hexadecimal number before a chunk's extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| !byte.is_ascii_hexdigit()).next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\ncontent-length: 33\r\n\r\ncontent-length: 3\r\nfake: header\r\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1f;a=b\r\ncontent-length: 3\r\nfake: header\r\n0\r\nx: y\r\n\r\n";
    const BOTH: &str = "POST / HTTP/1.1\r\nCONTENT-LENGTH: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    const BOTH_TURNED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length:5\r\n\r\n0\r\n\r\n";

    /// The findings, which must be the same however the bytes are cut.
    fn seen(text: &str) -> (Option<u32>, u32) {
        let mut all = Vec::new();
        for step in [1, 2, 3, 7, 50, text.len().max(1)] {
            let mut framing = Framing::default();
            text.as_bytes().chunks(step).for_each(|part| framing.take(part));
            assert!(!framing.is_lost(), "{text:?} by {step}");
            all.push((framing.ambiguous(), framing.heads));
        }
        assert!(all.iter().all(|one| *one == all[0]), "{text:?}: {all:?}");
        all[0]
    }

    #[test]
    fn a_request_with_both_lengths_is_found_wherever_it_stands() {
        assert_eq!(seen(&[GET, POST, CHUNKED, GET].concat()), (None, 4));
        for both in [BOTH, BOTH_TURNED] {
            assert_eq!(seen(both), (Some(1), 1));
            assert_eq!(seen(&[GET, POST, CHUNKED, both, GET, both].concat()), (Some(4), 6));
        }
        assert_eq!(seen("\r\n\r\nGET / HTTP/1.1\nhost: a\n\n"), (None, 1));
    }

    #[test]
    fn what_is_not_http_is_given_up() {
        for text in [
            "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nmany\r\n",
        ] {
            let mut framing = Framing::default();
            framing.take(text.as_bytes());
            assert!(framing.is_lost(), "{text:?}");
        }
    }

    #[test]
    fn the_first_line_is_measured_while_it_comes() {
        let mut framing = Framing::default();
        framing.take(&[b'a'; 1_000]);
        assert_eq!(framing.start_line_bytes(), 1_000);
        framing.take(b"\nhost: a\n");
        assert_eq!(framing.start_line_bytes(), 1_000);
        framing.take(b"\nGET /");
        assert_eq!(framing.start_line_bytes(), 5);
    }
}
