//! Random histories through the services, compared with a simple model: every answer, balance, version and entry.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use service::values::WalletStatus;

use crate::bank_case::BankCase;
use crate::case_rows::{Rows, UsedKeys, agree};
use crate::cases::{Met, hold_on_bank};
use crate::drawn::{CURRENCIES, Step, USERS, first_statuses, funding, funds, keyed, step};
use crate::model::{Ask, Model, Name, Verdict};

on_every_backend!(a_history_leaves_what_the_model_says);

/// Situations that every run must reach.
const EVERYTHING: [&str; 24] = [
    "completed",
    "invalid_amount",
    "wallet_not_found",
    "unknown_method",
    "same_wallet",
    "wallet_frozen",
    "wallet_closed",
    "currency_mismatch",
    "insufficient_funds",
    "balance_out_of_range",
    "idempotency_key_reused",
    "completed again",
    "refused again",
    "a stranger asks",
    "opened",
    "wallet_exists",
    "frozen",
    "unfrozen",
    "closed",
    "closing: wallet_not_empty",
    "changing: wallet_closed",
    "changing: wallet_not_found",
    "changing: system_wallet",
    "the clock goes back",
];

async fn a_history_leaves_what_the_model_says(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let met = Met::default();
    let opened = vec((0..USERS, 0..CURRENCIES), 3..6);
    hold_on_bank(
        file!(),
        &(opened, funds(), first_statuses(), vec(step(), 6..20)),
        async |(opened, funds, statuses, steps)| {
            let mut history = History::new(BankCase::new(&bank, operator.clone()).await, &met);
            for (user, currency) in opened {
                history.open(user, currency).await?;
            }
            for (index, fund) in funds.into_iter().enumerate().take(history.model.customers()) {
                let ask = funding(&mut history.model, Name::Customer(index), fund);
                history.ask(ask).await?;
            }
            let opened = history.model.customers();
            for (index, status) in statuses.into_iter().filter(|(index, _)| *index < opened) {
                history.set_status(Name::Customer(index), status).await?;
            }
            for step in steps {
                history.go(step).await?;
            }
            history.ends_as_the_model_does().await
        },
    );
    met.expect_all(&EVERYTHING);
}

/// One history, on a bank and on the model.
struct History<'a> {
    bank_case: BankCase,
    model: Model,
    past: Vec<Ask>,
    keys: UsedKeys,
    met: &'a Met,
}

impl<'a> History<'a> {
    fn new(bank_case: BankCase, met: &'a Met) -> Self {
        Self {
            bank_case,
            model: Model::default(),
            past: Vec::new(),
            keys: UsedKeys::default(),
            met,
        }
    }

    async fn go(&mut self, step: Step) -> TestCaseResult {
        match step {
            Step::Open { user, currency } => self.open(user, currency).await,
            Step::Move(drawn) => {
                let ask = drawn.resolve(&mut self.model);
                self.ask(ask).await
            }
            Step::Again(index) => self.again(index).await,
            Step::Status(pick, status) => self.set_status(pick.name(&self.model, Name::Nobody), status).await,
            Step::Tick(micros) => {
                if micros < 0 {
                    self.met.count("the clock goes back");
                }
                self.bank_case.bank.advance(TimeDelta::microseconds(micros)).await;
                Ok(())
            }
        }
    }

    async fn open(&mut self, user: usize, currency: u8) -> TestCaseResult {
        match self.model.open(user, currency) {
            Ok(_) => {
                self.met.count("opened");
                self.bank_case.open(user, currency).await
            }
            Err(code) => {
                self.met.count(code);
                prop_assert!(self.bank_case.open_is_refused(user, currency).await);
                Ok(())
            }
        }
    }

    async fn again(&mut self, index: Index) -> TestCaseResult {
        match keyed(&self.past, index) {
            Some(ask) => self.ask(ask).await,
            None => Ok(()),
        }
    }

    async fn ask(&mut self, ask: Ask) -> TestCaseResult {
        let expected = self.model.ask(&ask);
        let (verdict, transfer) = self.bank_case.ask(&ask).await?;
        prop_assert_eq!(verdict, expected, "{:?}", &ask);
        self.keys.check(&ask, &verdict, transfer)?;
        self.count(&ask, &verdict);
        self.past.push(ask);
        Ok(())
    }

    fn count(&self, ask: &Ask, verdict: &Verdict) {
        match (verdict.replayed, verdict.code) {
            (false, code) => self.met.count(code),
            (true, "completed") => self.met.count("completed again"),
            (true, _) => self.met.count("refused again"),
        }
        let source = self.model.accounts.get(&ask.source);
        if verdict.code == "wallet_not_found" && source.is_some_and(|source| source.owner.is_some()) {
            self.met.count("a stranger asks");
        }
    }

    async fn set_status(&mut self, name: Name, status: WalletStatus) -> TestCaseResult {
        if matches!(name, Name::System { .. }) {
            self.bank_case.ids.find_systems(&self.bank_case.bank.db).await;
            if self.bank_case.ids.find(name).is_none() {
                return Ok(());
            }
        }
        let expected = self.model.set_status(name, status);
        prop_assert_eq!(self.bank_case.set_status(name, status).await, expected);
        self.met.count(match (expected, status) {
            (Ok(()), WalletStatus::Active) => "unfrozen",
            (Ok(()), WalletStatus::Frozen) => "frozen",
            (Ok(()), WalletStatus::Closed) => "closed",
            (Err("wallet_not_empty"), _) => "closing: wallet_not_empty",
            (Err("wallet_closed"), _) => "changing: wallet_closed",
            (Err("system_wallet"), _) => "changing: system_wallet",
            (Err(_), _) => "changing: wallet_not_found",
        });
        Ok(())
    }

    async fn ends_as_the_model_does(mut self) -> TestCaseResult {
        let db = &self.bank_case.bank.db;
        let rows = Rows::of(db, &mut self.bank_case.ids).await;
        agree(&rows, &self.bank_case.ids, &self.model)
    }
}
