//! Asking a person on a terminal for a password: a prompt on standard error, and no echo of what is typed.

use std::io::{self, IsTerminal, Read};
use std::thread;

use anyhow::{Context, anyhow};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::serve::told_to_stop;
use super::wrong_use::WrongUse;
use crate::stderr;

/// More than the longest password has; what comes after it is not read.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// The password on standard input; a person is asked for it, twice, since it cannot be seen.
pub async fn password() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return read_all();
    }
    let _hidden = NoEcho::begin().context("cannot switch off the echo of the terminal")?;
    let password = ask("Password: ").await?;
    if ask("Again: ").await? != password {
        return Err(WrongUse("the two passwords differ".to_owned()).into());
    }
    Ok(password)
}

fn read_all() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin()
        .take(PASSWORD_BYTES_MAX)
        .read_to_string(&mut text)
        .context("cannot read a password from standard input")?;
    Ok(without_end(&text))
}

fn without_end(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).to_owned()
}

/// One line, or the end of the command: Ctrl-C must leave a terminal that echoes again.
async fn ask(prompt: &str) -> anyhow::Result<String> {
    let stop = told_to_stop()?;
    stderr::write_line(prompt.as_bytes());
    let (read, line) = oneshot::channel();
    // Not a blocking task of the runtime, which would wait for the line before the program ends.
    thread::spawn(move || {
        let mut line = String::new();
        let outcome = io::stdin().read_line(&mut line).map(|_| line);
        // The command may have been stopped meanwhile.
        let _ = read.send(outcome);
    });
    let line = tokio::select! {
        line = line => Some(line),
        () = stop => None,
    };
    // The end of the line was not echoed either.
    stderr::write_line(b"\n");
    match line {
        Some(Ok(line)) => Ok(without_end(&line.context("cannot read a password from the terminal")?)),
        _ => Err(anyhow!("stopped before a password was given")),
    }
}

/// A terminal that does not show what is typed, as long as this lives.
struct NoEcho(Termios);

impl NoEcho {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
