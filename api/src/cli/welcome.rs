//! The text that the server prints when it serves: its address, and commands that work when they are pasted into
//! another terminal, whatever its current folder is.

use std::env;
use std::ffi::OsStr;
use std::io::{IsTerminal, stdout};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, absolute};

use clap::ArgMatches;
use clap::parser::ValueSource;

const PROGRAM: &str = "florin";

/// The beginning of a command line that reaches the bank of this process.
#[derive(Clone, Debug)]
pub struct Call(String);

impl Call {
    /// The program and the settings that lead to the bank: those from the command line or the environment, and the data
    /// folder as an absolute path.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut call = program();
        let given = |id: &str| {
            let source = matches.value_source(id)?;
            let is_given = matches!(source, ValueSource::CommandLine | ValueSource::EnvVariable);
            let value = matches.get_raw(id)?.next()?;
            is_given.then_some((source, value))
        };
        if let Some(folder) = matches.get_raw("data_dir").and_then(|mut values| values.next()) {
            call.push_str(&format!(" --data-dir {}", quoted(&absolute_path(folder))));
        }
        for id in FILES {
            if let Some((_, file)) = given(id) {
                call.push_str(&format!(" --{} {}", flag(id), quoted(&absolute_path(file))));
            }
        }
        if let Some((_, choice)) = given("unsafe_database") {
            call.push_str(&format!(" --unsafe-database {}", quoted(&choice.to_string_lossy())));
        }
        if let Some((source, url)) = given("database_url") {
            let url = url.to_string_lossy();
            // Do not print a password from the environment, or to a file: others may read the output. A password from
            // the command line is already visible on this terminal.
            let is_secret = has_password(&url) && (source == ValueSource::EnvVariable || !stdout().is_terminal());
            let value = if is_secret {
                "\"$FLORIN_DATABASE_URL\"".to_owned()
            } else {
                quoted(&absolute_url(&url))
            };
            call.push_str(&format!(" --database-url {value}"));
        }
        Self(call)
    }

    fn needs_variable(&self) -> bool {
        self.0.contains("\"$FLORIN_DATABASE_URL\"")
    }
}

const FILES: [&str; 2] = ["signing_key_file", "journal_key_file"];

fn flag(id: &str) -> String {
    id.replace('_', "-")
}

/// The name of the program when the PATH leads to it, otherwise its absolute path.
fn program() -> String {
    let called = env::args_os().next().unwrap_or_default();
    let exe = env::current_exe().ok();
    let is_in_path = Path::new(&called) == Path::new(PROGRAM)
        && env::var_os("PATH").is_some_and(|path| {
            let first = env::split_paths(&path)
                .map(|folder| folder.join(PROGRAM))
                .find(|file| file.is_file());
            first.and_then(|file| file.canonicalize().ok()) == exe.as_ref().and_then(|exe| exe.canonicalize().ok())
        });
    match exe {
        Some(exe) if !is_in_path => quoted(&exe.to_string_lossy()),
        _ => PROGRAM.to_owned(),
    }
}

fn absolute_path(path: &OsStr) -> String {
    let whole = absolute(path).unwrap_or_else(|_| path.into());
    whole.to_string_lossy().into_owned()
}

/// Makes the path of an SQLite file absolute: it may be relative to the server's current folder.
fn absolute_url(url: &str) -> String {
    match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        Some(file) if !file.starts_with(['/', ':']) => format!("sqlite://{}", absolute_path(OsStr::new(file))),
        _ => url.to_owned(),
    }
}

fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let is_before_host = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    is_before_host || url.contains("password=")
}

/// Quotes a text for a shell, unless it has only characters without a special meaning.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b':' | b'@' | b'=' | b',')
    };
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The welcome of a server that listens on an address.
pub fn text(address: SocketAddr, call: &Call) -> String {
    let url = format!("http://{}", reachable(address));
    let Call(florin) = call;
    let note = if call.needs_variable() {
        "\n    (with FLORIN_DATABASE_URL set as it was here)"
    } else {
        ""
    };
    format!(
        "Florin serves http://{address}

  The console, in a browser   {url}/console
  Docs to try everything in   {url}/docs

  Become a customer:
    curl -s {url}/v1/auth/register -H 'Content-Type: application/json' \\
      -d '{{\"email\":\"ana@example.com\",\"password\":\"correct horse battery\",\"full_name\":\"Ana Silva\"}}'

  Make an operator, who may deposit:{note}
    {florin} user create --email op@example.com --full-name Operator --role operator
"
    )
}

/// A server that listens on every address is reached on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn passwords_are_seen_in_urls() {
        for url in ["postgres://u:p@h/d", "postgres://h/d?user=u&password=p"] {
            assert!(has_password(url), "{url}");
        }
        for url in ["postgres://u@h:5432/d", "postgres://h/d", "sqlite://a@b.db"] {
            assert!(!has_password(url), "{url}");
        }
    }
}
