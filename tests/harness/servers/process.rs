//! One server program as a child process in a folder of its own. A watchdog beside it ends the one and removes the
//! other as soon as the test process is gone: a static is never dropped, and a killed process drops nothing at all.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use super::place::{self, Account, Wish};

/// Reads lines until the pipe closes with the test process; the last one is the id of the server, or empty for none.
/// The server has five seconds to end by the signal. A zombie has ended: nobody may be left who asks for its status.
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

/// Waits until the watchdog knows this process, then becomes the server: a test process that is killed between the two
/// leaves nothing behind.
const GATE: &str = r#"read -r go && exec "$@""#;

const LOG_TAIL_BYTES_MAX: usize = 2_000;

/// A place for one server process at a time.
pub(super) struct ServerProcess {
    folder: PathBuf,
    account: Option<Account>,
    child: Option<Child>,
    watchdog: Child,
    /// None once the watchdog was let go.
    watched: Option<ChildStdin>,
}

impl ServerProcess {
    /// Makes the folder and its watchdog; `stop_signal` is the one by which the server ends fastest.
    pub fn try_new(wish: Wish, stop_signal: &str) -> Result<Self> {
        let (folder, account) = place::make(wish)?;
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "florin-test-watchdog", stop_signal])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            // A signal to the test's group, such as Ctrl-C, must not reach the watchdog before its work is done.
            .process_group(0)
            .spawn()
            .context("cannot start the watchdog")?;
        let watched = watchdog.stdin.take();
        // From here on the watchdog alone removes the folder.
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

    /// None while no process runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts `program` in the folder; its output is the log.
    pub fn spawn(&mut self, program: &Path, arguments: &[String]) -> Result<()> {
        ensure!(self.child.is_none(), "{} runs already", program.display());
        // Emptied first, so that a failure is told in this program's words alone; appended to, as it has two writers.
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

    /// The exit status of a process that ended by itself.
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

    /// Ends the process and its children without warning, as a crash does.
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
            // For the case that somebody ended the watchdog: the wait must not last for ever.
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// The last lines that the server wrote.
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

    /// Tells the watchdog which process to end.
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

/// The shell's own `kill`, as std knows no other signal than KILL.
fn signal(name: &str, pids: &[u32]) -> Result<()> {
    let pids = pids.iter().map(u32::to_string);
    // The status is of no interest: a child may have ended in the meantime.
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

/// Reads `pid (name) state parent ...`; the name may hold any character. None when the process ended.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
