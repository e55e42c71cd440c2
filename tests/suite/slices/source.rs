//! What a source file sends to the database, as far as its text shows: its SQL literals, and the entities that it uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const VERBS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "JOIN"];

/// The words of a text.
pub fn words(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect()
}

/// The string literals of a source file that are statements or parts of statements.
pub fn statements(source: &str) -> Vec<String> {
    let mut found = literals(source);
    found.retain(|literal| VERBS.iter().any(|verb| words(literal).contains(verb)));
    found
}

/// The modules of `entity` that a source file uses, without the column types.
pub fn entities(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // `identity::` ends in the same letters.
    for place in source.replace("identity::", "").split("entity::").skip(1) {
        let list = match place.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => place.split([';', ',', ':']).next().unwrap_or_default(),
        };
        found.extend(list.split(',').map(|name| name.trim().to_owned()));
    }
    found.retain(|name| !name.is_empty() && name != "values" && name != "prelude");
    found
}

/// The files below a folder, with their text up to the unit tests.
pub fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|_| panic!("no folder {}", folder.display())) {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file can be read");
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((path, shipped));
        }
    }
    found
}

fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    loop {
        // Whichever comes first: a comment, a character or a literal.
        let Some(at) = rest.find(['"', '/', '\'']) else {
            return found;
        };
        let (before, begun) = rest.split_at(at);
        rest = if let Some(comment) = begun.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(literal) = begun.strip_prefix('"') {
            let is_raw = before.ends_with('#');
            let (literal, rest) = if is_raw {
                literal.split_once("\"#").unwrap_or((literal, ""))
            } else {
                until_quote(literal)
            };
            found.push(literal.to_owned());
            rest
        } else {
            ["'\"'", "'\\\"'", "'\\''", "'/'"]
                .iter()
                .find_map(|character| begun.strip_prefix(character))
                .unwrap_or(&begun[1..])
        };
    }
}

/// Splits a text after its literal.
fn until_quote(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return (&text[..at], &text[at + 1..]),
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    (text, "")
}

#[test]
fn literals_are_told_from_comments_and_characters() {
    let source = r##"
        // "SELECT no"
        let quote = '"'; let slash = '/'; let life: &'static str = "SELECT a \"b\" FROM \
            c";
        let raw = r#"DELETE "d""#; let other = "no statement";
    "##;
    let found = statements(source);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(words(&found[0]).is_superset(&words("SELECT a b FROM c")), "{found:?}");
    assert!(words(&found[1]).contains("d"), "{found:?}");
}
