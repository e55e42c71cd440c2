//! The services' public methods, read from their source: a new one has to be in the table of mutations or in one of the
//! lists beside it, and so does a new handle.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use service::audit::AuditAction;

use super::table::mutations;
use super::unlogged::{READS, UNLOGGED};
use crate::slices::source::files;

/// What a handler or a command calls: the fields of `Services`, and what these show of theirs.
const HANDLES: [&str; 14] = [
    "Services",
    "Aggregates",
    "ApiKeys",
    "Audit",
    "Events",
    "Identity",
    "Imports",
    "Merchants",
    "Ops",
    "Receipts",
    "Statistics",
    "Transfers",
    "Wallets",
    "Webhooks",
];

/// Fields of handles that are no handles.
const VALUES: [&str; 2] = ["Currency", "ReportAccess"];

fn sources() -> Vec<(PathBuf, String)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let found = files(&workspace.expect("tests lie in the workspace").join("service/src"));
    assert!(found.len() > 100, "files are missing: {}", found.len());
    found
}

/// The word that a text begins with.
fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The public async methods of the handles in a source, as `Handle::method`.
fn methods_of(source: &str) -> Vec<String> {
    let (mut found, mut handle) = (Vec::new(), None);
    for line in source.lines() {
        if let Some(head) = line.strip_prefix("impl ") {
            let name = first_word(head);
            handle = Some(name).filter(|name| HANDLES.contains(name) && !head.contains(" for "));
        } else if line == "}" {
            handle = None;
        } else if let Some(handle) = handle
            && let Some(method) = line.trim_start().strip_prefix("pub async fn ")
        {
            found.push(format!("{handle}::{}", first_word(method)));
        }
    }
    found
}

/// The types of a struct's public fields, without their modules and without an `Arc` around them.
fn public_fields_of<'s>(name: &str, source: &'s str) -> Vec<&'s str> {
    let begin = format!("pub struct {name} {{\n");
    let Some((_, fields)) = source.split_once(&begin) else {
        return Vec::new();
    };
    let fields = fields.lines().take_while(|line| *line != "}");
    let fields = fields.filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
    fields
        .map(|(_, path)| {
            let path = path.trim_start_matches("Arc<");
            first_word(path.rsplit("::").next().unwrap_or(path))
        })
        .collect()
}

#[test]
fn every_method_of_a_handle_is_a_mutation_or_is_listed() {
    let sources = sources();
    let found: BTreeSet<String> = sources.iter().flat_map(|(_, source)| methods_of(source)).collect();
    assert!(found.len() > 60, "the methods are not read right: {found:?}");
    let mutating = mutations().map(|mutation| mutation.method);
    let unlogged = UNLOGGED.iter().map(|(method, why)| {
        assert!(!why.is_empty(), "say why {method} leaves no line");
        *method
    });
    let changing: BTreeSet<&str> = mutating.chain(unlogged).collect();
    let known: BTreeSet<String> = changing
        .iter()
        .chain(READS)
        .map(|method| (*method).to_owned())
        .collect();
    let new: Vec<&String> = found.difference(&known).collect();
    assert!(new.is_empty(), "say in the table what these leave: {new:?}");
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(gone.is_empty(), "there are no such methods: {gone:?}");
    let both: Vec<&&str> = READS.iter().filter(|method| changing.contains(**method)).collect();
    assert!(both.is_empty(), "these change something, or only read: {both:?}");
}

#[test]
fn every_action_is_left_by_a_mutation() {
    let left: Vec<AuditAction> = mutations()
        .flat_map(|mutation| mutation.lines.iter().copied())
        .collect();
    let missing: Vec<&AuditAction> = AuditAction::ALL
        .iter()
        .filter(|action| !left.contains(action))
        .collect();
    assert!(missing.is_empty(), "no mutation leaves these: {missing:?}");
    assert!(mutations().all(|mutation| !mutation.lines.is_empty()));
}

#[test]
fn every_handle_is_known() {
    let (sources, mut seen) = (sources(), BTreeSet::new());
    for handle in HANDLES {
        for (path, source) in &sources {
            for field in public_fields_of(handle, source) {
                assert!(
                    HANDLES.contains(&field) || VALUES.contains(&field),
                    "{}: say whether {field} is a handle",
                    path.display()
                );
                seen.insert(field);
            }
        }
    }
    let unseen: Vec<&str> = HANDLES.into_iter().filter(|handle| !seen.contains(handle)).collect();
    assert_eq!(unseen, ["Services"], "the fields are not read right: {seen:?}");
}

#[test]
fn methods_and_fields_are_read_from_the_text() {
    let source = "\
pub struct Ops {
    /// Says so.
    pub keys: Arc<api_keys::ApiKeys>,
    pub more: Wallets,
    db: Db,
}

impl Ops {
    pub async fn ping(&self) -> Result<(), Fault> {
        if true {
        }
    }

    pub(crate) async fn hidden(&self) {}
    pub async fn look<T>(
        &self,
    ) {
    }
}

impl Drop for Ops {
    pub async fn none(&self) {}
}

impl Other {
    pub async fn other(&self) {}
}
";
    assert_eq!(methods_of(source), ["Ops::ping", "Ops::look"]);
    assert_eq!(public_fields_of("Ops", source), ["ApiKeys", "Wallets"]);
}
