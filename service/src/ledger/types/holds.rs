//! What callers ask about holds and earlier transfers: captures, voids, reversals. Pure.

use chrono::TimeDelta;

use super::texts::Texts;
use crate::values::{Money, TransferId};

/// The terms of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// How long after its decision it ends by itself; from 60 s to 365 days.
    pub expires_in: TimeDelta,
}

impl HoldTerms {
    /// The shortest time of a hold.
    pub const SECONDS_MIN: i64 = 60;
    /// The longest time of a hold: 365 days.
    pub const SECONDS_MAX: i64 = 31_536_000;
    /// The terms of a caller who names no time: seven days.
    pub const DEFAULT: Self = Self {
        expires_in: TimeDelta::days(7),
    };

    /// Takes a number of seconds; `None` outside of the bounds.
    #[must_use]
    pub fn try_new(seconds: i64) -> Option<Self> {
        (Self::SECONDS_MIN..=Self::SECONDS_MAX)
            .contains(&seconds)
            .then(|| Self {
                expires_in: TimeDelta::seconds(seconds),
            })
    }
}

/// A request to take the money of a hold. The hold's destination or an operator may ask for it.
#[derive(Clone, Debug)]
pub struct CaptureRequest {
    /// The transfer of kind HOLD.
    pub hold: TransferId,
    /// How much of it.
    pub amount: AskedAmount,
    /// True if the rest is to be given back.
    pub is_final: bool,
}

/// A request to give back what remains of a hold. The hold's destination or an operator may ask for it.
#[derive(Clone, Debug)]
pub struct VoidRequest {
    /// The transfer of kind HOLD.
    pub hold: TransferId,
}

/// A request to take a transfer back. For operators.
#[derive(Clone, Debug)]
pub struct ReversalRequest {
    /// The transfer to take back.
    pub original: TransferId,
    /// How much of it.
    pub amount: AskedAmount,
    /// The texts of the caller.
    pub texts: Texts,
}

/// How much of a hold or of an earlier transfer a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedAmount {
    /// Everything that is left of it.
    Rest,
    /// This much; `None` when the caller's text was not an amount.
    Exactly(Option<Money>),
}
