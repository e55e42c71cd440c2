//! Splits input into statements, which end with `;`, and commands, which begin with `\` and end with their line. Pure.

use super::lexer::{TokenKind, tokens};
use crate::db::SqlDialect;

/// The words with which a statement that only reads may begin. `TABLE` is known to PostgreSQL alone.
const READ_ONLY_WORDS: [&str; 5] = ["SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN"];

/// A part of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptPart {
    /// A statement, without its `;`.
    Statement(String),
    /// A command, without its `\`.
    Command(String),
}

/// An input, in parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The whole parts, in order.
    pub parts: Vec<ScriptPart>,
    /// What comes after the last `;`. Empty if that is nothing but blanks and comments.
    pub unfinished: String,
    /// True where a string, a name or a comment has no end yet.
    pub is_unterminated: bool,
}

impl Script {
    /// Splits a text.
    #[must_use]
    pub fn of(text: &str, dialect: SqlDialect) -> Self {
        let (mut parts, mut is_unterminated) = (Vec::new(), false);
        // Where the statement begins, and whether it is more than blanks and comments so far.
        let (mut start, mut has_content) = (0, false);
        for token in tokens(text, dialect) {
            is_unterminated = token.is_unterminated;
            match token.kind {
                TokenKind::Blank | TokenKind::Comment => {}
                TokenKind::End => {
                    if has_content {
                        parts.push(ScriptPart::Statement(text[start..token.start].trim().to_owned()));
                    }
                    (start, has_content) = (token.end, false);
                }
                TokenKind::Command if !has_content => {
                    let command = text[token.start..token.end].trim_start_matches('\\');
                    // People who type statements end a command with `;` too.
                    parts.push(ScriptPart::Command(command.trim_end_matches(';').trim().to_owned()));
                    start = token.end;
                }
                TokenKind::Command | TokenKind::Quoted | TokenKind::Word | TokenKind::Other => has_content = true,
            }
        }
        let unfinished = if has_content { text[start..].trim() } else { "" };
        Self {
            parts,
            unfinished: unfinished.to_owned(),
            is_unterminated,
        }
    }

    /// True if each statement, string, name and comment has its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unfinished.is_empty() && !self.is_unterminated
    }
}

/// The first word of a statement, in upper case; `None` if it begins with something else. Comments and opening parentheses
/// may be before it.
pub(super) fn first_word(statement: &str, dialect: SqlDialect) -> Option<String> {
    let is_before = |kind, text: &str| matches!(kind, TokenKind::Blank | TokenKind::Comment) || text == "(";
    let first = tokens(statement, dialect).find(|token| !is_before(token.kind, &statement[token.start..token.end]))?;
    (first.kind == TokenKind::Word).then(|| statement[first.start..first.end].to_ascii_uppercase())
}

/// True for a first word of statements that only read.
pub(super) fn is_read_only_word(word: &str) -> bool {
    READ_ONLY_WORDS.contains(&word)
}

/// A list of the words with which a statement may begin.
pub(super) fn read_only_words() -> String {
    let (last, others) = READ_ONLY_WORDS.split_last().expect("there are some");
    format!("{} or {last}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    const POSTGRES: SqlDialect = SqlDialect::new(DbBackend::Postgres);
    const SQLITE: SqlDialect = SqlDialect::new(DbBackend::Sqlite);

    fn statements(text: &str, dialect: SqlDialect) -> Vec<String> {
        let parts = Script::of(text, dialect).parts.into_iter();
        let statement = |part| match part {
            ScriptPart::Statement(text) => text,
            ScriptPart::Command(text) => format!("command {text}"),
        };
        parts.map(statement).collect()
    }

    #[test]
    fn a_semicolon_ends_a_statement_where_the_database_reads_one() {
        for dialect in [POSTGRES, SQLITE] {
            let text = "SELECT ';' AS \"a;b\", 'it''s;' -- c;\n /* d; */ FROM x; VALUES (1);; TABLE y ;";
            let found = statements(text, dialect);
            assert_eq!(found.len(), 3, "{found:?}");
            assert!(found[0].ends_with("FROM x") && found[1] == "VALUES (1)" && found[2] == "TABLE y");
        }
        let dollars = "SELECT $$ ; $$, $a$ ; $$ ; $a$, $1, a$b; SELECT E'\\'; '";
        assert_eq!(statements(dollars, POSTGRES).len(), 1);
        assert!(Script::of(dollars, POSTGRES).unfinished.starts_with("SELECT E"));
        assert_eq!(statements("SELECT /* /* ; */ ; */ 1;", POSTGRES).len(), 1);
        assert_eq!(statements("SELECT /* /* ; */ 1; 2 */;", SQLITE).len(), 2);
        // The `/*/` begins a comment within the comment.
        assert_eq!(statements("SELECT /* /*/ ; */ ; */ 1;", POSTGRES).len(), 1);
        assert_eq!(statements("SELECT [a;b], `c;d` FROM e;", SQLITE).len(), 1);
        assert_eq!(statements("SELECT a[1], 'b\\'; SELECT 2;", POSTGRES).len(), 2);
    }

    #[test]
    fn what_has_no_end_waits_for_it() {
        for text in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT \"a;", "-- a\nSELECT"] {
            let script = Script::of(text, POSTGRES);
            assert!(!script.is_whole() && !script.unfinished.is_empty(), "{text}");
        }
        let comment = Script::of("SELECT 1; /* a;", POSTGRES);
        assert!(comment.unfinished.is_empty() && !comment.is_whole(), "{comment:?}");
        for text in ["", " \n", "-- a", "/* a */", "SELECT 1; -- a", "\\d", "\\d v_daily;\n"] {
            assert!(Script::of(text, POSTGRES).is_whole(), "{text}");
        }
    }

    #[test]
    fn lines_end_as_in_the_database() {
        assert_eq!(statements("-- a\rSELECT 1;", POSTGRES).len(), 1);
        assert_eq!(statements("-- a\rSELECT 1;", SQLITE).len(), 0);
        for dialect in [POSTGRES, SQLITE] {
            let found = statements("-- a\r\n\\d\r\nSELECT 1;\r\n\\q\r\n", dialect);
            assert_eq!(found, ["command d", "SELECT 1", "command q"]);
        }
    }

    #[test]
    fn characters_beyond_ascii_belong_to_words() {
        let text = "SELECT \u{20ac}E'\\'; SELECT $\u{e9}$;$\u{e9}$;";
        assert_eq!(statements(text, POSTGRES).len(), 2);
    }

    #[test]
    fn commands_end_with_their_line() {
        let found = statements("\\d v_daily\nSELECT 1;\n  \\csv on;\nSELECT '\n\\d\n';", SQLITE);
        assert_eq!(
            found,
            ["command d v_daily", "SELECT 1", "command csv on", "SELECT '\n\\d\n'"]
        );
    }

    #[test]
    fn the_first_word_is_behind_comments_and_parentheses() {
        for (statement, word) in [
            ("select 1", Some("SELECT")),
            (" -- a\n/* b /* c */ */ ((WITH x AS", Some("WITH")),
            ("delete from x", Some("DELETE")),
            ("'SELECT'", None),
            ("", None),
        ] {
            assert_eq!(first_word(statement, POSTGRES).as_deref(), word, "{statement}");
        }
        // SQLite ends the comment at the first `*/`.
        assert_eq!(first_word("/* /* */ DROP */ x", SQLITE).as_deref(), Some("DROP"));
        assert_eq!(read_only_words(), "SELECT, WITH, VALUES, TABLE or EXPLAIN");
    }
}
