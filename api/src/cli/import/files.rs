//! Which files the arguments of an import name: files, folders and patterns.

use std::path::{Path, PathBuf};

use service::imports::csv_files;

/// The files in the order of the arguments; those of one folder or pattern are sorted by name. An error is a sentence
/// about the argument that cannot be used.
pub fn find(paths: &[PathBuf], rejects: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let found = named(path)?;
        if found.is_empty() {
            return Err(format!("{} names no file", path.display()));
        }
        files.extend(found);
    }
    if let Some(rejects) = rejects
        && let Ok(rejects) = rejects.canonicalize()
        && files
            .iter()
            .any(|file| file.canonicalize().is_ok_and(|file| file == rejects))
    {
        return Err(format!(
            "{} is imported, rejected lines cannot go there",
            rejects.display()
        ));
    }
    Ok(files)
}

fn named(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.is_dir() {
        return csv_files(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
    }
    if path.exists() {
        return Err(format!("{} is neither a file nor a folder", path.display()));
    }
    // A shell expands unquoted patterns itself. A quoted one, or one from another program, arrives as it was written.
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
    let Some(pattern) = pattern else {
        return Err(format!("there is no {}", path.display()));
    };
    let found = glob::glob(pattern).map_err(|error| format!("{pattern} is no pattern: {error}"))?;
    let mut files = Vec::new();
    for file in found {
        let file = file.map_err(|error| error.to_string())?;
        if file.is_file() {
            files.push(file);
        }
    }
    Ok(files)
}
