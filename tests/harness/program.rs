//! The program `florin` as a separate process. Cargo builds it first if it is missing or older than its source.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::callers::Caller;

/// Longer than any command of a test takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A finished run of the program: its exit status and all of its output.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A running `florin serve`. It is killed when dropped.
pub struct Serving {
    pub address: SocketAddr,
    child: Child,
    stdout: Output,
    /// `None` if the command sends it elsewhere.
    stderr: Option<Output>,
}

/// What a process has written so far.
struct Output {
    text: Arc<Mutex<String>>,
    lines: watch::Receiver<()>,
    reader: JoinHandle<()>,
}

/// The program, in the build profile of the tests. Cargo brings it up to date once per test process.
pub async fn binary() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_init(build).await
}

async fn build() -> PathBuf {
    let test = env::current_exe().expect("a process knows its program");
    // target/PROFILE/deps/TEST, or target/PROFILE/TEST.
    let folder = test
        .ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .expect("cargo puts tests into a target folder");
    let (profile, target) = (
        folder.file_name().unwrap_or_default(),
        folder.parent().unwrap_or(folder),
    );
    let mut cargo = Command::from(cargo());
    cargo
        .args(["build", "--quiet", "--workspace", "--bin", "florin", "--target-dir"])
        .arg(target);
    if profile != "debug" {
        cargo.arg("--profile").arg(profile);
    }
    let built = cargo.stdin(Stdio::null()).output().await.expect("cargo can be run");
    assert!(
        built.status.success(),
        "florin cannot be built:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    folder.join("florin")
}

/// Cargo in the workspace, with the environment of a shell. The variables that cargo sets for a running test must not
/// reach it: they would make it rebuild the C libraries and everything that depends on them.
#[must_use]
pub fn cargo() -> std::process::Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lie in the workspace");
    let mut cargo = std::process::Command::new("cargo");
    cargo.current_dir(root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix))
        {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// A command that runs the program in a folder. It inherits only PATH from this process' environment.
pub async fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary().await);
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        // The tests' PostgreSQL runs without fsync for speed, and the program would not accept it otherwise.
        .env("FLORIN_UNSAFE_DATABASE", "allow")
        .current_dir(folder)
        .kill_on_drop(true);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command of the program to its end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Ended {
    run_with_input(folder, arguments, "").await
}

/// Runs a command of the program to its end, with `input` on its standard input.
pub async fn run_with_input(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = command(folder)
        .await
        .args(arguments)
        .spawn()
        .expect("florin can be started");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // The write fails if a command that does not read has already ended.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("florin {arguments:?} does not end"))
        .expect("florin can be waited for");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Serving {
    /// Starts a server on a free port; returns once it has printed its address.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder).await;
        command.env("FLORIN_LISTEN", "127.0.0.1:0").args(arguments);
        Self::spawn(command).await
    }

    /// Starts a command that will serve; returns once it has printed its address.
    pub async fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("florin can be started");
        let mut stdout = Output::of(child.stdout.take().expect("standard output is a pipe"));
        let stderr = child.stderr.take().map(Output::of);
        let address = timeout(PATIENCE, stdout.until(address_in)).await.ok().flatten();
        let Some(address) = address else {
            let stderr = stderr.map(|output| output.text()).unwrap_or_default();
            panic!("florin does not serve:\n{}\n{stderr}", stdout.text())
        };
        Self {
            address,
            child,
            stdout,
            stderr,
        }
    }

    /// A caller without a token.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::at(self.address)
    }

    /// The process' id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a process that was not waited for has an id")
    }

    /// What it has written to standard output, once that contains `words`.
    pub async fn stdout_with(&mut self, words: &str) -> String {
        let has_come = timeout(PATIENCE, self.stdout.until(|text| text.contains(words).then_some(()))).await;
        assert!(
            has_come.is_ok_and(|come| come.is_some()),
            "{words:?} does not come:\n{}",
            self.stdout.text()
        );
        self.stdout.text()
    }

    /// What it has written to standard error, once that contains `words`.
    pub async fn stderr_with(&mut self, words: &str) -> String {
        let stderr = self.stderr.as_mut().expect("standard error is a pipe");
        let has_come = timeout(PATIENCE, stderr.until(|text| text.contains(words).then_some(()))).await;
        let text = stderr.text();
        assert!(
            has_come.is_ok_and(|come| come.is_some()),
            "{words:?} does not come:\n{text}"
        );
        text
    }

    /// Asks it to stop, by SIGTERM.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Stops it at any point of its work, by SIGSTOP; it can still be killed.
    pub async fn suspend(&self) {
        self.signal("STOP").await;
    }

    /// Continues it after `suspend`.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name, &pid])
            .status()
            .await;
        assert!(sent.is_ok_and(|status| status.success()), "a signal can be sent");
    }

    /// Kills it without warning, as a crash does, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| {
            let stderr = self.stderr.as_ref().map(Output::text).unwrap_or_default();
            panic!("florin does not stop:\n{stderr}")
        });
        let status = status.expect("a child can be waited for").code();
        Ended {
            status,
            stdout: self.stdout.rest().await,
            stderr: match self.stderr {
                Some(output) => output.rest().await,
                None => String::new(),
            },
        }
    }
}

impl Output {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, lines) = watch::channel(());
        let text = Arc::new(Mutex::new(String::new()));
        let written = text.clone();
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream).lines();
            while let Ok(Some(line)) = stream.next_line().await {
                let mut text = written.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
                sender.send_replace(());
            }
        });
        Self { text, lines, reader }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The whole output, once the process has closed the stream.
    async fn rest(self) -> String {
        // The reader panics only if the lock is poisoned, and the text can be read even then.
        let _ = self.reader.await;
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first match of `find` in the text; `None` if the process ended without one.
    async fn until<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = find(&self.text()) {
                return Some(found);
            }
            if self.lines.changed().await.is_err() {
                return find(&self.text());
            }
        }
    }
}

/// The address in the line that the server prints when it is ready.
fn address_in(text: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once("http://")?;
    let (address, _) = rest.split_once(['\n', '/'])?;
    address.parse().ok()
}
