//! Opening the database for a command. An error says which file or server it was, what it answered, and what to do. No
//! message contains a password.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, Connection};
use sea_orm::{DbErr, RuntimeErr};

use super::connect::file_of;
use super::{ConnectSettings, Db, Fault, is_sqlite};

/// How long a server may take to answer the first connection.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What is wrong with a database's URL, in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {place}")]
pub struct OpenError {
    /// The file, or the server, database and user.
    place: String,
    /// What to do about it.
    pub advice: String,
    #[source]
    said: Said,
}

/// The message of the driver, the server or the system.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// Checks what can be checked of a database's URL without a connection.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    if is_sqlite(url) {
        return match url.parse::<SqliteConnectOptions>() {
            Ok(_) => Ok(()),
            Err(error) => Err(UrlError(format!(
                "the database's URL is not `sqlite://FILE`: {}",
                words(&error)
            ))),
        };
    }
    if !is_postgres(url) {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let found = match scheme.filter(|scheme| is_scheme(scheme)) {
            Some(scheme) => format!("there is no kind of database `{scheme}://` here"),
            None => "the database's URL does not say which kind it is".to_owned(),
        };
        return Err(UrlError(format!(
            "{found}; write `postgres://user:password@host/database`, or `sqlite://FILE`"
        )));
    }
    if has_raw_password(url) {
        return Err(UrlError(format!(
            "the user or the password in the database's URL has a character that ends it; {ENCODING}"
        )));
    }
    match url.parse::<PgConnectOptions>() {
        Ok(_) => Ok(()),
        Err(error) => Err(UrlError(format!(
            "the database's URL is not `postgres://user:password@host/database`: {}; {ENCODING}",
            words(&error)
        ))),
    }
}

const ENCODING: &str = "in a password write `/` as %2F, `?` as %3F, `#` as %23, `@` as %40, `:` as %3A and `%` as %25";

/// Opens the pools, as `Db::connect` does. First tries one connection, so that a refusal is reported at once: the pool
/// would retry for 5 s.
pub async fn open(url: &str, settings: ConnectSettings) -> Result<Db, OpenError> {
    let first = if is_sqlite(url) {
        Ok(())
    } else {
        first_connection(url).await
    };
    match first {
        Err(refused) if !refused.is_passing => Err(refused.error),
        first => Db::connect_with(url, settings).await.map_err(|fault| match first {
            Err(refused) => refused.error,
            Ok(()) => of_fault(url, &fault),
        }),
    }
}

/// The same for a command that needs an existing bank: an SQLite file that does not exist is not created.
pub async fn open_existing(url: &str, settings: ConnectSettings) -> Result<Db, OpenError> {
    refuse_missing_file(url)?;
    open(url, settings).await
}

pub(super) fn refuse_missing_file(url: &str) -> Result<(), OpenError> {
    let options = url.parse::<SqliteConnectOptions>().ok().filter(|_| is_sqlite(url));
    match options.and_then(|options| file_of(&options)) {
        // A missing folder gets other advice, where the file is opened.
        Some(file) if !file.exists() && folder_of(&file).is_dir() => Err(OpenError {
            place: format!("the SQLite file {}", file.display()),
            advice: "name the bank's folder with --data-dir, or its database with --database-url; florin serve makes a new bank"
                .to_owned(),
            said: Said("there is no such file".to_owned()),
        }),
        _ => Ok(()),
    }
}

pub(super) struct OpenRefused {
    pub error: OpenError,
    /// True when the server is likely to take connections soon, which the pool waits for.
    is_passing: bool,
}

pub(super) async fn first_connection(url: &str) -> Result<(), OpenRefused> {
    let options: PgConnectOptions = match url.parse() {
        Ok(options) => options,
        Err(error) => return Err(refused("PostgreSQL".to_owned(), &error, ENCODING.to_owned())),
    };
    let connecting = PgConnection::connect_with(&options);
    match tokio::time::timeout(FIRST_CONNECTION_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => {
            // The connection was only a test, so an error on closing it does not matter.
            let _ = connection.close().await;
            Ok(())
        }
        Ok(Err(error)) => Err(refused(place_of(&options), &error, advice(&options, &error))),
        Err(_) => Err(OpenRefused {
            error: OpenError {
                place: place_of(&options),
                advice: "check host and port in the URL, and whether a firewall drops the connection".to_owned(),
                said: Said(format!("no answer within {} s", FIRST_CONNECTION_TIMEOUT.as_secs())),
            },
            is_passing: false,
        }),
    }
}

fn refused(place: String, error: &sqlx::Error, advice: String) -> OpenRefused {
    OpenRefused {
        is_passing: matches!(
            code_of(error).as_deref(),
            Some(TOO_MANY_CONNECTIONS | CANNOT_CONNECT_NOW)
        ),
        error: OpenError {
            place,
            advice,
            said: Said(words(error)),
        },
    }
}

const TOO_MANY_CONNECTIONS: &str = "53300";
const CANNOT_CONNECT_NOW: &str = "57P03";
const WRONG_PASSWORD: &str = "28P01";
const NOT_AUTHORIZED: &str = "28000";
const NO_SUCH_DATABASE: &str = "3D000";

fn code_of(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// The server, the database and the user, without the password.
fn place_of(options: &PgConnectOptions) -> String {
    let server = match options.get_socket() {
        Some(socket) => format!("PostgreSQL on the socket in {}", socket.display()),
        None => format!("PostgreSQL at {}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    format!("{server}, database {database}, as user {user}")
}

fn advice(options: &PgConnectOptions, error: &sqlx::Error) -> String {
    let (host, port, user) = (options.get_host(), options.get_port(), options.get_username());
    let database = options.get_database().unwrap_or(user);
    match code_of(error).as_deref() {
        Some(WRONG_PASSWORD) => format!("correct user and password in the URL; {ENCODING}"),
        Some(NOT_AUTHORIZED) => "correct the user in the URL, or allow this connection in pg_hba.conf".to_owned(),
        Some(NO_SUCH_DATABASE) => format!("make it with `createdb -h {host} -p {port} -U {user} {database}`"),
        Some(_) => "see the log of PostgreSQL".to_owned(),
        None => match error {
            sqlx::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                format!(
                    "start PostgreSQL, or correct host and port in the URL; `pg_isready -h {host} -p {port}` asks it"
                )
            }
            sqlx::Error::Io(error) if !is_odd_answer(error.kind()) => {
                "check host and port in the URL, and the network".to_owned()
            }
            sqlx::Error::Tls(_) => {
                "check the certificates, or add `?sslmode=disable` where the network is safe".to_owned()
            }
            _ => format!("check that PostgreSQL is what listens on port {port}"),
        },
    }
}

/// True when a server took the connection but did not answer as PostgreSQL does.
fn is_odd_answer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
}

/// The error for a fault of the pool, on a file or on a server that took the first connection.
pub(super) fn of_fault(url: &str, fault: &Fault) -> OpenError {
    let said = Said(fault_words(fault));
    if !is_sqlite(url) {
        let options = url.parse::<PgConnectOptions>();
        return OpenError {
            place: options.map_or_else(|_| "PostgreSQL".to_owned(), |options| place_of(&options)),
            advice: "see the log of PostgreSQL".to_owned(),
            said,
        };
    }
    let options = url.parse::<SqliteConnectOptions>();
    let file = options.map_or_else(|_| PathBuf::new(), |options| options.get_filename().to_owned());
    OpenError {
        place: format!("the SQLite file {}", file.display()),
        advice: file_advice(&file),
        said,
    }
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Looks at the file to find out why it cannot be opened: the driver's message is always "unable to open".
fn file_advice(file: &Path) -> String {
    let folder = folder_of(file);
    if file.is_dir() {
        "it is a folder; name a file in it".to_owned()
    } else if file.is_file() {
        "if it is an SQLite file, see that its owner runs florin; else name another one".to_owned()
    } else if folder.is_dir() {
        format!("see that florin may write to the folder {}", folder.display())
    } else if folder.exists() {
        format!("{} is not a folder; name another file", folder.display())
    } else {
        format!("make its folder first: mkdir -p '{}'", folder.display())
    }
}

fn fault_words(fault: &Fault) -> String {
    // A fault's source is the `Arc` that it shares, so the downcast goes through it.
    let shared = fault
        .source()
        .and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    match shared.and_then(|source| source.downcast_ref::<DbErr>()) {
        Some(
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)),
        ) => words(error),
        Some(error) => error.to_string(),
        None => fault.to_string(),
    }
}

/// The message of the server, the file or the system, without the driver's prefix.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Configuration(error) => error.to_string(),
        error => error.to_string(),
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// True for a text that looks like a scheme and may be repeated; a password pasted in its place must not be.
fn is_scheme(text: &str) -> bool {
    (1..=SCHEME_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
}

const SCHEME_MAX: usize = 16;

/// True when the part before the `@` has a character that ends it, as `/` does in `postgres://user:pa/ss@host/db`.
fn has_raw_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let Some(end) = rest.find(['/', '?', '#']) else {
        return false;
    };
    let (authority, after) = rest.split_at(end);
    // After a `/` only the path is searched, since an `@` may be in the parameters; after a `?` or `#`, the text up to
    // `&`.
    let looked_at = match after.strip_prefix('/') {
        Some(path) => path.split('?').next().unwrap_or_default(),
        None => after.split('&').next().unwrap_or_default(),
    };
    let begins_with_parameter = after.starts_with('?') && looked_at.contains('=');
    authority.contains(':') && !authority.contains('@') && looked_at.contains('@') && !begins_with_parameter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_needs_encoding_is_seen() {
        for url in [
            "postgres://u:pa/ss@host/db",
            "postgres://u:pa#ss@host/db",
            "postgres://u:pa?ss@host/db",
            "postgres://u:12/34@host/db?sslmode=disable",
        ] {
            let refused = check_url(url).expect_err(url).to_string();
            assert!(refused.contains("%2F") && !refused.contains("ss@"), "{refused}");
        }
        for url in [
            "postgres://host/db?user=a@b",
            "postgres://host:5432/db?user=a@b",
            "postgres://u:p%2Fw@host/db",
            "postgres://u:p@w@host/db",
            "postgres://host:5432?user=a@b",
            "postgresql://%2Ftmp/db",
            "sqlite://a@b.db",
        ] {
            assert!(check_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_unknown_kind_is_named_and_nothing_behind_it() {
        let refused = check_url("mysql://u:hunter2@h/d")
            .expect_err("it is no kind of ours")
            .to_string();
        assert!(
            refused.contains("`mysql://`") && !refused.contains("hunter2"),
            "{refused}"
        );
        let refused = check_url("hunter2").expect_err("it is no URL").to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
