//! The folder and the user of a throw-away server. PostgreSQL refuses to run as root, so tests that run as root start
//! their servers as another user, which must be able to reach and own the folder.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;

const ROOT: u32 = 0;

/// A socket's path has at most 103 bytes on some systems, and PostgreSQL appends `/.s.PGSQL.65535` to the folder's
/// path.
const FOLDER_BYTES_MAX: usize = 103 - "/.s.PGSQL.65535".len();

/// Room for some hundred databases of 8 MB and the write-ahead log.
const MEMORY_KIB_MIN: u64 = 4 * 1024 * 1024;

/// What one kind of server needs.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub prefix: &'static str,
    /// The user that runs the server when the tests run as root; `nobody` if this user does not exist.
    pub user: &'static str,
    pub medium: Medium,
}

#[derive(Clone, Copy)]
pub(super) enum Medium {
    /// Memory if enough is free: a cloned database has 300 new files, for which some disks take ten times as long.
    Memory,
    /// A folder that is usually on a disk. `/tmp` is in memory on several systems, where fsync costs nothing.
    Disk,
}

/// The ids under which a server process runs.
#[derive(Clone, Copy)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

/// Makes a folder that the server's account owns. The account is `None` if the server runs as the tests' own user.
pub(super) fn make(wish: Wish) -> Result<(TempDir, Option<Account>)> {
    let mut refused = anyhow!("there is no folder for temporary files");
    for base in bases(wish.medium) {
        match make_in(&base, wish) {
            Ok(place) => return Ok(place),
            Err(reason) => refused = reason.context(format!("{} is of no use to a server", base.display())),
        }
    }
    Err(refused)
}

/// Folders to try, best first. TMPDIR comes first, since the developer has chosen it.
fn bases(medium: Medium) -> Vec<PathBuf> {
    let chosen = env::var_os("TMPDIR").map(PathBuf::from);
    let (best, usual) = match medium {
        Medium::Memory => (memory_folder(), ["/tmp", "/var/tmp"]),
        Medium::Disk => (None, ["/var/tmp", "/tmp"]),
    };
    chosen.into_iter().chain(best).chain(usual.map(PathBuf::from)).collect()
}

/// The folder in memory, if both the folder and the machine have enough room; containers often get only 64 MB of it.
fn memory_folder() -> Option<PathBuf> {
    const FOLDER: &str = "/dev/shm";
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let memory_kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?
        .split_whitespace()
        .next()?;
    let disk = Command::new("df").args(["-Pk", FOLDER]).output().ok()?;
    let disk = String::from_utf8(disk.stdout).ok()?;
    let folder_kib = disk.lines().nth(1)?.split_whitespace().nth(3)?;
    let plenty = |kib: &str| kib.parse::<u64>().is_ok_and(|kib| kib >= MEMORY_KIB_MIN);
    (plenty(memory_kib) && plenty(folder_kib)).then(|| PathBuf::from(FOLDER))
}

fn make_in(base: &Path, wish: Wish) -> Result<(TempDir, Option<Account>)> {
    let folder = tempfile::Builder::new()
        .prefix(wish.prefix)
        .tempdir_in(base)
        .context("cannot make a folder in it")?;
    ensure!(
        folder.path().as_os_str().len() <= FOLDER_BYTES_MAX,
        "its path is too long for a socket"
    );
    // A new folder belongs to the user of this process.
    if fs::metadata(&folder)?.uid() != ROOT {
        return Ok((folder, None));
    }
    let account = account_of(wish.user)?;
    reachable_by_everyone(base)?;
    chown(&folder, Some(account.uid), Some(account.gid)).context("cannot give a folder in it away")?;
    Ok((folder, Some(account)))
}

fn reachable_by_everyone(base: &Path) -> Result<()> {
    const SEARCH_BY_OTHERS: u32 = 0o001;
    for folder in fs::canonicalize(base)?.ancestors() {
        let mode = fs::metadata(folder)?.permissions().mode();
        ensure!(
            mode & SEARCH_BY_OTHERS != 0,
            "{} is closed to other users",
            folder.display()
        );
    }
    Ok(())
}

fn account_of(user: &str) -> Result<Account> {
    let users = fs::read("/etc/passwd").context("cannot read /etc/passwd")?;
    for name in [user, "nobody"] {
        if let Some(account) = users
            .split(|byte| *byte == b'\n')
            .find_map(|line| account_in(line, name))
        {
            return Ok(account);
        }
    }
    bail!("neither {user} nor nobody is in /etc/passwd, and the server does not run as root")
}

/// Reads `name:password:uid:gid:...`.
fn account_in(line: &[u8], name: &str) -> Option<Account> {
    let mut fields = line
        .split(|byte| *byte == b':')
        .map(OsStr::from_bytes)
        .map(OsStr::to_str);
    if fields.next()?? != name {
        return None;
    }
    let uid = fields.nth(1)??.parse().ok()?;
    let gid = fields.next()??.parse().ok()?;
    (uid != ROOT).then_some(Account { uid, gid })
}
