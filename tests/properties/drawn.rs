//! Random requests. They are drawn before the bank's state is known (such as "all that is in this wallet, and one
//! more"), and are resolved to a definite [`Ask`] when their turn comes.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use service::values::{TransferKind, WalletStatus};

use crate::cases::{UNITS_MAX, units_above_zero};
use crate::model::{Account, Ask, Asker, Model, Name};

/// The number of customers of a case.
pub const USERS: usize = 3;
/// The number of payment methods that a case's operator uses.
pub const METHODS: u8 = 2;
/// One more, which no operator uses, so that it is never open.
const DRAWN_METHODS: u8 = METHODS + 1;
/// The number of currencies of a case.
pub const CURRENCIES: u8 = 2;

/// A request that is not resolved yet.
#[derive(Clone, Debug)]
pub struct DrawnRequest {
    kind: TransferKind,
    asker: DrawnAsker,
    wallet: Pick,
    other: Pick,
    method: u8,
    amount: DrawnAmount,
    description: Option<String>,
    key: Option<u8>,
}

/// A wallet that is chosen when the request is resolved.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    Customer(Index),
    /// Another customer's wallet in the currency of the first one.
    Matching(Index),
    System(u8, u8),
    Nobody,
}

#[derive(Clone, Copy, Debug)]
enum DrawnAsker {
    Owner,
    Customer(usize),
    Operator,
}

#[derive(Clone, Copy, Debug)]
enum DrawnAmount {
    Units(i64),
    /// The wallet's available amount plus this many ten-thousandths.
    Available(i64),
    None,
}

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    Open {
        user: usize,
        currency: u8,
    },
    Move(DrawnRequest),
    /// An earlier request with a key, repeated unchanged.
    Again(Index),
    Status(Pick, WalletStatus),
    /// The clock moves by this many microseconds, forward or back.
    Tick(i64),
}

pub fn step() -> impl Strategy<Value = Step> {
    let open = (0..USERS, 0..CURRENCIES).prop_map(|(user, currency)| Step::Open { user, currency });
    prop_oneof![
        2 => open,
        20 => drawn_request().prop_map(Step::Move),
        3 => any::<Index>().prop_map(Step::Again),
        4 => status_step(),
        1 => (-5_000_000..5_000_000_i64).prop_map(Step::Tick),
    ]
}

/// A change of status.
pub fn status_step() -> impl Strategy<Value = Step> {
    let statuses = prop_oneof![
        3 => Just(WalletStatus::Active),
        2 => Just(WalletStatus::Frozen),
        2 => Just(WalletStatus::Closed),
    ];
    let pick = prop_oneof![
        18 => any::<Index>().prop_map(Pick::Customer),
        1 => (0..METHODS, 0..CURRENCIES).prop_map(|(method, currency)| Pick::System(method, currency)),
        2 => Just(Pick::Nobody),
    ];
    (pick, statuses).prop_map(|(pick, status)| Step::Status(pick, status))
}

pub fn drawn_request() -> impl Strategy<Value = DrawnRequest> {
    let kind = prop_oneof![
        4 => Just(TransferKind::Transfer),
        3 => Just(TransferKind::Deposit),
        2 => Just(TransferKind::Withdrawal),
    ];
    let asker = prop_oneof![
        12 => Just(DrawnAsker::Owner),
        1 => (0..USERS).prop_map(DrawnAsker::Customer),
        1 => Just(DrawnAsker::Operator),
    ];
    let key = prop_oneof![5 => Just(None), 2 => (0..2_u8).prop_map(Some)];
    let description = prop_oneof![3 => Just(None), 1 => "[^\0]{0,12}".prop_map(Some)];
    (
        kind,
        asker,
        pick(),
        other_pick(),
        0..DRAWN_METHODS,
        amount(),
        description,
        key,
    )
        .prop_map(
            |(kind, asker, wallet, other, method, amount, description, key)| DrawnRequest {
                kind,
                asker,
                wallet,
                other,
                method,
                amount,
                description,
                key,
            },
        )
}

/// First deposits into the first wallets in turn: ten-thousandths, and the method.
pub fn funds() -> impl Strategy<Value = Vec<(i64, u8)>> {
    let units = select(vec![1_000_000, 1_000_000, UNITS_MAX - 500_000, UNITS_MAX, UNITS_MAX]);
    prop::collection::vec((units, 0..METHODS), 0..5)
}

/// Changes of the first wallets' status before the steps; a wallet with money in it cannot be closed.
pub fn first_statuses() -> impl Strategy<Value = Vec<(usize, WalletStatus)>> {
    let status = prop_oneof![
        6 => Just(WalletStatus::Active),
        1 => Just(WalletStatus::Frozen),
        3 => Just(WalletStatus::Closed),
    ];
    prop::collection::vec(status, 6).prop_map(|statuses| {
        let changed = statuses.into_iter().enumerate();
        changed.filter(|(_, status)| *status != WalletStatus::Active).collect()
    })
}

/// An earlier request that has a key.
pub fn keyed(past: &[Ask], index: Index) -> Option<Ask> {
    let keyed: Vec<&Ask> = past.iter().filter(|ask| ask.key.is_some()).collect();
    if keyed.is_empty() {
        None
    } else {
        Some((*index.get(&keyed)).clone())
    }
}

/// A first deposit into a wallet.
pub fn funding(model: &mut Model, wallet: Name, (units, method): (i64, u8)) -> Ask {
    let currency = model.accounts.get(&wallet).map_or(0, |account| account.currency);
    let source = Name::System { method, currency };
    model.accounts.entry(source).or_insert(Account::new(None, currency));
    Ask {
        kind: TransferKind::Deposit,
        asker: Asker::Operator,
        source,
        destination: wallet,
        units: Some(units),
        description: None,
        key: None,
    }
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        24 => any::<Index>().prop_map(Pick::Customer),
        1 => (0..METHODS, 0..CURRENCIES).prop_map(|(method, currency)| Pick::System(method, currency)),
        1 => Just(Pick::Nobody),
    ]
}

fn other_pick() -> impl Strategy<Value = Pick> {
    prop_oneof![4 => any::<Index>().prop_map(Pick::Matching), 1 => pick()]
}

fn amount() -> impl Strategy<Value = DrawnAmount> {
    prop_oneof![
        12 => (1..2_000_000_i64).prop_map(DrawnAmount::Units),
        2 => units_above_zero().prop_map(DrawnAmount::Units),
        3 => select(vec![-1, 0, 0, 0, 1]).prop_map(DrawnAmount::Available),
        2 => Just(DrawnAmount::Units(UNITS_MAX)),
        1 => select(vec![DrawnAmount::None, DrawnAmount::Units(0), DrawnAmount::Units(-1)]),
    ]
}

impl Pick {
    /// The wallet's name. `first` is the request's first wallet, which `Matching` refers to.
    pub fn name(self, model: &Model, first: Name) -> Name {
        let nth = |index: Index, names: &[Name]| {
            if names.is_empty() {
                Name::Nobody
            } else {
                *index.get(names)
            }
        };
        let customers = |like: Option<&Account>| -> Vec<Name> {
            let fits = |account: &Account| like.is_none_or(|like| account.currency == like.currency);
            let owned = model
                .accounts
                .iter()
                .filter(|(_, account)| account.owner.is_some() && fits(account));
            owned
                .map(|(name, _)| *name)
                .filter(|name| like.is_none() || *name != first)
                .collect()
        };
        match self {
            Self::Customer(index) => nth(index, &customers(None)),
            Self::Matching(index) => nth(index, &customers(model.accounts.get(&first))),
            Self::System(method, currency) => Name::System { method, currency },
            Self::Nobody => Name::Nobody,
        }
    }
}

impl DrawnRequest {
    /// Resolves the request. As in the bank, an operator's payment opens its method's system wallet here, if the amount
    /// is positive and the key is not used yet.
    pub fn resolve(&self, model: &mut Model) -> Ask {
        let wallet = self.wallet.name(model, Name::Nobody);
        let owner = model.accounts.get(&wallet).and_then(|account| account.owner);
        let asker = match (self.kind, self.asker) {
            (TransferKind::Deposit, _) | (_, DrawnAsker::Operator) => Asker::Operator,
            (_, DrawnAsker::Owner) => Asker::Customer(owner.unwrap_or_default()),
            (_, DrawnAsker::Customer(user)) => Asker::Customer(user),
        };
        let units = self.amount.units(model, wallet);
        let opens = units.is_some_and(|units| units > 0) && !model.has_used(asker, self.key);
        let (source, destination) = match self.kind {
            TransferKind::Deposit => (self.system_side(model, wallet, asker, opens), wallet),
            TransferKind::Withdrawal => (wallet, self.system_side(model, wallet, asker, opens)),
            TransferKind::Transfer
            | TransferKind::Reversal
            | TransferKind::Hold
            | TransferKind::Release
            | TransferKind::Capture => (wallet, self.other.name(model, wallet)),
        };
        let is_transfer = self.kind == TransferKind::Transfer;
        Ask {
            kind: self.kind,
            asker,
            source,
            destination,
            units,
            description: self.description.clone().filter(|_| is_transfer),
            key: self.key,
        }
    }

    /// The system wallet's side of a payment; `Name::Nobody` if the wallet belongs to no customer, or the actor may not
    /// see it.
    fn system_side(&self, model: &mut Model, wallet: Name, asker: Asker, opens: bool) -> Name {
        let Some(account) = model.accounts.get(&wallet) else {
            return Name::Nobody;
        };
        let sees = asker == Asker::Operator || account.owner.map(Asker::Customer) == Some(asker);
        if account.owner.is_none() || !sees {
            return Name::Nobody;
        }
        let currency = account.currency;
        if asker != Asker::Operator {
            let method = self.method;
            return Name::System { method, currency };
        }
        let method = self.method % METHODS;
        let name = Name::System { method, currency };
        if opens {
            model.accounts.entry(name).or_insert(Account::new(None, currency));
        }
        name
    }
}

impl DrawnAmount {
    fn units(self, model: &Model, wallet: Name) -> Option<i64> {
        match self {
            Self::Units(units) => Some(units),
            Self::Available(more) => {
                let units = model.available(wallet) + i128::from(more);
                i64::try_from(units)
                    .ok()
                    .filter(|units| units.unsigned_abs() <= UNITS_MAX.unsigned_abs())
            }
            Self::None => None,
        }
    }
}
