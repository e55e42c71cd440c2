//! Finds out whether a commit whose answer was lost is durable; if not, makes sure that it never will be.

use std::time::Duration;

use tokio::time::Instant;

use super::attempts::{Attempt, InDoubt, after_early_fault};
use super::batch::CommandBatch;
use super::batch_committer::{BatchCommitter, CAUTIOUS_BATCHES, Ended};
use super::book::Writes;
use super::error::SubmitError;
use super::group_commit::GroupCommit;
use super::in_turn::{HeldTurn, InTurnOptions, durable_one};
use super::metrics::Metrics;
use super::store::{Pause, Store};
use crate::db::{Fault, FaultKind};

/// Pause between two attempts to find the outcome.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long callers wait for the outcome before they are answered `OutcomeUnknown`.
const DOUBT_FOR: Duration = Duration::from_secs(30);

impl<S: Store> BatchCommitter<S> {
    /// Finds out whether a commit whose answer was lost is durable; if it is not, decides its commands again and writes
    /// them. The row of the journal with the commit's number settles it: while that row is missing, the lost statement
    /// may still be on its way; once another commit has the row, the lost statement fails.
    ///
    /// After a fault it tries again, because to answer that nothing happened would be a guess. Only a row that the
    /// schema refuses, or a damaged one, makes it go on without writing the commands. After `DOUBT_FOR` the callers are
    /// answered that the outcome is unknown. Commands that wait behind the batch are refused when an attempt cannot
    /// reach the database or meets a lock.
    pub(super) async fn settle(
        &mut self,
        batch: &mut CommandBatch<'_>,
        places: &mut Vec<usize>,
        doubt: InDoubt,
    ) -> Ended {
        let started = Instant::now();
        let asked = places.clone();
        let mut doubts = vec![doubt];
        Metrics::add(&self.metrics.unknown_commits, 1);
        // The other connection may lead to a server that is no longer the primary.
        self.store.close_open_connections();
        while started.elapsed() < DOUBT_FOR {
            self.forget_after_loss();
            places.clone_from(&asked);
            let how = InTurnOptions {
                takes_waiting: false,
                looks_up_keys: true,
                doubts: &doubts,
            };
            let fault = match self.try_in_turn(batch, places, how).await {
                Attempt::Done(outcomes) => return self.committed(outcomes),
                Attempt::Again(_) | Attempt::TakeTurn => {
                    self.store.pause(Pause::Exactly(LOOK_PAUSE)).await;
                    continue;
                }
                Attempt::Unknown(doubt, fault) => {
                    Metrics::add(&self.metrics.unknown_commits, 1);
                    doubts.push(doubt);
                    // None of the commands behind the batch was begun: for them the database is unreachable.
                    Fault::unreachable(fault)
                }
                Attempt::TurnTimeout(fault) => {
                    self.end_idle_holder().await;
                    fault
                }
                Attempt::Locked(fault) => {
                    self.lock_skipping_batches_left = CAUTIOUS_BATCHES;
                    fault
                }
                // The schema, or a damaged row, refuses what was decided again: waiting does not help.
                Attempt::Failed(fault)
                    if matches!(
                        fault.kind,
                        FaultKind::ForeignKey | FaultKind::Constraint | FaultKind::Broken
                    ) =>
                {
                    places.clone_from(&asked);
                    return self.settle_without(batch, places, doubts, fault.into()).await;
                }
                Attempt::Failed(fault) => fault,
            };
            if fault.is_out_of_reach() || fault.is_conflict() {
                batch.refuse_waiting(&fault);
            }
            self.wait_out(&fault).await;
        }
        // The callers have their answer and may repeat their requests now, so the commands are not decided again.
        batch.fail(&asked, &SubmitError::OutcomeUnknown);
        let unknown = SubmitError::OutcomeUnknown;
        self.settle_without(batch, places, doubts, unknown).await
    }

    /// Finds the outcome without writing the commands again. Before the next batch begins it must be certain that no
    /// lost statement will still commit, so an empty row is written. If no commit in doubt is durable, the batch ends
    /// with this error.
    async fn settle_without(
        &mut self,
        batch: &mut CommandBatch<'_>,
        places: &mut Vec<usize>,
        mut doubts: Vec<InDoubt>,
        error: SubmitError,
    ) -> Ended {
        loop {
            self.forget_after_loss();
            let fault = match self.write_empty_row(&doubts).await {
                Ok(Some(durable)) => {
                    places.clone_from(&durable.places);
                    return self.committed(durable.outcomes.clone());
                }
                Ok(None) => return Ended::Failed(error),
                Err(Attempt::Unknown(doubt, fault)) => {
                    Metrics::add(&self.metrics.unknown_commits, 1);
                    doubts.push(doubt);
                    Fault::unreachable(fault)
                }
                Err(Attempt::TurnTimeout(fault)) => {
                    self.end_idle_holder().await;
                    fault
                }
                Err(Attempt::Locked(fault) | Attempt::Failed(fault)) => fault,
                Err(Attempt::Done(_) | Attempt::Again(_) | Attempt::TakeTurn) => {
                    self.store.pause(Pause::Exactly(LOOK_PAUSE)).await;
                    continue;
                }
            };
            batch.refuse_waiting(&fault);
            self.wait_out(&fault).await;
        }
    }

    /// Writes an empty row of the journal. Gives the commit in doubt that is durable, if one is.
    async fn write_empty_row<'d>(&mut self, doubts: &'d [InDoubt]) -> Result<Option<&'d InDoubt>, Attempt> {
        let HeldTurn {
            mut turn,
            head,
            identity,
        } = self.take_turn().await?;
        let durable = durable_one(&mut turn, doubts).await.map_err(after_early_fault)?;
        let commit = GroupCommit::new(Writes::default(), head, &identity, self.time_above(head));
        match self.write_in_turn(turn, &[], Vec::new(), commit).await {
            Attempt::Done(_) => Ok(durable),
            attempt => Err(attempt),
        }
    }

    async fn wait_out(&self, fault: &Fault) {
        tracing::warn!(error = ?fault, "still looking for the outcome of a commit");
        self.store.close_open_connections();
        self.store.pause(Pause::Exactly(LOOK_PAUSE)).await;
    }
}
