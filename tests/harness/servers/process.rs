//! One server program as a child process in a folder of its own. A watchdog process ends the server and removes the
//! folder as soon as the test process is gone: Rust never drops a static, and a killed process drops nothing.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use super::place::{self, Account, Wish};

/// Reads lines until the test process ends, which closes the pipe. The last line is the server's process id, or empty
/// if none runs. The server has five seconds to end after the signal. A zombie counts as ended: its parent may be gone.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
signal=$1 folder=$2 pid=
while read -r line; do pid=$line; done
alive() { kill -0 "$pid" && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status"; }
if [ -n "$pid" ]; then
    kill -s "$signal" "$pid"
    polls=0
    while alive && [ "$polls" -lt 250 ]; do sleep 0.02; polls=$((polls + 1)); done
    if alive; then kill -s KILL "$pid"; fi
fi
rm -rf -- "$folder" || { sleep 1; rm -rf -- "$folder"; }
"#;

/// Waits until the watchdog has this process' id, then becomes the server. If the test process is killed in between,
/// the server never starts.
const GATE: &str = r#"read -r go && exec "$@""#;

const LOG_TAIL_BYTES_MAX: usize = 2_000;

/// The folder of a server, and its process while one runs.
pub(super) struct ServerProcess {
    folder: PathBuf,
    account: Option<Account>,
    child: Option<Child>,
    watchdog: Child,
    /// `None` after `stop`.
    watched: Option<ChildStdin>,
}

impl ServerProcess {
    /// Makes the folder and its watchdog; `stop_signal` is the signal that ends the server fastest.
    pub fn try_new(wish: Wish, stop_signal: &str) -> Result<Self> {
        let (folder, account) = place::make(wish)?;
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "florin-test-watchdog", stop_signal])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            // Ctrl-C signals the test's process group, and must not end the watchdog before it has cleaned up.
            .process_group(0)
            .spawn()
            .context("cannot start the watchdog")?;
        let watched = watchdog.stdin.take();
        // From here on only the watchdog removes the folder.
        Ok(Self {
            folder: folder.keep(),
            account,
            child: None,
            watchdog,
            watched,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `None` while no process runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts `program` in the folder; its output is the log.
    pub fn spawn(&mut self, program: &Path, arguments: &[String]) -> Result<()> {
        ensure!(self.child.is_none(), "{} runs already", program.display());
        // Emptied first, so that it shows only this program's output. Opened for appending, as it has two writers.
        File::create(self.log_path())?;
        let log = File::options().append(true).open(self.log_path())?;
        let mut command = Command::new("sh");
        command.args(["-c", GATE, "sh"]).arg(program).args(arguments);
        command.env("LC_ALL", "C").current_dir(&self.folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        let child = self.child.insert(
            command
                .spawn()
                .with_context(|| format!("cannot start {}", program.display()))?,
        );
        let gate = child.stdin.take();
        self.watch()?;
        gate.context("the child has no standard input")?.write_all(b"go\n")?;
        Ok(())
    }

    /// The exit status, if the process has ended by itself.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else { return Ok(None) };
        let status = child.try_wait()?;
        if status.is_some() {
            self.forget()?;
        }
        Ok(status)
    }

    /// Waits for a program that ends by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.as_mut().context("no process runs")?.wait()?;
        self.forget()?;
        Ok(status)
    }

    /// Kills the process and its children without warning, as a crash does.
    pub fn kill(&mut self) -> Result<()> {
        let pid = self.pid().context("no process runs")?;
        // A stopped parent starts no further child, so the list is complete.
        signal("STOP", &[pid])?;
        let mut victims = vec![pid];
        victims.extend(children_of(pid)?);
        signal("KILL", &victims)?;
        self.wait()?;
        Ok(())
    }

    /// Ends the process and removes the folder; returns when both are gone.
    pub fn stop(&mut self) -> Result<()> {
        self.watched = None;
        self.watchdog.wait()?;
        if let Some(mut child) = self.child.take() {
            // If the watchdog was killed, the server still runs, and the wait would never end.
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// The end of the server's output.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let start = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
        String::from_utf8_lossy(&log[start..]).trim().to_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn forget(&mut self) -> Result<()> {
        self.child = None;
        self.watch()
    }

    /// Sends the watchdog the id of the process to end.
    fn watch(&mut self) -> Result<()> {
        let line = self.pid().map_or_else(|| "\n".to_owned(), |pid| format!("{pid}\n"));
        let watched = self.watched.as_mut().context("the server was stopped for good")?;
        watched.write_all(line.as_bytes()).context("the watchdog is gone")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Err(fault) = self.stop() {
            eprintln!("cannot stop the server in {}: {fault:#}", self.folder.display());
        }
    }
}

/// Runs the shell's `kill`, since std can send only KILL.
fn signal(name: &str, pids: &[u32]) -> Result<()> {
    let pids = pids.iter().map(u32::to_string);
    // The status is ignored: a child may have ended in the meantime.
    Command::new("sh")
        .args(["-c", r#"kill -s "$0" "$@" 2>/dev/null"#, name])
        .args(pids)
        .status()
        .context("cannot run sh")?;
    Ok(())
}

fn children_of(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if parent_of(pid) == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// Reads `pid (name) state parent ...`; the name may contain any character. `None` if the process has ended.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
