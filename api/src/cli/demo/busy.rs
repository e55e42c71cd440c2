//! `--keep-busy`: a gentle stream of transfers while the demo serves. One thing is asked for at a time, so it can never
//! overload the bank, and nothing is logged for each.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::TimeDelta;
use service::transfers::{AskedAmount, Asking, HoldTerms, NewCapture, NewTransfer};
use service::values::{Money, TransferId};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::accounts::DemoAccounts;
use super::acts::{Tally, Teller, counted};
use super::busy_acts::{BusyAct, BusyActs};
use super::everyday::Purse;
use crate::cli::Bank;

/// The running stream.
pub struct BusyStream {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The pause after a fault.
const FAULT_PAUSE: Duration = Duration::from_secs(2);
/// Above so many open holds of its own the stream makes no further one.
const HOLDS_MAX: usize = 50;
/// How long they last: many end by themselves while the demo runs.
const HOLD_TERMS: HoldTerms = HoldTerms {
    expires_in: TimeDelta::minutes(5),
};

struct BusyRun {
    bank: Bank,
    accounts: DemoAccounts,
    holds: VecDeque<TransferId>,
}

impl BusyStream {
    /// Starts it. Must be called inside a tokio runtime.
    pub fn start(bank: &Bank, accounts: &DemoAccounts, seed: u64) -> Self {
        let stop = CancellationToken::new();
        let acts = BusyActs::new(seed, |wallet| accounts.wallet(wallet).is_some());
        let stream = BusyRun {
            bank: bank.clone(),
            accounts: accounts.clone(),
            holds: VecDeque::new(),
        };
        let task = tokio::spawn(stream.run(acts, stop.clone()));
        Self { stop, task }
    }

    /// Stops it after what is in hand.
    pub async fn stop(self) {
        self.stop.cancel();
        // A stream that has panicked has stopped too; the panic hook has logged it.
        let _ = self.task.await;
    }
}

impl BusyRun {
    async fn run(mut self, mut acts: BusyActs, stop: CancellationToken) {
        let mut pause = acts.pause();
        let mut is_troubled = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
            let Some(act) = acts.next_act() else { return };
            match self.ask(act).await {
                Ok(_) => {
                    is_troubled = false;
                    pause = acts.pause();
                }
                // The committer has died, which ends the bank.
                Err(_) if !self.bank.moves_money() => return,
                Err(error) => {
                    // Once, and not for each that follows.
                    if !is_troubled {
                        let error: &(dyn std::error::Error + 'static) = error.as_ref();
                        tracing::warn!(error, "the demo's stream of transfers has trouble; it goes on slowly");
                    }
                    is_troubled = true;
                    pause = FAULT_PAUSE;
                }
            }
        }
    }

    async fn ask(&mut self, act: BusyAct) -> anyhow::Result<Tally> {
        match act {
            BusyAct::Everyday(act) => {
                let teller = Teller {
                    bank: &self.bank,
                    accounts: &self.accounts,
                };
                teller.ask(act).await
            }
            BusyAct::Hold { from, to, amount } => self.hold(from, to, amount).await,
            BusyAct::EndHold { is_captured } => self.end_hold(is_captured).await,
        }
    }

    async fn hold(&mut self, from: Purse, to: Purse, amount: Money) -> anyhow::Result<Tally> {
        let (Some((owner, source)), Some(destination)) =
            (self.accounts.owner_and_wallet(from), self.accounts.wallet(to))
        else {
            return Ok(Tally::default());
        };
        if self.holds.len() >= HOLDS_MAX {
            return Ok(Tally::default());
        }
        let new = NewTransfer {
            description: Some("Reserved".to_owned()),
            hold: Some(HOLD_TERMS),
            ..NewTransfer::new(source, destination, Some(amount))
        };
        let held = counted(self.bank.transfers.submit(Asking::by(owner), new).await)?;
        self.holds.extend(held.last.map(|(id, _)| id));
        Ok(held)
    }

    /// One that has run out is refused, and forgotten too.
    async fn end_hold(&mut self, is_captured: bool) -> anyhow::Result<Tally> {
        let Some(hold) = self.holds.pop_front() else {
            return Ok(Tally::default());
        };
        let by = Asking::by(&self.accounts.staff.operator);
        if !is_captured {
            return counted(self.bank.transfers.void(by, hold).await);
        }
        let new = NewCapture {
            hold,
            amount: AskedAmount::Rest,
            is_final: true,
        };
        counted(self.bank.transfers.capture(by, new).await)
    }
}
