//! The limits of a wallet on what goes out, and what has gone out on a day. Pure.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveTime};
use serde::Deserialize;

use crate::values::{Money, Timestamp};

/// What may go out of a wallet; `None` where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalletLimits {
    /// The most that one transfer may take out; above zero.
    pub per_transfer: Option<Money>,
    /// The most that may go out on one UTC day; above zero.
    pub per_day_amount: Option<Money>,
    /// How many transfers may go out on one UTC day; above zero.
    pub per_day_count: Option<i64>,
}

/// What went out of a wallet on one UTC day: transfers, withdrawals and holds when they were decided, less what was
/// released on the same day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outflow {
    /// The UTC day, in days since 1970-01-01.
    pub day: i32,
    /// The sum of the amounts; `Money::MAX` if it is greater.
    pub amount: Money,
    /// How many there were. A hold of which nothing was captured counts no more once it has ended on the same day.
    pub transfers: i64,
}

/// The limits of a wallet, with what counts against them. A wallet without limits has none of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// The limits.
    pub limits: WalletLimits,
    /// What counts against those of a day.
    pub outflow: Outflow,
}

/// A limit of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Of one transfer.
    PerTransfer,
    /// Of the amount of one UTC day.
    PerDayAmount,
    /// Of the number of transfers of one UTC day.
    PerDayCount,
}

impl LimitKind {
    /// The word that clients read: the field that sets the limit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerTransfer => "per_transfer",
            Self::PerDayAmount => "per_day_amount",
            Self::PerDayCount => "per_day_count",
        }
    }
}

impl WalletLimits {
    /// The largest `per_day_count` that may be set.
    pub const COUNT_MAX: i64 = 1_000_000_000;

    /// True when nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the text that `as_text` writes; `None` when it is not one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            per_transfer: Option<String>,
            per_day_amount: Option<String>,
            per_day_count: Option<i64>,
        }
        let members: Members = serde_json::from_str(text).ok()?;
        let money = |text: Option<String>| {
            text.map(|text| text.parse().ok())
                .map_or(Some(None), |money| money.map(Some))
        };
        let limits = Self {
            per_transfer: money(members.per_transfer)?,
            per_day_amount: money(members.per_day_amount)?,
            per_day_count: members.per_day_count,
        };
        (limits.as_text() == text).then_some(limits)
    }

    /// The text of the change that sets them: a JSON object of the limits that there are.
    #[must_use]
    pub fn as_text(&self) -> String {
        let mut text = String::from("{");
        let mut member = |name: &str, value: String| {
            let comma = if text.len() > 1 { "," } else { "" };
            let _ = write!(text, "{comma}\"{name}\":{value}");
        };
        if let Some(amount) = self.per_transfer {
            member("per_transfer", format!("\"{amount}\""));
        }
        if let Some(amount) = self.per_day_amount {
            member("per_day_amount", format!("\"{amount}\""));
        }
        if let Some(count) = self.per_day_count {
            member("per_day_count", count.to_string());
        }
        text.push('}');
        text
    }
}

impl LimitState {
    /// What went out on this day so far.
    #[must_use]
    pub fn outflow_on(&self, day: i32) -> Outflow {
        if self.outflow.day == day {
            self.outflow
        } else {
            Outflow {
                day,
                ..Outflow::default()
            }
        }
    }

    /// The first limit, in the order of the fields, that an amount would pass on this day, and how much is left of it:
    /// of the last one always nothing.
    #[must_use]
    pub fn passed_by(&self, amount: Money, day: i32) -> Option<(LimitKind, Money)> {
        let outflow = self.outflow_on(day);
        let left = |limit: Money, used: Money| limit.checked_sub(used).unwrap_or_default().max(Money::ZERO);
        if let Some(limit) = self.limits.per_transfer
            && amount > limit
        {
            return Some((LimitKind::PerTransfer, limit));
        }
        if let Some(limit) = self.limits.per_day_amount
            && amount > left(limit, outflow.amount)
        {
            return Some((LimitKind::PerDayAmount, left(limit, outflow.amount)));
        }
        match self.limits.per_day_count {
            Some(limit) if outflow.transfers >= limit => Some((LimitKind::PerDayCount, Money::ZERO)),
            _ => None,
        }
    }

    /// Counts what goes out on this day.
    pub fn count(&mut self, amount: Money, day: i32) {
        let outflow = self.outflow_on(day);
        self.outflow = Outflow {
            day,
            amount: outflow.amount.checked_add(amount).unwrap_or(Money::MAX),
            transfers: outflow.transfers + 1,
        };
    }

    /// Counts no more what a hold of this day gave back; `whole` if nothing of it was captured.
    pub fn give_back(&mut self, amount: Money, whole: bool, day: i32) {
        if self.outflow.day == day {
            let amount = self.outflow.amount.checked_sub(amount).unwrap_or_default();
            self.outflow.amount = amount.max(Money::ZERO);
            self.outflow.transfers = (self.outflow.transfers - i64::from(whole)).max(0);
        }
    }
}

/// The UTC day of a time, in days since 1970-01-01.
#[must_use]
pub fn day_of(time: Timestamp) -> i32 {
    const SECONDS: i64 = 86_400;
    i32::try_from(time.timestamp().div_euclid(SECONDS)).unwrap_or(i32::MAX)
}

/// The beginning of the UTC day of a time.
#[must_use]
pub fn start_of_day(time: Timestamp) -> Timestamp {
    DateTime::from_naive_utc_and_offset(time.date_naive().and_time(NaiveTime::MIN), chrono::Utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(units: i64) -> Money {
        Money::from_units(units).expect("a test's amount is one")
    }

    #[test]
    fn the_first_limit_that_is_passed_is_named_with_what_is_left() {
        let mut state = LimitState {
            limits: WalletLimits {
                per_transfer: Some(money(50)),
                per_day_amount: Some(money(100)),
                per_day_count: Some(3),
            },
            outflow: Outflow::default(),
        };
        assert_eq!(state.passed_by(money(51), 7), Some((LimitKind::PerTransfer, money(50))));
        state.count(money(50), 7);
        state.count(money(30), 7);
        assert_eq!(
            state.passed_by(money(21), 7),
            Some((LimitKind::PerDayAmount, money(20)))
        );
        assert_eq!(state.passed_by(money(20), 7), None);
        state.count(money(1), 7);
        assert_eq!(
            state.passed_by(money(1), 7),
            Some((LimitKind::PerDayCount, Money::ZERO))
        );
        assert_eq!(state.passed_by(money(1), 8), None, "a day begins with nothing");
        state.give_back(money(30), true, 7);
        assert_eq!((state.outflow.amount, state.outflow.transfers), (money(51), 2));
        state.give_back(money(30), true, 8);
        assert_eq!(
            state.outflow.transfers, 2,
            "what was held on another day gives nothing back"
        );
    }

    #[test]
    fn the_text_has_the_limits_that_there_are() {
        assert_eq!(WalletLimits::default().as_text(), "{}");
        let limits = WalletLimits {
            per_transfer: Some(money(10_000)),
            per_day_amount: None,
            per_day_count: Some(3),
        };
        assert_eq!(limits.as_text(), r#"{"per_transfer":"1.0000","per_day_count":3}"#);
        for limits in [limits, WalletLimits::default()] {
            assert_eq!(WalletLimits::from_text(&limits.as_text()), Some(limits));
        }
        for wrong in ["", "[]", "{} ", r#"{"per_day_count":"3"}"#, r#"{"per_week":1}"#] {
            assert_eq!(WalletLimits::from_text(wrong), None, "{wrong}");
        }
    }
}
