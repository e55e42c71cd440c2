//! Tells the program its commit: from the variable BUILD_COMMIT, else from `.git`, else `unknown`. A release is built again when
//! the console changes, whose files it holds; a debug build reads them when it runs.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const DIGITS: usize = 12;

fn main() -> io::Result<()> {
    let given = env::var("BUILD_COMMIT").ok().filter(|commit| !commit.is_empty());
    let mut out = io::stdout();
    writeln!(out, "cargo::rerun-if-env-changed=BUILD_COMMIT")?;
    writeln!(out, "cargo::rerun-if-changed=build.rs")?;
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        writeln!(out, "cargo::rerun-if-changed=console")?;
    }
    let found = given
        .or_else(|| of_repository(&mut out))
        .unwrap_or_else(|| "unknown".to_owned());
    let commit: String = found.chars().take(DIGITS).collect();
    writeln!(out, "cargo::rustc-env=BUILT_FROM={commit}")
}

/// Reads the files of git, which need no git; a change of HEAD or of its branch builds the program again, and nothing else.
fn of_repository(out: &mut impl Write) -> Option<String> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).parent()?.to_owned();
    let folder = git_folder(&root)?;
    let head = read(out, &folder.join("HEAD"))?;
    let Some(branch) = head.strip_prefix("ref: ") else {
        return Some(head);
    };
    // A worktree has its own HEAD, and its branches are in the common folder.
    let common = match fs::read_to_string(folder.join("commondir")) {
        Ok(path) => folder.join(path.trim()),
        Err(_) => folder,
    };
    read(out, &common.join(branch)).or_else(|| {
        let packed = read(out, &common.join("packed-refs"))?;
        let line = packed.lines().find(|line| line.ends_with(&format!(" {branch}")))?;
        line.split(' ').next().map(str::to_owned)
    })
}

fn git_folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(git).ok()?;
    Some(root.join(text.trim().strip_prefix("gitdir: ")?))
}

fn read(out: &mut impl Write, file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    writeln!(out, "cargo::rerun-if-changed={}", file.display()).ok()?;
    Some(text.trim().to_owned())
}
