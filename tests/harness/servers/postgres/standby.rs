//! A standby: a second server that follows a running one by streaming replication, and can take its place.

use std::time::Instant;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::super::{POLL_INTERVAL, START_TIMEOUT};
use super::PostgresServer;
use crate::proxy::{Proxy, Silence};

/// A server that follows another one; the standby of a primary.
pub struct Standby {
    server: PostgresServer,
    /// The connection to the primary; `None` after `cut_off`.
    link: Option<Proxy>,
}

impl PostgresServer {
    /// Starts a server that follows this one. This one must have been started with the settings `REPLICATED`.
    pub async fn standby(&self) -> Result<Standby> {
        let link = Proxy::start(self.port, Silence::Never).await;
        let copy = self
            .copy_through(link.address.port(), &["--write-recovery-conf"])
            .await?;
        let server = Self::start_on_a_free_port(self.programs.clone(), self.settings.clone(), copy.0).await?;
        Ok(Standby {
            server,
            link: Some(link),
        })
    }
}

impl Standby {
    /// Returns once it has everything that the primary has written so far.
    pub async fn until_caught_up(&self, primary: &PostgresServer) -> Result<()> {
        let written = primary.ask("SELECT pg_current_wal_lsn()::text").await?;
        let question = format!("SELECT (pg_last_wal_replay_lsn() >= '{written}'::pg_lsn)::text");
        let deadline = Instant::now() + START_TIMEOUT;
        while self.server.ask(&question).await? != "true" {
            ensure!(Instant::now() < deadline, "the standby does not follow");
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Disconnects it from the primary for good.
    pub fn cut_off(&mut self) {
        self.link = None;
    }

    /// Stops what it receives from the primary, until `follow_again`.
    pub fn hold_back(&self) {
        if let Some(link) = &self.link {
            link.go_silent();
        }
    }

    /// Lets it follow again after `hold_back`.
    pub fn follow_again(&self) {
        if let Some(link) = &self.link {
            link.speak_again();
        }
    }

    /// Makes it a primary, which continues from what it has received.
    pub async fn promote(self) -> Result<PostgresServer> {
        let promoted = self.server.ask("SELECT pg_promote(true)::text").await?;
        ensure!(promoted == "true", "the standby was not promoted in time");
        Ok(self.server)
    }
}
