//! Every setting: a flag, or the environment variable of the same name with `FLORIN_` before it.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use secrecy::SecretString;
use service::config::{Config, MailConfig, ReportAccess, TokenAlgorithm};
use service::db::check_url;
use service::mail::check_settings;
use service::values::Currency;

use super::address::{Listen, parse_network, parse_origin};
use super::logging::{LogFormat, parse_filter};
use super::wrong_use::WrongUse;

/// Settings that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// `postgres://user:password@host/database`, or `sqlite://FILE`; by default an SQLite file in the data folder
    #[arg(
        long,
        env = "FLORIN_DATABASE_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// `allow` lets the bank work on a database that may lose what it has reported as durable: for trials
    #[arg(
        long,
        env = "FLORIN_UNSAFE_DATABASE",
        global = true,
        value_enum,
        default_value = "refuse",
        value_name = "WHAT"
    )]
    pub unsafe_database: UnsafeDatabase,

    /// `off` lets PostgreSQL choose how to plan statements: for Citus, which cannot use generic plans
    #[arg(
        long,
        env = "FLORIN_GENERIC_PLANS",
        global = true,
        value_enum,
        default_value = "on",
        value_name = "WHETHER"
    )]
    pub generic_plans: OnOff,

    /// Where the bank keeps its files
    #[arg(
        long,
        env = "FLORIN_DATA_DIR",
        global = true,
        default_value = "./data",
        value_name = "FOLDER"
    )]
    pub data_dir: PathBuf,

    /// The address to serve: a host and a port
    #[arg(
        long,
        env = "FLORIN_LISTEN",
        global = true,
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS",
        value_parser = Listen::parse
    )]
    pub listen: Listen,

    /// The currency of a customer's first wallet when the registration names no currency (ISO 4217)
    #[arg(long, env = "FLORIN_CURRENCY", global = true, default_value = "USD", value_name = "CODE", value_parser = currency)]
    pub currency: Currency,

    /// The file with the keys that sign access tokens, made when missing; replicas share it. By default in the data folder
    #[arg(long, env = "FLORIN_SIGNING_KEY_FILE", global = true, value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,

    /// The file with the keys that sign the journal's heads and receipts, made when missing; replicas share it. By default in
    /// the data folder
    #[arg(long, env = "FLORIN_JOURNAL_KEY_FILE", global = true, value_name = "FILE")]
    pub journal_key_file: Option<PathBuf>,

    /// How keys that are made from now on sign: `eddsa`, which other services can verify, or `hs256`
    #[arg(
        long,
        env = "FLORIN_TOKEN_ALGORITHM",
        global = true,
        value_enum,
        default_value = "eddsa",
        value_name = "WHICH"
    )]
    pub token_algorithm: AlgorithmChoice,

    /// How many requests under /v1 one caller may send a minute; 0 switches off every throttle but those on failed sign-ins,
    /// asked mails and unknown payees
    #[arg(long, env = "FLORIN_RATE_LIMIT_PER_MINUTE", global = true, default_value = "0", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub rate_limit_per_minute: u32,

    /// How many transfers may wait before callers get a 503
    #[arg(long, env = "FLORIN_QUEUE_MAX", global = true, default_value = "8192", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub queue_max: u32,

    /// `redis://[user:password@]host[:port][/database]`, which replicas share; by default none
    #[arg(
        long,
        env = "FLORIN_REDIS_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub redis_url: Option<String>,

    /// `smtps://user:password@host`, or `smtp://user:password@host:port?tls=required`: where mails to users go; by
    /// default the bank sends none
    #[arg(
        long,
        env = "FLORIN_SMTP_URL",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub smtp_url: Option<String>,

    /// The address that mails come from, such as `Florin <no-reply@bank.example>`; needed where mails are sent
    #[arg(long, env = "FLORIN_MAIL_FROM", global = true, value_name = "ADDRESS")]
    pub mail_from: Option<String>,

    /// `allow` lets webhooks go to private addresses and without TLS: for programs in the bank's own network, and for trials
    #[arg(
        long,
        env = "FLORIN_WEBHOOKS_PRIVATE",
        global = true,
        value_enum,
        default_value = "refuse",
        value_name = "WHAT"
    )]
    pub webhooks_private: PrivateWebhooks,

    /// Who may read the reports: operators, auditors and admins, or all callers, who then need no token
    #[arg(
        long,
        env = "FLORIN_REPORTS",
        global = true,
        value_enum,
        default_value = "operator",
        value_name = "WHO"
    )]
    pub reports: ReportsChoice,

    /// Connections served at one time; on further ones only /livez, /readyz and /metrics are answered
    #[arg(long, env = "FLORIN_CONNECTIONS_MAX", global = true, default_value = "8192", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,

    /// How many of the connections one address may hold, in percent
    #[arg(long, env = "FLORIN_PEER_SHARE_PERCENT", global = true, default_value = "50", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub peer_share_percent: u8,

    /// Proxies whose X-Forwarded-For or Forwarded is trusted: addresses and networks, separated by commas; none by
    /// default
    #[arg(long, env = "FLORIN_TRUSTED_PROXIES", global = true, value_delimiter = ',', value_name = "ADDRESSES", value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,

    /// A folder whose *.csv files of merchants' activity are imported in the background at start
    #[arg(long, env = "FLORIN_ACTIVITIES_DIR", global = true, value_name = "FOLDER")]
    pub activities_dir: Option<PathBuf>,

    /// The largest file that may be uploaded, in bytes
    #[arg(long, env = "FLORIN_UPLOAD_MAX_BYTES", global = true, default_value_t = UPLOAD_MAX_BYTES, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub upload_max_bytes: u64,

    /// Origins whose pages may call the API, separated by commas; none by default
    #[arg(
        long,
        env = "FLORIN_CORS_ORIGINS",
        global = true,
        value_delimiter = ',',
        value_name = "ORIGINS",
        value_parser = parse_origin
    )]
    pub cors_origins: Vec<String>,

    /// What to log: error, warn, info, debug, or a filter such as `info,florin::access=off` [default: RUST_LOG, else
    /// info]
    #[arg(long, env = "FLORIN_LOG", global = true, value_name = "FILTER", value_parser = parse_filter)]
    pub log: Option<String>,

    /// How to log: text for people, JSON for machines; auto is text on a terminal and JSON elsewhere
    #[arg(
        long,
        env = "FLORIN_LOG_FORMAT",
        global = true,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|text|json"
    )]
    pub log_format: LogFormat,
}

/// What to do with a database whose settings are unsafe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnsafeDatabase {
    Refuse,
    Allow,
}

/// What to do with webhooks to private addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrivateWebhooks {
    Refuse,
    Allow,
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    On,
    Off,
}

/// Who may read the reports.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportsChoice {
    Operator,
    Public,
}

/// How new keys sign access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmChoice {
    // clap would name it `ed-dsa`.
    #[value(name = "eddsa")]
    EdDsa,
    #[value(name = "hs256")]
    Hs256,
}

impl From<AlgorithmChoice> for TokenAlgorithm {
    fn from(choice: AlgorithmChoice) -> Self {
        match choice {
            AlgorithmChoice::EdDsa => Self::EdDsa,
            AlgorithmChoice::Hs256 => Self::Hs256,
        }
    }
}

impl From<ReportsChoice> for ReportAccess {
    fn from(choice: ReportsChoice) -> Self {
        match choice {
            ReportsChoice::Operator => Self::Operator,
            ReportsChoice::Public => Self::Public,
        }
    }
}

impl Settings {
    /// The configuration of the services. Makes the data folder when the database is the SQLite file in it.
    pub fn config(&self) -> anyhow::Result<Config> {
        // Before the folder is made: a wrong use makes no files.
        let mail = self.mail()?;
        let database_url = match &self.database_url {
            Some(url) => {
                check_url(url).map_err(|error| WrongUse(error.to_string()))?;
                url.clone()
            }
            None => {
                make_folder(&self.data_dir)?;
                sqlite_url(&self.data_dir.join(DATABASE_FILE))
            }
        };
        let key_file = |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| self.data_dir.join(name));
        Ok(Config {
            database_url,
            allows_unsafe_database: self.unsafe_database == UnsafeDatabase::Allow,
            generic_plans: self.generic_plans == OnOff::On,
            signing_key_file: key_file(&self.signing_key_file, SIGNING_KEY_FILE),
            journal_key_file: key_file(&self.journal_key_file, JOURNAL_KEY_FILE),
            token_algorithm: self.token_algorithm.into(),
            rate_limit_per_minute: self.rate_limit_per_minute,
            currency: self.currency,
            queue_max: self.queue_max as usize,
            data_dir: self.data_dir.clone(),
            upload_max_bytes: self.upload_max_bytes,
            disk_reserve_bytes: DISK_RESERVE_BYTES,
            redis_url: self.redis_url.clone().map(SecretString::from),
            mail,
            webhooks_private: self.webhooks_private == PrivateWebhooks::Allow,
            reports: self.reports.into(),
        })
    }

    fn mail(&self) -> anyhow::Result<Option<MailConfig>> {
        let Some(url) = &self.smtp_url else { return Ok(None) };
        let from = self.mail_from.clone();
        let mail = MailConfig {
            smtp_url: SecretString::from(url.as_str()),
            from: from.ok_or_else(|| WrongUse("--smtp-url needs --mail-from".to_owned()))?,
        };
        check_settings(&mail).map_err(|error| WrongUse(error.to_string()))?;
        Ok(Some(mail))
    }
}

/// The largest upload in bytes by default: 1 GiB.
pub const UPLOAD_MAX_BYTES: u64 = 1 << 30;

/// Bytes that uploads leave free on their disk (64 MiB): the database may be on the same disk and needs room for its
/// rows.
pub const DISK_RESERVE_BYTES: u64 = 64 << 20;

const DATABASE_FILE: &str = "florin.db";
const SIGNING_KEY_FILE: &str = "signing.key";
const JOURNAL_KEY_FILE: &str = "journal.key";

/// Percent-encodes the path: in a URL, a blank or `#` in a folder's name would end it.
fn sqlite_url(file: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => url.push(char::from(*byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

const OWNER_ONLY: u32 = 0o700;

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    // For the owner only: the database in it contains password hashes.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(folder)
        .map_err(|error| anyhow::Error::new(error).context(format!("cannot make the data folder {}", folder.display())))
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::from_code(code).ok_or_else(|| "not a three-letter code of ISO 4217 in capitals".to_owned())
}
