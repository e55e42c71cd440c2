//! The holds of the demo's history: nights in hotels and payouts that wait, and how each of them ends.

use service::transfers::HoldTerms;
use service::values::Money;

use super::calendar::Calendar;
use super::chance::DemoChance;
use super::everyday::{Purse, purse};
use super::people::{DemoCurrency, Fate, Living, PEOPLE, Person};

/// A hold, planned from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedHold {
    pub day: u32,
    pub from: Purse,
    pub to: HoldPayee,
    pub amount: Money,
    pub ends: PlannedEnd,
}

/// Whom the money is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldPayee {
    Hotel(Purse),
    /// An account elsewhere, by a payment method.
    Method(&'static str),
}

/// How a hold ends, and after how many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedEnd {
    /// One capture takes so many hundredths of it, and gives the rest back.
    Captured {
        after: u32,
        percent: i64,
    },
    /// A first capture takes a part on the next day, a second one the rest.
    CapturedTwice {
        after: u32,
    },
    Voided {
        after: u32,
    },
    /// Its time runs out.
    Expired {
        after: u32,
    },
    /// It is open at the end of the history.
    StaysOpen,
}

/// The topic of the seed.
const HOLDS: u64 = 2;
/// How many nights in hotels begin on a day.
const NIGHTS_A_DAY: u32 = 2;
/// A payout waits once in so many days.
const PAYOUT_EVERY: u32 = 4;
/// How long a hold lasts that stays open, in days.
const OPEN_DAYS: i64 = 60;

/// In turn, so that each of them is seen whatever the seed.
const ENDS: [PlannedEnd; 7] = [
    PlannedEnd::Captured { after: 2, percent: 100 },
    PlannedEnd::Voided { after: 1 },
    PlannedEnd::Captured { after: 3, percent: 80 },
    PlannedEnd::Expired { after: 2 },
    PlannedEnd::CapturedTwice { after: 3 },
    PlannedEnd::Captured { after: 1, percent: 100 },
    PlannedEnd::StaysOpen,
];

/// All holds of a history, in the order in which they begin.
pub fn plan(seed: u64, calendar: Calendar) -> Vec<PlannedHold> {
    let mut chance = DemoChance::new(seed, HOLDS);
    let mut planned = Vec::new();
    for day in 0..=calendar.days() {
        let guests = guests(calendar, day);
        for _ in 0..NIGHTS_A_DAY {
            if let Some(from) = chance.one_of(&guests).copied()
                && let Some(hotel) = hotel_of(from.currency)
            {
                let amount = from.currency.worth(chance.between(60, 280) * 100);
                let (to, ends) = (HoldPayee::Hotel(hotel), ENDS[planned.len() % ENDS.len()]);
                planned.push(PlannedHold {
                    day,
                    from,
                    to,
                    amount,
                    ends,
                });
            }
        }
        if day % PAYOUT_EVERY == 1
            && let Some(from) = chance.one_of(&guests).copied()
        {
            let amount = from.currency.worth(chance.between(5, 15) * 1_000);
            let to = HoldPayee::Method(from.currency.method());
            let ends = ENDS[planned.len() % ENDS.len()];
            planned.push(PlannedHold {
                day,
                from,
                to,
                amount,
                ends,
            });
        }
    }
    planned
}

/// Those who have a wallet that nothing happens to.
fn guests(calendar: Calendar, day: u32) -> Vec<Purse> {
    let usual = |(index, person): (usize, &Person)| {
        let is_usual = person.fate == Fate::Usual && matches!(person.living, Living::Wage(_));
        purse(index, person, 0).filter(|_| is_usual && calendar.is_active(person, day))
    };
    PEOPLE.iter().enumerate().filter_map(usual).collect()
}

fn hotel_of(currency: DemoCurrency) -> Option<Purse> {
    let is_hotel = |person: &Person| matches!(person.living, Living::Hotel) && person.currencies.contains(&currency);
    let person = PEOPLE.iter().position(is_hotel)?;
    Some(Purse { person, currency })
}

impl PlannedHold {
    /// How long it lasts unless it is ended before.
    pub fn terms(&self) -> HoldTerms {
        let days = match self.ends {
            PlannedEnd::Expired { after } => i64::from(after),
            PlannedEnd::StaysOpen => OPEN_DAYS,
            PlannedEnd::Captured { .. } | PlannedEnd::CapturedTwice { .. } | PlannedEnd::Voided { .. } => {
                return HoldTerms::DEFAULT;
            }
        };
        HoldTerms::try_new(days * DAY_SECONDS).unwrap_or(HoldTerms::DEFAULT)
    }

    /// A hundredth of the amount, so many times, in whole cents or yen.
    pub fn part(&self, percent: i64) -> Money {
        let whole = self.from.currency.worth(1).units();
        let units = self.amount.units() / 100 * percent / whole * whole;
        Money::from_units(units).unwrap_or(self.amount)
    }
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::noon;
    use super::*;

    #[test]
    fn each_end_is_planned_whatever_the_seed() {
        for seed in 1..=20 {
            let planned = plan(seed, Calendar::new(noon(), 45));
            assert_eq!(planned, plan(seed, Calendar::new(noon(), 45)));
            assert!((80..130).contains(&planned.len()), "{}", planned.len());
            for end in ENDS {
                assert!(planned.iter().filter(|hold| hold.ends == end).count() > 5, "{end:?}");
            }
            assert!(planned.iter().any(|hold| matches!(hold.to, HoldPayee::Method(_))));
            assert!(planned.is_sorted_by_key(|hold| hold.day));
        }
    }

    #[test]
    fn a_hold_is_between_wallets_of_one_currency_and_not_by_those_to_whom_something_happens() {
        for hold in plan(4, Calendar::new(noon(), 45)) {
            let person = &PEOPLE[hold.from.person];
            assert_eq!(person.fate, Fate::Usual, "{}", person.name);
            assert!(hold.amount > Money::ZERO);
            match hold.to {
                HoldPayee::Hotel(hotel) => assert_eq!(hotel.currency, hold.from.currency),
                HoldPayee::Method(method) => assert_eq!(method, hold.from.currency.method()),
            }
        }
    }

    #[test]
    fn a_part_is_less_than_the_whole_and_whole_cents() {
        let (person, to) = (0, HoldPayee::Method("ach"));
        let ends = PlannedEnd::StaysOpen;
        for (currency, expected) in [(DemoCurrency::Usd, "98.7600"), (DemoCurrency::Jpy, "14813.0000")] {
            let (from, amount) = (Purse { person, currency }, currency.worth(12_345));
            let hold = PlannedHold {
                day: 0,
                from,
                to,
                amount,
                ends,
            };
            assert_eq!(hold.part(80).to_string(), expected);
            assert_eq!(hold.part(100), hold.amount);
        }
        let hold = &plan(1, Calendar::new(noon(), 45))[0];
        assert!(hold.part(40) < hold.amount && hold.part(40) > Money::ZERO);
    }
}
