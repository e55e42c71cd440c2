//! The structure of the code, read from its files: which crates and modules use which, and which files are pure.

mod circles;
mod rules;

pub use rules::{MAY_USE, PRODUCT};

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rules::PURE;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lie in the workspace")
}

const LINES_MAX: usize = 350;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|_| panic!("no folder {}", folder.display())) {
        let path = entry.expect("a folder can be listed").path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name == "target" || name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|_| panic!("{} cannot be read", path.display()))
}

/// A file without its comments and its unit tests.
fn code(path: &Path) -> String {
    let text = read(path);
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Whether a crate's manifest lists another as a dependency.
pub fn depends_on(manifest: &str, name: &str) -> bool {
    let text = read(&root().join(manifest).join("Cargo.toml"));
    let dependencies = text.split_once("[dependencies]").map_or("", |(_, rest)| rest);
    dependencies
        .lines()
        .any(|line| line.split(['.', '=', ' ']).next() == Some(name))
}

/// The modules that a text names as `crate::NAME`, alone or in braces.
fn modules_used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for place in code.split("crate::").skip(1) {
        let group = place
            .strip_prefix('{')
            .map(|group| group.split('}').next().unwrap_or_default());
        for path in group
            .unwrap_or(place)
            .split(',')
            .take(if group.is_some() { usize::MAX } else { 1 })
        {
            let name = path
                .trim()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default();
            used.insert(name.to_owned());
        }
    }
    used
}

#[test]
fn crates_know_only_what_is_below_them() {
    for name in ["entity", "sea-orm", "sea_orm", "sqlx"] {
        assert!(!depends_on("api", name), "api knows {name}");
    }
    for name in ["poem", "poem-openapi", "hyper", "api", "migration"] {
        assert!(!depends_on("service", name), "service knows {name}");
    }
    for name in ["entity", "service", "api"] {
        assert!(!depends_on("migration", name), "migration knows {name}");
        assert!(name == "entity" || !depends_on("entity", name), "entity knows {name}");
    }
    assert!(
        depends_on("api", "service") && depends_on("service", "sea-orm"),
        "the manifests are not read right"
    );
    let workspace = read(&root().join("Cargo.toml"));
    assert!(
        !workspace.contains("default-members") && !workspace.contains("[package]"),
        "the workspace is not virtual"
    );
    for name in PRODUCT {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        assert!(
            !manifest.contains("[features]") && !manifest.contains("tests"),
            "{name} has a feature, or knows tests"
        );
    }
}

#[test]
fn modules_of_service_use_only_those_below_them() {
    let source = root().join("service/src");
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("a file lies in its folder");
        let module = path
            .iter()
            .next()
            .unwrap_or_default()
            .to_string_lossy()
            .replace(".rs", "");
        if module == "lib" {
            continue;
        }
        let may_use = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("say in MAY_USE what {module} may use"));
        for used in modules_used(&code(&file)) {
            assert!(
                used == module || may_use.contains(&used.as_str()),
                "{} uses {used}",
                path.display()
            );
            seen.insert((module.clone(), used));
        }
    }
    assert!(
        seen.contains(&("transfers".to_owned(), "ledger".to_owned())),
        "the `use` lines are not read right"
    );
}

#[test]
fn modules_of_service_form_no_cycle() {
    let mut left: BTreeMap<&str, Vec<&str>> = MAY_USE.iter().map(|(module, used)| (*module, used.to_vec())).collect();
    while !left.is_empty() {
        let bottom: Vec<&str> = left
            .iter()
            .filter(|(_, used)| !used.iter().any(|name| left.contains_key(name)))
            .map(|(name, _)| *name)
            .collect();
        assert!(
            !bottom.is_empty(),
            "these use each other in a circle: {:?}",
            left.keys()
        );
        left.retain(|module, _| !bottom.contains(module));
    }
}

#[test]
fn pure_files_neither_wait_nor_ask() {
    for name in PURE {
        let code = code(&root().join("service/src").join(name));
        for word in [
            "async",
            ".await",
            "sea_orm",
            "Clock",
            "tokio",
            "random_bytes",
            "SystemTime",
            "Instant",
        ] {
            assert!(!code.contains(word), "{name} is pure and has {word}");
        }
    }
}

#[test]
fn one_file_builds_the_ledgers_commands() {
    let source = root().join("service/src");
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("a file lies in its folder");
        let builds = code(&file).lines().any(|line| {
            line.contains("Command {")
                && !line.contains("QueuedCommand {")
                && !line.contains("fn ")
                && !line.contains("struct ")
        });
        let is_builder = path == Path::new("ledger/types/commands.rs");
        assert_eq!(builds, is_builder, "{}", path.display());
    }
}

/// An optional id is an `Option`.
#[test]
fn no_special_id_stands_for_none() {
    for name in PRODUCT {
        for file in rust_files(&root().join(name)) {
            let text = code(&file);
            for word in ["::nil()", "is_nil()", "Uuid::max()", "Uuid::default()"] {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
}

#[test]
fn sql_lives_in_repositories() {
    let source = root().join("service/src");
    let places = [
        "/repo.rs",
        "/repo/",
        "/db/",
        "/ledger/verify/",
        "/ledger/entries.rs",
        "/ledger/history.rs",
    ];
    for file in rust_files(&source) {
        let (path, code) = (file.display().to_string(), code(&file));
        let has_sql = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "::find()", "EntityTrait"]
            .iter()
            .any(|word| code.contains(word));
        let is_ping = path.ends_with("ops/mod.rs");
        assert!(
            !has_sql || is_ping || places.iter().any(|place| path.contains(place)),
            "{path} has SQL"
        );
    }
}

/// A module's `repo` is its own: others call its face.
#[test]
fn no_module_calls_anothers_repository() {
    for (module, _) in MAY_USE {
        let source = root().join("service/src").join(module);
        for file in source.is_dir().then(|| rust_files(&source)).into_iter().flatten() {
            let code = code(&file);
            for (other, _) in MAY_USE.iter().filter(|(other, _)| other != module) {
                assert!(
                    !code.contains(&format!("crate::{other}::repo")),
                    "{} uses the repository of {other}",
                    file.display()
                );
            }
            assert!(
                !code.contains("pub mod repo;"),
                "{} shows its repository",
                file.display()
            );
        }
    }
}

/// What is matched is named: a new variant has to be thought of everywhere.
#[test]
fn every_error_is_mapped_by_name() {
    let code = code(&root().join("api/src/failures.rs"));
    assert!(!code.contains("_ =>"), "api/src/failures.rs has a `_` arm");
}

#[test]
fn the_product_has_no_branch_for_tests() {
    for name in PRODUCT {
        for file in rust_files(&root().join(name)) {
            let text = read(&file);
            for word in ["cfg(feature", "cfg!(", "cfg_attr("] {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
}

/// The standard library's macros panic when the reader of the output is gone.
#[test]
fn the_product_prints_nothing_that_may_end_it() {
    for name in PRODUCT {
        for file in rust_files(&root().join(name)) {
            let text = code(&file);
            for word in ["println!", "print!(", "dbg!"] {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
            let is_ours = file.ends_with("api/src/stderr.rs");
            assert!(
                is_ours || !text.contains("stderr()"),
                "{} writes past api::stderr",
                file.display()
            );
        }
    }
}

#[test]
fn files_say_what_they_are_for_and_stay_short() {
    let files = rust_files(root());
    assert!(files.len() > 90, "files are missing: {}", files.len());
    for file in files {
        let text = read(&file);
        assert!(
            text.starts_with("//! "),
            "{} does not open with what it is for",
            file.display()
        );
        let lines = text.lines().count();
        assert!(
            lines <= LINES_MAX,
            "{} has {lines} lines; above {LINES_MAX} it wants to be two",
            file.display()
        );
    }
}
