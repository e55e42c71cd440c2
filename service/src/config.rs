//! What the services need to know to start; the program fills it from flags and the environment.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::values::Currency;

/// Settings of the services.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sqlite://...` or `postgres://...`.
    pub database_url: String,
    /// Lets the bank work on a database that may lose what it has reported: for tests and trials.
    pub allows_unsafe_database: bool,
    /// Lets the committer's statements be planned once, for any parameters. Off for a database that cannot, as Citus.
    pub generic_plans: bool,
    /// The file with the key that signs access tokens; replicas share it.
    pub signing_key_file: PathBuf,
    /// The currency of a first wallet when the caller names none.
    pub currency: Currency,
    /// How many transfers may wait for the committer before callers are told to come back.
    pub queue_max: usize,
    /// Where files of the bank's own lie; uploads wait below it.
    pub data_dir: PathBuf,
    /// The largest file that may be uploaded.
    pub upload_max_bytes: u64,
    /// What uploads leave free of their disk, in bytes: the database may lie on it too.
    pub disk_reserve_bytes: u64,
    /// `redis://...`, shared by replicas; it may hold a password. Without it nothing is shared.
    pub redis_url: Option<SecretString>,
    /// Who may read the reports.
    pub reports: ReportAccess,
}

/// Who may read the reporting endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportAccess {
    /// Operators and admins.
    #[default]
    Operator,
    /// Everybody, without a token.
    Public,
}
