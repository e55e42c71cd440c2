//! Merchants as they were last written, so that most blocks need not read them. Remembering is a guess, and the version of
//! the rollups the truth: whoever else writes rollups changes it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::month::Month;
use super::ranking::{Ranked, Ranking};
use super::report::Item;
use super::rollup::{Mark, Marks, Merchant, Rollup};

/// What the last writer knows.
#[derive(Default)]
pub struct Remembered {
    version: i64,
    merchants: HashMap<Box<str>, Known>,
}

/// A merchant that is stored, and months that are noted of it.
struct Known {
    merchant: Merchant,
    months: Vec<Month>,
}

/// Merchants after a block, and what is new with them.
#[derive(Default)]
pub struct Changes {
    /// Sorted by id, as the rollup is.
    pub merchants: Vec<(Box<str>, Merchant)>,
    /// Months of merchants that may not be noted yet, sorted.
    pub months: Vec<(Month, Box<str>)>,
    /// How many merchants have each mark for the first time.
    new_marks: BTreeMap<Item, u64>,
    /// Those that lead, or may, with what they have now.
    succeeded: Vec<Ranked>,
}

impl Remembered {
    /// Merchants that are remembered, at about 350 bytes each.
    const MERCHANTS_MAX: usize = 50_000;

    /// Forgets everything that another writer may have changed.
    pub fn at(&mut self, version: i64) {
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
            self.merchants.insert(id, Known { merchant, months });
        }
    }

    /// What a rollup makes of the merchants; who is not remembered by now is new.
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
            let before = known.map(|known| known.marks).unwrap_or_default();
            changes.note_marks(more.marks.without(before));
            if more.marks.has(Mark::Succeeded) && (can_lead(merchant.volume) || leaders.contains(&**id)) {
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

    /// Remembers changes that were committed, which made the next version.
    pub fn committed(&mut self, changes: Changes) {
        self.version += 1;
        for (id, merchant) in changes.merchants {
            match self.merchants.get_mut(&id) {
                Some(known) => known.merchant = merchant,
                None => self.learn([(id, merchant)]),
            }
        }
        for (month, id) in changes.months {
            if let Some(known) = self.merchants.get_mut(&id) {
                known.months.push(month);
            }
        }
        if self.merchants.len() > Self::MERCHANTS_MAX {
            self.merchants.clear();
        }
    }
}

impl Changes {
    fn note_marks(&mut self, new: Marks) {
        if new == Marks::default() {
            return;
        }
        for item in Mark::all().filter(|mark| new.has(*mark)).filter_map(Item::of_mark) {
            *self.new_marks.entry(item).or_default() += 1;
        }
    }

    /// Takes what the ranking needs.
    pub fn take_succeeded(&mut self) -> Vec<Ranked> {
        std::mem::take(&mut self.succeeded)
    }

    /// What the block adds to the numbers of the reports.
    pub fn numbers(&self, rollup: &Rollup, new_months: BTreeMap<Month, u64>) -> BTreeMap<Item, u64> {
        let mut numbers = self.new_marks.clone();
        let months = new_months
            .into_iter()
            .map(|(month, count)| (Item::ActiveMerchants(month), count));
        let rows = rollup.counts.iter();
        let rows = rows.map(|(product, status, count)| (Item::Activities(product, status), count));
        numbers.extend(months.chain(rows).filter(|(_, count)| *count > 0));
        numbers
    }
}
