//! Splits SQL into tokens as PostgreSQL and SQLite do, as far as it takes to find the end of a statement. Pure.

use crate::db::SqlDialect;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Blanks and line breaks.
    Blank,
    /// A comment, to the end of its line or within `/*` and `*/`.
    Comment,
    /// A string, or a quoted name.
    Quoted,
    /// A word, a number or a name without quotes.
    Word,
    /// A line from `\` on. It is a command only where a statement may begin.
    Command,
    /// A `;`.
    End,
    /// Any other character.
    Other,
}

/// A token of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct SqlToken {
    pub kind: TokenKind,
    /// The place of its first byte.
    pub start: usize,
    /// The place behind its last byte.
    pub end: usize,
    /// True for a string, a name or a comment whose end is missing.
    pub is_unterminated: bool,
}

/// The tokens of a text, without a gap between them.
pub(super) fn tokens(text: &str, dialect: SqlDialect) -> impl Iterator<Item = SqlToken> + '_ {
    let (mut at, mut may_command) = (0, true);
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '\\' if may_command => (TokenKind::Command, Some(length_until(rest, &['\n', '\r']))),
            _ => first_token(rest, first, dialect),
        };
        let start = at;
        at += length.unwrap_or(rest.len());
        // A command stands where a statement may begin; elsewhere a `\` is any other character.
        may_command = match kind {
            TokenKind::Blank | TokenKind::Comment => may_command,
            TokenKind::End | TokenKind::Command => true,
            TokenKind::Quoted | TokenKind::Word | TokenKind::Other => false,
        };
        Some(SqlToken {
            kind,
            start,
            end: at,
            is_unterminated: length.is_none(),
        })
    })
}

/// The kind of a text's first token, and how many bytes it has; `None` where its end is missing.
fn first_token(text: &str, first: char, dialect: SqlDialect) -> (TokenKind, Option<usize>) {
    let is_postgres = dialect.is_postgres();
    // Only PostgreSQL ends a comment at a carriage return without a line feed.
    let line_ends: &[char] = if is_postgres { &['\n', '\r'] } else { &['\n'] };
    match first {
        _ if is_blank(first) => {
            let end = text.find(|c: char| !is_blank(c));
            (TokenKind::Blank, Some(end.unwrap_or(text.len())))
        }
        ';' => (TokenKind::End, Some(1)),
        '-' if text.starts_with("--") => (TokenKind::Comment, Some(length_until(text, line_ends))),
        '/' if text.starts_with("/*") => (TokenKind::Comment, comment(text, is_postgres)),
        '\'' | '"' => (TokenKind::Quoted, quoted(text, first, false)),
        '`' if !is_postgres => (TokenKind::Quoted, quoted(text, '`', false)),
        '[' if !is_postgres => (TokenKind::Quoted, text.find(']').map(|end| end + 1)),
        'e' | 'E' if is_postgres && text[1..].starts_with('\'') => (
            TokenKind::Quoted,
            quoted(&text[1..], '\'', true).map(|length| length + 1),
        ),
        '$' if is_postgres => dollar_quoted(text),
        _ if is_of_word(first) => {
            let end = text.find(|c: char| !is_of_word(c) && c != '$');
            (TokenKind::Word, Some(end.unwrap_or(text.len())))
        }
        _ => (TokenKind::Other, Some(first.len_utf8())),
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// For both databases every character beyond ASCII belongs to a word.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The bytes before the first of these characters.
fn length_until(text: &str, ends: &[char]) -> usize {
    text.find(ends).unwrap_or(text.len())
}

/// The length of what begins with a quote. A doubled quote is one of its characters, and so is a character after a `\`
/// where that escapes.
fn quoted(text: &str, quote: char, has_escapes: bool) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && has_escapes {
            characters.next();
        } else if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return Some(at + 1),
            }
        }
    }
    None
}

/// The length of a comment that begins with `/*`. In PostgreSQL a comment may contain others.
fn comment(text: &str, is_nested: bool) -> Option<usize> {
    let (mut at, mut depth) = (2, 1_usize);
    while let Some(pair) = text.as_bytes().get(at..at + 2) {
        match pair {
            b"*/" if depth == 1 => return Some(at + 2),
            b"*/" => (at, depth) = (at + 2, depth - 1),
            b"/*" if is_nested => (at, depth) = (at + 2, depth + 1),
            _ => at += 1,
        }
    }
    None
}

/// A string within `$$` or `$tag$`; otherwise a `$` by itself, as in a parameter.
fn dollar_quoted(text: &str) -> (TokenKind, Option<usize>) {
    let tag = text[1..].find('$').map(|end| &text[..end + 2]);
    let is_tag = |tag: &&str| {
        let name = &tag[1..tag.len() - 1];
        name.chars().all(is_of_word) && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    match tag.filter(is_tag) {
        Some(tag) => {
            let end = text[tag.len()..].find(tag).map(|end| end + 2 * tag.len());
            (TokenKind::Quoted, end)
        }
        None => (TokenKind::Other, Some(1)),
    }
}
