//! Two replicas change the same wallets at the same time: no update is lost, and none is made twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use service::ledger::SubmitError;
use service::transfers::TransferError;
use service::values::{TransferId, WalletStatus};
use tokio::task::JoinSet;

use crate::bank_case::{BankCase, OTHER_STATUS, verdict_of};
use crate::case_rows::{Rows, in_sequence, is_record_of, wallets_agree, wide};
use crate::cases::{Met, hold_on_bank};
use crate::drawn::{DrawnRequest, USERS, drawn_request, funding};
use crate::model::{Ask, Model, Name, Verdict};

on_every_backend!(
    no_update_of_two_racing_replicas_is_lost,
    a_key_raced_by_two_replicas_moves_money_once
);

/// What one racer does.
#[derive(Clone, Debug)]
enum Turn {
    Move(DrawnRequest),
    Freeze(usize),
    Unfreeze(usize),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        10 => drawn_request().prop_map(Turn::Move),
        1 => (0..USERS).prop_map(Turn::Freeze),
        2 => (0..USERS).prop_map(Turn::Unfreeze),
    ]
}

/// An answer; `None` if the request was refused as contended and nothing happened.
type Answer = Option<(Verdict, Option<TransferId>)>;

async fn answer(bank_case: Arc<BankCase>, ask: Ask) -> (Ask, Result<Answer, TestCaseError>) {
    let answer = match bank_case.answer(&ask).await {
        Err(TransferError::Submit(SubmitError::Contended)) => Ok(None),
        other => verdict_of(other).map(Some),
    };
    (ask, answer)
}

/// One case on two replicas: three wallets in one currency, with money in them.
async fn case_on_two_replicas(
    bank: &Arc<TestBank>,
    operator: service::identity::Actor,
    replica: &Arc<service::Services>,
) -> Result<([Arc<BankCase>; 2], Model), TestCaseError> {
    let mut bank_case = BankCase::new(bank, operator).await;
    let mut model = Model::default();
    for user in 0..USERS {
        let wallet = model.open(user, 0).map_err(TestCaseError::fail)?;
        bank_case.open(user, 0).await?;
        let ask = funding(&mut model, wallet, (1_000_000, 0));
        prop_assert_eq!(bank_case.ask(&ask).await?.0, model.ask(&ask));
    }
    let other = BankCase {
        services: replica.clone(),
        ..bank_case.clone()
    };
    Ok(([Arc::new(bank_case), Arc::new(other)], model))
}

async fn no_update_of_two_racing_replicas_is_lost(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let replica = bank.replica().await;
    let met = Met::default();
    hold_on_bank(file!(), &vec((0..2_usize, turn()), 4..16), async |turns| {
        let (bank_cases, mut model) = case_on_two_replicas(&bank, operator.clone(), &replica).await?;
        let before = Rows::of(&bank.db, &mut bank_cases[0].ids.clone())
            .await
            .transfers
            .iter()
            .map(|row| row.id)
            .collect();
        let mut racers = JoinSet::new();
        let mut changes = JoinSet::new();
        for (which, turn) in turns {
            let bank_case = bank_cases[which].clone();
            let change = |user, status| async move { bank_case.set_status(Name::Customer(user), status).await };
            match turn {
                Turn::Move(drawn) => {
                    let ask = drawn.resolve(&mut model);
                    drop(racers.spawn(answer(bank_cases[which].clone(), ask)));
                }
                Turn::Freeze(user) => drop(changes.spawn(change(user, WalletStatus::Frozen))),
                Turn::Unfreeze(user) => drop(changes.spawn(change(user, WalletStatus::Active))),
            }
        }
        let answers = racers.join_all().await;
        for changed in changes.join_all().await {
            // The answer may show another racer's change.
            prop_assert!(matches!(changed, Ok(()) | Err(OTHER_STATUS)), "{changed:?}");
        }
        let mut bank_case = BankCase::clone(&bank_cases[0]);
        let rows = Rows::of(&bank.db, &mut bank_case.ids).await;
        Aftermath {
            model: &model,
            before,
            rows: &rows,
            bank_case: &bank_case,
            met: &met,
        }
        .adds_up(answers)
    });
    met.expect_all(&["completed", "refused", "kept", "insufficient_funds"]);
    replica.stop().await;
}

/// The transfers before the race and the rows after it, to compare the answers with.
struct Aftermath<'a> {
    model: &'a Model,
    before: HashSet<TransferId>,
    rows: &'a Rows,
    bank_case: &'a BankCase,
    met: &'a Met,
}

impl Aftermath<'_> {
    fn adds_up(&self, answers: Vec<(Ask, Result<Answer, TestCaseError>)>) -> TestCaseResult {
        let mut answered: HashMap<TransferId, (Ask, &str)> = HashMap::new();
        let mut fresh: HashMap<TransferId, u32> = HashMap::new();
        for (ask, answer) in answers {
            let Some((verdict, transfer)) = answer? else {
                self.met.count("contended");
                continue;
            };
            self.met.count(if verdict.code == "completed" {
                "completed"
            } else {
                "refused"
            });
            self.met.count(verdict.code);
            prop_assert_eq!(transfer.is_some(), verdict.is_kept(), "{:?}", verdict);
            if let Some(id) = transfer {
                *fresh.entry(id).or_default() += u32::from(!verdict.replayed);
                self.was_available(&ask, &verdict)?;
                let first = answered.entry(id).or_insert((ask.clone(), verdict.code));
                prop_assert_eq!(&*first, &(ask, verdict.code), "two stories about {}", id);
            }
        }
        prop_assert!(
            fresh.values().all(|count| *count == 1),
            "made more than once, or only repeated: {fresh:?}"
        );
        self.is_what_was_answered(&answered)
    }

    /// Every answered transfer is stored, no other one is, and the balances are their sums.
    fn is_what_was_answered(&self, answered: &HashMap<TransferId, (Ask, &str)>) -> TestCaseResult {
        let ids = &self.bank_case.ids;
        let mut expected: HashMap<Name, (i128, i64)> = HashMap::new();
        for (name, account) in &self.model.accounts {
            expected.insert(*name, (account.balance, account.entries.len() as i64));
        }
        let new: Vec<_> = self
            .rows
            .transfers
            .iter()
            .filter(|row| !self.before.contains(&row.id))
            .collect();
        prop_assert_eq!(new.len(), answered.len());
        for row in new {
            let Some((ask, code)) = answered.get(&row.id) else {
                return Err(TestCaseError::fail(format!("nobody was answered of {row:?}")));
            };
            is_record_of(row, ids, ask, code)?;
            self.met.count("kept");
            for (name, sign) in [(ask.source, -1), (ask.destination, 1)]
                .into_iter()
                .filter(|_| *code == "completed")
            {
                let (balance, version) = expected.entry(name).or_default();
                *balance += sign * i128::from(ask.units.unwrap_or_default());
                *version += 1;
            }
        }
        for (name, (balance, version)) in expected {
            let stored = ids.find(name).and_then(|id| self.rows.wallet(id));
            let found = stored.map_or((0, 0), |row| (wide(row.balance), row.version.0));
            prop_assert_eq!(found, (balance, version), "{:?}", name);
        }
        self.rows
            .wallets
            .iter()
            .try_for_each(|wallet| in_sequence(self.rows, wallet))
    }

    /// An `available` is zero or a balance that the wallet has had.
    fn was_available(&self, ask: &Ask, verdict: &Verdict) -> TestCaseResult {
        let Some(available) = verdict.available else {
            return Ok(());
        };
        let mut balances = self
            .rows
            .entries_of(self.bank_case.ids.id(ask.source))
            .map(|entry| wide(entry.balance_after));
        prop_assert!(
            available == 0 || balances.any(|balance| balance == available),
            "{} was never there",
            available
        );
        Ok(())
    }
}

async fn a_key_raced_by_two_replicas_moves_money_once(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let replica = bank.replica().await;
    let met = Met::default();
    hold_on_bank(file!(), &(drawn_request(), 2..6_usize), async |(drawn, times)| {
        let (bank_cases, mut model) = case_on_two_replicas(&bank, operator.clone(), &replica).await?;
        let ask = Ask {
            key: Some(0),
            ..drawn.resolve(&mut model)
        };
        let expected = model.ask(&ask);
        let mut racers = JoinSet::new();
        for which in 0..times {
            racers.spawn(answer(bank_cases[which % 2].clone(), ask.clone()));
        }
        let mut answers = Vec::new();
        for (_, answer) in racers.join_all().await {
            answers.extend(answer?);
        }
        // A last request, as a refused caller would repeat it: it gets the same answer as the others.
        answers.push(bank_cases[1].ask(&ask).await?);
        let fresh = answers.iter().filter(|(verdict, _)| !verdict.replayed).count();
        prop_assert!(fresh == 1 || !expected.is_kept(), "{:?}", answers);
        let (_, first) = answers[0];
        for (verdict, transfer) in answers {
            prop_assert_eq!((verdict.code, verdict.available), (expected.code, expected.available));
            prop_assert_eq!(transfer, first);
            met.count(if verdict.replayed { "replayed" } else { "first" });
        }
        let mut bank_case = BankCase::clone(&bank_cases[0]);
        let rows = Rows::of(&bank.db, &mut bank_case.ids).await;
        prop_assert_eq!(rows.transfers.len(), model.kept.len());
        wallets_agree(&rows, &bank_case.ids, &model)
    });
    met.expect_all(&["first", "replayed"]);
    replica.stop().await;
}
