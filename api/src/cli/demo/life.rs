//! What customers do with their money on a day, decided by seeded chance alone: nothing here asks the bank, and the bank
//! refuses what is not possible.

use super::calendar::{CLOSED, Calendar, LIMITED, MOMENTS};
use super::chance::DemoChance;
use super::everyday::{EverydayAct, Purse, deposit, purse, shop, transfer};
use super::people::{DemoCurrency, Fate, Goods, Living, PEOPLE, Person};

/// The life of all customers, moment by moment.
pub struct EverydayLife {
    seed: u64,
    calendar: Calendar,
}

/// What is asked for in one moment. What one customer does takes no chance from another, so that a day that is a weekend
/// this time only adds to what is done.
struct LifeMoment {
    calendar: Calendar,
    day: u32,
    moment: usize,
    chance: DemoChance,
    acts: Vec<EverydayAct>,
}

/// The topic of the seed, and more than the largest of all topics.
const LIFE: u64 = 1;
const TOPICS: u64 = 100;

/// Wages come once in so many days, rents in so many.
const WAGE_EVERY: usize = 14;
const RENT_EVERY: u32 = 30;
const PAYOUT_EVERY: usize = 7;

/// How often in a thousand moments a worker pays a friend.
const FRIENDS: u64 = 22;
/// How many of a thousand purchases cost more than anyone has, or are paid from a wallet in a wrong currency.
const TOO_DEAR: u64 = 14;
const WRONG_CURRENCY: u64 = 5;

/// What friends pay each other for.
const FAVOURS: [&str; 6] = [
    "Dinner",
    "Concert ticket",
    "Petrol",
    "Birthday present",
    "Thank you!",
    "Electricity",
];

impl EverydayLife {
    pub fn new(seed: u64, calendar: Calendar) -> Self {
        Self { seed, calendar }
    }

    /// What is asked for in a moment of a day, in this order.
    pub fn acts(&self, day: u32, moment: usize) -> Vec<EverydayAct> {
        let mut now = LifeMoment {
            calendar: self.calendar,
            day,
            moment,
            chance: self.chance(day, moment, PEOPLE.len()),
            acts: Vec::new(),
        };
        match moment {
            0 => now.income(),
            1 => now.rents(),
            2 => now.batches(),
            6 => now.cash(),
            11 => now.payouts(),
            _ => {}
        }
        for index in 0..PEOPLE.len() {
            now.chance = self.chance(day, moment, index);
            now.spending(index);
        }
        now.acts
    }

    fn chance(&self, day: u32, moment: usize, index: usize) -> DemoChance {
        let place = (u64::from(day) * 100 + moment as u64) * 100 + index as u64;
        DemoChance::new(self.seed, LIFE + TOPICS * place)
    }
}

impl LifeMoment {
    /// Wages, what is put aside in a second wallet, and the invoices that the employer's own customers pay.
    fn income(&mut self) {
        for (index, person) in self.active() {
            let [first, second] = [0, 1].map(|place| self.open_purse(index, place));
            let days = self.day as usize + index * 5;
            let is_due = |shift: usize| (days + shift).is_multiple_of(WAGE_EVERY);
            match (person.living, first, second) {
                (Living::Wage(dollars), Some(to), _) if is_due(0) => {
                    let amount = to.currency.worth(dollars * 100 + self.chance.between(0, 9_900));
                    self.acts.push(deposit(to, amount, "payroll", "Wage"));
                }
                (Living::Wage(_), _, Some(to)) if is_due(3) => {
                    let amount = to.currency.worth(self.chance.between(300, 650) * 100);
                    self.acts.push(deposit(to, amount, to.currency.method(), "Savings"));
                }
                (Living::Employer, Some(to), _) if self.day % 5 == 1 => {
                    let amount = to.currency.worth(self.chance.between(8_000, 14_000) * 100);
                    self.acts.push(deposit(to, amount, "wire", "Invoice"));
                }
                (Living::Wage(_) | Living::Employer | Living::Shop(_) | Living::Hotel | Living::Landlord, _, _) => {}
            }
        }
    }

    fn rents(&mut self) {
        if self.day % RENT_EVERY != 2 {
            return;
        }
        for (index, person) in self.active() {
            let Living::Wage(dollars) = person.living else { continue };
            let Some(from) = purse(index, person, 0) else { continue };
            let landlord = self.active().into_iter().find(|(_, other)| {
                matches!(other.living, Living::Landlord) && other.currencies.contains(&from.currency)
            });
            if let Some((landlord, _)) = landlord {
                let to = Purse {
                    person: landlord,
                    ..from
                };
                let amount = from.currency.worth(dollars * 35);
                self.acts.push(transfer(from, to, amount, "Rent"));
            }
        }
    }

    /// The employer's payments to those who work for it by the hour, each third time with more than it has; and a shop's
    /// payments to authors, each by itself, one of them too large.
    fn batches(&mut self) {
        let workers: Vec<Purse> = self.active().into_iter().filter_map(dollar_worker).take(6).collect();
        let payer = |living: fn(Living) -> bool| {
            let mut found = PEOPLE.iter().enumerate().filter(|(_, person)| living(person.living));
            found.next().and_then(|(index, person)| purse(index, person, 0))
        };
        if self.day % 7 == 4
            && let Some(from) = payer(|living| matches!(living, Living::Employer))
        {
            let is_too_much = self.day % 21 == 18;
            let dollars = if is_too_much { (90_000, 99_000) } else { (180, 420) };
            let batch = self.batch(from, &workers, dollars, (true, "Hours of the week"));
            self.acts.push(batch);
        }
        if self.day % 10 == 6
            && let Some(from) = payer(|living| matches!(living, Living::Shop(Goods { text: "Books", .. })))
        {
            let mut batch = self.batch(from, &workers, (5, 18), (false, "Royalties"));
            if let EverydayAct::Batch { items, .. } = &mut batch
                && let Some((_, amount)) = items.last_mut()
            {
                *amount = from.currency.worth(2_000_000);
            }
            self.acts.push(batch);
        }
    }

    fn batch(
        &mut self,
        from: Purse,
        payees: &[Purse],
        (low, high): (i64, i64),
        (is_atomic, text): (bool, &'static str),
    ) -> EverydayAct {
        let mut item = |to: &Purse| (*to, to.currency.worth(self.chance.between(low * 100, high * 100)));
        EverydayAct::Batch {
            from,
            items: payees.iter().map(&mut item).collect(),
            is_atomic,
            text,
        }
    }

    fn cash(&mut self) {
        for (index, person) in self.active() {
            if matches!(person.living, Living::Wage(_))
                && let Some(from) = purse(index, person, 0)
                && self.chance.happens(50)
            {
                let amount = from.currency.worth(self.chance.between(2, 10) * 2_000);
                self.acts.push(EverydayAct::Withdrawal {
                    from,
                    amount,
                    method: "atm",
                    text: "Cash",
                });
            }
        }
    }

    fn payouts(&mut self) {
        for (index, person) in self.active() {
            let is_due = (self.day as usize + index) % PAYOUT_EVERY == 2;
            let earns = match person.living {
                Living::Shop(_) | Living::Hotel | Living::Landlord => true,
                Living::Wage(_) | Living::Employer => false,
            };
            if is_due
                && earns
                && let Some(from) = purse(index, person, 0)
            {
                self.acts.push(EverydayAct::Payout { from });
            }
        }
    }

    /// What one customer spends in a moment.
    fn spending(&mut self, index: usize) {
        let person = &PEOPLE[index];
        if !matches!(person.living, Living::Wage(_)) || !self.calendar.is_active(person, self.day) {
            return;
        }
        let place = self.chance.between(0, person.currencies.len() as i64 - 1);
        let from = usize::try_from(place)
            .ok()
            .and_then(|place| self.open_purse(index, place));
        let Some(from) = from else { return };
        let is_limited = person.fate == Fate::Limited && self.calendar.is_past(self.day, LIMITED);
        if is_limited && self.moment == 7 && self.day.is_multiple_of(3) {
            // Above the limit of one transfer.
            self.favour(from, 28_000);
        }
        // Who cannot pay tries it now and then.
        let share = if self.calendar.is_frozen(person, self.day) {
            3
        } else {
            1
        };
        let often = if self.calendar.is_weekend(self.day) { 4 } else { 3 };
        if self.chance.happens(MOMENTS[self.moment].buying * often / 3 / share) {
            self.purchase(from);
        }
        if self.chance.happens(FRIENDS / share) {
            let cents = self.chance.between(500, 6_000);
            self.favour(from, cents);
        }
    }

    fn purchase(&mut self, from: Purse) {
        let is_wrong_currency = self.chance.happens(WRONG_CURRENCY);
        let shops: Vec<(Purse, Goods)> = self.active().into_iter().filter_map(shop).collect();
        let fits = |(shop, _): &(Purse, Goods)| (shop.currency == from.currency) != is_wrong_currency;
        let shops: Vec<(Purse, Goods)> = shops.into_iter().filter(fits).collect();
        let Some((to, goods)) = self.chance.one_of(&shops).copied() else {
            return;
        };
        let cents = self.chance.between(goods.cents.0, goods.cents.1);
        let cents = if self.chance.happens(TOO_DEAR) {
            cents * 5_000
        } else {
            cents
        };
        self.acts
            .push(transfer(from, to, from.currency.worth(cents), goods.text));
    }

    /// Pays a friend who has a wallet in the same currency, frozen, closed or not.
    fn favour(&mut self, from: Purse, cents: i64) {
        let is_friend = |(index, person): &(usize, &Person)| {
            let is_worker = matches!(person.living, Living::Wage(_));
            is_worker && *index != from.person && person.currencies.contains(&from.currency)
        };
        let friends: Vec<usize> = self
            .active()
            .into_iter()
            .filter(is_friend)
            .map(|(index, _)| index)
            .collect();
        let friend = self.chance.one_of(&friends).copied();
        let text = self.chance.one_of(&FAVOURS).copied();
        if let (Some(person), Some(text)) = (friend, text) {
            let to = Purse { person, ..from };
            self.acts.push(transfer(from, to, from.currency.worth(cents), text));
        }
    }

    /// A wallet of a customer that is not closed.
    fn open_purse(&self, index: usize, place: usize) -> Option<Purse> {
        let person = &PEOPLE[index];
        let is_closed = place == 1 && person.fate == Fate::ClosesSecond && self.calendar.is_past(self.day, CLOSED);
        purse(index, person, place).filter(|_| !is_closed)
    }

    fn active(&self) -> Vec<(usize, &'static Person)> {
        let all = PEOPLE.iter().enumerate();
        all.filter(|(_, person)| self.calendar.is_active(person, self.day))
            .collect()
    }
}

fn dollar_worker((index, person): (usize, &Person)) -> Option<Purse> {
    let is_usual = person.fate == Fate::Usual && matches!(person.living, Living::Wage(_));
    purse(index, person, 0).filter(|purse| is_usual && purse.currency == DemoCurrency::Usd)
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
