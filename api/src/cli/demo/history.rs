//! Makes the demo's history through the bank's own services, day by day, under a clock that the demo moves: what a console
//! shows of it is what the bank would have, had it been open all that time.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use service::identity::Actor;
use service::transfers::{
    AskedAmount, Asking, Metadata, NewCapture, NewPayment, NewReversal, NewTransfer, TransferError, TransferOutcome,
};
use service::values::{Money, TransferId};

use super::accounts::{DemoAccounts, method};
use super::acts::{Tally, Teller, counted};
use super::calendar::{Calendar, HistoryMoment, MOMENT, MOMENTS};
use super::chance::DemoChance;
use super::clock::HistoryClock;
use super::feed_imports::FeedImports;
use super::holds::{HoldPayee, PlannedEnd, PlannedHold, plan};
use super::life::EverydayLife;
use super::people::FOUNDERS;
use super::staff_work::StaffWork;
use crate::cli::Bank;

/// What a history is made of.
pub struct HistorySettings<'a> {
    pub calendar: Calendar,
    pub seed: u64,
    /// Of everyone.
    pub password: &'a str,
    /// Where the files that are imported lie.
    pub folder: &'a Path,
}

/// What was done in a history.
#[derive(Default)]
pub struct HistoryTotals {
    pub moved: Tally,
    pub holds: u32,
    pub reversals: u32,
}

/// The history as far as it is made.
pub struct DemoHistory<'a> {
    bank: &'a Bank,
    clock: Arc<HistoryClock>,
    calendar: Calendar,
    accounts: DemoAccounts,
    chance: DemoChance,
    life: EverydayLife,
    /// Each with its id, once it was made.
    holds: Vec<(PlannedHold, Option<TransferId>)>,
    staff_work: StaffWork,
    pub imports: FeedImports,
    pub totals: HistoryTotals,
}

/// The hour at which the bank opens on its first day, and at which files are imported on others.
const OPENING_HOUR: u32 = 5;
/// The first deposit of a founder, in US cents.
pub const FOUNDERS_CENTS: i64 = 100_000;

/// The topic of the seed.
const NEWCOMERS: u64 = 5;
/// A transfer is taken back once in so many days.
const REVERSAL_EVERY: u32 = 4;

/// The moments at which something happens besides everyday life.
const STAFF_MOMENT: usize = 3;
const HOLD_MOMENT: usize = 5;
const HOLD_END_MOMENT: usize = 8;
const REVERSAL_MOMENT: usize = 9;

impl<'a> DemoHistory<'a> {
    /// Opens the bank: its staff, and the founders with their first deposits.
    pub async fn open(
        bank: &'a Bank,
        clock: Arc<HistoryClock>,
        settings: &HistorySettings<'_>,
    ) -> anyhow::Result<Self> {
        let HistorySettings { calendar, seed, .. } = *settings;
        if calendar.days() > 0 {
            clock.begin_moment(calendar.hour(0, OPENING_HOUR), MOMENT);
        }
        let mut accounts = DemoAccounts::of_staff(bank, settings.password).await?;
        for founder in 0..FOUNDERS {
            accounts.join(bank, founder, FOUNDERS_CENTS).await?;
        }
        Ok(Self {
            bank,
            clock,
            calendar,
            accounts,
            chance: DemoChance::new(seed, NEWCOMERS),
            life: EverydayLife::new(seed, calendar),
            holds: plan(seed, calendar).into_iter().map(|hold| (hold, None)).collect(),
            staff_work: StaffWork::default(),
            imports: FeedImports::new(seed, settings.folder)?,
            totals: HistoryTotals::default(),
        })
    }

    pub fn accounts(&self) -> &DemoAccounts {
        &self.accounts
    }

    pub fn into_accounts(self) -> DemoAccounts {
        self.accounts
    }

    /// Makes all days, today as far as it is over.
    pub async fn make(&mut self) -> anyhow::Result<()> {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} days of history, {eta} left")?;
        let days = self.calendar.days();
        let bar = ProgressBar::new(u64::from(days) + 1)
            .with_style(style)
            .with_finish(ProgressFinish::AndClear);
        for day in 0..=days {
            for (index, moment) in MOMENTS.iter().enumerate() {
                self.moment(day, index, moment)
                    .await
                    .with_context(|| format!("cannot make day {day} of the demo's history"))?;
            }
            bar.inc(1);
        }
        // Where the first moment of today is still to come.
        self.imports.before(days, self.bank, self.calendar).await?;
        bar.finish_and_clear();
        Ok(())
    }

    async fn moment(&mut self, day: u32, index: usize, moment: &HistoryMoment) -> anyhow::Result<()> {
        let Some(at) = self.calendar.past_moment(day, moment) else {
            return Ok(());
        };
        if index == 0 {
            // An importer looks at the clock for each row, so it has an hour of its own.
            self.clock.begin_moment(self.calendar.hour(day, OPENING_HOUR), MOMENT);
            self.imports.before(day, self.bank, self.calendar).await?;
        }
        self.clock.begin_moment(at, MOMENT);
        if index == 0 {
            for newcomer in self.calendar.joining(day) {
                let cents = self.chance.between(4, 18) * 10_000;
                self.accounts.join(self.bank, newcomer, cents).await?;
            }
        }
        let done = self.teller().ask_all(self.life.acts(day, index)).await?;
        self.totals.moved.add(done);
        match index {
            STAFF_MOMENT => {
                let teller = Teller {
                    bank: self.bank,
                    accounts: &self.accounts,
                };
                let done = self.staff_work.on(day, self.calendar, teller, &self.clock).await?;
                self.totals.moved.add(done);
            }
            HOLD_MOMENT => self.begin_holds(day).await?,
            HOLD_END_MOMENT => self.end_holds(day).await?,
            REVERSAL_MOMENT if day.is_multiple_of(REVERSAL_EVERY) => self.reverse(done, day).await?,
            _ => {}
        }
        if index + 1 == MOMENTS.len() {
            while self.bank.transfers.expire_holds().await? > 0 {}
        }
        Ok(())
    }

    fn teller(&self) -> Teller<'_> {
        Teller {
            bank: self.bank,
            accounts: &self.accounts,
        }
    }

    async fn begin_holds(&mut self, day: u32) -> anyhow::Result<()> {
        for place in 0..self.holds.len() {
            if self.holds[place].0.day == day {
                let begun = self.begin_hold(&self.holds[place].0).await?;
                self.totals.holds += u32::from(begun.is_some());
                self.holds[place].1 = begun;
            }
        }
        Ok(())
    }

    /// The new hold; `None` where the bank refuses it.
    async fn begin_hold(&self, planned: &PlannedHold) -> anyhow::Result<Option<TransferId>> {
        let Some((guest, wallet)) = self.accounts.owner_and_wallet(planned.from) else {
            return Ok(None);
        };
        let asked = match planned.to {
            HoldPayee::Hotel(hotel) => {
                let Some(hotel) = self.accounts.wallet(hotel) else {
                    return Ok(None);
                };
                let new = NewTransfer {
                    description: Some("A night".to_owned()),
                    metadata: Metadata::try_new(&format!(r#"{{"nights":1,"day":{}}}"#, planned.day)),
                    hold: Some(planned.terms()),
                    ..NewTransfer::new(wallet, hotel, Some(planned.amount))
                };
                self.bank.transfers.submit(Asking::by(guest), new).await
            }
            HoldPayee::Method(name) => {
                let new = NewPayment {
                    description: Some("Payout by the counter".to_owned()),
                    hold: Some(planned.terms()),
                    ..NewPayment::new(wallet, Some(planned.amount), method(name)?)
                };
                let operator = &self.accounts.staff.operator;
                self.bank.transfers.withdraw(Asking::by(operator), new).await
            }
        };
        Ok(counted(asked)?.last.map(|(id, _)| id))
    }

    async fn end_holds(&mut self, day: u32) -> anyhow::Result<()> {
        let mut moved = Tally::default();
        for (planned, id) in &self.holds {
            let (Some(hold), Some(days)) = (*id, day.checked_sub(planned.day)) else {
                continue;
            };
            let payee = match planned.to {
                HoldPayee::Hotel(hotel) => self.accounts.customer(hotel.person),
                HoldPayee::Method(_) => None,
            };
            let by = payee.unwrap_or(&self.accounts.staff.operator);
            let part = |percent| Some((planned.part(percent), true));
            let captured = match planned.ends {
                PlannedEnd::Captured { after, percent } if days == after => part(percent),
                PlannedEnd::CapturedTwice { .. } if days == 1 => Some((planned.part(40), false)),
                PlannedEnd::CapturedTwice { after } if days == after => part(60),
                PlannedEnd::Voided { after } if days == after => {
                    moved.add(counted(self.bank.transfers.void(Asking::by(by), hold).await)?);
                    None
                }
                PlannedEnd::Captured { .. }
                | PlannedEnd::CapturedTwice { .. }
                | PlannedEnd::Voided { .. }
                | PlannedEnd::Expired { .. }
                | PlannedEnd::StaysOpen => None,
            };
            if let Some((amount, is_final)) = captured {
                moved.add(counted(self.capture(by, hold, amount, is_final).await)?);
            }
        }
        self.totals.moved.add(moved);
        Ok(())
    }

    async fn capture(
        &self,
        by: &Actor,
        hold: TransferId,
        amount: Money,
        is_final: bool,
    ) -> Result<TransferOutcome, TransferError> {
        let new = NewCapture {
            hold,
            amount: AskedAmount::Exactly(Some(amount)),
            is_final,
        };
        self.bank.transfers.capture(Asking::by(by), new).await
    }

    /// Takes back the last transfer of a moment, in turn as a whole or a half of it.
    async fn reverse(&mut self, done: Tally, day: u32) -> anyhow::Result<()> {
        let Some((original, amount)) = done.last else {
            return Ok(());
        };
        let half = Money::from_units(amount.units() / UNITS_PER_ONE / 2 * UNITS_PER_ONE);
        let half = half.filter(|half| *half > Money::ZERO && day.is_multiple_of(2 * REVERSAL_EVERY));
        let new = NewReversal {
            original,
            amount: half.map_or(AskedAmount::Rest, |half| AskedAmount::Exactly(Some(half))),
            description: Some("Returned goods".to_owned()),
        };
        let operator = Asking::by(&self.accounts.staff.operator);
        let reversed = counted(self.bank.transfers.reverse(operator, new).await)?;
        self.totals.reversals += reversed.completed;
        self.totals.moved.add(reversed);
        Ok(())
    }
}

const UNITS_PER_ONE: i64 = 10_000;
