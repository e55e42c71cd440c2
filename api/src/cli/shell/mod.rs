//! `florin shell`: a prompt for SQL on the views for accountants. It only reads, migrates nothing, and works beside a running
//! bank.

mod command;
mod output;
mod terminal;
mod words;

use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use service::shell::{ANSWER_BYTES_MAX, AnswerLimit, Script, ScriptPart, SqlAnswer, SqlError, SqlLimits, SqlReader};

use self::command::ShellCommand;
use self::output::AnswerForm;
use super::table::visible;
use super::wrong_use::WrongUse;
use super::{Ending, Settings, counted, print};
use crate::stderr::{complain, write_line};

const ROWS_MAX: u64 = 1_000_000;
const SECONDS_MAX: u64 = 86_400;
/// The most bytes of standard input.
const SCRIPT_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "docs/sql.md describes the views.")]
pub struct ShellOptions {
    /// Answer these statements, and end. Without it: a prompt on a terminal, else the statements of standard input
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    command: Option<String>,

    /// Answer in CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Answer in JSON, one row a line
    #[arg(long)]
    json: bool,

    /// The most rows of an answer (1 to 1 000 000)
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..=ROWS_MAX)
    )]
    limit: u64,

    /// The most seconds that the database may work on a statement (1 to 86 400)
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX)
    )]
    timeout: u64,
}

pub async fn run(settings: &Settings, options: ShellOptions) -> anyhow::Result<Ending> {
    let config = settings.config()?;
    let text = match &options.command {
        Some(text) => Some(text.clone()),
        None if io::stdin().is_terminal() => None,
        None => Some(read_script()?),
    };
    let reader = SqlReader::open(&config.database_url).await?;
    refuse_missing_steps(&reader).await?;
    let mut shell = Shell::new(reader, &options);
    let ending = match text {
        Some(text) => shell.run_text(&text).await,
        None => terminal::run(&mut shell).await,
    };
    shell.reader.close().await;
    ending
}

fn read_script() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut input = io::stdin().take(SCRIPT_BYTES_MAX + 1);
    input
        .read_to_string(&mut text)
        .context("cannot read statements from standard input")?;
    if text.len() as u64 > SCRIPT_BYTES_MAX {
        return Err(WrongUse("standard input has more than 1 MiB of statements".to_owned()).into());
    }
    Ok(text)
}

/// Other commands migrate the database. This one only reads, so it refuses an old schema.
async fn refuse_missing_steps(reader: &SqlReader) -> anyhow::Result<()> {
    let steps = migration::status(reader.connection())
        .await
        .context("cannot read the schema's state")?;
    let missing: Vec<&str> = steps
        .iter()
        .filter(|step| !step.applied)
        .map(|step| step.name.as_str())
        .collect();
    if let Some(first) = missing.first() {
        anyhow::bail!(
            "the schema is not up to date: {}, from {first} on; `florin migrate up` brings it up to date",
            counted(missing.len() as u64, "step is missing", "steps are missing")
        );
    }
    Ok(())
}

/// Runs statements and commands, of a prompt or of a script.
struct Shell {
    reader: SqlReader,
    form: AnswerForm,
    limits: SqlLimits,
    /// True if answers go to a terminal.
    is_on_terminal: bool,
}

/// What follows a statement or a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShellStep {
    GoOn,
    /// It was refused, and a message says why. The rest of the input is not run.
    Refused,
    Quit,
}

impl Shell {
    fn new(reader: SqlReader, options: &ShellOptions) -> Self {
        let form = match (options.csv, options.json) {
            (true, _) => AnswerForm::Csv,
            (false, true) => AnswerForm::Json,
            (false, false) => AnswerForm::Table,
        };
        Self {
            reader,
            form,
            limits: SqlLimits {
                rows: usize::try_from(options.limit).unwrap_or(usize::MAX),
                time: Duration::from_secs(options.timeout),
            },
            is_on_terminal: io::stdout().is_terminal(),
        }
    }

    /// Runs a script up to the first part that is refused.
    async fn run_text(&mut self, text: &str) -> anyhow::Result<Ending> {
        let Script {
            mut parts, unfinished, ..
        } = Script::of(text, self.reader.dialect());
        // The last statement needs no `;`.
        if !unfinished.is_empty() {
            parts.push(ScriptPart::Statement(unfinished));
        }
        for part in &parts {
            match self.run_part(part).await? {
                ShellStep::GoOn => {}
                ShellStep::Refused => return Ok(Ending::FoundWrong),
                ShellStep::Quit => break,
            }
        }
        Ok(Ending::Done)
    }

    async fn run_part(&mut self, part: &ScriptPart) -> anyhow::Result<ShellStep> {
        match part {
            ScriptPart::Statement(statement) => self.answer(statement).await,
            ScriptPart::Command(text) => match ShellCommand::parse(text) {
                Ok(command) => self.run_command(&command),
                Err(sentence) => {
                    complain(visible(&sentence));
                    Ok(ShellStep::Refused)
                }
            },
        }
    }

    async fn answer(&self, statement: &str) -> anyhow::Result<ShellStep> {
        let began = Instant::now();
        match self.reader.read(statement, self.limits).await {
            Ok(answer) => {
                let took = began.elapsed();
                let text = output::text_of(&answer, self.form)?;
                let text = if self.is_on_terminal {
                    output::for_terminal(&text)
                } else {
                    text
                };
                if !text.is_empty() {
                    print(text.trim_end_matches('\n'))?;
                }
                tell(&notice(&answer, took));
                Ok(ShellStep::GoOn)
            }
            Err(SqlError::Fault(fault)) => Err(fault).context("cannot read the database"),
            // The message begins with the program's name.
            Err(refusal @ SqlError::NotReadOnly { .. }) => {
                tell(&visible(&refusal.to_string()));
                Ok(ShellStep::Refused)
            }
            // The database's message may contain a customer's text.
            Err(refusal @ (SqlError::Refused(_) | SqlError::TooSlow { .. })) => {
                complain(visible(&refusal.to_string()));
                Ok(ShellStep::Refused)
            }
        }
    }

    fn run_command(&mut self, command: &ShellCommand) -> anyhow::Result<ShellStep> {
        match command {
            ShellCommand::Describe(views) => print(command::description(views).trim_end())?,
            ShellCommand::Help => print(command::HELP)?,
            ShellCommand::Csv(true) => self.form = AnswerForm::Csv,
            ShellCommand::Csv(false) => self.form = AnswerForm::Table,
            ShellCommand::Quit => return Ok(ShellStep::Quit),
        }
        Ok(ShellStep::GoOn)
    }
}

/// Writes a line for people to standard error.
fn tell(line: &str) {
    write_line(format!("{line}\n").as_bytes());
}

fn notice(answer: &SqlAnswer, took: Duration) -> String {
    const MEBIBYTE: usize = 1024 * 1024;
    let rows = spaced(answer.rows.len() as u64, "row", "rows");
    let shown = match answer.cut_by {
        None => rows,
        Some(AnswerLimit::Rows) => format!("{rows} shown, there are more"),
        Some(AnswerLimit::Bytes) => format!(
            "{rows} shown, there are more: an answer has at most {} MiB",
            ANSWER_BYTES_MAX / MEBIBYTE
        ),
    };
    format!("{shown} ({} ms)", took.as_millis())
}

/// A number in groups of three digits, with its word.
fn spaced(number: u64, one: &str, many: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    format!("{text} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_say_how_many_rows_there_are() {
        let rows = |count| vec![Vec::new(); count];
        let answer = |count, cut_by| SqlAnswer {
            columns: Vec::new(),
            rows: rows(count),
            cut_by,
        };
        for (count, cut_by, shown) in [
            (0, None, "0 rows (7 ms)"),
            (1, None, "1 row (7 ms)"),
            (999, None, "999 rows (7 ms)"),
            (
                1_000,
                Some(AnswerLimit::Rows),
                "1 000 rows shown, there are more (7 ms)",
            ),
            (
                2,
                Some(AnswerLimit::Bytes),
                "2 rows shown, there are more: an answer has at most 64 MiB (7 ms)",
            ),
        ] {
            assert_eq!(notice(&answer(count, cut_by), Duration::from_millis(7)), shown);
        }
        assert_eq!(spaced(1_000_000, "row", "rows"), "1 000 000 rows");
    }
}
