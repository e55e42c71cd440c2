//! The prompt on a terminal. Its history is kept until the shell ends, and is written to no file.

use anyhow::Context;
use rustyline::config::Behavior;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{CompletionType, Config, Editor};
use service::shell::{Script, VIEWS};
use tokio::task::block_in_place;

use super::words::SqlHelper;
use super::{Shell, ShellStep, tell};
use crate::cli::Ending;
use crate::cli::table::visible;
use crate::stderr::complain;

const PROMPT: &str = "florin> ";
const HISTORY_MAX: usize = 1_000;

/// Answers statements and commands until `\q` or Ctrl-D. A refused one does not end the prompt.
pub async fn run(shell: &mut Shell) -> anyhow::Result<Ending> {
    let names: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
    tell(&format!(
        "Reads {}. Statements end with ; and \\h helps.",
        names.join(", ")
    ));
    let mut editor = editor(shell).context("cannot use the terminal")?;
    loop {
        match block_in_place(|| editor.readline(PROMPT)) {
            Ok(text) => {
                if run_typed(shell, &text).await == ShellStep::Quit {
                    return Ok(Ending::Done);
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(Ending::Done),
            Err(error) => return Err(error).context("cannot read from the terminal"),
        }
    }
}

fn editor(shell: &Shell) -> rustyline::Result<Editor<SqlHelper, MemHistory>> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_dups(true)?
        .auto_add_history(true)
        .completion_type(CompletionType::List)
        // The prompt stays on the terminal when answers are written to a file.
        .behavior(Behavior::PreferTerm)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(SqlHelper {
        dialect: shell.reader.dialect(),
    }));
    Ok(editor)
}

/// Runs statements and commands up to the first that is refused or fails. Ctrl-C stops it.
async fn run_typed(shell: &mut Shell, text: &str) -> ShellStep {
    let script = Script::of(text, shell.reader.dialect());
    for part in &script.parts {
        let done = tokio::select! {
            done = shell.run_part(part) => done,
            _ = tokio::signal::ctrl_c() => {
                tell("stopped");
                return ShellStep::Refused;
            }
        };
        match done {
            Ok(ShellStep::GoOn) => {}
            Ok(next) => return next,
            Err(error) => {
                complain(visible(&format!("{error:#}")));
                return ShellStep::Refused;
            }
        }
    }
    ShellStep::GoOn
}
