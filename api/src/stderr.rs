//! Standard error: the log, and messages for people. The process that reads it may have ended, be slow or have stopped
//! reading, and the disk of its file may be full. A line that cannot be written is dropped and counted: it must neither
//! end the program nor delay a payment. So one thread writes, and all others only add lines to its queue.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::os::fd::AsFd;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, poll};

/// Bytes of lines that may wait for the writer. The lines that it is writing may be as many bytes again.
const QUEUE_BYTES_MAX: usize = 512 * 1024;

/// How long a command waits until a message for people is written, before it goes on.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the end of the program waits for the last lines.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// A pipe that is ready takes this many bytes without blocking (`PIPE_BUF`).
const CHUNK_BYTES: usize = 4_096;

static LINES_LOST: AtomicU64 = AtomicU64::new(0);
static QUEUE: LineQueue = LineQueue::new();

/// Lines of this process that standard error did not take.
pub fn lines_lost() -> u64 {
    LINES_LOST.load(Ordering::Relaxed)
}

/// Whether standard error is a terminal, so that a person may read it.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Prints a sentence that says why a command does not do what was asked.
pub fn complain(text: impl Display) {
    write_line(format!("florin: {text}\n").as_bytes());
}

/// Writes a text for people, and waits until it is written, so that it appears before anything that the command does
/// next.
pub fn write_line(line: &[u8]) {
    enqueue(line);
    flush();
}

/// Waits at most `PATIENCE` until the lines so far are written, so that output on another stream comes after them.
pub fn flush() {
    QUEUE.wait_until_written(PATIENCE);
}

/// Waits at most `LAST_PATIENCE` for the last lines. Call it before the program ends: that ends the writer too.
pub fn finish() {
    QUEUE.wait_until_written(LAST_PATIENCE);
}

/// Queues a line for the writer, or counts it as lost. Never waits for the reader.
fn enqueue(line: &[u8]) {
    static WRITER: Once = Once::new();
    WRITER.call_once(|| {
        let writer = thread::Builder::new().name("stderr".to_owned());
        // Without a writer the queue fills up, and then the lines are counted as lost.
        let _ = writer.spawn(write_forever);
    });
    if !QUEUE.push(line) {
        lose_one();
    }
}

fn lose_one() {
    LINES_LOST.fetch_add(1, Ordering::Relaxed);
}

/// The log's writer. It never fails. The log passes it one whole line per call.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        enqueue(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines on their way to the writer.
struct LineQueue {
    waiting: Mutex<WaitingLines>,
    arrived: Condvar,
    written: Condvar,
}

struct WaitingLines {
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// The writer has taken lines and has not written all of them yet.
    is_writing: bool,
}

impl LineQueue {
    const fn new() -> Self {
        Self {
            waiting: Mutex::new(WaitingLines {
                lines: Vec::new(),
                bytes: 0,
                is_writing: false,
            }),
            arrived: Condvar::new(),
            written: Condvar::new(),
        }
    }

    /// False when the line does not fit.
    fn push(&self, line: &[u8]) -> bool {
        let mut waiting = self.lock();
        if waiting.bytes + line.len() > QUEUE_BYTES_MAX {
            return false;
        }
        waiting.bytes += line.len();
        waiting.lines.push(line.to_owned());
        self.arrived.notify_one();
        true
    }

    /// Waits for lines and takes all of them. The caller has written the lines taken before.
    fn take(&self) -> Vec<Vec<u8>> {
        let mut waiting = self.lock();
        waiting.is_writing = false;
        if waiting.lines.is_empty() {
            self.written.notify_all();
        }
        self.arrived
            .wait_while(&mut waiting, |waiting| waiting.lines.is_empty());
        waiting.is_writing = true;
        waiting.bytes = 0;
        mem::take(&mut waiting.lines)
    }

    fn wait_until_written(&self, patience: Duration) {
        let is_busy = |waiting: &mut WaitingLines| waiting.is_writing || !waiting.lines.is_empty();
        // After a time-out the rest is written later, or lost.
        self.written.wait_while_for(&mut self.lock(), is_busy, patience);
    }

    fn lock(&self) -> MutexGuard<'_, WaitingLines> {
        self.waiting.lock()
    }
}

fn write_forever() {
    let stderr = io::stderr();
    let mut channel = LogChannel::default();
    loop {
        for line in QUEUE.take() {
            if !channel.write(&mut &stderr, || wait_until_ready(&stderr), &line) {
                lose_one();
            }
        }
    }
}

/// How the last line ended.
#[derive(Default)]
struct LogChannel {
    /// Only a part of the last line was written.
    is_torn: bool,
}

impl LogChannel {
    /// False when the line is lost.
    fn write(&mut self, out: &mut impl Write, wait: impl Fn(), line: &[u8]) -> bool {
        // The rest of a torn line is dropped: a line break ends it before the next line.
        let end: &[u8] = if self.is_torn { b"\n" } else { b"" };
        let mut written = false;
        for chunk in [end].into_iter().chain(line.chunks(CHUNK_BYTES)) {
            let mut rest = chunk;
            while !rest.is_empty() {
                wait();
                match out.write(rest) {
                    Ok(bytes @ 1..) => {
                        written = true;
                        rest = &rest[bytes..];
                    }
                    Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                    Ok(0) | Err(_) => {
                        self.is_torn |= written;
                        return false;
                    }
                }
            }
        }
        self.is_torn = false;
        true
    }
}

/// Waits until a write would not block, so that the stream's lock is not held meanwhile. A pipe without a reader is
/// ready too: the write fails at once.
fn wait_until_ready(stream: &impl AsFd) {
    let mut streams = [PollFd::new(stream, PollFlags::OUT)];
    // If a signal ends the wait early, or the stream cannot be polled, the write blocks instead.
    let _ = poll(&mut streams, None);
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

    #[test]
    fn a_torn_line_is_ended_before_the_next_one() {
        let mut out = Small {
            taken: Vec::new(),
            room: 7,
        };
        let mut channel = LogChannel::default();
        assert!(channel.write(&mut out, || (), b"one\n"));
        assert!(!channel.write(&mut out, || (), b"second\n"));
        assert!(!channel.write(&mut out, || (), b"third\n"));
        out.room = 100;
        assert!(channel.write(&mut out, || (), b"fourth\n"));
        assert!(channel.write(&mut out, || (), b"fifth\n"));
        assert_eq!(out.taken, b"one\nsec\nfourth\nfifth\n");
    }

    #[test]
    fn a_queue_that_is_full_takes_lines_again_once_the_writer_has_come() {
        let queue = LineQueue::new();
        let line = [b'x'; QUEUE_BYTES_MAX / 4];
        let pushed = [(); 5].map(|()| queue.push(&line));
        assert_eq!(pushed, [true, true, true, true, false]);
        queue.wait_until_written(Duration::ZERO);
        assert_eq!(queue.take().len(), 4);
        assert!(queue.push(b"next\n"));
        assert_eq!(queue.take(), [b"next\n"]);
    }
}
