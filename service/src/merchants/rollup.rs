//! What rows add to the rollups: the numbers that the reports are made of.

use std::collections::{BTreeSet, HashMap};

use super::month::Month;
use super::row::Activity;
use super::volume::Volume;
use crate::values::{ActivityStatus, KycStep, Product, Timestamp};

/// Counters of a merchant: by product, then by status.
pub const COUNTERS: usize = Product::ALL.len() * ActivityStatus::ALL.len();

/// What some rows add. Merchants and months come sorted, so that whoever writes them does it in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    pub merchants: Vec<MerchantDelta>,
    /// In which months merchants had a success.
    pub months: Vec<(Month, Box<str>)>,
    pub counts: Counts,
}

/// How many rows there are of each product and status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; COUNTERS]);

/// What some rows add to one merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantDelta {
    pub merchant_id: Box<str>,
    /// The sum of what succeeded.
    pub volume: Volume,
    pub counts: Counts,
    pub marks: Marks,
    pub first_activity: Timestamp,
    pub last_activity: Timestamp,
}

/// What a merchant has done at least once, a bit each. Bits are set and never taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(pub i16);

/// One bit of `Marks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Used a product, whatever came of it.
    Used(Product),
    /// Took a step of KYC.
    Took(KycStep),
    /// Succeeded in anything.
    Succeeded,
}

impl Counts {
    /// How many rows of a product have a status.
    #[must_use]
    pub fn of(&self, product: Product, status: ActivityStatus) -> u64 {
        self.0[place(product, status)]
    }

    /// Sets a number that was stored.
    pub fn set(&mut self, product: Product, status: ActivityStatus, count: u64) {
        self.0[place(product, status)] = count;
    }

    /// Every number with what it counts, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (Product, ActivityStatus, u64)> {
        let pairs = Product::ALL
            .iter()
            .flat_map(|product| ActivityStatus::ALL.iter().map(|status| (*product, *status)));
        pairs
            .zip(self.0)
            .map(|((product, status), count)| (product, status, count))
    }
}

fn place(product: Product, status: ActivityStatus) -> usize {
    product as usize * ActivityStatus::ALL.len() + status as usize
}

impl Mark {
    /// Every mark.
    pub fn all() -> impl Iterator<Item = Self> {
        let used = Product::ALL.iter().copied().map(Self::Used);
        let took = KycStep::ALL.iter().copied().map(Self::Took);
        used.chain(took).chain([Self::Succeeded])
    }

    const fn bit(self) -> i16 {
        1 << match self {
            Self::Used(product) => product as usize,
            Self::Took(step) => Product::ALL.len() + step as usize,
            Self::Succeeded => Product::ALL.len() + KycStep::ALL.len(),
        }
    }
}

impl Marks {
    /// The mark of a success alone.
    pub const SUCCEEDED: Self = Self(Mark::Succeeded.bit());

    #[must_use]
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & mark.bit() != 0
    }

    fn set(&mut self, mark: Mark) {
        self.0 |= mark.bit();
    }
}

impl Rollup {
    /// Sums rows up, each once.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Activity>) -> Self {
        let mut merchants: HashMap<&str, MerchantDelta> = HashMap::new();
        let mut months: BTreeSet<(Month, &str)> = BTreeSet::new();
        let mut counts = Counts::default();
        for row in rows {
            let merchant_id = row.merchant_id();
            counts.0[place(row.product, row.status)] += 1;
            let merchant = merchants.entry(merchant_id).or_insert_with(|| MerchantDelta::new(row));
            merchant.add(row);
            if row.status == ActivityStatus::Success {
                months.insert((Month::of(row.occurred_at), merchant_id));
            }
        }
        let months = months.into_iter().map(|(month, id)| (month, id.into())).collect();
        let mut merchants: Vec<MerchantDelta> = merchants.into_values().collect();
        merchants.sort_unstable_by(|one, other| one.merchant_id.cmp(&other.merchant_id));
        Self {
            merchants,
            months,
            counts,
        }
    }
}

impl MerchantDelta {
    fn new(row: &Activity) -> Self {
        Self {
            merchant_id: row.merchant_id().into(),
            volume: Volume::default(),
            counts: Counts::default(),
            marks: Marks::default(),
            first_activity: row.occurred_at,
            last_activity: row.occurred_at,
        }
    }

    fn add(&mut self, row: &Activity) {
        self.counts.0[place(row.product, row.status)] += 1;
        self.first_activity = self.first_activity.min(row.occurred_at);
        self.last_activity = self.last_activity.max(row.occurred_at);
        self.marks.set(Mark::Used(row.product));
        if row.status == ActivityStatus::Success {
            self.volume += row.amount;
            self.marks.set(Mark::Succeeded);
            if let Some(step) = row.kyc_step() {
                self.marks.set(Mark::Took(step));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_has_a_bit_of_its_own() {
        let mut all = Marks::default();
        for mark in Mark::all() {
            assert!(!all.has(mark));
            all.set(mark);
        }
        assert_eq!(all.0.count_ones() as usize, Product::ALL.len() + KycStep::ALL.len() + 1);
    }

    #[test]
    fn every_counter_has_a_place_of_its_own() {
        let mut counts = Counts::default();
        for (number, (product, status, _)) in Counts::default().iter().enumerate() {
            counts.set(product, status, number as u64);
        }
        assert!(counts.iter().enumerate().all(|(number, (product, status, count))| {
            count == number as u64 && counts.of(product, status) == count
        }));
    }
}
