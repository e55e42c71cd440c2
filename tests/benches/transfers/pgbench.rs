//! The baseline: PostgreSQL's own benchmark program calls one stored procedure per transfer, which writes the same
//! rows.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::servers::PostgresServer;
use tokio::process::Command;

/// The fastest transfer that a stored procedure can make, with a check of funds: two row locks in id order, two
/// wallets, one transfer, two entries, one round trip. Its ids grow as ours do, since random ids would cost the
/// baseline index pages. Its tables are copies of ours with the same columns and indexes. They have no CHECKs and
/// triggers, since PostgreSQL prepares these anew for every statement and the baseline must be as fast as a schema
/// allows.
pub const PROCEDURE: &str = "
CREATE SCHEMA bare;
CREATE TABLE bare.wallets (LIKE wallets INCLUDING INDEXES) WITH (fillfactor = 50);
CREATE TABLE bare.transfers (LIKE transfers INCLUDING INDEXES);
CREATE TABLE bare.entries (LIKE entries INCLUDING INDEXES);
INSERT INTO bare.wallets SELECT * FROM wallets;
INSERT INTO bare.transfers SELECT * FROM transfers;
INSERT INTO bare.entries SELECT * FROM entries;
CREATE SEQUENCE bare.bench_transfer_ids START 1099511627776 CACHE 100;
CREATE FUNCTION bare.bench_transfer(source_number int, destination_number int) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    source_id uuid := lpad(to_hex(source_number), 32, '0')::uuid;
    destination_id uuid := lpad(to_hex(destination_number), 32, '0')::uuid;
    transfer_id uuid := lpad(to_hex(nextval('bench_transfer_ids')), 32, '0')::uuid;
    sum numeric(18,4) := 0.0042;
    source_row wallets;
    destination_row wallets;
    now timestamptz := clock_timestamp();
BEGIN
    IF source_id = destination_id THEN RETURN NULL; END IF;
    PERFORM 1 FROM wallets WHERE id IN (source_id, destination_id) ORDER BY id FOR UPDATE;
    UPDATE wallets SET balance = balance - sum, version = version + 1, updated_at = now
        WHERE id = source_id AND balance - held >= sum AND status = 'ACTIVE' RETURNING * INTO source_row;
    IF NOT FOUND THEN RAISE EXCEPTION 'refused'; END IF;
    UPDATE wallets SET balance = balance + sum, version = version + 1, updated_at = now
        WHERE id = destination_id AND status = 'ACTIVE' RETURNING * INTO destination_row;
    INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency,
        idempotency_key, request_digest, created_at)
    VALUES (transfer_id, 1, 2, source_id, destination_id, sum, 'USD',
        uuid_send(gen_random_uuid()), uuid_send(transfer_id), now);
    INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after) VALUES
        (source_id, source_row.version, transfer_id, -sum, source_row.balance),
        (destination_id, destination_row.version, transfer_id, sum, destination_row.balance);
    RETURN transfer_id;
END
$$;";

/// The figures that pgbench reports.
pub struct Figures {
    pub transfers: u64,
    /// One value per transaction.
    pub latencies_us: Vec<u64>,
    pub elapsed: Duration,
}

/// Runs pgbench with prepared statements and reads every transaction's latency from its log.
pub async fn run(
    server: &PostgresServer,
    database: &str,
    wallets: usize,
    clients: usize,
    hot: bool,
    time: Duration,
) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("transfer.sql");
    let destination = if hot {
        "1".to_owned()
    } else {
        format!("random(1, {wallets})")
    };
    let text = format!("\\set a random(2, {wallets})\n\\set b {destination}\nSELECT bench_transfer(:a, :b);\n");
    std::fs::write(&script, text)?;
    let output = Command::new(server.program("pgbench"))
        .args([
            "-n",
            "-M",
            "prepared",
            "-h",
            "127.0.0.1",
            "-U",
            "florin",
            "-l",
            "--log-prefix=transfers",
        ])
        .args(["-p", &server.port().to_string()])
        .args(["-c", &clients.to_string(), "-j", "1", "-T", &time.as_secs().to_string()])
        .arg("-f")
        .arg(&script)
        .arg(database)
        .env("PGOPTIONS", "-c search_path=bare")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .await
        .context("pgbench runs")?;
    ensure!(
        output.status.success(),
        "pgbench: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let latencies_us = latencies(folder.path())?;
    Ok(Figures {
        transfers: latencies_us.len() as u64,
        latencies_us,
        elapsed: time,
    })
}

/// The third column of pgbench's log is a transaction's time in microseconds.
fn latencies(folder: &Path) -> Result<Vec<u64>> {
    let mut latencies = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("transfers."))
        {
            for line in std::fs::read_to_string(&path)?.lines() {
                latencies.push(line.split(' ').nth(2).context("a latency column")?.parse()?);
            }
        }
    }
    Ok(latencies)
}
