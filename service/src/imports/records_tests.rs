//! What becomes of a file, byte by byte: its records, what is left out, and that one may begin at any of them.

use super::*;

/// Gives few bytes at a time, as a pipe may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let few = self.0.len().min(7).min(buffer.len());
        buffer[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

/// Each find: its fields joined by `|`, or why it is none; with the line it begins in and the byte behind it.
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
            Found::Unusable(reason) => reason.to_owned(),
        };
        all.push((shown, records.line(), records.position()));
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
    assert_eq!(shown(b"a,5\"\nc,d\n"), ["a|5\"", "c|d"]);
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
    assert_eq!(records.read_next().expect("is read"), Found::Unusable(LINE_TOO_LONG));
    assert_eq!((records.line(), records.raw().len()), (2, SHOWN_MAX_BYTES));
    assert_eq!(records.read_next().expect("is read"), Found::Record);
    assert_eq!((records.line(), records.raw()), (3, b"c,d".as_slice()));
    assert_eq!(records.read_next().expect("is read"), Found::Unusable(LINE_TOO_LONG));
    assert_eq!(records.read_next().expect("is read"), Found::End);
    assert_eq!(records.position(), text.len() as u64);
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
