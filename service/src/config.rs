//! Settings that the services need to start; the program fills them from flags and the environment.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::values::Currency;

/// Settings of the services.
#[derive(Clone)]
pub struct Config {
    /// `sqlite://...` or `postgres://...`.
    pub database_url: String,
    /// Allows a database that may lose commits which it has reported as durable: for tests and trials.
    pub allows_unsafe_database: bool,
    /// Plans the committer's statements once, for any parameters. Off for a database that cannot do so, such as Citus.
    pub generic_plans: bool,
    /// The file with the keys that sign access tokens; replicas share it.
    pub signing_key_file: PathBuf,
    /// The file with the keys that sign heads of the journal and receipts; replicas share it.
    pub journal_key_file: PathBuf,
    /// How tokens of new keys are signed; each key in the file has its own.
    pub token_algorithm: TokenAlgorithm,
    /// Requests a minute of one caller; 0: no limit, and no throttle but those on failed sign-ins, asked mails and unknown
    /// payees.
    pub rate_limit_per_minute: u32,
    /// The currency of a first wallet when the caller names none.
    pub currency: Currency,
    /// How many rows may wait for the committer, half of them of one user; beyond it commands are refused with
    /// `SubmitError::Overloaded`.
    pub queue_max: usize,
    /// The folder of the bank's own files; uploads wait in a folder in it.
    pub data_dir: PathBuf,
    /// The size of the largest file that may be uploaded, in bytes.
    pub upload_max_bytes: u64,
    /// What uploads leave free on their disk, in bytes: the database may be on the same disk.
    pub disk_reserve_bytes: u64,
    /// `redis://...`, the same for all replicas; it may hold a password. `None`: no Redis is used.
    pub redis_url: Option<SecretString>,
    /// Where mails go out; `None`: the bank sends none.
    pub mail: Option<MailConfig>,
    /// Lets webhooks go to private addresses, and without TLS.
    pub webhooks_private: bool,
    /// Which callers may read the reports.
    pub reports: ReportAccess,
}

/// How mails are sent. It has no Debug, since the address of the server may hold a password.
#[derive(Clone)]
pub struct MailConfig {
    /// `smtps://user:password@host`, or `smtp://user:password@host:port?tls=required`.
    pub smtp_url: SecretString,
    /// The address that mails come from, with or without a name, such as `Florin <no-reply@bank.example>`.
    pub from: String,
}

/// Which callers may read the reporting endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportAccess {
    /// Operators and admins.
    #[default]
    Operator,
    /// Every caller, without a token.
    Public,
}

/// How access tokens are signed. A key of the file has one algorithm for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// Ed25519: other services can verify tokens with the public keys.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// HMAC with SHA-256: who can verify can sign too.
    #[serde(rename = "HS256")]
    Hs256,
}

impl TokenAlgorithm {
    /// The name in the header of a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// Without the addresses of the database, Redis and the mail server, which may hold passwords.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("signing_key_file", &self.signing_key_file)
            .field("journal_key_file", &self.journal_key_file)
            .field("token_algorithm", &self.token_algorithm)
            .field("rate_limit_per_minute", &self.rate_limit_per_minute)
            .field("currency", &self.currency)
            .field("queue_max", &self.queue_max)
            .field("data_dir", &self.data_dir)
            .field("reports", &self.reports)
            .field("webhooks_private", &self.webhooks_private)
            .finish_non_exhaustive()
    }
}
