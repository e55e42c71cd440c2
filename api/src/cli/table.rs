//! How commands show data to people: a list of names and values, and a table. Pure.

use service::characters::is_visible;

/// A column of a table. Numbers are aligned to the right, everything else to the left.
#[derive(Clone, Copy)]
pub struct TableColumn<'n> {
    name: &'n str,
    is_number: bool,
}

impl<'n> TableColumn<'n> {
    pub const fn text(name: &'n str) -> Self {
        Self { name, is_number: false }
    }

    pub const fn number(name: &'n str) -> Self {
        Self { name, is_number: true }
    }

    fn cell(self, text: &str, width: usize) -> String {
        if self.is_number {
            format!("{text:>width$}")
        } else {
            format!("{text:width$}")
        }
    }
}

/// One line for each name and value.
pub fn list(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {value}\n");
    fields.iter().map(line).collect()
}

/// A line with the names of the columns, and one for each row. A column is as wide as its widest cell.
pub fn table<const N: usize>(columns: [TableColumn<'_>; N], rows: &[[String; N]]) -> String {
    table_of(&columns, rows)
}

/// The same for columns that are known only when the program runs. Each row has a cell for every column.
pub fn table_of(columns: &[TableColumn<'_>], rows: &[impl AsRef<[String]>]) -> String {
    let names: Vec<String> = columns.iter().map(|column| column.name.to_owned()).collect();
    let lines = || std::iter::once(names.as_slice()).chain(rows.iter().map(AsRef::as_ref));
    let mut widths = vec![0_usize; columns.len()];
    for line in lines() {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines() {
        let sizes = columns.iter().zip(&widths);
        let cells: Vec<String> = sizes
            .zip(line)
            .map(|((column, width), cell)| column.cell(cell, *width))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A caller's text on one line. Characters that are invisible or control a terminal are escaped: otherwise a customer's
/// description could move the cursor of the operator who reads it.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_visible(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let columns = [TableColumn::text("kind"), TableColumn::number("amount")];
        let rows = [
            ["DEPOSIT".to_owned(), "1.0000".to_owned()],
            ["HOLD".to_owned(), "-12.5000".to_owned()],
        ];
        let lines = ["kind       amount", "DEPOSIT    1.0000", "HOLD     -12.5000", ""];
        assert_eq!(table(columns, &rows), lines.join("\n"));
        assert_eq!(table(columns, &[]), "kind  amount\n");
        assert_eq!(table_of(&columns, &rows.map(Vec::from)), lines.join("\n"));
    }

    #[test]
    fn names_are_padded_and_values_are_not() {
        let fields = [("id", "1".to_owned()), ("balance", "2".to_owned())];
        assert_eq!(list(&fields), "id       1\nbalance  2\n");
    }

    #[test]
    fn a_callers_text_cannot_control_the_terminal() {
        assert_eq!(visible("lunch, Zoë"), "lunch, Zoë");
        for (text, shown) in [
            ("a\nb", "a\\nb"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{202e}x", "\\u{202e}x"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
