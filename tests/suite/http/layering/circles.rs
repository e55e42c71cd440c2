//! No two files of a folder import each other, but for those that are listed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::rules::{CIRCLES, PRODUCT};
use super::{code, root, rust_files};

/// Two files of a folder that import each other can only be read together. Those that are named are one thing in two files.
#[test]
fn no_two_files_import_each_other() {
    let mut found = BTreeSet::new();
    for name in PRODUCT {
        for file in rust_files(&root().join(name).join("src")) {
            for other in siblings_used(&file).into_iter().filter(|other| *other > file) {
                if siblings_used(&other).contains(&file) {
                    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    found.insert(format!("{} {}", stem(&file), stem(&other)));
                }
            }
        }
    }
    assert_eq!(found, CIRCLES.map(str::to_owned).into());
}

/// The files beside this one that it names as `super::NAME`.
fn siblings_used(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(file);
    // `super` of a folder's own file is another folder.
    if file.ends_with("mod.rs") {
        return Vec::new();
    }
    let code = code(file);
    let names = code.split("super::").skip(1).flat_map(|rest| {
        let group = rest.strip_prefix('{').and_then(|group| group.split('}').next());
        let names: Vec<&str> = match group {
            Some(group) => group.split(',').collect(),
            None => vec![rest],
        };
        names
    });
    let names = names.map(|name| {
        name.trim()
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
    });
    let paths: BTreeSet<PathBuf> = names.map(|name| folder.join(format!("{name}.rs"))).collect();
    paths
        .into_iter()
        .filter(|path| path.is_file() && path != file)
        .collect()
}
