//! How answers look: a table for people, CSV, or JSON with one row a line. Pure.

use anyhow::Context;
use csv::Writer;
use serde_json::{Map, Number, Value};
use service::shell::{SqlAnswer, SqlValue};

use crate::cli::table::{TableColumn, table_of, visible};
use crate::wire::guarded;

/// The most characters of a cell that a table shows.
const CELL_MAX: usize = 200;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    Table,
    Csv,
    Json,
}

/// An answer as a text; empty if there is nothing to show.
pub fn text_of(answer: &SqlAnswer, form: AnswerForm) -> anyhow::Result<String> {
    match form {
        _ if answer.columns.is_empty() => Ok(String::new()),
        AnswerForm::Table => Ok(to_table(answer)),
        AnswerForm::Csv => to_csv(answer).context("cannot write the answer as CSV"),
        AnswerForm::Json => Ok(to_json_lines(answer)),
    }
}

fn to_table(answer: &SqlAnswer) -> String {
    let names: Vec<String> = answer.columns.iter().map(|name| cell(name)).collect();
    let numbered = names.iter().enumerate();
    let columns: Vec<TableColumn<'_>> = numbered.map(|(index, name)| column(answer, index, name)).collect();
    let mut rows = Vec::new();
    for row in &answer.rows {
        let cells: Vec<String> = row.iter().map(value_cell).collect();
        rows.push(cells);
    }
    table_of(&columns, &rows)
}

/// A column is aligned to the right if all of its values are numbers.
fn column<'n>(answer: &SqlAnswer, index: usize, name: &'n str) -> TableColumn<'n> {
    let mut values = answer.rows.iter().filter_map(|row| row.get(index));
    if values.all(|value| *value == SqlValue::Null || value.is_number()) {
        TableColumn::number(name)
    } else {
        TableColumn::text(name)
    }
}

fn value_cell(value: &SqlValue) -> String {
    match value {
        // Not copied as a whole, since it may be long.
        SqlValue::Text(text) => cell(text),
        SqlValue::Null | SqlValue::Boolean(_) | SqlValue::Integer(_) | SqlValue::Double(_) => cell(&value.to_string()),
    }
}

/// A text on one line, cut where it is too long.
fn cell(text: &str) -> String {
    let begin: String = text.chars().take(CELL_MAX + 1).collect();
    let mut shown = visible(&begin);
    if let Some((end, _)) = shown.char_indices().nth(CELL_MAX) {
        shown.truncate(end);
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Null is an empty field. A text that a spreadsheet may take for a formula gets an apostrophe before it, as in statements
/// of account.
fn to_csv(answer: &SqlAnswer) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let mut table = Writer::from_writer(&mut text);
    table.write_record(answer.columns.iter().map(|name| guarded(name)))?;
    let field = |value: &SqlValue| match value {
        SqlValue::Text(text) if !value.is_number() => guarded(text),
        SqlValue::Text(_) | SqlValue::Null | SqlValue::Boolean(_) | SqlValue::Integer(_) | SqlValue::Double(_) => {
            value.to_string()
        }
    };
    for row in &answer.rows {
        table.write_record(row.iter().map(field))?;
    }
    table.flush()?;
    drop(table);
    Ok(String::from_utf8(text)?)
}

/// Amounts are strings, since a number of JSON is inexact for many readers.
fn to_json_lines(answer: &SqlAnswer) -> String {
    let names = members(&answer.columns);
    let line = |row: &Vec<SqlValue>| {
        let members = names.iter().cloned().zip(row.iter().map(to_json));
        format!("{}\n", Value::Object(members.collect::<Map<_, _>>()))
    };
    answer.rows.iter().map(line).collect()
}

fn to_json(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Boolean(value) => (*value).into(),
        SqlValue::Integer(value) => (*value).into(),
        SqlValue::Double(double) => {
            Number::from_f64(*double).map_or_else(|| Value::String(value.to_string()), Value::Number)
        }
        SqlValue::Text(text) => text.as_str().into(),
    }
}

/// The names of the columns. An object has each member once, so a name that an earlier column has gets a number.
fn members(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, name) in columns.iter().enumerate() {
        if !names.contains(name) {
            names.push(name.clone());
            continue;
        }
        let numbered = (index + 1..).map(|number| format!("{name}_{number}"));
        // No column has this name, so no later one is renamed because of it.
        let mut free = numbered.filter(|new| !names.contains(new) && !columns.contains(new));
        let free = free.next().expect("there are more numbers than columns");
        names.push(free);
    }
    names
}

/// A text as a terminal may get it: customers choose the descriptions of transfers, and some characters control a terminal.
pub fn for_terminal(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(columns: &[&str], rows: Vec<Vec<SqlValue>>) -> SqlAnswer {
        SqlAnswer {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows,
            cut_by: None,
        }
    }

    fn shown(answer: &SqlAnswer, form: AnswerForm) -> String {
        text_of(answer, form).expect("it can be shown")
    }

    fn text(text: &str) -> SqlValue {
        SqlValue::Text(text.to_owned())
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = vec![
            vec![text("visa"), text("12.5000"), SqlValue::Integer(7), SqlValue::Null],
            vec![SqlValue::Null, text("-0.0001"), SqlValue::Integer(10), text("a\nb")],
        ];
        let lines = [
            "method   amount   n  text",
            "visa    12.5000   7",
            "        -0.0001  10  a\\nb",
            "",
        ];
        let answer = answer(&["method", "amount", "n", "text"], rows);
        assert_eq!(shown(&answer, AnswerForm::Table), lines.join("\n"));
    }

    #[test]
    fn a_long_cell_is_cut_in_a_table_only() {
        let long = "é".repeat(201);
        let rows = vec![vec![text(&long)], vec![text(&"é".repeat(200))]];
        let answer = answer(&["a"], rows);
        let table = shown(&answer, AnswerForm::Table);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [1, 200, 200]);
        assert!(table.contains("é…"));
        assert!(shown(&answer, AnswerForm::Csv).contains(&long));
    }

    #[test]
    fn csv_is_quoted_and_guarded() {
        let rows = vec![vec![
            text("=1+1"),
            text("-12.5000"),
            SqlValue::Null,
            text("a \"b\",\nc"),
        ]];
        let answer = answer(&["a", "b", "c", "d"], rows);
        let expected = "a,b,c,d\n'=1+1,-12.5000,,\"a \"\"b\"\",\nc\"\n";
        assert_eq!(shown(&answer, AnswerForm::Csv), expected);
    }

    #[test]
    fn json_has_a_type_for_each_value_and_every_column() {
        let rows = vec![vec![
            SqlValue::Null,
            SqlValue::Boolean(true),
            SqlValue::Integer(i64::MAX),
            SqlValue::Double(0.5),
            SqlValue::Double(f64::NAN),
            text("12.5000"),
        ]];
        let answer = answer(&["a", "a", "b", "c", "d", "e"], rows);
        let expected = r#"{"a":null,"a_2":true,"b":9223372036854775807,"c":0.5,"d":"NaN","e":"12.5000"}"#;
        assert_eq!(shown(&answer, AnswerForm::Json), format!("{expected}\n"));
    }

    #[test]
    fn every_column_is_a_member_of_its_own() {
        let names = |columns: &[&str]| members(&columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["a", "b", "a"]), ["a", "b", "a_3"]);
        assert_eq!(names(&["a", "a_3", "a"]), ["a", "a_3", "a_4"]);
        assert_eq!(names(&["a", "a", "a_2", "a"]), ["a", "a_3", "a_2", "a_4"]);
    }

    #[test]
    fn a_terminal_gets_no_character_that_controls_it() {
        assert_eq!(
            for_terminal("a,b\n\"\u{1b}]0;x\u{7}\u{9b}\"\n"),
            "a,b\n\"\\u{1b}]0;x\\u{7}\\u{9b}\"\n"
        );
    }

    #[test]
    fn an_answer_without_columns_shows_nothing() {
        assert_eq!(shown(&answer(&[], vec![Vec::new()]), AnswerForm::Table), "");
        assert_eq!(shown(&answer(&["a"], Vec::new()), AnswerForm::Table), "a\n");
        assert_eq!(shown(&answer(&["a"], Vec::new()), AnswerForm::Json), "");
    }
}
