//! The bank as the contract describes it: plain numbers, one rule after the other. Shares no code with the ledger.

use std::collections::{BTreeMap, HashMap};

use service::values::{TransferKind, WalletStatus};

use crate::cases::UNITS_MAX;

/// A wallet's name, which every bank of a case can translate into its own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A customer's wallet, counted in the order of opening.
    Customer(usize),
    /// The bank's own wallet for a method in a currency.
    System { method: u8, currency: u8 },
    /// No wallet.
    Nobody,
}

/// The caller who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    Customer(usize),
    Operator,
}

/// One request to move money.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    pub kind: TransferKind,
    pub asker: Asker,
    pub source: Name,
    pub destination: Name,
    /// `None` if the text was not an amount.
    pub units: Option<i64>,
    pub description: Option<String>,
    pub key: Option<u8>,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `completed`, the refusal's code, or `idempotency_key_reused`.
    pub code: &'static str,
    pub available: Option<i128>,
    pub replayed: bool,
}

/// A wallet and its history: each entry's amount and the balance after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `None` for a system wallet.
    pub owner: Option<usize>,
    pub currency: u8,
    pub balance: i128,
    pub held: i128,
    pub status: WalletStatus,
    pub entries: Vec<(i128, i128)>,
}

/// A stored transfer; `Model` keeps them in the order of creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub ask: Ask,
    pub code: &'static str,
}

/// The whole bank.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub accounts: BTreeMap<Name, Account>,
    pub kept: Vec<Kept>,
    keys: HashMap<(Asker, u8), (Ask, Verdict)>,
}

/// Refusals that are recorded as a FAILED transfer.
const RECORDED: [&str; 5] = [
    "wallet_frozen",
    "wallet_closed",
    "currency_mismatch",
    "insufficient_funds",
    "balance_out_of_range",
];
const RANGE: i128 = UNITS_MAX as i128;

impl Account {
    pub fn new(owner: Option<usize>, currency: u8) -> Self {
        Self {
            owner,
            currency,
            balance: 0,
            held: 0,
            status: WalletStatus::Active,
            entries: Vec::new(),
        }
    }
}

impl Verdict {
    /// True if the outcome is stored for good and uses the key up.
    pub fn is_kept(&self) -> bool {
        self.code == "completed" || RECORDED.contains(&self.code)
    }
}

impl Model {
    /// Opens a customer's next wallet; a customer has at most one in each currency.
    pub fn open(&mut self, owner: usize, currency: u8) -> Result<Name, &'static str> {
        let has_one = self
            .accounts
            .values()
            .any(|account| account.owner == Some(owner) && account.currency == currency);
        if has_one {
            return Err("wallet_exists");
        }
        let name = Name::Customer(self.customers());
        self.accounts.insert(name, Account::new(Some(owner), currency));
        Ok(name)
    }

    /// The number of customers' wallets.
    pub fn customers(&self) -> usize {
        self.accounts.values().filter(|account| account.owner.is_some()).count()
    }

    /// Freezes, unfreezes or closes.
    pub fn set_status(&mut self, name: Name, status: WalletStatus) -> Result<(), &'static str> {
        let account = self.accounts.get_mut(&name).ok_or("wallet_not_found")?;
        if account.owner.is_none() {
            return Err("system_wallet");
        }
        if account.status == status {
            return Ok(());
        }
        if account.status == WalletStatus::Closed {
            return Err("wallet_closed");
        }
        if status == WalletStatus::Closed && (account.balance != 0 || account.held != 0) {
            return Err("wallet_not_empty");
        }
        account.status = status;
        Ok(())
    }

    /// True if an asker's key is used up.
    pub fn has_used(&self, asker: Asker, key: Option<u8>) -> bool {
        key.is_some_and(|key| self.keys.contains_key(&(asker, key)))
    }

    /// Decides a request and carries it out.
    pub fn ask(&mut self, ask: &Ask) -> Verdict {
        let key = ask.key.map(|key| (ask.asker, key));
        if let Some((before, verdict)) = key.and_then(|key| self.keys.get(&key)) {
            let reused = Verdict {
                code: "idempotency_key_reused",
                available: None,
                replayed: false,
            };
            return if before == ask {
                Verdict {
                    replayed: true,
                    ..*verdict
                }
            } else {
                reused
            };
        }
        let verdict = match self.rules(ask) {
            Ok(units) => {
                self.move_money(ask, units);
                Verdict {
                    code: "completed",
                    available: None,
                    replayed: false,
                }
            }
            Err(code) => {
                let available = (code == "insufficient_funds").then(|| self.available(ask.source));
                Verdict {
                    code,
                    available,
                    replayed: false,
                }
            }
        };
        if verdict.is_kept() {
            self.kept.push(Kept {
                ask: ask.clone(),
                code: verdict.code,
            });
            if let Some(key) = key {
                self.keys.insert(key, (ask.clone(), verdict));
            }
        }
        verdict
    }

    /// The rules in the contract's order.
    fn rules(&self, ask: &Ask) -> Result<i128, &'static str> {
        let units = ask
            .units
            .filter(|units| *units > 0)
            .map(i128::from)
            .ok_or("invalid_amount")?;
        let (source, destination) = (self.accounts.get(&ask.source), self.accounts.get(&ask.destination));
        let is_customers = |account: Option<&Account>| account.is_some_and(|account| account.owner.is_some());
        let is_own = |user| source.is_some_and(|source| source.owner == Some(user));
        let is_found = match (ask.kind, ask.asker) {
            (TransferKind::Deposit, _) => is_customers(destination),
            (TransferKind::Withdrawal, Asker::Operator) => is_customers(source),
            (TransferKind::Withdrawal, Asker::Customer(user)) => is_own(user),
            (_, Asker::Customer(user)) => is_own(user) && is_customers(destination),
            (_, Asker::Operator) => false,
        };
        if !is_found {
            return Err("wallet_not_found");
        }
        let (Some(source), Some(destination)) = (source, destination) else {
            return Err("unknown_method");
        };
        if ask.source == ask.destination {
            return Err("same_wallet");
        }
        let statuses = [source.status, destination.status];
        if statuses.contains(&WalletStatus::Frozen) {
            return Err("wallet_frozen");
        }
        if statuses.contains(&WalletStatus::Closed) {
            return Err("wallet_closed");
        }
        if source.currency != destination.currency {
            return Err("currency_mismatch");
        }
        if source.owner.is_some() && source.balance - source.held < units {
            return Err("insufficient_funds");
        }
        if source.balance - units < -RANGE || destination.balance + units > RANGE {
            return Err("balance_out_of_range");
        }
        Ok(units)
    }

    fn move_money(&mut self, ask: &Ask, units: i128) {
        for (name, amount) in [(ask.source, -units), (ask.destination, units)] {
            if let Some(account) = self.accounts.get_mut(&name) {
                account.balance += amount;
                account.entries.push((amount, account.balance));
            }
        }
    }

    /// What a wallet's owner can spend; zero without a wallet.
    pub fn available(&self, name: Name) -> i128 {
        self.accounts
            .get(&name)
            .map_or(0, |account| account.balance - account.held)
    }
}
