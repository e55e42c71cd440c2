//! The users of the demo's bank as it knows them: the staff, and the customers who have joined.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;
use secrecy::SecretString;
use service::actor::ClientInfo;
use service::identity::{Actor, Email, FullName, Registration};
use service::transfers::{Asking, NewPayment};
use service::values::{Method, Role, WalletId};

use super::everyday::Purse;
use super::people::{FOUNDERS, PEOPLE, Person, email_of};
use crate::cli::Bank;

/// Everyone who may sign in, and the wallets of the customers.
#[derive(Clone)]
pub struct DemoAccounts {
    pub staff: DemoStaff,
    /// By their places in `PEOPLE`; `None` before they have joined.
    customers: Vec<Option<Actor>>,
    wallets: HashMap<Purse, WalletId>,
    /// All of them have the same one.
    password: SecretString,
}

/// Those of the staff in whose names the demo asks.
#[derive(Clone)]
pub struct DemoStaff {
    pub operator: Actor,
    pub support: Actor,
    pub admin: Actor,
}

/// The roles of the staff, which are their addresses too.
pub const STAFF: [Role; 4] = [Role::Operator, Role::Support, Role::Auditor, Role::Admin];

/// The programs that people use the bank with.
const USER_AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/138.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36",
];

impl DemoAccounts {
    /// Makes the staff. No customer has joined yet.
    pub async fn of_staff(bank: &Bank, password: &str) -> anyhow::Result<Self> {
        let password = SecretString::from(password);
        let [operator, support, auditor, admin] = STAFF.map(|role| make_staff(bank, role, password.clone()));
        let staff = DemoStaff {
            operator: operator.await?,
            support: support.await?,
            admin: admin.await?,
        };
        // Only looks at things.
        auditor.await?;
        Ok(Self {
            staff,
            customers: vec![None; PEOPLE.len()],
            wallets: HashMap::new(),
            password,
        })
    }

    /// Registers a customer, opens all of their wallets, and brings a first deposit, worth so many US cents.
    pub async fn join(&mut self, bank: &Bank, index: usize, cents: i64) -> anyhow::Result<()> {
        let person = &PEOPLE[index];
        let client = client_of(index);
        let (first, others) = person
            .currencies
            .split_first()
            .context("each customer has a currency")?;
        let registration = Registration {
            email: Email::try_new(&person.email()).context("a customer's address is one")?,
            password: self.password.clone(),
            full_name: FullName::try_new(person.name).context("a customer's name is one")?,
            currency: Some(first.currency()),
        };
        let (user, wallet) = bank.identity.register(registration, &client).await?;
        let actor = Actor::new(user.id, user.role).from_client(client);
        let purse = |currency| Purse {
            person: index,
            currency,
        };
        self.wallets.insert(purse(*first), wallet.id);
        for currency in others {
            let wallet = bank.wallets.open(&actor, currency.currency()).await?;
            self.wallets.insert(purse(*currency), wallet.id);
        }
        self.customers[index] = Some(actor);
        let deposit = NewPayment {
            description: Some("First deposit".to_owned()),
            ..NewPayment::new(wallet.id, Some(first.worth(cents)), method("visa")?)
        };
        bank.transfers
            .deposit(Asking::by(&self.staff.operator), deposit)
            .await?;
        Ok(())
    }

    /// A customer who has joined.
    pub fn customer(&self, index: usize) -> Option<&Actor> {
        self.customers.get(index)?.as_ref()
    }

    /// A wallet of a customer who has joined.
    pub fn wallet(&self, purse: Purse) -> Option<WalletId> {
        self.wallets.get(&purse).copied()
    }

    /// The owner of a wallet, and the wallet.
    pub fn owner_and_wallet(&self, purse: Purse) -> Option<(&Actor, WalletId)> {
        Some((self.customer(purse.person)?, self.wallet(purse)?))
    }

    /// The founders, each with their first wallet.
    pub fn founders(&self) -> impl Iterator<Item = (&'static Person, &Actor, WalletId)> {
        let founders = PEOPLE.iter().enumerate().take(FOUNDERS);
        founders.filter_map(move |(index, person)| {
            let first = Purse {
                person: index,
                currency: *person.currencies.first()?,
            };
            let (actor, wallet) = self.owner_and_wallet(first)?;
            Some((person, actor, wallet))
        })
    }

    pub fn customer_count(&self) -> u64 {
        self.customers.iter().flatten().count() as u64
    }

    pub fn wallet_count(&self) -> u64 {
        self.wallets.len() as u64
    }

    pub fn password(&self) -> &SecretString {
        &self.password
    }
}

async fn make_staff(bank: &Bank, role: Role, password: SecretString) -> anyhow::Result<Actor> {
    let email = Email::try_new(&email_of(role.as_str())).context("the address of the staff is one")?;
    let name = match role {
        Role::Customer => "Customer",
        Role::Support => "Sofia from Support",
        Role::Operator => "Otto from Operations",
        Role::Auditor => "Aisha from Audit",
        Role::Admin => "Adam the Admin",
    };
    let name = FullName::try_new(name).context("the name of the staff is one")?;
    let user = bank.identity.create_user(email, name, password, role).await?;
    let place = STAFF.iter().position(|known| *known == role).unwrap_or_default();
    Ok(Actor::new(user.id, user.role).from_client(client_of(PEOPLE.len() + place)))
}

/// Where a customer calls from: an address of a network that is kept for examples (RFC 5737).
pub fn client_of(index: usize) -> ClientInfo {
    let last = u8::try_from(10 + index).unwrap_or(u8::MAX);
    let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, last));
    ClientInfo::new(Some(address), Some(USER_AGENTS[index % USER_AGENTS.len()]))
}

/// A payment method that the demo names.
pub fn method(name: &str) -> anyhow::Result<Method> {
    Method::try_new(name).with_context(|| format!("{name} is a payment method"))
}
