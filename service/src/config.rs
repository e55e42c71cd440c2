//! Settings that the services need to start; the program fills them from flags and the environment.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::values::Currency;

/// Settings of the services.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sqlite://...` or `postgres://...`.
    pub database_url: String,
    /// Allows a database that may lose commits which it has reported as durable: for tests and trials.
    pub allows_unsafe_database: bool,
    /// Plans the committer's statements once, for any parameters. Off for a database that cannot do so, such as Citus.
    pub generic_plans: bool,
    /// The file with the key that signs access tokens; replicas share it.
    pub signing_key_file: PathBuf,
    /// The currency of a first wallet when the caller names none.
    pub currency: Currency,
    /// How many commands may wait for the committer; beyond it they are refused with `SubmitError::Overloaded`.
    pub queue_max: usize,
    /// The folder of the bank's own files; uploads wait in a folder in it.
    pub data_dir: PathBuf,
    /// The size of the largest file that may be uploaded, in bytes.
    pub upload_max_bytes: u64,
    /// What uploads leave free on their disk, in bytes: the database may be on the same disk.
    pub disk_reserve_bytes: u64,
    /// `redis://...`, the same for all replicas; it may hold a password. `None`: no Redis is used.
    pub redis_url: Option<SecretString>,
    /// Which callers may read the reports.
    pub reports: ReportAccess,
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
