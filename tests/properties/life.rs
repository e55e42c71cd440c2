//! Random histories with all movements of money. Everything is decided, shown and stored as the plain bank says: in one
//! process, and through two replicas that take turns.

use std::slice;
use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use service::Services;
use service::identity::Actor;

use crate::cases::{Met, UNITS_MAX, hold_on_bank};
use crate::life_case::LifeCase;
use crate::life_instructions::{Cash, Instruction, OPERATOR, Operation};
use crate::life_model::LifeModel;
use crate::life_rows::{shown_agrees, stored_agrees};
use crate::life_scripts::scripts;
use crate::life_situations::{SITUATIONS, count, count_status};
use crate::life_steps::{LONGEST_SECONDS, Step, WALLETS, step, wallet_name};

on_every_backend!(
    everything_that_money_does_is_what_the_plain_bank_says,
    two_replicas_that_take_turns_are_one_bank,
);

/// What is in each wallet at first, and by which method it came.
const FIRST_DEPOSITS: [(i64, u8); 4] = [(50, 0), (50, 0), (50, 0), (UNITS_MAX - 20, 2)];

async fn everything_that_money_does_is_what_the_plain_bank_says(bank: Arc<TestBank>) {
    histories_hold(&bank, slice::from_ref(&bank.services)).await;
}

async fn two_replicas_that_take_turns_are_one_bank(bank: Arc<TestBank>) {
    let replica = bank.replica().await;
    histories_hold(&bank, &[bank.services.clone(), replica.clone()]).await;
    replica.stop().await;
}

/// A history is a script and then random steps. The steps of the script take the replicas in turn, the others a random
/// one.
async fn histories_hold(bank: &Arc<TestBank>, replicas: &[Arc<Services>]) {
    let operator = bank.operator_actor().await;
    let met = Met::default();
    let replica_count = replicas.len();
    let steps = vec((0..replica_count, step()), 4..14);
    hold_on_bank(
        file!(),
        &(select(scripts()), 0..replica_count, steps),
        async |(script, first, steps)| {
            let mut history = History::begin(bank, replicas, operator.clone(), &met).await?;
            for (place, step) in script.into_iter().enumerate() {
                history.go((first + place) % replica_count, step).await?;
            }
            for (replica, step) in steps {
                history.go(replica, step).await?;
            }
            history.ends_as_the_plain_bank_does().await
        },
    );
    met.expect_all(&SITUATIONS);
}

/// One history, on a bank and on the plain bank.
struct History<'a> {
    case: LifeCase,
    model: LifeModel,
    past: Vec<Instruction>,
    met: &'a Met,
}

impl<'a> History<'a> {
    async fn begin(
        bank: &Arc<TestBank>,
        replicas: &[Arc<Services>],
        operator: Actor,
        met: &'a Met,
    ) -> Result<Self, TestCaseError> {
        let case = LifeCase::begin(bank, replicas, operator).await?;
        let mut model = LifeModel::new(case.began.timestamp());
        for (index, (owner, currency)) in WALLETS.into_iter().enumerate() {
            model.open(wallet_name(index), Some(owner), currency);
        }
        let mut history = Self {
            case,
            model,
            past: Vec::new(),
            met,
        };
        for (index, (units, method)) in FIRST_DEPOSITS.into_iter().enumerate() {
            let deposit = Operation::Deposit(Cash {
                wallet: wallet_name(index),
                method,
                units,
                seconds: None,
            });
            let instruction = Instruction {
                asker: OPERATOR,
                key: None,
                operation: deposit,
            };
            history.ask(0, instruction).await?;
        }
        let is_made = |record: usize| history.model.records[record].failure.is_none();
        prop_assert!((0..FIRST_DEPOSITS.len()).all(is_made), "a first deposit was refused");
        Ok(history)
    }

    async fn go(&mut self, replica: usize, step: Step) -> TestCaseResult {
        match step {
            Step::Ask(drawn) => {
                let instruction = drawn.resolve(&self.model);
                self.ask(replica, instruction).await
            }
            Step::Again(index) => match self.keyed(index) {
                Some(instruction) => self.ask(replica, instruction).await,
                None => Ok(()),
            },
            Step::Status(wallet, status) => {
                let expected = self.model.set_status(wallet_name(wallet), status);
                let changed = self.case.set_status(replica, wallet, status).await?;
                prop_assert_eq!(changed, expected, "{:?} of wallet {}", status, wallet);
                count_status(self.met, changed);
                Ok(())
            }
            Step::Limits(wallet, limits) => {
                let expected = self.model.set_limits(wallet_name(wallet), limits);
                let changed = self.case.set_limits(replica, wallet, limits).await?;
                prop_assert_eq!(changed, expected, "{:?} of wallet {}", limits, wallet);
                match changed {
                    Ok(_) => self.met.count("limited"),
                    Err(code) => self.met.count(format!("limits: {code}")),
                }
                Ok(())
            }
            Step::Pass(seconds) => {
                self.pass(seconds).await;
                Ok(())
            }
            Step::Sweep => {
                if self.case.sweep(replica).await? > 0 {
                    self.met.count("a sweep releases a hold");
                }
                Ok(())
            }
        }
    }

    async fn ask(&mut self, replica: usize, instruction: Instruction) -> TestCaseResult {
        let expected = self.model.ask(&instruction);
        let decision = self.case.ask(replica, &instruction).await?;
        prop_assert_eq!(&decision, &expected, "{:?}", &instruction);
        count(self.met, &self.model, &instruction, &decision);
        self.past.push(instruction);
        Ok(())
    }

    async fn pass(&mut self, seconds: i64) {
        let day = self.model.today();
        let (passed, expired) = self.model.pass(seconds);
        self.case.pass(passed).await;
        if expired > 0 {
            self.met.count("a hold runs out");
        }
        if self.model.today() != day {
            self.met.count("a new day");
        }
    }

    /// An earlier instruction with a key; without an index the last one.
    fn keyed(&self, index: Option<Index>) -> Option<Instruction> {
        let keyed: Vec<&Instruction> = self.past.iter().filter(|past| past.key.is_some()).collect();
        let chosen = match index {
            Some(index) if !keyed.is_empty() => index.get(&keyed),
            _ => keyed.last()?,
        };
        Some((*chosen).clone())
    }

    /// Compares what is shown at the end, and what is stored once every hold has ended. No hold is then left to a sweep
    /// of the next history.
    async fn ends_as_the_plain_bank_does(mut self) -> TestCaseResult {
        shown_agrees(&self.case, &self.model).await?;
        if self.model.open_holds().next().is_some() {
            self.pass(LONGEST_SECONDS + 1).await;
        }
        self.case.sweep(0).await?;
        prop_assert_eq!(self.case.sweep(0).await?, 0, "all are released");
        stored_agrees(&self.case, &self.model).await
    }
}
