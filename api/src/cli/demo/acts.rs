//! Asks the bank for what customers want, many things at a time, and counts what became of it.

use anyhow::Context;
use futures_util::future::join_all;
use service::transfers::{Asking, NewBatch, NewPayment, NewTransfer, TransferError, TransferOutcome};
use service::values::{Money, TransferId};

use super::accounts::{DemoAccounts, method};
use super::everyday::{EverydayAct, Purse};
use crate::cli::Bank;

/// Asks in the name of the demo's customers and operator.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    pub bank: &'a Bank,
    pub accounts: &'a DemoAccounts,
}

/// What became of what was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub completed: u32,
    pub refused: u32,
    pub batches: u32,
    /// The last transfer that was made, and its amount.
    pub last: Option<(TransferId, Money)>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.refused += other.refused;
        self.batches += other.batches;
        self.last = other.last.or(self.last);
    }
}

impl Teller<'_> {
    /// Asks for everything: first deposits, then transfers in their order, then what goes out. Each part is asked for at
    /// once, so that the committer writes many in one commit, and the order of the parts makes the outcome the same each
    /// time.
    pub async fn ask_all(&self, acts: Vec<EverydayAct>) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        for part in in_parts(acts) {
            for asked in join_all(part.into_iter().map(|act| self.ask(act))).await {
                tally.add(asked?);
            }
        }
        Ok(tally)
    }

    /// Asks for one thing. What names a wallet of a person who has not joined is left out.
    pub async fn ask(&self, act: EverydayAct) -> anyhow::Result<Tally> {
        match act {
            EverydayAct::Deposit {
                to,
                amount,
                method: name,
                text,
            } => {
                let Some(wallet) = self.accounts.wallet(to) else {
                    return Ok(Tally::default());
                };
                let new = NewPayment {
                    description: Some(text.to_owned()),
                    ..NewPayment::new(wallet, Some(amount), method(name)?)
                };
                counted(self.bank.transfers.deposit(self.as_operator(), new).await)
            }
            EverydayAct::Transfer { from, to, amount, text } => self.transfer(from, to, amount, text).await,
            EverydayAct::Withdrawal {
                from,
                amount,
                method: name,
                text,
            } => {
                let Some(wallet) = self.accounts.wallet(from) else {
                    return Ok(Tally::default());
                };
                let new = NewPayment {
                    description: Some(text.to_owned()),
                    ..NewPayment::new(wallet, Some(amount), method(name)?)
                };
                counted(self.bank.transfers.withdraw(self.as_operator(), new).await)
            }
            EverydayAct::Payout { from } => self.payout(from, PAYOUT_TENTHS).await,
            EverydayAct::Batch {
                from,
                items,
                is_atomic,
                text,
            } => self.batch(from, items, (is_atomic, text)).await,
        }
    }

    fn as_operator(&self) -> Asking {
        Asking::by(&self.accounts.staff.operator)
    }

    async fn transfer(&self, from: Purse, to: Purse, amount: Money, text: &str) -> anyhow::Result<Tally> {
        let (Some((owner, source)), Some(destination)) =
            (self.accounts.owner_and_wallet(from), self.accounts.wallet(to))
        else {
            return Ok(Tally::default());
        };
        let new = NewTransfer {
            description: Some(text.to_owned()),
            ..NewTransfer::new(source, destination, Some(amount))
        };
        counted(self.bank.transfers.submit(Asking::by(owner), new).await)
    }

    /// Sends so many tenths of what is available to an account elsewhere, in whole tens; with ten tenths all of it.
    pub async fn payout(&self, from: Purse, tenths: i64) -> anyhow::Result<Tally> {
        let Some(wallet) = self.accounts.wallet(from) else {
            return Ok(Tally::default());
        };
        let found = self.bank.wallets.get(&self.accounts.staff.operator, wallet).await?;
        let available = found.available().units();
        let units = if tenths < 10 {
            available / 10 * tenths / UNITS_PER_TEN * UNITS_PER_TEN
        } else {
            available
        };
        if units <= 0 {
            return Ok(Tally::default());
        }
        let new = NewPayment {
            description: Some("Payout".to_owned()),
            ..NewPayment::new(wallet, Money::from_units(units), method(from.currency.method())?)
        };
        counted(self.bank.transfers.withdraw(self.as_operator(), new).await)
    }

    async fn batch(
        &self,
        from: Purse,
        items: Vec<(Purse, Money)>,
        (is_atomic, text): (bool, &str),
    ) -> anyhow::Result<Tally> {
        let Some((owner, source)) = self.accounts.owner_and_wallet(from) else {
            return Ok(Tally::default());
        };
        let items = items.into_iter().filter_map(|(to, amount)| {
            Some(NewTransfer {
                description: Some(text.to_owned()),
                ..NewTransfer::new(source, self.accounts.wallet(to)?, Some(amount))
            })
        });
        let new = NewBatch {
            is_atomic,
            transfers: items.collect(),
        };
        if new.transfers.is_empty() {
            return Ok(Tally::default());
        }
        let batches = 1;
        match self.bank.transfers.batch(Asking::by(owner), new).await {
            Ok(answer) => {
                let completed = answer.items.iter().filter(|item| item.is_ok()).count();
                let refused = answer.items.len() - completed;
                let count = |items: usize| u32::try_from(items).context("a batch has at most 1 000 transfers");
                Ok(Tally {
                    completed: count(completed)?,
                    refused: count(refused)?,
                    batches,
                    last: None,
                })
            }
            Err(TransferError::BatchRefused { .. }) => Ok(Tally {
                refused: 1,
                batches,
                ..Tally::default()
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// A business pays so many tenths of its money out, in whole tens.
const PAYOUT_TENTHS: i64 = 9;
const UNITS_PER_TEN: i64 = 100_000;

/// What an outcome counts. A refusal is an outcome; any other error is passed on.
pub fn counted(asked: Result<TransferOutcome, TransferError>) -> anyhow::Result<Tally> {
    match asked {
        Ok(outcome) => Ok(Tally {
            completed: 1,
            last: Some((outcome.transfer.transfer.id, outcome.transfer.transfer.amount)),
            ..Tally::default()
        }),
        Err(TransferError::Refused(_) | TransferError::Failed { .. }) => Ok(Tally {
            refused: 1,
            ..Tally::default()
        }),
        Err(error) => Err(error.into()),
    }
}

/// What comes in, what moves between customers, what goes out.
fn in_parts(acts: Vec<EverydayAct>) -> [Vec<EverydayAct>; 3] {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for act in acts {
        let part = match act {
            EverydayAct::Deposit { .. } => 0,
            EverydayAct::Transfer { .. } | EverydayAct::Batch { .. } => 1,
            EverydayAct::Withdrawal { .. } | EverydayAct::Payout { .. } => 2,
        };
        parts[part].push(act);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::people::DemoCurrency;
    use super::*;

    #[test]
    fn money_comes_in_before_it_moves_and_moves_before_it_goes_out() {
        let purse = |person| Purse {
            person,
            currency: DemoCurrency::Usd,
        };
        let amount = Money::ZERO;
        let payout = EverydayAct::Payout { from: purse(0) };
        let transfer = |from| EverydayAct::Transfer {
            from: purse(from),
            to: purse(2),
            amount,
            text: "",
        };
        let deposit = EverydayAct::Deposit {
            to: purse(0),
            amount,
            method: "visa",
            text: "",
        };
        let parts = in_parts(vec![payout.clone(), transfer(1), deposit.clone(), transfer(0)]);
        assert_eq!(parts, [vec![deposit], vec![transfer(1), transfer(0)], vec![payout]]);
    }
}
