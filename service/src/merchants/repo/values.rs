//! SQLite: many rows in one statement, as a list of VALUES, in few sizes so that the statements are prepared once.

use std::fmt::Write as _;
use std::ops::Range;

/// Sizes of a statement in rows, the largest first. The last is one, so that they make up any number.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// Cuts rows into pieces of such sizes.
pub(super) fn pieces(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let size = SIZES.iter().find(|size| **size <= rows - from)?;
        let piece = from..from + size;
        from = piece.end;
        Some(piece)
    })
}

/// `(?, ?), (?, ?)`
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * (2 * columns + 3));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            text.push_str(if column == 0 { "?" } else { ",?" });
        }
        text.push(')');
    }
    text
}

/// `, a, b`
pub(super) fn listed(names: impl Iterator<Item = String>, shape: impl Fn(&str) -> String) -> String {
    names.fold(String::new(), |mut text, name| {
        // Writing to a String cannot fail.
        let _ = write!(text, ", {}", shape(&name));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_any_number() {
        for rows in [0, 1, 3, 4, 255, 256, 257, 8_191] {
            let pieces: Vec<_> = pieces(rows).collect();
            assert_eq!(pieces.iter().map(ExactSizeIterator::len).sum::<usize>(), rows);
            assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn placeholders_stand_in_rows() {
        assert_eq!(placeholders(2, 3), "(?,?,?),(?,?,?)");
    }
}
