//! Fuzzes the reader of records with any bytes as a file: it never panics, every byte is in exactly one record or one
//! skipped line (blank lines may precede either), and reading can resume after any of them.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz records -- -max_len=200000 -timeout=10 -max_total_time=600`
//!
//! The time limit proves linear time: for one line, the reader looks at no more bytes than the longest record has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use service::imports::{Found, Records};

fuzz_target!(|bytes: &[u8]| {
    let mut records = Records::new(bytes, 0, 1);
    let (mut position, mut line) = (0, 1);
    let mut middle = None;
    loop {
        let found = records.read_next().expect("bytes in memory can be read");
        assert!(records.offset() <= bytes.len() as u64);
        if found == Found::End {
            break;
        }
        assert!(records.line() >= line && records.next_line() >= records.line());
        line = records.next_line();
        // Each step consumes bytes, so there are never more steps than bytes.
        assert!(records.offset() > position);
        if found == Found::Record {
            assert!(records.record().len() <= 1 + records.raw().len());
        }
        position = records.offset();
        if position <= bytes.len() as u64 / 2 {
            middle = Some((position, line));
        }
    }
    assert_eq!(records.offset(), bytes.len() as u64, "the end is the end");
    if let Some((position, line)) = middle {
        reads_on_from(bytes, position, line);
    }
});

/// A reader that starts at a position finds the same as a reader that has read up to there.
fn reads_on_from(bytes: &[u8], position: u64, line: u64) {
    let mut whole = Records::new(bytes, 0, 1);
    while whole.position() < position {
        whole.read_next().expect("bytes in memory can be read");
    }
    let from = usize::try_from(position).expect("it is in memory");
    let mut rest = Records::new(&bytes[from..], position, line);
    loop {
        let (one, other) = (whole.read_next(), rest.read_next());
        let one = one.expect("bytes in memory can be read");
        assert_eq!(one, other.expect("bytes in memory can be read"));
        assert_eq!(whole.position(), rest.position());
        if one == Found::End {
            return;
        }
        assert_eq!((whole.line(), whole.raw()), (rest.line(), rest.raw()));
    }
}
