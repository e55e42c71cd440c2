//! Which records are found in a file, which lines are skipped, and that reading may begin behind any of them.

use super::*;

/// Gives at most 7 bytes at a time, as a pipe may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let few = self.0.len().min(7).min(buffer.len());
        buffer[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

/// Everything that is found: a record's fields joined by `|`, or why a line is skipped; the line it begins in; and the
/// offset behind it.
fn all_from(text: &[u8], position: usize) -> Vec<(String, u64, u64)> {
    let mut records = Records::new(Slow(&text[position..]), position as u64, 1);
    let mut all = Vec::new();
    loop {
        let shown = match records.read_next().expect("a slice can be read") {
            Found::End => return all,
            Found::Record => {
                let fields: Vec<_> = records.record().iter().map(String::from_utf8_lossy).collect();
                fields.join("|")
            }
            Found::Skipped(reason) => reason.to_owned(),
        };
        all.push((shown, records.line(), records.offset()));
    }
}

fn shown(text: &[u8]) -> Vec<String> {
    all_from(text, 0).into_iter().map(|(shown, ..)| shown).collect()
}

#[test]
fn line_ends_blank_lines_and_a_mark_do_not_matter() {
    for text in [
        "a,b\nc,d\n",
        "a,b\nc,d",
        "a,b\r\nc,d\r\n",
        "\u{feff}a,b\n\n\r\nc,d\n\n",
        "\n\u{feff}a,b\nc,d",
        "a,b\rc,d\r",
        "\u{feff}\r\na,\"b\"\r\n\"c\",d",
    ] {
        assert_eq!(shown(text.as_bytes()), ["a|b", "c|d"], "{text:?}");
    }
    for empty in ["", "\n", "\u{feff}", "\r\n\r\n", "\u{feff}\n"] {
        assert_eq!(shown(empty.as_bytes()), Vec::<String>::new(), "{empty:?}");
    }
}

#[test]
fn quoted_fields_hold_commas_quotes_and_line_ends() {
    let text = "a,\"x, \"\"y\"\"\nz\",b\nc,d\n";
    assert_eq!(
        all_from(text.as_bytes(), 0),
        [("a|x, \"y\"\nz|b".to_owned(), 1, 17), ("c|d".to_owned(), 3, 21)]
    );
}

#[test]
fn bytes_that_are_no_text_and_any_number_of_fields_are_fine() {
    let many = format!("a{}\nz\n", ",x".repeat(5_000));
    let records = all_from(many.as_bytes(), 0);
    assert_eq!((records.len(), records[1].0.as_str()), (2, "z"));
    assert_eq!(shown(b"\xff\xfe,\0\nb\n").len(), 2);
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_only() {
    let long = "c,d\n".repeat(RECORD_MAX_BYTES);
    let text = format!("a,\"b\n{long}");
    let found = shown(text.as_bytes());
    assert_eq!((found[0].as_str(), found.len()), (UNCLOSED_QUOTE, 1 + RECORD_MAX_BYTES));
    assert!(found[1..].iter().all(|record| record == "c|d"));
    // The same just before the end of the file; a lone quote in the middle of a field opens nothing.
    assert_eq!(shown(b"a,\"b\nc,d\ne,f"), [UNCLOSED_QUOTE, "c|d", "e|f"]);
    assert_eq!(shown(b"a,b\"\nc,\"d"), ["a|b\"", UNCLOSED_QUOTE]);
    assert_eq!(shown(b"c,\"d\n"), [UNCLOSED_QUOTE]);
    // An even number of quotes may leave one open, and an odd one none.
    assert_eq!(shown(b"5\",x,\"b\nc,d"), [UNCLOSED_QUOTE, "c|d"]);
    assert_eq!(shown(b"a,\"b\nc\"d\"e"), ["a|b\ncd\"e"]);
    assert_eq!(shown(b"a,5\"\nc,d\n"), ["a|5\"", "c|d"]);
}

/// Two stray quotes, with so many lines from the first to the second, both included.
fn two_strays(lines: usize) -> String {
    format!("a,\"b\n{}y\",z\nlast\n", "c,d\n".repeat(lines - 2))
}

#[test]
fn a_stray_quote_swallows_few_lines() {
    let most = usize::try_from(RECORD_MAX_LINES).expect("few lines");
    let swallowed = shown(two_strays(most).as_bytes());
    assert_eq!((swallowed.len(), swallowed[1].as_str()), (2, "last"));
    // With one line more, only the quote's own line is skipped.
    for lines in [most + 1, most + 2, 500] {
        let found = shown(two_strays(lines).as_bytes());
        assert_eq!((found[0].as_str(), found.len()), (UNCLOSED_QUOTE, lines + 1), "{lines}");
        assert!(found[1..lines - 1].iter().all(|record| record == "c|d"), "{lines}");
        assert_eq!(found[lines - 1..], ["y\"|z", "last"], "{lines}");
    }
    // The same with line ends of two bytes, and without one at the end of the file.
    let text = two_strays(most).replace('\n', "\r\n");
    assert_eq!(shown(text.as_bytes()).len(), 2);
    let text = two_strays(most);
    let text = text.strip_suffix("\nlast\n").expect("its last line");
    assert_eq!(shown(text.as_bytes()).len(), 1);
}

/// Each line closes the quote of the line before and opens another, so that no record ever ends.
#[test]
fn lines_that_never_close_cost_no_more_than_others() {
    const LINES: usize = 200_000;
    let text = "a\",\",\n".repeat(LINES);
    let begun = std::time::Instant::now();
    let found = shown(text.as_bytes());
    assert_eq!(found.len(), LINES);
    assert!(found[..LINES - 20].iter().all(|record| record == UNCLOSED_QUOTE));
    // Takes a tenth of a second; parsing 64 KiB for each line took minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// Random texts of the bytes that matter to a parser, read a few bytes at a time: each byte is found exactly once.
#[test]
fn every_byte_is_found_once() {
    let mut state = 7_u64;
    let mut dice = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % sides
    };
    for _ in 0..2_000 {
        let length = dice(200);
        let text: Vec<u8> = (0..length).map(|_| b"aa,,\"\"\n\n\r\xef\xbb\xbf"[dice(12)]).collect();
        let mut from = 0;
        for (_, line, to) in all_from(&text, 0) {
            assert!(to > from, "{text:?}");
            assert!(line <= 1 + text.len() as u64, "{text:?}");
            from = to;
        }
        let rest = text.split_at(usize::try_from(from).expect("a short text")).1;
        let rest = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(rest);
        assert!(rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')), "{text:?}");
    }
}

#[test]
fn a_line_without_end_is_left_out_in_constant_memory() {
    let text = format!(
        "a,b\n{}\nc,d\n{}",
        "x".repeat(3 * BUFFER_BYTES),
        "y".repeat(BUFFER_BYTES)
    );
    let mut records = Records::new(text.as_bytes(), 0, 1);
    assert_eq!(records.read_next().expect("is read"), Found::Record);
    assert_eq!(records.read_next().expect("is read"), Found::Skipped(LINE_TOO_LONG));
    assert_eq!((records.line(), records.raw().len()), (2, SHOWN_MAX_BYTES));
    assert_eq!(records.read_next().expect("is read"), Found::Record);
    assert_eq!((records.line(), records.raw()), (3, b"c,d".as_slice()));
    assert_eq!(records.read_next().expect("is read"), Found::Skipped(LINE_TOO_LONG));
    assert_eq!(records.read_next().expect("is read"), Found::End);
    assert_eq!(records.offset(), text.len() as u64);
    assert_eq!(
        (records.buffer.len(), records.fields.len()),
        (BUFFER_BYTES, RECORD_MAX_BYTES + 1)
    );
}

#[test]
fn the_longest_record_fits_and_one_byte_more_does_not() {
    let fits = format!("{}\nb\n", "x".repeat(RECORD_MAX_BYTES - 1));
    assert_eq!(shown(fits.as_bytes()).last().map(String::as_str), Some("b"));
    assert_ne!(shown(fits.as_bytes())[0], LINE_TOO_LONG);
    let more = format!("{}\nb\n", "x".repeat(RECORD_MAX_BYTES));
    assert_eq!(shown(more.as_bytes()), [LINE_TOO_LONG, "b"]);
}

#[test]
fn reading_may_begin_behind_any_record() {
    let text = format!(
        "\u{feff}h,i\r\na,\"b\nb\"\r\n\r\nc,\"d\n{}\ne,f\r\n\"g\",h",
        "x".repeat(RECORD_MAX_BYTES)
    );
    let whole = all_from(text.as_bytes(), 0);
    assert_eq!(
        whole.len(),
        6,
        "{:?}",
        whole.iter().map(|found| found.2).collect::<Vec<_>>()
    );
    for (index, (.., position)) in whole.iter().enumerate() {
        let rest = all_from(text.as_bytes(), usize::try_from(*position).expect("a short text"));
        let places = |all: &[(String, u64, u64)]| {
            all.iter()
                .map(|(shown, _, to)| (shown.clone(), *to))
                .collect::<Vec<_>>()
        };
        assert_eq!(places(&rest), places(&whole[index + 1..]));
    }
}
