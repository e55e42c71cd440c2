//! A commit whose answer was lost: what became of it, or that it is not known.

use std::time::{Duration, Instant};

use super::batch::{Batches, Ended};
use super::callers::Callers;
use super::error::SubmitError;
use super::metrics::Metrics;
use super::repo::Tx;
use super::tries::{Doubt, Try, wallet_ids};
use super::types::{Command, Outcome};
use crate::db::Fault;

/// Pause between two looks for the outcome.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long callers wait for the outcome before they are told that it is unknown.
const DOUBT_FOR: Duration = Duration::from_secs(30);

impl Batches {
    /// Finds out what became of a commit whose answer was lost, or makes it anew. Every fault is waited out: to tell the
    /// callers that nothing happened would be a guess. After `DOUBT_FOR` they are told that the outcome is unknown. Those who
    /// wait behind them are turned away when a look fails.
    pub(super) async fn settle(
        &mut self,
        commands: &[&Command],
        doubt: Doubt,
        places: &[usize],
        callers: &mut Callers<'_>,
    ) -> Ended {
        let started = Instant::now();
        let mut doubts = vec![doubt];
        Metrics::add(&self.metrics.unknown_commits, 1);
        // The other connection may lead to a server that is no longer the primary.
        self.repo.close_open_connections();
        while started.elapsed() < DOUBT_FOR {
            self.forget_all();
            let fault = match self.try_locked(commands, &doubts).await {
                Try::Done(outcomes) => return self.committed(outcomes),
                Try::Again(_) => continue,
                Try::Unknown(doubt, fault) => {
                    Metrics::add(&self.metrics.unknown_commits, 1);
                    doubts.push(doubt);
                    // Of those who wait behind, nothing was begun.
                    Fault::unreachable(fault)
                }
                Try::Locked(fault) | Try::Failed(fault) => fault,
            };
            if fault.is_out_of_reach() || fault.is_conflict() {
                callers.turn_others_away(&fault);
            }
            self.wait_out(&fault).await;
        }
        callers.fail(places, &SubmitError::OutcomeUnknown);
        loop {
            match self.look(commands, &doubts).await {
                Ok(Some(outcomes)) => return self.committed(outcomes),
                Ok(None) => return Ended::Failed(SubmitError::OutcomeUnknown),
                Err(fault) => {
                    callers.turn_others_away(&fault);
                    self.wait_out(&fault).await;
                }
            }
        }
    }

    /// Looks whether a commit in doubt is durable, and writes nothing: a caller who was told that the outcome is unknown
    /// may have asked again.
    async fn look(&mut self, commands: &[&Command], doubts: &[Doubt]) -> Result<Option<Vec<Outcome>>, Fault> {
        let mut tx = self.repo.begin().await?;
        tx.lock_wallets(&wallet_ids(commands)).await?;
        let durable = durable_one(&mut tx, doubts).await?;
        tx.rollback().await?;
        Ok(durable)
    }

    async fn wait_out(&self, fault: &Fault) {
        tracing::warn!(error = ?fault, "still looking for the outcome of a commit");
        self.repo.close_open_connections();
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// The outcomes of that commit in doubt which is durable, if one is.
pub(super) async fn durable_one(tx: &mut Tx, doubts: &[Doubt]) -> Result<Option<Vec<Outcome>>, Fault> {
    for doubt in doubts {
        if tx.has_transfer(doubt.witness).await? {
            return Ok(Some(doubt.outcomes.clone()));
        }
    }
    Ok(None)
}
