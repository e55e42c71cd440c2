//! Copies of a running server's data. PostgreSQL's base backup is consistent even while clients write.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::super::place::Medium;
use super::super::process::ServerProcess;
use super::{PostgresServer, USER, place_on};

/// A server's data as they were at one moment. Removed when dropped.
pub struct DataCopy(pub(super) ServerProcess);

impl PostgresServer {
    /// Copies the data while the server runs. The server must have been started with the settings `REPLICATED`.
    pub async fn copy_data(&self) -> Result<DataCopy> {
        self.copy_through(self.port, &[]).await
    }

    /// Replaces a killed server's data by a copy.
    pub fn put_back(&mut self, copy: DataCopy) -> Result<()> {
        ensure!(self.pid().is_none(), "the server runs");
        fs::remove_dir_all(self.data_dir()).context("cannot remove the data")?;
        // A rename works: both folders are made in the same place, and so are on one file system.
        fs::rename(copy.0.folder().join("data"), self.data_dir()).context("cannot put the copy back")
    }

    /// Copies the data through a port that leads to this server.
    pub(super) async fn copy_through(&self, port: u16, more: &'static [&'static str]) -> Result<DataCopy> {
        let program = self.program("pg_basebackup");
        tokio::task::spawn_blocking(move || {
            let mut process = place_on(Medium::Memory)?;
            let (data_dir, port) = (process.folder().join("data").display().to_string(), port.to_string());
            let arguments = [
                "--pgdata",
                &data_dir,
                "--host",
                "127.0.0.1",
                "--port",
                &port,
                "--username",
                USER,
            ];
            let always = ["--wal-method", "stream", "--checkpoint", "fast", "--no-sync"];
            let arguments = arguments.into_iter().chain(always).chain(more.iter().copied());
            let arguments: Vec<String> = arguments.map(str::to_owned).collect();
            process.spawn(&program, &arguments)?;
            let status = process.wait()?;
            ensure!(
                status.success(),
                "pg_basebackup failed ({status}):\n{}",
                process.log_tail()
            );
            Ok(DataCopy(process))
        })
        .await?
    }
}
