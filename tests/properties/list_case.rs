//! Random histories with transfers of every kind, for the property of lists.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::TestBank;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use service::clock::Clock;
use service::identity::Actor;
use service::transfers::{
    AskedAmount, Asking, HoldTerms, NewBatch, NewCapture, NewPayment, NewReversal, NewTransfer, TransferError,
    TransferOutcome,
};
use service::values::{Method, Role, Timestamp, TransferId, TransferKind, WalletId};
use service::wallets::Expected;

use crate::case_rows::{insert_users, user_row};
use crate::cases::{currency, money};

/// The number of customers; the asker after them is the operator.
pub const CUSTOMERS: usize = 3;
/// The owner of each wallet; the second one is in another currency.
pub const OWNERS: [usize; 4] = [0, 0, 1, 2];

/// One step of a history. Wallets and askers are indexes.
#[derive(Clone, Debug)]
pub enum Act {
    Pay(ListedPayment),
    Deposit {
        wallet: usize,
        amount: i64,
    },
    Withdraw {
        wallet: usize,
        amount: i64,
        seconds: Option<i64>,
    },
    Capture {
        hold: Index,
        asker: usize,
        amount: Option<i64>,
        is_final: bool,
    },
    Void {
        hold: Index,
        asker: usize,
    },
    Reverse {
        original: Index,
        amount: Option<i64>,
    },
    Batch {
        is_atomic: bool,
        payments: Vec<ListedPayment>,
    },
    Freeze {
        wallet: usize,
        is_frozen: bool,
    },
    Later {
        seconds: i64,
    },
    Sweep,
}

/// A transfer, or a hold of some seconds.
#[derive(Clone, Debug)]
pub struct ListedPayment {
    source: usize,
    destination: usize,
    amount: i64,
    seconds: Option<i64>,
}

/// New customers on a bank, and what they have done since the case began.
pub struct ListCase {
    pub bank: Arc<TestBank>,
    /// The customers, then the operator.
    pub actors: Vec<Actor>,
    pub wallets: Vec<WalletId>,
    /// Every transfer of this case was created at this time or later, and every other one before.
    pub began: Timestamp,
    holds: Vec<TransferId>,
    originals: Vec<TransferId>,
}

pub fn act() -> impl Strategy<Value = Act> {
    let part = || prop_oneof![2 => Just(None), 3 => amount().prop_map(Some)];
    let asker = || 0..=CUSTOMERS;
    let capture =
        (any::<Index>(), asker(), part(), any::<bool>()).prop_map(|(hold, asker, amount, is_final)| Act::Capture {
            hold,
            asker,
            amount,
            is_final,
        });
    let withdraw = (wallet(), amount(), seconds()).prop_map(|(wallet, amount, seconds)| Act::Withdraw {
        wallet,
        amount,
        seconds,
    });
    let payments = prop::collection::vec(payment(), 1..4);
    prop_oneof![
        6 => payment().prop_map(Act::Pay),
        1 => (wallet(), amount()).prop_map(|(wallet, amount)| Act::Deposit { wallet, amount }),
        2 => withdraw,
        5 => capture,
        2 => (any::<Index>(), asker()).prop_map(|(hold, asker)| Act::Void { hold, asker }),
        3 => (any::<Index>(), part()).prop_map(|(original, amount)| Act::Reverse { original, amount }),
        2 => (any::<bool>(), payments).prop_map(|(is_atomic, payments)| Act::Batch { is_atomic, payments }),
        1 => (wallet(), any::<bool>()).prop_map(|(wallet, is_frozen)| Act::Freeze { wallet, is_frozen }),
        2 => (20..50_i64).prop_map(|seconds| Act::Later { seconds }),
        1 => Just(Act::Sweep),
    ]
}

fn payment() -> impl Strategy<Value = ListedPayment> {
    (wallet(), wallet(), amount(), seconds()).prop_map(|(source, destination, amount, seconds)| ListedPayment {
        source,
        destination,
        amount,
        seconds,
    })
}

fn wallet() -> impl Strategy<Value = usize> {
    0..OWNERS.len()
}

/// In whole units of the currency. A wallet has fifty at first, so that some are refused.
fn amount() -> impl Strategy<Value = i64> {
    1..40_i64
}

/// How long a hold lasts; `None` for no hold.
fn seconds() -> impl Strategy<Value = Option<i64>> {
    select(vec![None, None, Some(60), Some(3_600)])
}

impl ListCase {
    /// Customers with some money. A capture that was refused to the destination's owner is there from the beginning.
    pub async fn begin(bank: &Arc<TestBank>, operator: Actor) -> Result<Self, TestCaseError> {
        // The bank dates each record a microsecond after the one before, so its time may be ahead of the clock.
        bank.advance(TimeDelta::seconds(1)).await;
        let began = bank.clock.now();
        let rows: Vec<_> = (0..CUSTOMERS).map(|_| user_row(began)).collect();
        let customers = rows.iter().map(|row| Actor::new(row.id, Role::Customer));
        let actors: Vec<Actor> = customers.chain([operator]).collect();
        insert_users(&bank.db, rows).await;
        let mut wallets = Vec::new();
        for (index, owner) in OWNERS.into_iter().enumerate() {
            let opened = bank
                .services
                .wallets
                .open(&actors[owner], currency(u8::from(index == 1)));
            wallets.push(opened.await.map_err(failed)?.id);
        }
        let mut case = Self {
            bank: bank.clone(),
            actors,
            wallets,
            began,
            holds: Vec::new(),
            originals: Vec::new(),
        };
        for wallet in 0..OWNERS.len() {
            case.go(Act::Deposit { wallet, amount: 50 }).await?;
        }
        case.go(held(10, 3_600)).await?;
        case.freeze(0, true).await?;
        let capture = NewCapture {
            hold: case.holds[0],
            amount: AskedAmount::Rest,
            is_final: true,
        };
        let refused = bank
            .services
            .transfers
            .capture(Asking::by(&case.actors[1]), capture)
            .await;
        prop_assert!(matches!(refused, Err(TransferError::Failed { .. })), "{:?}", refused);
        case.freeze(0, false).await?;
        Ok(case)
    }

    /// Takes a step. A refusal is as good as a success; a fault fails the case.
    pub async fn go(&mut self, act: Act) -> TestCaseResult {
        let bank = self.bank.clone();
        let (transfers, operator) = (&bank.services.transfers, self.actors[CUSTOMERS].clone());
        match act {
            Act::Pay(payment) => {
                let owner = &self.actors[OWNERS[payment.source]];
                let answer = transfers.submit(Asking::by(owner), self.new_transfer(&payment)).await;
                self.note(answer)
            }
            Act::Deposit { wallet, amount } => {
                let new = self.new_payment(wallet, amount, None);
                let answer = transfers.deposit(Asking::by(&operator), new).await;
                self.note(answer)
            }
            Act::Withdraw {
                wallet,
                amount,
                seconds,
            } => {
                let owner = &self.actors[OWNERS[wallet]];
                let new = self.new_payment(wallet, amount, seconds);
                let answer = transfers.withdraw(Asking::by(owner), new).await;
                self.note(answer)
            }
            Act::Capture {
                hold,
                asker,
                amount,
                is_final,
            } => {
                let new = NewCapture {
                    hold: *hold.get(&self.holds),
                    amount: asked(amount),
                    is_final,
                };
                let answer = transfers.capture(Asking::by(&self.actors[asker]), new).await;
                self.note(answer)
            }
            Act::Void { hold, asker } => {
                let hold = *hold.get(&self.holds);
                let answer = transfers.void(Asking::by(&self.actors[asker]), hold).await;
                self.note(answer)
            }
            Act::Reverse { original, amount } => {
                let new = NewReversal {
                    original: *original.get(&self.originals),
                    amount: asked(amount),
                    description: None,
                };
                let answer = transfers.reverse(Asking::by(&operator), new).await;
                self.note(answer)
            }
            Act::Batch { is_atomic, payments } => self.batch(is_atomic, &payments).await,
            Act::Freeze { wallet, is_frozen } => self.freeze(wallet, is_frozen).await,
            Act::Later { seconds } => {
                self.bank.advance(TimeDelta::seconds(seconds)).await;
                Ok(())
            }
            Act::Sweep => transfers.expire_holds().await.map(drop).map_err(failed),
        }
    }

    /// Makes a small hold and waits until it has run out, with no decision after it that would release it.
    pub async fn let_a_hold_run_out(&mut self) -> TestCaseResult {
        self.go(held(1, 60)).await?;
        self.go(Act::Later { seconds: 62 }).await
    }

    /// All payments of a batch come from the wallets of the first customer.
    async fn batch(&mut self, is_atomic: bool, payments: &[ListedPayment]) -> TestCaseResult {
        let of_first = payments.iter().map(|payment| ListedPayment {
            source: payment.source % 2,
            ..payment.clone()
        });
        let new = NewBatch {
            is_atomic,
            transfers: of_first.map(|payment| self.new_transfer(&payment)).collect(),
        };
        let bank = self.bank.clone();
        let answer = bank.services.transfers.batch(Asking::by(&self.actors[0]), new).await;
        let items = match answer {
            Ok(answer) => answer.items,
            Err(TransferError::BatchRefused { .. }) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for item in items {
            self.note(item.map(|transfer| TransferOutcome {
                transfer,
                replayed: false,
                unopened: None,
            }))?;
        }
        Ok(())
    }

    async fn freeze(&self, wallet: usize, is_frozen: bool) -> TestCaseResult {
        let (wallets, operator) = (&self.bank.services.wallets, self.actors[CUSTOMERS].clone());
        let id = self.wallets[wallet];
        let changed = if is_frozen {
            wallets.freeze(&operator, id, None, Expected::Anything).await
        } else {
            wallets.unfreeze(&operator, id, None, Expected::Anything).await
        };
        changed.map(drop).map_err(failed)
    }

    fn note(&mut self, answer: Result<TransferOutcome, TransferError>) -> TestCaseResult {
        match answer {
            Ok(outcome) => {
                let made = &outcome.transfer.transfer;
                self.originals.push(made.id);
                if made.kind == TransferKind::Hold {
                    self.holds.push(made.id);
                }
                Ok(())
            }
            Err(TransferError::Refused(_) | TransferError::Failed { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn new_transfer(&self, payment: &ListedPayment) -> NewTransfer {
        let (source, destination) = (self.wallets[payment.source], self.wallets[payment.destination]);
        NewTransfer {
            hold: payment.seconds.and_then(HoldTerms::try_new),
            ..NewTransfer::new(source, destination, Some(whole(payment.amount)))
        }
    }

    fn new_payment(&self, wallet: usize, amount: i64, seconds: Option<i64>) -> NewPayment {
        let method = Method::try_new("visa").expect("this is a method");
        NewPayment {
            hold: seconds.and_then(HoldTerms::try_new),
            ..NewPayment::new(self.wallets[wallet], Some(whole(amount)), method)
        }
    }
}

/// A hold of some seconds on the first wallet.
fn held(amount: i64, seconds: i64) -> Act {
    Act::Pay(ListedPayment {
        source: 0,
        destination: 2,
        amount,
        seconds: Some(seconds),
    })
}

fn asked(amount: Option<i64>) -> AskedAmount {
    amount.map_or(AskedAmount::Rest, |amount| AskedAmount::Exactly(Some(whole(amount))))
}

fn whole(amount: i64) -> service::values::Money {
    money(amount * 10_000)
}

pub fn failed(error: impl std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}
