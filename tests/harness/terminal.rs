//! The program on a pseudo terminal of 80 columns, made by `script` of util-linux (Debian: bsdutils).

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::program::binary;

/// Longer than any command of a test takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The character that Ctrl-C sends.
pub const CTRL_C: &str = "\x03";

/// A program on a terminal. It is killed when dropped.
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<String>>,
    changes: watch::Receiver<()>,
}

impl Terminal {
    /// Starts the program in a folder. Its environment has these variables, PATH, TERM and SHELL.
    pub async fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let words = [binary().await.to_string_lossy().as_ref()]
            .iter()
            .chain(arguments)
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect::<Vec<_>>()
            .join(" ");
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--command"])
            .arg(format!("stty cols 80 rows 24; exec {words}"))
            .arg("/dev/null")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .envs(variables.iter().copied())
            .current_dir(folder)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = script
            .spawn()
            .expect("`script` of util-linux (Debian: bsdutils) is installed");
        let keyboard = child.stdin.take().expect("standard input is a pipe");
        let mut stdout = child.stdout.take().expect("standard output is a pipe");
        let (sender, changes) = watch::channel(());
        let screen = Arc::new(Mutex::new(String::new()));
        let written = screen.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes).await {
                let text = String::from_utf8_lossy(&bytes[..count]);
                written.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                sender.send_replace(());
            }
        });
        Self {
            child,
            keyboard,
            screen,
            changes,
        }
    }

    /// Everything that was written to the screen so far.
    pub fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the screen contains these words; returns the screen.
    pub async fn until(&mut self, words: &str) -> String {
        self.until_times(words, 1).await
    }

    /// Waits until the screen contains these words so many times; returns the screen.
    pub async fn until_times(&mut self, words: &str, times: usize) -> String {
        let has_come = |screen: &String| screen.matches(words).count() >= times;
        let come = async {
            loop {
                let screen = self.screen();
                if has_come(&screen) {
                    return Some(screen);
                }
                if self.changes.changed().await.is_err() {
                    return Some(self.screen()).filter(has_come);
                }
            }
        };
        let come = timeout(PATIENCE, come).await;
        come.ok()
            .flatten()
            .unwrap_or_else(|| panic!("{words:?} does not come:\n{}", self.screen()))
    }

    /// Presses keys.
    pub async fn press(&mut self, keys: &str) {
        let pressed = async {
            self.keyboard.write_all(keys.as_bytes()).await?;
            self.keyboard.flush().await
        };
        pressed.await.expect("a terminal takes keys");
    }

    /// Waits until the program ends; returns its exit status and the screen.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("the program does not end:\n{}", self.screen()));
        let status = status.expect("a child can be waited for").code();
        while self.changes.changed().await.is_ok() {}
        (status, self.screen())
    }
}
