//! What rows add to the rollups: the numbers that the reports are made of.

use std::collections::{BTreeSet, HashMap};
use std::ops::BitOr;

use super::month::Month;
use super::row::Activity;
use super::volume::Volume;
use crate::values::{ActivityStatus, KycStep, Product, Timestamp};

/// Counters of a merchant: by product, then by status.
const COUNTERS: usize = Product::ALL.len() * ActivityStatus::ALL.len();

/// What some rows add. Merchants and months are sorted, so that every writer writes them in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    pub merchants: Vec<(Box<str>, Merchant)>,
    /// In which months merchants had a success.
    pub months: Vec<(Month, Box<str>)>,
    pub counts: MerchantCounts,
}

/// How many rows there are of each product and status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MerchantCounts([u64; COUNTERS]);

/// One merchant in numbers: all that it did, or what some rows add to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// The sum of what succeeded.
    pub volume: Volume,
    pub counts: MerchantCounts,
    pub flags: MerchantFlags,
    pub first_activity: Timestamp,
    pub last_activity: Timestamp,
}

/// What a merchant has done at least once, a bit each. A bit that is set stays set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MerchantFlags(pub i16);

/// One bit of `MerchantFlags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantFlag {
    /// Used a product, with any status.
    Used(Product),
    /// Passed a step of KYC.
    PassedKyc(KycStep),
    /// Succeeded in anything.
    Succeeded,
}

impl MerchantCounts {
    /// How many rows of a product have a status.
    #[must_use]
    pub fn of(&self, product: Product, status: ActivityStatus) -> u64 {
        self.0[place(product, status)]
    }

    /// Sets a number that was stored.
    pub fn set(&mut self, product: Product, status: ActivityStatus, count: u64) {
        self.0[place(product, status)] = count;
    }

    fn add(&mut self, more: &Self) {
        for (count, more) in self.0.iter_mut().zip(&more.0) {
            *count += more;
        }
    }

    /// The text that is stored: a JSON list, by product and then by status.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(3 * COUNTERS);
        for (place, count) in self.0.iter().enumerate() {
            text.push(if place == 0 { '[' } else { ',' });
            // A fast path: most are small, and millions of them are written.
            match u32::try_from(*count) {
                Ok(digit @ 0..=9) => text.extend(char::from_digit(digit, 10)),
                _ => text.push_str(&count.to_string()),
            }
        }
        text.push(']');
        text
    }

    /// Reads such a text back; `None` for any other text.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let counts: Vec<u64> = serde_json::from_str(text).ok()?;
        counts.try_into().ok().map(Self)
    }

    /// Every number with what it counts.
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

impl MerchantFlag {
    /// Every flag.
    pub fn all() -> impl Iterator<Item = Self> {
        let used = Product::ALL.iter().copied().map(Self::Used);
        let took = KycStep::ALL.iter().copied().map(Self::PassedKyc);
        used.chain(took).chain([Self::Succeeded])
    }

    const fn bit(self) -> i16 {
        1 << match self {
            Self::Used(product) => product as usize,
            Self::PassedKyc(step) => Product::ALL.len() + step as usize,
            Self::Succeeded => Product::ALL.len() + KycStep::ALL.len(),
        }
    }
}

impl MerchantFlags {
    /// Only the flag of a success.
    pub const SUCCEEDED: Self = Self(MerchantFlag::Succeeded.bit());

    #[must_use]
    pub const fn has(self, flag: MerchantFlag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// The flags that `others` does not have.
    pub(super) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    fn set(&mut self, flag: MerchantFlag) {
        self.0 |= flag.bit();
    }
}

impl BitOr for MerchantFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Rollup {
    /// Sums rows up. Each row counts, so the caller passes each event once.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Activity>) -> Self {
        let mut merchants: HashMap<&str, Merchant> = HashMap::new();
        let mut months: BTreeSet<(Month, &str)> = BTreeSet::new();
        let mut counts = MerchantCounts::default();
        for row in rows {
            let merchant_id = row.merchant_id();
            counts.0[place(row.product, row.status)] += 1;
            let merchant = merchants.entry(merchant_id).or_insert_with(|| Merchant::new(row));
            merchant.note(row);
            if row.status == ActivityStatus::Success {
                months.insert((Month::of(row.occurred_at), merchant_id));
            }
        }
        let months = months.into_iter().map(|(month, id)| (month, id.into())).collect();
        let mut merchants: Vec<_> = merchants
            .into_iter()
            .map(|(id, merchant)| (id.into(), merchant))
            .collect();
        merchants.sort_unstable_by(|(one, _): &(Box<str>, Merchant), (other, _)| one.cmp(other));
        Self {
            merchants,
            months,
            counts,
        }
    }
}

impl Merchant {
    fn new(row: &Activity) -> Self {
        Self {
            volume: Volume::default(),
            counts: MerchantCounts::default(),
            flags: MerchantFlags::default(),
            first_activity: row.occurred_at,
            last_activity: row.occurred_at,
        }
    }

    fn note(&mut self, row: &Activity) {
        self.counts.0[place(row.product, row.status)] += 1;
        self.first_activity = self.first_activity.min(row.occurred_at);
        self.last_activity = self.last_activity.max(row.occurred_at);
        self.flags.set(MerchantFlag::Used(row.product));
        if row.status == ActivityStatus::Success {
            self.volume += row.amount;
            self.flags.set(MerchantFlag::Succeeded);
            if let Some(step) = row.kyc_step() {
                self.flags.set(MerchantFlag::PassedKyc(step));
            }
        }
    }

    /// Adds what some other rows of the merchant add.
    pub(super) fn add(&mut self, more: &Self) {
        self.volume = self.volume + more.volume;
        self.counts.add(&more.counts);
        self.flags = self.flags | more.flags;
        self.first_activity = self.first_activity.min(more.first_activity);
        self.last_activity = self.last_activity.max(more.last_activity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_has_a_bit_of_its_own() {
        let mut all = MerchantFlags::default();
        for flag in MerchantFlag::all() {
            assert!(!all.has(flag));
            all.set(flag);
        }
        assert_eq!(all.0.count_ones() as usize, Product::ALL.len() + KycStep::ALL.len() + 1);
    }

    #[test]
    fn every_counter_has_a_place_of_its_own() {
        let mut counts = MerchantCounts::default();
        for (number, (product, status, _)) in MerchantCounts::default().iter().enumerate() {
            counts.set(product, status, number as u64);
        }
        assert!(counts.iter().enumerate().all(|(number, (product, status, count))| {
            count == number as u64 && counts.of(product, status) == count
        }));
        assert_eq!(MerchantCounts::from_text(&counts.text()), Some(counts));
        assert_eq!(MerchantCounts::from_text("[1,2]"), None);
    }
}
