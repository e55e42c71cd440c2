//! The ledger's types: what it is asked for, what it keeps, and what it answers.

mod answers;
mod batch_results;
mod commands;
mod holds;
mod limits;
mod records;
mod tag;
mod texts;

pub use answers::{BatchOutcome, Failure, ItemOutcome, Outcome, Refusal, WalletRefusal};
pub use batch_results::{BatchResults, ItemResult};
pub use commands::{
    Action, BatchRequest, Command, Destination, Direction, Idempotency, LimitsRequest, Movement, Opening, Owner,
    Payment, StatusRequest,
};
pub use holds::{AskedAmount, CaptureRequest, HoldTerms, ReversalRequest, VoidRequest};
pub use limits::{LimitKind, LimitState, Outflow, WalletLimits, day_of, start_of_day};
pub use records::{ChangedState, Entry, Hold, Original, TextsSeal, Transfer, Wallet, WalletChange};
pub use tag::{Expected, WalletTag};
pub use texts::Texts;
