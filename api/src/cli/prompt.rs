//! Asking a person on a terminal: a prompt on standard error, and for a password no echo of what is typed.

use std::io::{self, IsTerminal, Read};
use std::thread;

use anyhow::{Context, anyhow};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::serve::stop_signal;
use super::wrong_use::WrongUse;
use crate::stderr;

/// More bytes than the longest password has. Further bytes are not read.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Reads the password from standard input. On a terminal it asks twice, since the input is not shown.
pub async fn password() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return read_all();
    }
    let _hidden = NoEcho::begin().context("cannot switch off the echo of the terminal")?;
    let password = ask_hidden("Password: ").await?;
    if ask_hidden("Again: ").await? != password {
        return Err(WrongUse("the two passwords differ".to_owned()).into());
    }
    Ok(password)
}

/// Asks a question that a person must answer: a wrong use where standard input is no terminal.
pub async fn answer(question: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return Err(WrongUse("standard input is no terminal, so nothing can be asked; add --yes".to_owned()).into());
    }
    Ok(ask(question, "an answer").await?.trim().to_owned())
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

async fn ask_hidden(prompt: &str) -> anyhow::Result<String> {
    let line = ask(prompt, "a password").await;
    // The line break was not echoed either.
    stderr::write_line(b"\n");
    line
}

/// Reads one line. A signal ends the wait with an error, so that the caller switches the echo on again.
async fn ask(prompt: &str, what: &str) -> anyhow::Result<String> {
    let stop = stop_signal()?;
    stderr::write_line(prompt.as_bytes());
    let (read, line) = oneshot::channel();
    // A thread and not a blocking task: the runtime would wait for the line before the program ends.
    thread::spawn(move || {
        let mut line = String::new();
        let outcome = io::stdin().read_line(&mut line).map(|_| line);
        // Fails only when a signal has ended the wait.
        let _ = read.send(outcome);
    });
    let line = tokio::select! {
        line = line => Some(line),
        () = stop => None,
    };
    match line {
        Some(Ok(line)) => {
            let line = line.with_context(|| format!("cannot read {what} from the terminal"))?;
            Ok(without_end(&line))
        }
        _ => Err(anyhow!("stopped before {what} was given")),
    }
}

/// Switches the terminal's echo off until it is dropped.
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
        // Fails only when the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
