//! Standard error: the log, and what the program says to people. The process that reads it may have ended or stopped
//! reading, and the disk of its file may be full. A line that cannot be written is lost and counted; it must neither
//! end the program nor hold up a payment.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a line waits for standard error to take it. Once a line was lost, the next ones do not wait.
const PATIENCE: Duration = Duration::from_millis(100);

/// A pipe that says that it is ready takes this many bytes without waiting (`PIPE_BUF`).
const CHUNK_BYTES: usize = 4_096;

static LINES_LOST: AtomicU64 = AtomicU64::new(0);
static CHANNEL: Mutex<Channel> = Mutex::new(Channel {
    is_stuck: false,
    is_torn: false,
});

/// Lines of this process that standard error did not take.
pub fn lines_lost() -> u64 {
    LINES_LOST.load(Ordering::Relaxed)
}

/// Whether a person may be looking on.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Tells people in a sentence why a command does not do what was asked.
pub fn complain(text: impl Display) {
    write_line(format!("florin: {text}\n").as_bytes());
}

/// Writes a whole line, its end included, or counts it as lost.
pub fn write_line(line: &[u8]) {
    let mut channel = CHANNEL.lock().unwrap_or_else(PoisonError::into_inner);
    let stderr = io::stderr();
    let is_ready = |patience| is_ready(&stderr, patience);
    if !channel.write(&mut stderr.lock(), is_ready, line) {
        LINES_LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// The log's writer; it never fails. The log hands it one line at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is known of the reader from the lines before.
struct Channel {
    /// The last line was lost.
    is_stuck: bool,
    /// A part of the last line was written.
    is_torn: bool,
}

impl Channel {
    /// False when the line is lost.
    fn write(&mut self, out: &mut impl Write, is_ready: impl Fn(Duration) -> bool, line: &[u8]) -> bool {
        let patience = if self.is_stuck { Duration::ZERO } else { PATIENCE };
        // The rest of a torn line is not sent later: its end makes room for the next one.
        let end: &[u8] = if self.is_torn { b"\n" } else { b"" };
        let mut written = false;
        let mut is_whole = true;
        for chunk in [end].into_iter().chain(line.chunks(CHUNK_BYTES)) {
            let mut rest = chunk;
            while is_whole && !rest.is_empty() {
                let sent = if is_ready(patience) { out.write(rest) } else { Ok(0) };
                match sent {
                    Ok(bytes @ 1..) => {
                        written = true;
                        rest = &rest[bytes..];
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => is_whole = false,
                }
            }
        }
        self.is_stuck = !is_whole;
        self.is_torn = !is_whole && (written || self.is_torn);
        is_whole
    }
}

/// Whether a write would not wait. A pipe without a reader is ready too: the write says so at once.
fn is_ready(stream: &impl AsFd, patience: Duration) -> bool {
    let timeout = Timespec::try_from(patience).ok();
    let mut streams = [PollFd::new(stream, PollFlags::OUT)];
    // A signal may end the wait early; the line is lost then, like any other that comes too soon.
    poll(&mut streams, timeout.as_ref()).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes, then nothing more.
    struct Small {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let bytes = &bytes[..bytes.len().min(self.room)];
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.extend_from_slice(bytes);
            self.room -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn channel() -> Channel {
        Channel {
            is_stuck: false,
            is_torn: false,
        }
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next_one() {
        let mut out = Small {
            taken: Vec::new(),
            room: 7,
        };
        let mut channel = channel();
        assert!(channel.write(&mut out, |_| true, b"one\n"));
        assert!(!channel.write(&mut out, |_| true, b"second\n"));
        assert!(!channel.write(&mut out, |_| true, b"third\n"));
        out.room = 100;
        assert!(channel.write(&mut out, |_| true, b"fourth\n"));
        assert!(channel.write(&mut out, |_| true, b"fifth\n"));
        assert_eq!(out.taken, b"one\nsec\nfourth\nfifth\n");
    }

    #[test]
    fn only_the_first_line_waits_for_a_reader_who_sleeps() {
        let mut out = Small {
            taken: Vec::new(),
            room: 100,
        };
        let mut channel = channel();
        let waits = std::cell::RefCell::new(Vec::new());
        let asleep = |patience| {
            waits.borrow_mut().push(patience);
            false
        };
        assert!(!channel.write(&mut out, asleep, b"one\n"));
        assert!(!channel.write(&mut out, asleep, b"two\n"));
        assert_eq!(*waits.borrow(), [PATIENCE, Duration::ZERO]);
        assert!(channel.write(&mut out, |_| true, b"three\n"));
        assert!(!channel.write(&mut out, asleep, b"four\n"));
        assert_eq!(waits.borrow().last(), Some(&PATIENCE));
        assert_eq!(out.taken, b"three\n");
    }
}
