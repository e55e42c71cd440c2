//! A cache of merchants as they were last written, so that most blocks need not read them. It is valid only at the
//! version of the rollups that it was written at: every writer of rollups changes the version. Versions grow by random
//! steps, so that a database that lost its newest commits does not reach a remembered version again with other content.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::month::Month;
use super::ranking::{Ranked, Ranking};
use super::report::Item;
use super::rollup::{Merchant, MerchantFlag, MerchantFlags, Rollup};

/// The cached merchants, and the version of the rollups that they are of.
#[derive(Default)]
pub struct Remembered {
    version: i64,
    merchants: HashMap<Box<str>, RememberedEntry>,
}

/// A merchant as it is stored, and months that are known to be stored for it.
struct RememberedEntry {
    merchant: Merchant,
    months: Vec<Month>,
}

/// Merchants after some rows are added, and what is new with them.
#[derive(Default)]
pub struct Changes {
    /// The version of the rollups with these changes.
    pub version: i64,
    /// Sorted by id, as the rollup is.
    pub merchants: Vec<(Box<str>, Merchant)>,
    /// Months of merchants that may not be stored yet, sorted.
    pub months: Vec<(Month, Box<str>)>,
    /// How many merchants have each flag for the first time, under the report's item that counts the flag.
    new_flags: BTreeMap<Item, u64>,
    /// Merchants that lead or may lead, with their new volumes.
    succeeded: Vec<Ranked>,
}

impl Remembered {
    /// The most merchants that are remembered, at about 350 bytes each and at most as many more for their months.
    const MERCHANTS_MAX: usize = 50_000;
    /// The most months that are remembered of a merchant: three years of a feed. They are searched one by one. A
    /// merchant with more months is forgotten and read again.
    const MONTHS_MAX: usize = 36;

    /// Forgets everything unless it is of this version, since another writer may have changed it.
    pub fn forget_unless_at(&mut self, version: i64) {
        if self.version != version {
            self.merchants.clear();
            self.version = version;
        }
    }

    /// Merchants of a rollup that are not remembered.
    pub fn unknown<'a>(&self, rollup: &'a Rollup) -> Vec<&'a str> {
        let ids = rollup.merchants.iter().map(|(id, _)| &**id);
        ids.filter(|id| !self.merchants.contains_key(*id)).collect()
    }

    /// Remembers merchants that were read at this version.
    pub fn learn(&mut self, merchants: impl IntoIterator<Item = (Box<str>, Merchant)>) {
        for (id, merchant) in merchants {
            let months = Vec::new();
            self.merchants.insert(id, RememberedEntry { merchant, months });
        }
    }

    /// What a rollup changes. A merchant that is not remembered by now is new.
    pub fn change(&self, rollup: &Rollup, ranking: &Ranking) -> Changes {
        let mut changes = Changes::default();
        let leaders: HashSet<&str> = ranking.leader_ids().collect();
        let can_lead = |volume| ranking.least().is_none_or(|least| volume >= least);
        for (id, more) in &rollup.merchants {
            let known = self.merchants.get(id).map(|known| &known.merchant);
            let merchant = match known {
                None => more.clone(),
                Some(known) => {
                    let mut merchant = known.clone();
                    merchant.add(more);
                    merchant
                }
            };
            let before = known.map(|known| known.flags).unwrap_or_default();
            changes.note_flags(more.flags.without(before));
            if more.flags.has(MerchantFlag::Succeeded) && (can_lead(merchant.volume) || leaders.contains(&**id)) {
                changes.succeeded.push(Ranked {
                    merchant_id: id.clone(),
                    volume: merchant.volume,
                });
            }
            changes.merchants.push((id.clone(), merchant));
        }
        let is_noted =
            |month: &Month, id: &str| self.merchants.get(id).is_some_and(|known| known.months.contains(month));
        let months = rollup.months.iter().filter(|(month, id)| !is_noted(month, id));
        changes.months = months.cloned().collect();
        changes
    }

    /// Remembers changes that were committed.
    pub fn committed(&mut self, changes: Changes) {
        self.version = changes.version;
        for (id, merchant) in changes.merchants {
            match self.merchants.get_mut(&id) {
                Some(known) => known.merchant = merchant,
                None => self.learn([(id, merchant)]),
            }
        }
        for (month, id) in changes.months {
            let Some(known) = self.merchants.get_mut(&id) else {
                continue;
            };
            known.months.push(month);
            if known.months.len() > Self::MONTHS_MAX {
                self.merchants.remove(&id);
            }
        }
        if self.merchants.len() > Self::MERCHANTS_MAX {
            self.merchants.clear();
        }
    }
}

impl Changes {
    fn note_flags(&mut self, new: MerchantFlags) {
        if new == MerchantFlags::default() {
            return;
        }
        for item in MerchantFlag::all()
            .filter(|mark| new.has(*mark))
            .filter_map(Item::of_flag)
        {
            *self.new_flags.entry(item).or_default() += 1;
        }
    }

    /// Takes the merchants that lead or may lead, for the ranking.
    pub fn take_succeeded(&mut self) -> Vec<Ranked> {
        std::mem::take(&mut self.succeeded)
    }

    /// The best merchants after these changes, from the best before them. Of those the caller passes one more than the
    /// ranking keeps, and as many more as are changed here.
    pub fn best_after(&self, before: &[Ranked]) -> Vec<Ranked> {
        let changed: HashSet<&str> = self.merchants.iter().map(|(id, _)| &**id).collect();
        let others = before.iter().filter(|one| !changed.contains(&*one.merchant_id));
        let succeeded = self
            .merchants
            .iter()
            .filter(|(_, merchant)| merchant.flags.has(MerchantFlag::Succeeded));
        let changed = succeeded.map(|(id, merchant)| Ranked {
            merchant_id: id.clone(),
            volume: merchant.volume,
        });
        others.cloned().chain(changed).collect()
    }

    /// What the rollup adds to the numbers of the reports.
    pub fn numbers(&self, rollup: &Rollup, new_months: BTreeMap<Month, u64>) -> BTreeMap<Item, u64> {
        let mut numbers = self.new_flags.clone();
        let months = new_months
            .into_iter()
            .map(|(month, count)| (Item::ActiveMerchants(month), count));
        let rows = rollup.counts.iter();
        let rows = rows.map(|(product, status, count)| (Item::Activities(product, status), count));
        numbers.extend(months.chain(rows).filter(|(_, count)| *count > 0));
        numbers
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::merchants::rollup::MerchantCounts;
    use crate::merchants::volume::Volume;

    fn merchant() -> Merchant {
        Merchant {
            volume: Volume::default(),
            counts: MerchantCounts::default(),
            flags: MerchantFlags::SUCCEEDED,
            first_activity: DateTime::UNIX_EPOCH,
            last_activity: DateTime::UNIX_EPOCH,
        }
    }

    fn rollup(months: usize) -> Rollup {
        let month = |number: usize| Month::from_number(200_001 + 100 * (number / 12) as i32 + (number % 12) as i32);
        let months = (0..months).map(|number| (month(number).expect("this is a month"), "M1".into()));
        Rollup {
            merchants: vec![("M1".into(), merchant())],
            months: months.collect(),
            counts: MerchantCounts::default(),
        }
    }

    #[test]
    fn a_merchant_of_too_many_months_is_forgotten() {
        for (months, is_known) in [(Remembered::MONTHS_MAX, true), (Remembered::MONTHS_MAX + 1, false)] {
            let mut remembered = Remembered::default();
            let rollup = rollup(months);
            let changes = remembered.change(&rollup, &Ranking::default());
            assert_eq!(changes.months.len(), months);
            remembered.committed(changes);
            assert_eq!(remembered.unknown(&rollup).is_empty(), is_known, "{months}");
            let noted = remembered.change(&rollup, &Ranking::default()).months.is_empty();
            assert_eq!(noted, is_known, "{months}");
        }
    }

    #[test]
    fn the_best_after_changes_are_those_of_both() {
        let ranked = |id: &str| Ranked {
            merchant_id: id.into(),
            volume: Volume::default(),
        };
        let mut failed = merchant();
        failed.flags = MerchantFlags::default();
        let changes = Changes {
            merchants: vec![("M1".into(), merchant()), ("M2".into(), failed)],
            ..Changes::default()
        };
        assert_eq!(
            changes.best_after(&[ranked("M1"), ranked("M3")]),
            [ranked("M3"), ranked("M1")]
        );
    }
}
