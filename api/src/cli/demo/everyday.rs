//! What a customer of the demo may ask for, as data: neither its asking nor its answer.

use service::values::Money;

use super::people::{DemoCurrency, Goods, Living, Person};

/// One wallet of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purse {
    /// The customer's place in `PEOPLE`.
    pub person: usize,
    pub currency: DemoCurrency,
}

/// Something that a customer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EverydayAct {
    Deposit {
        to: Purse,
        amount: Money,
        method: &'static str,
        text: &'static str,
    },
    Transfer {
        from: Purse,
        to: Purse,
        amount: Money,
        text: &'static str,
    },
    Withdrawal {
        from: Purse,
        amount: Money,
        method: &'static str,
        text: &'static str,
    },
    /// Most of what a wallet has goes to an account at another bank.
    Payout { from: Purse },
    /// One request with several transfers from one wallet.
    Batch {
        from: Purse,
        items: Vec<(Purse, Money)>,
        is_atomic: bool,
        text: &'static str,
    },
}

/// A customer's first wallet, or a further one; `None` if they have none.
pub fn purse(index: usize, person: &Person, place: usize) -> Option<Purse> {
    let currency = *person.currencies.get(place)?;
    Some(Purse {
        person: index,
        currency,
    })
}

/// The wallet of a shop, and what it sells.
pub fn shop((index, person): (usize, &'static Person)) -> Option<(Purse, Goods)> {
    match person.living {
        Living::Shop(goods) => Some((purse(index, person, 0)?, goods)),
        Living::Wage(_) | Living::Hotel | Living::Landlord | Living::Employer => None,
    }
}

/// Money that comes into the bank.
pub fn deposit(to: Purse, amount: Money, method: &'static str, text: &'static str) -> EverydayAct {
    EverydayAct::Deposit {
        to,
        amount,
        method,
        text,
    }
}

/// Money from one customer to another.
pub fn transfer(from: Purse, to: Purse, amount: Money, text: &'static str) -> EverydayAct {
    EverydayAct::Transfer { from, to, amount, text }
}
