//! Sums and counts per day, kind and payment method, exact whatever the amounts. Pure.

use std::collections::BTreeMap;

use super::Day;
use crate::db::{parts_of_units, units_of_parts};
use crate::values::{Currency, Method, Money};

/// What a sum counts. The order is the one in which every writer touches rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// ISO 4217.
    pub currency: Currency,
    /// The day in UTC.
    pub day: Day,
    /// Deposit or withdrawal.
    pub kind: PaymentKind,
    /// The payment method's name.
    pub method: Method,
    /// The bank itself, or an imported file.
    pub source: Source,
}

/// Which way the money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentKind {
    /// Money that came into the bank.
    Deposit,
    /// Money that left the bank.
    Withdrawal,
}

/// Where a payment comes from. Kept apart, since the books can prove only the bank's own part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The bank's own journal.
    Bank,
    /// A file of another system.
    Imported,
}

/// A sum of amounts and how many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Ten-thousandths.
    pub units: i128,
    /// How many payments were added up.
    pub count: u64,
}

/// Sums by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Key, Sum>);

impl PaymentKind {
    /// The number in the database, the same as in transfers.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Deposit => 2,
            Self::Withdrawal => 3,
        }
    }

    /// Reads the number back.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Deposit, Self::Withdrawal]
            .into_iter()
            .find(|kind| kind.number() == number)
    }

    /// The word in files and in Redis.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Deposit, Self::Withdrawal]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

impl Source {
    /// The number in the database.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Bank => 1,
            Self::Imported => 2,
        }
    }

    /// Reads the number back.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Bank, Self::Imported]
            .into_iter()
            .find(|source| source.number() == number)
    }

    /// The word in Redis.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Imported => "imported",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Bank, Self::Imported]
            .into_iter()
            .find(|source| source.word() == word)
    }
}

impl Sum {
    /// One amount.
    #[must_use]
    pub fn one(amount: Money) -> Self {
        Self {
            units: amount.units().into(),
            count: 1,
        }
    }

    /// The two parts in which the units are stored; `None` where they do not fit.
    #[must_use]
    pub fn parts(&self) -> Option<(i64, i64)> {
        parts_of_units(self.units)
    }

    /// The sum that is stored in two parts.
    #[must_use]
    pub fn of_parts(high: i64, low: i64, count: u64) -> Self {
        Self {
            units: units_of_parts(high, low),
            count,
        }
    }

    fn add(&mut self, other: Self) {
        self.units += other.units;
        self.count += other.count;
    }
}

impl Totals {
    /// Adds a sum.
    pub fn add(&mut self, key: Key, sum: Sum) {
        self.0.entry(key).or_default().add(sum);
    }

    /// Adds all of another's sums.
    pub fn add_all(&mut self, other: Self) {
        for (key, sum) in other.0 {
            self.add(key, sum);
        }
    }

    /// These sums less those of another. A sum of which the other has more is left out; only wrong books lead to that.
    #[must_use]
    pub fn without(self, other: &Self) -> Self {
        let left = self.differences(other).into_iter();
        left.filter_map(|(key, units, count)| {
            let count = u64::try_from(count).ok().filter(|count| *count > 0 && units > 0)?;
            Some((key, Sum { units, count }))
        })
        .collect()
    }

    /// The keys whose sums differ from another's, with units and count less the other's.
    #[must_use]
    pub fn differences(self, other: &Self) -> Vec<(Key, i128, i128)> {
        let mut differences: BTreeMap<Key, (i128, i128)> = self
            .0
            .into_iter()
            .map(|(key, sum)| (key, (sum.units, sum.count.into())))
            .collect();
        for (key, sum) in &other.0 {
            let (units, count) = differences.entry(key.clone()).or_default();
            *units -= sum.units;
            *count -= i128::from(sum.count);
        }
        differences
            .into_iter()
            .filter(|(_, difference)| *difference != (0, 0))
            .map(|(key, (units, count))| (key, units, count))
            .collect()
    }

    /// The sums in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Sum)> {
        self.0.iter()
    }

    /// How many sums there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest day of any sum.
    #[must_use]
    pub fn newest_day(&self) -> Option<Day> {
        self.0.keys().map(|key| key.day).max()
    }

    /// The sums whose keys pass a test.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(&Key) -> bool) -> Self {
        self.0.retain(|key, _| keep(key));
        self
    }
}

impl FromIterator<(Key, Sum)> for Totals {
    fn from_iter<I: IntoIterator<Item = (Key, Sum)>>(sums: I) -> Self {
        let mut totals = Self::default();
        for (key, sum) in sums {
            totals.add(key, sum);
        }
        totals
    }
}
