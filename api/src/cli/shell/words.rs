//! Completion, and whether a statement is complete.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use service::db::SqlDialect;
use service::shell::{Script, VIEWS};

/// Words of SQL that both databases know.
const SQL: &str = "ALL AND AS ASC AVG BETWEEN BY CASE CAST COALESCE COUNT CROSS DESC DISTINCT ELSE END EXCEPT EXISTS \
                   EXPLAIN FILTER FROM GROUP HAVING IN INNER INTERSECT IS JOIN LEFT LIKE LIMIT MAX MIN NOT NULL OFFSET \
                   ON OR ORDER OVER PARTITION SELECT SUM THEN UNION USING WHERE";

const COMMANDS: [&str; 4] = ["\\csv", "\\d", "\\h", "\\q"];

/// Completes words, and decides whether Enter ends the input.
pub struct SqlHelper {
    pub dialect: SqlDialect,
}

impl Helper for SqlHelper {}
impl Highlighter for SqlHelper {}

impl Hinter for SqlHelper {
    type Hint = String;
}

impl Validator for SqlHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let script = Script::of(context.input(), self.dialect);
        Ok(if script.is_whole() {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Completer for SqlHelper {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(completed(line, position))
    }
}

/// Where the word before a position begins, and the known words with the same beginning. Words of SQL get the case of the
/// typed letters.
fn completed(line: &str, position: usize) -> (usize, Vec<String>) {
    let before = &line[..position];
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '\\';
    let begun = before.trim_end_matches(is_of_word).len();
    let typed = &before[begun..];
    if typed.is_empty() {
        return (position, Vec::new());
    }
    let is_lower = typed.chars().any(|c| c.is_ascii_lowercase());
    let sql = SQL.split(' ').map(|word| {
        if is_lower {
            word.to_ascii_lowercase()
        } else {
            word.to_owned()
        }
    });
    let columns = VIEWS.iter().flat_map(|view| view.columns).map(|column| column.name);
    let names = VIEWS.iter().map(|view| view.name).chain(columns).chain(COMMANDS);
    let begins = |word: &String| {
        word.get(..typed.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(typed))
    };
    let mut words: Vec<String> = sql.chain(names.map(str::to_owned)).filter(begins).collect();
    words.sort();
    words.dedup();
    (begun, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_views_columns_and_commands_are_completed() {
        for (typed, words) in [
            ("sel", vec!["select"]),
            ("SEL", vec!["SELECT"]),
            ("SELECT * FROM v_d", vec!["v_daily"]),
            ("select balance_", vec!["balance_after"]),
            ("\\c", vec!["\\csv"]),
            ("select ", vec![]),
            ("select é", vec![]),
            ("v_x", vec![]),
        ] {
            assert_eq!(completed(typed, typed.len()).1, words, "{typed}");
        }
        let (_, found) = completed("d", 1);
        assert_eq!(
            found,
            ["day", "debit", "debit_account_id", "desc", "description", "distinct"]
        );
        assert_eq!(completed("SELECT kin, at FROM", 10), (7, vec!["kind".to_owned()]));
    }
}
