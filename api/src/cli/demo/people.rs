//! Who lives in the demo: the customers of the bank, what they live on, and what becomes of some of them.

use service::values::{Currency, Money};

/// A currency of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DemoCurrency {
    Usd,
    Eur,
    Jpy,
}

/// A customer.
pub struct Person {
    pub name: &'static str,
    /// What their e-mail address has before the `@`.
    pub address: &'static str,
    /// The currencies of their wallets; the first wallet is opened when they register.
    pub currencies: &'static [DemoCurrency],
    pub living: Living,
    /// When they join the bank, in days of a history of 45.
    pub joins: u32,
    pub fate: Fate,
}

/// What a customer lives on.
#[derive(Clone, Copy)]
pub enum Living {
    /// So many dollars, or their worth, every fortnight.
    Wage(i64),
    /// What others buy.
    Shop(Goods),
    /// Money that it holds for the nights of its guests.
    Hotel,
    /// Rents.
    Landlord,
    /// What its own customers pay for its work.
    Employer,
}

/// What a shop sells.
#[derive(Clone, Copy)]
pub struct Goods {
    pub text: &'static str,
    /// From how many US cents to how many one purchase is worth.
    pub cents: (i64, i64),
}

/// What becomes of a customer in the course of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Usual,
    /// The first wallet has limits.
    Limited,
    /// The first wallet is frozen for two days.
    FrozenAWhile,
    /// The first wallet is frozen, and stays so.
    Frozen,
    /// The second wallet is closed.
    ClosesSecond,
    Suspended,
    Erased,
}

/// How many of the first customers open the bank. The demo's own transfers are theirs.
pub const FOUNDERS: usize = 8;

const USD: &[DemoCurrency] = &[DemoCurrency::Usd];
const EUR: &[DemoCurrency] = &[DemoCurrency::Eur];
const JPY: &[DemoCurrency] = &[DemoCurrency::Jpy];
const USD_EUR: &[DemoCurrency] = &[DemoCurrency::Usd, DemoCurrency::Eur];
const USD_JPY: &[DemoCurrency] = &[DemoCurrency::Usd, DemoCurrency::Jpy];

/// Everyone, in the order of what they are: founders, other people, businesses.
pub static PEOPLE: [Person; 42] = [
    worker("Ana Silva", "ana", USD_EUR, 2_400, 0),
    worker("Ben Carter", "ben", USD, 1_900, 0),
    worker("Chidi Okafor", "chidi", USD, 2_100, 0),
    worker("Dora Horvat", "dora", USD_EUR, 2_300, 0),
    worker("Emre Yılmaz", "emre", USD, 1_850, 0),
    worker("Fatou Diallo", "fatou", USD_EUR, 2_050, 0),
    worker("Goran Petrović", "goran", USD_EUR, 1_950, 0).who(Fate::ClosesSecond),
    worker("Hana Sato", "hana", USD_JPY, 2_600, 0),
    worker("Ingrid Larsen", "ingrid", EUR, 2_700, 0),
    worker("João Pereira", "joao", EUR, 1_800, 1),
    worker("Kavita Rao", "kavita", USD, 2_900, 1),
    worker("Liam O'Connor", "liam", EUR, 2_200, 2),
    worker("Mei Chen", "mei", USD, 2_500, 2).who(Fate::FrozenAWhile),
    worker("Nikos Papadakis", "nikos", EUR, 1_750, 3),
    worker("Olena Kovalenko", "olena", EUR, 1_900, 5),
    worker("Pedro Morales", "pedro", USD, 2_000, 4).who(Fate::Limited),
    worker("Quynh Nguyen", "quynh", USD, 2_150, 6),
    worker("Rosa Bianchi", "rosa", EUR, 2_050, 7),
    worker("Samir Haddad", "samir", EUR, 2_350, 5).who(Fate::Frozen),
    worker("Takeshi Mori", "takeshi", JPY, 2_450, 3),
    worker("Uma Desai", "uma", USD, 2_250, 10),
    worker("Viktor Novák", "viktor", EUR, 1_850, 8).who(Fate::Suspended),
    worker("Wanjiru Kamau", "wanjiru", USD, 2_100, 13),
    worker("Xavier Dubois", "xavier", EUR, 2_000, 9).who(Fate::Erased),
    worker("Yuki Tanaka", "yuki", JPY, 2_300, 12),
    worker("Zofia Nowak", "zofia", EUR, 1_950, 17),
    worker("Akira Kobayashi", "akira", JPY, 2_200, 21),
    worker("Leila Rahimi", "leila", USD, 2_400, 40),
    shop("Harbour Coffee", "coffee", USD, "Flat white", (320, 690)),
    shop("Green Street Market", "market", USD, "Groceries", (1_250, 8_900)),
    shop("Page & Quill Books", "books", USD, "Books", (990, 4_600)),
    shop("Corner Noodle Bar", "noodles", USD, "Lunch", (850, 1_950)),
    shop("Metro Cabs", "cabs", USD, "Taxi ride", (780, 3_200)),
    business("Harbour Hotel", "hotel", USD, Living::Hotel),
    business("Maple Homes", "homes", USD, Living::Landlord),
    business("Northwind Software", "northwind", USD, Living::Employer),
    shop("Café Lumière", "lumiere", EUR, "Petit déjeuner", (450, 1_400)),
    shop("Mercado Central", "mercado", EUR, "Fruit and vegetables", (900, 7_400)),
    business("Hotel Miramar", "miramar", EUR, Living::Hotel),
    business("Casa Nova Rentals", "casanova", EUR, Living::Landlord),
    shop("Sakura Mart", "sakura", JPY, "Bento and tea", (500, 3_800)),
    business("Ryokan Yamanaka", "ryokan", JPY, Living::Hotel),
];

const fn worker(
    name: &'static str,
    address: &'static str,
    currencies: &'static [DemoCurrency],
    wage: i64,
    joins: u32,
) -> Person {
    Person {
        name,
        address,
        currencies,
        living: Living::Wage(wage),
        joins,
        fate: Fate::Usual,
    }
}

const fn business(
    name: &'static str,
    address: &'static str,
    currencies: &'static [DemoCurrency],
    living: Living,
) -> Person {
    Person {
        name,
        address,
        currencies,
        living,
        joins: 0,
        fate: Fate::Usual,
    }
}

const fn shop(
    name: &'static str,
    address: &'static str,
    currencies: &'static [DemoCurrency],
    text: &'static str,
    cents: (i64, i64),
) -> Person {
    business(name, address, currencies, Living::Shop(Goods { text, cents }))
}

impl Person {
    const fn who(self, fate: Fate) -> Self {
        Self { fate, ..self }
    }

    /// What the demo calls them: the first word of the name.
    pub fn first_name(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }

    /// The address that they sign in with.
    pub fn email(&self) -> String {
        email_of(self.address)
    }
}

/// An e-mail address of the demo.
pub fn email_of(name: &str) -> String {
    format!("{name}@demo.florin")
}

/// The first of the people to whom this happens.
pub fn person_who(fate: Fate) -> Option<usize> {
    PEOPLE.iter().position(|person| person.fate == fate)
}

impl DemoCurrency {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Jpy => "JPY",
        }
    }

    pub fn currency(self) -> Currency {
        Currency::from_code(self.code()).expect("ISO 4217 has these three")
    }

    /// The payment method by which banks of this currency send money.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Usd => "ach",
            Self::Eur => "sepa",
            Self::Jpy => "zengin",
        }
    }

    /// An amount that is worth about so many US cents. Yen are whole.
    pub fn worth(self, cents: i64) -> Money {
        let units = match self {
            Self::Usd | Self::Eur => cents.saturating_mul(UNITS_PER_CENT),
            Self::Jpy => (cents.saturating_mul(3) / 2).max(1).saturating_mul(UNITS_PER_YEN),
        };
        Money::from_units(units).unwrap_or(Money::MAX)
    }
}

const UNITS_PER_CENT: i64 = 100;
const UNITS_PER_YEN: i64 = 10_000;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use service::identity::{Email, FullName};
    use service::values::Method;

    use super::*;

    #[test]
    fn everyone_can_register_under_an_address_of_their_own() {
        let addresses: HashSet<String> = PEOPLE.iter().map(Person::email).collect();
        assert_eq!(addresses.len(), PEOPLE.len());
        for person in &PEOPLE {
            assert!(Email::try_new(&person.email()).is_some(), "{}", person.email());
            assert!(FullName::try_new(person.name).is_some(), "{}", person.name);
            assert!(!person.currencies.is_empty() && person.joins < 45, "{}", person.name);
        }
    }

    #[test]
    fn the_founders_have_dollars_from_the_first_day_on() {
        let names = PEOPLE[..FOUNDERS].iter().map(Person::first_name).collect::<Vec<_>>();
        assert_eq!(names, ["Ana", "Ben", "Chidi", "Dora", "Emre", "Fatou", "Goran", "Hana"]);
        let usual = [Fate::Usual, Fate::ClosesSecond];
        for founder in &PEOPLE[..FOUNDERS] {
            assert_eq!(
                (founder.currencies[0], founder.joins),
                (DemoCurrency::Usd, 0),
                "{}",
                founder.name
            );
            assert!(usual.contains(&founder.fate), "{}", founder.name);
        }
    }

    #[test]
    fn each_fate_has_a_customer() {
        let fates = [
            Fate::Limited,
            Fate::FrozenAWhile,
            Fate::Frozen,
            Fate::ClosesSecond,
            Fate::Suspended,
            Fate::Erased,
        ];
        for fate in fates {
            assert!(person_who(fate).is_some(), "{fate:?}");
        }
    }

    #[test]
    fn amounts_fit_their_currencies() {
        let text = |currency: DemoCurrency, cents| currency.worth(cents).to_string();
        assert_eq!(text(DemoCurrency::Usd, 1_234), "12.3400");
        assert_eq!(text(DemoCurrency::Eur, 5), "0.0500");
        assert_eq!(text(DemoCurrency::Jpy, 1_234), "1851.0000");
        for currency in [DemoCurrency::Usd, DemoCurrency::Eur, DemoCurrency::Jpy] {
            assert_eq!(currency.currency().code(), currency.code());
            assert!(Method::try_new(currency.method()).is_some());
        }
    }
}
