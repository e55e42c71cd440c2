//! Finds out whether a commit whose answer was lost is durable; if not, makes sure that it never will be.

use std::time::Duration;

use tokio::time::Instant;

use super::attempts::{Attempt, InDoubt, before_commit};
use super::batch::{Batches, CAUTIOUS_BATCHES, Ended};
use super::book::Writes;
use super::callers::Batch;
use super::commit::GroupCommit;
use super::error::SubmitError;
use super::in_turn::{InTurn, TurnHeld, durable_one};
use super::metrics::Metrics;
use super::store::{Pause, Store};
use crate::db::{Fault, FaultKind};

/// Pause between two looks for the outcome.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long callers wait for the outcome before they are told that it is unknown.
const DOUBT_FOR: Duration = Duration::from_secs(30);

impl<S: Store> Batches<S> {
    /// Finds out what became of a commit whose answer was lost, or makes it anew. The row of the journal after the one that
    /// it stood on settles it for good: the lost statement may still be on its way, and once that row is another's it fails.
    ///
    /// Every fault is waited out: to tell the callers that nothing happened would be a guess. After `DOUBT_FOR` they are told
    /// that the outcome is unknown. Those who wait behind them are turned away when a look fails.
    pub(super) async fn settle(&mut self, batch: &mut Batch<'_>, places: &mut Vec<usize>, doubt: InDoubt) -> Ended {
        let started = Instant::now();
        let asked = places.clone();
        let mut doubts = vec![doubt];
        Metrics::add(&self.metrics.unknown_commits, 1);
        // The other connection may lead to a server that is no longer the primary.
        self.store.close_open_connections();
        while started.elapsed() < DOUBT_FOR {
            self.forget_after_loss();
            places.clone_from(&asked);
            let how = InTurn {
                grows: false,
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
                    // Of those who wait behind, nothing was begun.
                    Fault::unreachable(fault)
                }
                Attempt::TurnHeld(fault) => {
                    self.end_idle_holder().await;
                    fault
                }
                Attempt::Locked(fault) => {
                    self.met_locks = CAUTIOUS_BATCHES;
                    fault
                }
                // The schema, or a damaged row, refuses what was decided anew: waiting does not help.
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
        // They may ask again now, so nothing is made anew.
        batch.fail(&asked, &SubmitError::OutcomeUnknown);
        let unknown = SubmitError::OutcomeUnknown;
        self.settle_without(batch, places, doubts, unknown).await
    }

    /// Makes nothing anew. Before anyone else is answered it must be certain that no lost statement will still commit; if none
    /// was durable, the batch ends with this error.
    async fn settle_without(
        &mut self,
        batch: &mut Batch<'_>,
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
                Err(Attempt::TurnHeld(fault)) => {
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

    /// Writes a row of the journal that holds nothing. Gives the commit in doubt that turned out to be there.
    async fn write_empty_row<'d>(&mut self, doubts: &'d [InDoubt]) -> Result<Option<&'d InDoubt>, Attempt> {
        let TurnHeld {
            mut turn,
            head,
            identity,
        } = self.take_turn().await?;
        let durable = durable_one(&mut turn, doubts).await.map_err(before_commit)?;
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
