//! The ledger's types: what it is asked for, what it keeps, and what it answers.

mod answers;
mod commands;
mod records;
mod tag;

pub use answers::{Failure, Outcome, Refusal, WalletRefusal};
pub use commands::{Action, Command, Direction, Idempotency, Movement, Opening, Owner, Payment, StatusRequest};
pub use records::{Entry, TextsSeal, Transfer, Wallet, WalletChange};
pub use tag::{Expected, WalletTag};
