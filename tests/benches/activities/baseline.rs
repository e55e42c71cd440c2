//! The baseline: each database's own tool imports the clean rows into the same columns and primary key, without our
//! checks, rules and rollups.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::Backend;
use tokio::process::Command;

use crate::feeds::Clean;
use crate::place::Place;

/// Imports the rows and returns the tool's run time, from its start to its end.
pub async fn run(place: &Place, clean: &Clean) -> Result<Duration> {
    let mut command = match place.backend {
        Backend::Postgres => psql(place, clean)?,
        Backend::Sqlite => shell(place, clean).await?,
    };
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .await
        .context("the database's tool runs")?;
    let elapsed = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && said.is_empty(),
        "the database's tool fails: {said}"
    );
    let counted = String::from_utf8_lossy(&output.stdout);
    let counted = counted.lines().last().unwrap_or_default().trim_start_matches("COPY ");
    ensure!(
        counted == clean.rows.to_string(),
        "the database's tool stored {counted} rows"
    );
    Ok(elapsed)
}

fn psql(place: &Place, clean: &Clean) -> Result<Command> {
    let server = place.server.as_ref().context("PostgreSQL runs")?;
    let mut psql = Command::new(server.program("psql"));
    psql.arg(&place.url)
        .arg("--command")
        .arg(format!("\\copy bare from '{}' csv", clean.path.display()));
    Ok(psql)
}

// A separate file with the settings of our connections. The shell imports everything in one transaction. The key is
// text, since the shell cannot read bytes.
const TABLE: &str = "CREATE TABLE bare (event_id TEXT NOT NULL PRIMARY KEY, occurred_at TEXT NOT NULL, amount TEXT NOT NULL, \
    product INTEGER NOT NULL, status INTEGER NOT NULL, channel INTEGER, merchant_id TEXT NOT NULL, event_type TEXT NOT NULL, \
    region TEXT NOT NULL, merchant_tier TEXT NOT NULL) STRICT";
const SETTINGS: [&str; 4] = [
    "PRAGMA journal_mode=wal",
    "PRAGMA synchronous=full",
    "PRAGMA cache_size=-32768",
    "PRAGMA wal_autocheckpoint=4000",
];

async fn shell(place: &Place, clean: &Clean) -> Result<Command> {
    let file = place.folder.path().join("bare.db");
    for end in ["", "-wal", "-shm"] {
        let mut name = file.clone().into_os_string();
        name.push(end);
        // In the first run there is no file.
        let _ = std::fs::remove_file(name);
    }
    let made = Command::new("sqlite3")
        .arg(&file)
        .args(SETTINGS)
        .arg(TABLE)
        .output()
        .await?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut shell = Command::new("sqlite3");
    shell
        .arg(&file)
        .args(SETTINGS)
        .arg(".mode csv")
        .arg(format!(".import {} bare", clean.path.display()))
        .arg("SELECT max(rowid) FROM bare");
    Ok(shell)
}
