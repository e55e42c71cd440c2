//! A batch has the effect of its requests one by one: the same answers, balances, versions and entries. Holds through
//! the committer on both databases, and in the book alone.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use service::clock::Clock;
use service::ledger::{Handovers, Ledger, Outcome, Queue, SubmitError};

use crate::bank_case::BankCase;
use crate::case_rows::{Ids, Rows, UsedKeys, agree, insert_users, insert_wallets, user_row};
use crate::cases::{Met, hold_on_bank};
use crate::commands::{Scripted, command_of, long_runs, script, verdict_of};
use crate::drawn::{CURRENCIES, METHODS, USERS, funds};
use crate::model::{Account, Ask, Model, Name};

on_every_backend!(batches_give_what_one_by_one_gives);

/// One user may have a quarter of it waiting: more commands than a script has.
const QUEUE_MAX: usize = 4_000;

async fn batches_give_what_one_by_one_gives(bank: Arc<TestBank>) {
    let second = Arc::new(TestBank::open(bank.backend).await);
    let operator = bank.operator_actor().await;
    // Committers of the test's own: the queue of the services cannot be filled in a known order.
    let [batched, single] = [&bank, &second].map(|bank| {
        let started = Ledger::start(&bank.db, bank.clock.clone(), QUEUE_MAX, Handovers::default());
        started.expect("a thread can be started")
    });
    let met = Met::default();
    hold_on_bank(file!(), &(funds(), vec(long_runs(), 4..24)), async |(funds, steps)| {
        let mut model = fresh_model();
        let mut ids = Ids::new(operator.user);
        let now = bank.clock.now();
        let users: Vec<_> = (0..USERS).map(|_| user_row(now)).collect();
        ids.users = users.iter().map(|row| row.id).collect();
        insert_users(&bank.db, users.clone()).await;
        insert_users(&second.db, users).await;
        ids.insert_wallets(&bank.db, &model.accounts, now).await;
        insert_wallets(&second.db, Rows::of(&bank.db, &mut ids).await.wallets).await;

        let script = script(&mut model, &funds, &steps);
        let one = Counter {
            bank: &bank,
            queue: batched.queue(),
            ids: &ids,
        };
        let other = Counter {
            bank: &second,
            queue: single.queue(),
            ids: &ids,
        };
        let in_batches = one.play(&script, usize::MAX).await?;
        let one_by_one = other.play(&script, 1).await?;
        prop_assert_eq!(in_batches.len(), one_by_one.len());
        for (in_batch, alone) in in_batches.iter().zip(&one_by_one) {
            prop_assert_eq!(verdict_of(in_batch).0, verdict_of(alone).0);
            met.count(verdict_of(alone).0.code);
        }
        let [rows, second_rows] = [
            Rows::of(&bank.db, &mut ids.clone()).await,
            Rows::of(&second.db, &mut ids.clone()).await,
        ];
        agree(&rows, &ids, &model)?;
        agree(&second_rows, &ids, &model)
    });
    met.expect_all(&[
        "completed",
        "insufficient_funds",
        "wallet_frozen",
        "idempotency_key_reused",
        "invalid_amount",
    ]);
    let (metrics, single_metrics) = (batched.metrics().snapshot(), single.metrics().snapshot());
    assert!(
        metrics.commands > 2 * metrics.batches,
        "hardly a batch held two commands: {metrics:?}"
    );
    assert_eq!(
        single_metrics.commands, single_metrics.batches,
        "one by one came in batches"
    );
    assert_eq!(metrics.commands, single_metrics.commands);
    batched.stop().await;
    single.stop().await;
    second.assert_books_balance().await;
    second.close().await;
}

/// Customers with a wallet in every currency, and the bank's own wallets.
fn fresh_model() -> Model {
    let mut model = Model::default();
    for currency in 0..CURRENCIES {
        for user in 0..USERS {
            let name = Name::Customer(model.customers());
            model.accounts.insert(name, Account::new(Some(user), currency));
        }
        for method in 0..METHODS {
            model
                .accounts
                .insert(Name::System { method, currency }, Account::new(None, currency));
        }
    }
    model
}

/// A committer's queue of one bank, to which scripts are played.
struct Counter<'a> {
    bank: &'a Arc<TestBank>,
    queue: Queue,
    ids: &'a Ids,
}

impl Counter<'_> {
    /// Plays a script with at most `at_once_max` requests at once, and checks each answer.
    async fn play(&self, script: &[Scripted], at_once_max: usize) -> Result<Vec<Outcome>, TestCaseError> {
        let bank_case = BankCase {
            bank: self.bank.clone(),
            services: self.bank.services.clone(),
            ids: self.ids.clone(),
        };
        let mut outcomes = Vec::new();
        let mut keys = UsedKeys::default();
        let mut waiting: Vec<Ask> = Vec::new();
        let mut expected = Vec::new();
        for scripted in script.iter().chain([&Scripted::Pause]) {
            match scripted {
                Scripted::Ask(ask, verdict) => {
                    waiting.push(ask.clone());
                    expected.push((ask, *verdict));
                }
                Scripted::Status(..) | Scripted::Pause => outcomes.extend(self.submit(&mut waiting).await?),
            }
            if waiting.len() >= at_once_max {
                outcomes.extend(self.submit(&mut waiting).await?);
            }
            if let Scripted::Status(name, status, expected) = scripted {
                prop_assert_eq!(&bank_case.set_status(*name, *status).await, expected);
            }
        }
        prop_assert_eq!(outcomes.len(), expected.len());
        for ((ask, expected), outcome) in expected.into_iter().zip(&outcomes) {
            let (verdict, transfer) = verdict_of(outcome);
            prop_assert_eq!(verdict, expected, "{:?}", ask);
            keys.check(ask, &verdict, transfer)?;
        }
        Ok(outcomes)
    }

    /// Submits all waiting requests, then waits for their answers.
    async fn submit(&self, waiting: &mut Vec<Ask>) -> Result<Vec<Outcome>, TestCaseError> {
        let commands = waiting.drain(..).map(|ask| command_of(&ask, self.ids));
        let submitted = commands
            .map(|command| -> Submitted<'_> { Box::pin(self.queue.submit(command)) })
            .collect();
        let answers = all_in_order(submitted).await;
        answers
            .into_iter()
            .map(|answer| answer.map_err(|error| TestCaseError::fail(error.to_string())))
            .collect()
    }
}

type Answer = Result<Outcome, SubmitError>;
type Submitted<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Polls futures in order, so that each has submitted its command before the next one does, until all are done.
async fn all_in_order(mut futures: Vec<Submitted<'_>>) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, answer) in futures.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}
