//! The commands of `florin shell`, which begin with `\`. Pure.

use service::shell::{AccountingView, VIEWS, ViewColumn};

use crate::cli::nearest::nearest;
use crate::cli::table::{TableColumn, table};

/// What `\h` prints.
pub const HELP: &str = r"Statements end with ; and only read: SELECT, WITH, VALUES, TABLE, EXPLAIN.
  \d            show the views and their columns
  \d VIEW       show one view
  \csv on|off   answer in CSV, or in tables
  \h            show this help
  \q            end, as Ctrl-D does
Tab completes words. Ctrl-C clears the input, or stops a statement.
docs/sql.md describes the views, with worked questions.";

/// A command.
#[derive(Debug)]
pub enum ShellCommand {
    /// Show these views and their columns.
    Describe(Vec<AccountingView>),
    /// Answer in CSV; with `false`, in tables.
    Csv(bool),
    /// Show the commands.
    Help,
    /// End.
    Quit,
}

impl ShellCommand {
    /// Reads a command without its `\`. An error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match *words.as_slice() {
            ["d"] => Ok(Self::Describe(VIEWS.to_vec())),
            ["d", name] => view(name).map(|view| Self::Describe(vec![view])),
            ["csv", "on"] => Ok(Self::Csv(true)),
            ["csv", "off"] => Ok(Self::Csv(false)),
            ["h"] => Ok(Self::Help),
            ["q"] => Ok(Self::Quit),
            ["csv", ..] => Err(r"\csv is followed by on or off".to_owned()),
            _ => Err(format!(
                r"there is no command `\{text}`: a command has a line of its own; \h lists them"
            )),
        }
    }
}

fn view(name: &str) -> Result<AccountingView, String> {
    let found = VIEWS.iter().find(|view| view.name.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let names = VIEWS.iter().map(|view| view.name);
        match nearest(name, names.clone()) {
            Some(meant) => format!("there is no view {name}; did you mean {meant}?"),
            None => format!(
                "there is no view {name}; there are {}",
                names.collect::<Vec<_>>().join(", ")
            ),
        }
    })
}

/// Views and their columns, in words.
pub fn description(views: &[AccountingView]) -> String {
    let about = |text: &str| text.replace('`', "");
    let described = views.iter().map(|view| {
        let columns = ["  column", "type", "meaning"].map(TableColumn::text);
        let row = |column: &ViewColumn| {
            [
                format!("  {}", column.name),
                column.kind.as_str().to_owned(),
                about(column.about),
            ]
        };
        let rows: Vec<[String; 3]> = view.columns.iter().map(row).collect();
        format!("{}: {}\n{}", view.name, about(view.about), table(columns, &rows))
    });
    described.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_or_refused_by_name() {
        assert!(matches!(ShellCommand::parse("d"), Ok(ShellCommand::Describe(views)) if views.len() == VIEWS.len()));
        let one = ShellCommand::parse("d V_DAILY");
        assert!(matches!(one, Ok(ShellCommand::Describe(views)) if views[0].name == "v_daily"));
        assert!(matches!(ShellCommand::parse(" csv  on "), Ok(ShellCommand::Csv(true))));
        for (text, part) in [
            ("d v_dayly", "did you mean v_daily?"),
            ("d users", "there are v_accounts, "),
            ("csv", "on or off"),
            ("dt", r"no command `\dt`"),
            (
                "d; SELECT 1",
                r"no command `\d; SELECT 1`: a command has a line of its own",
            ),
            ("?", r"no command `\?`"),
            ("", r"\h lists them"),
        ] {
            let sentence = ShellCommand::parse(text).expect_err(text);
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn every_column_is_described() {
        let text = description(&VIEWS);
        for view in VIEWS {
            assert!(text.contains(&format!("{}: ", view.name)), "{text}");
            for column in view.columns {
                let line = format!("  {} ", column.name);
                assert!(text.lines().any(|text| text.starts_with(&line)), "{}", column.name);
            }
        }
    }
}
