//! What `--keep-busy` asks for next, and when: by seeded chance alone, without the bank.

use std::time::Duration;

use service::values::Money;

use super::chance::DemoChance;
use super::everyday::{EverydayAct, Purse, purse, shop};
use super::people::{Fate, Goods, Living, PEOPLE};

/// Something that is asked for while the demo serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusyAct {
    Everyday(EverydayAct),
    Hold {
        from: Purse,
        to: Purse,
        amount: Money,
    },
    /// The oldest hold of this stream that is open: its money is taken or given back.
    EndHold {
        is_captured: bool,
    },
}

/// What is asked for, one after the other.
pub struct BusyActs {
    chance: DemoChance,
    /// The wallets that take part: each can pay another one.
    workers: Vec<Purse>,
    shops: Vec<(Purse, Goods)>,
    /// How many acts there were.
    count: usize,
}

/// The topic of the seed.
const BUSY: u64 = 6;

/// The pauses of a wave, in milliseconds, each for some acts: at the crest twice as many transfers a second as between two
/// waves. The mean is 200.
const PAUSES_MS: [u64; 10] = [280, 250, 210, 170, 140, 130, 150, 190, 230, 250];
const ACTS_A_PAUSE: usize = 30;

/// In how many of a thousand acts these are asked for; in the others a purchase or a favour.
const HOLDS: i64 = 45;
const HOLD_ENDS: i64 = 45;
const DEPOSITS: i64 = 40;
const WITHDRAWALS: i64 = 25;
const REFUSALS: i64 = 20;
const LARGE: i64 = 10;

impl BusyActs {
    /// Among the wallets of which it is known that they are there.
    pub fn new(seed: u64, is_open: impl Fn(Purse) -> bool) -> Self {
        let usual = PEOPLE
            .iter()
            .enumerate()
            .filter(|(_, person)| person.fate == Fate::Usual);
        let (workers, others): (Vec<_>, Vec<_>) =
            usual.partition(|(_, person)| matches!(person.living, Living::Wage(_)));
        let wallets = workers.into_iter().flat_map(|(index, person)| {
            let places = 0..person.currencies.len();
            places.filter_map(move |place| purse(index, person, place))
        });
        let wallets: Vec<Purse> = wallets.filter(|wallet| is_open(*wallet)).collect();
        let has_payee = |wallet: &Purse| {
            let mut others = wallets.iter().filter(|other| other.person != wallet.person);
            others.any(|other| other.currency == wallet.currency)
        };
        Self {
            chance: DemoChance::new(seed, BUSY),
            workers: wallets.iter().copied().filter(has_payee).collect(),
            shops: others
                .into_iter()
                .filter_map(shop)
                .filter(|(wallet, _)| is_open(*wallet))
                .collect(),
            count: 0,
        }
    }

    /// How long to wait before the next act.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(PAUSES_MS[self.count / ACTS_A_PAUSE % PAUSES_MS.len()])
    }

    /// The next act; `None` where no wallet takes part.
    pub fn next_act(&mut self) -> Option<BusyAct> {
        self.count += 1;
        let chance = &mut self.chance;
        let from = chance.one_of(&self.workers).copied()?;
        let kind = chance.between(0, 999);
        let worth = |cents| from.currency.worth(cents);
        let everyday = match kind {
            ..HOLDS => {
                let (amount, to) = (worth(chance.between(2_000, 12_000)), self.payee(from)?);
                return Some(BusyAct::Hold { from, to, amount });
            }
            HOLDS..HELD => {
                let is_captured = chance.happens(700);
                return Some(BusyAct::EndHold { is_captured });
            }
            HELD..PAID_IN => EverydayAct::Deposit {
                to: from,
                amount: worth(chance.between(5, 40) * 1_000),
                method: from.currency.method(),
                text: "Top-up",
            },
            PAID_IN..PAID_OUT => EverydayAct::Withdrawal {
                from,
                amount: worth(chance.between(2, 10) * 1_000),
                method: "atm",
                text: "Cash",
            },
            PAID_OUT..REFUSED => self.transfer(from, REFUSED_CENTS, "A house")?,
            REFUSED..ALL_LARGE => {
                let cents = chance.between(400, 1_500) * 100;
                self.transfer(from, cents, "Furniture")?
            }
            _ => self.purchase(from)?,
        };
        Some(BusyAct::Everyday(everyday))
    }

    fn purchase(&mut self, from: Purse) -> Option<EverydayAct> {
        let fits = |(shop, _): &&(Purse, Goods)| shop.currency == from.currency;
        let shops: Vec<(Purse, Goods)> = self.shops.iter().filter(fits).copied().collect();
        let Some((to, goods)) = self.chance.one_of(&shops).copied().filter(|_| self.chance.happens(600)) else {
            let cents = self.chance.between(200, 4_000);
            return self.transfer(from, cents, "Thank you!");
        };
        let amount = from.currency.worth(self.chance.between(goods.cents.0, goods.cents.1));
        let text = goods.text;
        Some(EverydayAct::Transfer { from, to, amount, text })
    }

    fn transfer(&mut self, from: Purse, cents: i64, text: &'static str) -> Option<EverydayAct> {
        let (to, amount) = (self.payee(from)?, from.currency.worth(cents));
        Some(EverydayAct::Transfer { from, to, amount, text })
    }

    /// Another wallet in the same currency.
    fn payee(&mut self, from: Purse) -> Option<Purse> {
        let is_payee = |wallet: &&Purse| wallet.currency == from.currency && wallet.person != from.person;
        let payees: Vec<Purse> = self.workers.iter().filter(is_payee).copied().collect();
        self.chance.one_of(&payees).copied()
    }
}

/// Where the kinds of acts end among a thousand.
const HELD: i64 = HOLDS + HOLD_ENDS;
const PAID_IN: i64 = HELD + DEPOSITS;
const PAID_OUT: i64 = PAID_IN + WITHDRAWALS;
const REFUSED: i64 = PAID_OUT + REFUSALS;
const ALL_LARGE: i64 = REFUSED + LARGE;

/// More than any customer has, in US cents.
const REFUSED_CENTS: i64 = 90_000_000;

#[cfg(test)]
mod tests {
    use super::super::people::DemoCurrency;
    use super::*;

    fn thousand(seed: u64, is_open: impl Fn(Purse) -> bool) -> Vec<BusyAct> {
        let mut acts = BusyActs::new(seed, is_open);
        (0..1_000).filter_map(|_| acts.next_act()).collect()
    }

    #[test]
    fn most_are_transfers_and_everything_else_is_seen() {
        for seed in 1..=20 {
            let acts = thousand(seed, |_| true);
            let count = |is: fn(&BusyAct) -> bool| acts.iter().filter(|act| is(act)).count();
            let counts = [
                count(|act| matches!(act, BusyAct::Everyday(EverydayAct::Transfer { .. }))),
                count(|act| matches!(act, BusyAct::Hold { .. })),
                count(|act| matches!(act, BusyAct::EndHold { .. })),
                count(|act| matches!(act, BusyAct::Everyday(EverydayAct::Deposit { .. }))),
                count(|act| matches!(act, BusyAct::Everyday(EverydayAct::Withdrawal { .. }))),
            ];
            let [transfers, others @ ..] = counts;
            assert!(transfers > 700 && others.iter().all(|count| *count > 5), "{counts:?}");
        }
        assert_eq!(thousand(1, |_| true), thousand(1, |_| true));
        assert_ne!(thousand(1, |_| true), thousand(2, |_| true));
    }

    #[test]
    fn only_open_wallets_take_part() {
        let is_open = |wallet: Purse| wallet.currency == DemoCurrency::Usd;
        let acts = thousand(1, is_open);
        assert_eq!(acts.len(), 1_000);
        for act in acts {
            let sides = match &act {
                BusyAct::Hold { from, to, .. } | BusyAct::Everyday(EverydayAct::Transfer { from, to, .. }) => {
                    vec![*from, *to]
                }
                BusyAct::Everyday(EverydayAct::Deposit { to: side, .. })
                | BusyAct::Everyday(EverydayAct::Withdrawal { from: side, .. }) => vec![*side],
                BusyAct::EndHold { .. } => Vec::new(),
                BusyAct::Everyday(EverydayAct::Payout { .. } | EverydayAct::Batch { .. }) => {
                    panic!("{act:?} is not asked for")
                }
            };
            assert!(sides.into_iter().all(is_open), "{act:?}");
        }
        assert!(thousand(1, |_| false).is_empty());
        // Of two wallets in one currency each pays the other; a third one, in another currency, pays no one.
        let is_open = |wallet: Purse| match wallet.currency {
            DemoCurrency::Usd => wallet.person < 2,
            DemoCurrency::Eur => wallet.person == 0,
            DemoCurrency::Jpy => false,
        };
        assert_eq!(thousand(1, is_open).len(), 1_000);
    }

    #[test]
    fn it_is_about_five_a_second_in_waves() {
        let mut acts = BusyActs::new(1, |_| true);
        let mut pauses = Vec::new();
        for _ in 0..ACTS_A_PAUSE * PAUSES_MS.len() {
            pauses.push(acts.pause());
            acts.next_act();
        }
        let all: Duration = pauses.iter().sum();
        assert_eq!(all, Duration::from_secs(60));
        assert!(pauses.iter().max() > pauses.iter().min().map(|least| *least * 2).as_ref());
    }
}
