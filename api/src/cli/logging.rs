//! The log on standard error: lines for people on a terminal, JSON for machines elsewhere.

use std::fmt::{self, Write};

use clap::ValueEnum;
use service::characters::is_visible;
use service::clock::{Clock, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::nearest::nearest;
use crate::edge::ACCESS_TARGET;
use crate::stderr::{self, LogWriter};

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text when standard error is a terminal, otherwise JSON
    Auto,
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const DEFAULT_FILTER: &str = "info";
/// sea-orm-migration logs two lines for each step, and PostgreSQL sends a notice for each table that exists. Florin
/// itself logs one line for all steps.
const QUIET: &str = "sea_orm_migration=warn,sqlx::postgres::notice=warn";

/// Starts the log. Without `filter`, RUST_LOG applies: it may be meant for another program, so a bad value is logged
/// and does not stop the start.
pub fn start(filter: Option<&str>, format: LogFormat) {
    let from_environment = std::env::var("RUST_LOG").ok();
    let wanted = filter.or(from_environment.as_deref()).unwrap_or(DEFAULT_FILTER);
    let (filter, complaint) = match EnvFilter::try_new(format!("{QUIET},{wanted}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(format!("{QUIET},{DEFAULT_FILTER}")), Some(error)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter::default)
        // The library would report a failed write with `eprintln!`, which panics when it fails too. The writer counts
        // lost lines itself.
        .log_internal_errors(false);
    let is_terminal = stderr::is_terminal();
    let is_text = match format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    if is_text {
        let has_colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        log.with_ansi(has_colours).event_format(ForPeople).init();
    } else {
        log.json().flatten_event(true).init();
    }
    if let Some(error) = complaint {
        tracing::warn!(%error, "RUST_LOG cannot be read; logging at info");
    }
}

/// Checks a filter. The library would read a misspelt level as the name of a module, and log nothing.
pub fn parse_filter(text: &str) -> Result<String, String> {
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        // A filter by spans may contain any character, so it is left to the library.
        if text.contains(['[', '{']) {
            break;
        }
        match directive.split_once('=') {
            None => check_level(directive, directive)?,
            Some((target, level)) => {
                check_target(target)?;
                check_level(level, directive)?;
            }
        }
    }
    EnvFilter::try_new(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn check_level(level: &str, directive: &str) -> Result<(), String> {
    let is_number = matches!(level.as_bytes(), [b'0'..=b'5']);
    if is_number || LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    match nearest(level, LEVELS) {
        Some(right) => Err(format!("`{level}` is not a level; did you mean `{right}`?")),
        None if level == directive => Err(format!(
            "`{level}` is not a level (error, warn, info, debug, trace, off); of a module alone say `{level}=debug`"
        )),
        None => Err(format!("`{level}` is not one of error, warn, info, debug, trace, off")),
    }
}

/// Florin has one target that begins with `florin`. Other targets are modules' and libraries' names, and are not
/// checked.
fn check_target(target: &str) -> Result<(), String> {
    if target.starts_with("florin") && target != ACCESS_TARGET {
        return Err(format!("nothing logs as `{target}`; did you mean `{ACCESS_TARGET}`?"));
    }
    Ok(())
}

/// `10:06:21 INFO  serving address=127.0.0.1:8080`, or, for a request, `10:06:21 INFO  GET /livez 200 0.3 ms`. Times
/// are UTC.
struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let (time, level) = (SystemClock.now().format("%H:%M:%S"), metadata.level());
        if out.has_ansi_escapes() {
            write!(out, "\x1b[2m{time}\x1b[0m {}{level:5}\x1b[0m ", colour(*level))?;
        } else {
            write!(out, "{time} {level:5} ")?;
        }
        let mut visible = Visible(&mut out);
        if metadata.target() == ACCESS_TARGET {
            let mut request = RequestLine::default();
            event.record(&mut request);
            request.write(&mut visible)?;
        } else {
            if !OURS.iter().any(|ours| metadata.target().starts_with(ours)) {
                write!(visible, "{}: ", metadata.target())?;
            }
            // Without the library's colours: `Visible` cannot distinguish their escapes from those of a client.
            context.format_fields(Writer::new(&mut visible), event)?;
        }
        writeln!(out)
    }
}

const OURS: [&str; 3] = ["api", "service", "migration"];

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG | Level::TRACE => "\x1b[34m",
    }
}

/// Escapes characters that are invisible or that control a terminal: a client chooses the path, and many errors quote
/// the client.
struct Visible<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Visible<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, character)| !is_visible(*character)) {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", hidden.escape_default())?;
            rest = &rest[at + hidden.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// The fields of an access line.
#[derive(Default)]
struct RequestLine {
    method: String,
    path: String,
    status: u64,
    duration_us: u64,
    rest: String,
}

impl RequestLine {
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let (millis, tenths) = (self.duration_us / 1_000, self.duration_us % 1_000 / 100);
        let (method, path, status) = (&self.method, &self.path, self.status);
        write!(out, "{method} {path} {status} {millis}.{tenths} ms{}", self.rest)
    }

    fn push(&mut self, name: &str, value: &dyn fmt::Display) {
        match name {
            "method" => self.method = value.to_string(),
            "path" => self.path = value.to_string(),
            // The path shows the route, and the status shows whether there was an answer.
            "route" | "message" => {}
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(self.rest, " {name}={value}");
            }
        }
    }
}

impl Visit for RequestLine {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = value,
            "duration_us" => self.duration_us = value,
            name => self.push(name, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field.name(), &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field.name(), &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps the log in memory.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .expect("nothing panics while it writes")
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_people_hides_nothing_and_commands_no_terminal() {
        for (hidden, shown) in [
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\x1b[31m", r"[31m"),
            ("a\u{202e}b", r"a\u{202e}b"),
            ("a\u{200b}b", r"a\u{200b}b"),
            ("a\nb\r", r"a\nb\r"),
            ("\u{378}", r"\u{378}"),
            ("Zoë 東京", "Zoë 東京"),
        ] {
            let lines = Lines::default();
            let writer = lines.clone();
            let log = tracing_subscriber::fmt()
                .with_writer(move || writer.clone())
                .with_ansi(false);
            tracing::subscriber::with_default(log.event_format(ForPeople).finish(), || {
                tracing::warn!(error = %hidden, "{hidden}");
                tracing::warn!(error = hidden, "text");
                tracing::info!(target: ACCESS_TARGET, method = "GET", path = hidden, status = 404, user = %hidden);
            });
            let bytes = lines.0.lock().expect("nothing panics while it writes").clone();
            let text = String::from_utf8(bytes).expect("a log is text");
            assert_eq!(text.lines().count(), 3, "{text:?}");
            for line in text.lines() {
                assert!(line.chars().all(is_visible), "{line:?}");
            }
            let access = text.lines().last().unwrap_or_default();
            assert_eq!(access.matches(shown).count(), 2, "{access}");
        }
    }

    #[test]
    fn filters_are_levels_and_modules_with_levels() {
        for good in [
            "info",
            "WARN",
            "off",
            "3",
            "info,florin::access=off",
            "debug,hyper=warn,sqlx::query=0",
            "",
            "[span{field=1}]=debug",
        ] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
        for (bad, right) in [
            ("inof", "`info`"),
            ("info,florin::acess=off", "`florin::access`"),
            ("info,hyper=warning", "`warn`"),
            ("hyper", "`hyper=debug`"),
            ("verbose", "error, warn, info"),
        ] {
            let refused = parse_filter(bad).expect_err(bad);
            assert!(refused.contains(right), "{bad}: {refused}");
        }
    }
}
