//! Tables (RFC 4180).

use csv::{Terminator, Writer, WriterBuilder};

/// Writes rows behind what is there.
pub fn csv_rows(out: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out)
}

/// A text that no spreadsheet takes for a formula: one that begins as a formula may, or with an apostrophe, gets an
/// apostrophe before it. A reader who takes one apostrophe off has the text that was stored.
pub fn guarded(text: &str) -> String {
    let is_suspect = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    if is_suspect {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_may_be_formulas_get_an_apostrophe() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n", "＝1", "'=1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["", "lunch", "1-1", " =1", "a@example.com"] {
            assert_eq!(guarded(text), text);
        }
    }
}
