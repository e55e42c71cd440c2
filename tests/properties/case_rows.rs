//! A case's data in a bank: ids for the model's names, the rows stored under them, and their comparison with the model.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use entity::{entries, transfers, users, wallets};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use sea_orm::sea_query::Condition;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use service::clock::{id_at, id_in};
use service::db::Db;
use service::values::{
    Method, Money, Role, Timestamp, TransferId, TransferKind, TransferStatus, UserId, UserStatus, Version, WalletId,
    WalletStatus,
};

use crate::cases::currency;
use crate::drawn::{CURRENCIES, METHODS};
use crate::model::{Account, Ask, Asker, Model, Name, Verdict};

/// A case's own users and wallets.
#[derive(Clone, Debug)]
pub struct Ids {
    /// Different for every case.
    pub case: u64,
    pub users: Vec<UserId>,
    pub operator: UserId,
    pub customers: Vec<WalletId>,
    pub systems: BTreeMap<(u8, u8), WalletId>,
}

/// All stored rows of a case's wallets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// In the order of ids.
    pub wallets: Vec<wallets::Model>,
    /// In the order of ids.
    pub transfers: Vec<transfers::Model>,
    /// In the order of wallets and versions.
    pub entries: Vec<entries::Model>,
}

/// The transfer that used each key.
#[derive(Default)]
pub struct UsedKeys(HashMap<(Asker, u8), TransferId>);

impl Ids {
    /// A case without users and wallets.
    pub fn new(operator: UserId) -> Self {
        static CASES: AtomicU64 = AtomicU64::new(0);
        let case = CASES.fetch_add(1, Ordering::Relaxed);
        Self {
            case,
            users: Vec::new(),
            operator,
            customers: Vec::new(),
            systems: BTreeMap::new(),
        }
    }

    /// The case's name for a payment method.
    pub fn method(&self, method: u8) -> Method {
        Method::try_new(format!("case{}_{method}", self.case)).expect("letters, digits and _ make a method")
    }

    /// A wallet's id; `None` if the bank has not opened it.
    pub fn find(&self, name: Name) -> Option<WalletId> {
        match name {
            Name::Customer(index) => self.customers.get(index).copied(),
            Name::System { method, currency } => self.systems.get(&(method, currency)).copied(),
            Name::Nobody => None,
        }
    }

    /// A wallet's id; an id without a wallet if the bank has not opened it.
    pub fn id(&self, name: Name) -> WalletId {
        self.find(name)
            .unwrap_or(WalletId(uuid::Uuid::from_u128(u128::from(self.case) + 1)))
    }

    pub fn user(&self, asker: Asker) -> UserId {
        match asker {
            Asker::Customer(index) => self.users[index],
            Asker::Operator => self.operator,
        }
    }

    /// Finds the system wallets that the bank has opened for this case.
    pub async fn find_systems(&mut self, db: &Db) {
        let found = wallets::Entity::find().filter(wallets::Column::Method.is_in(self.methods()));
        self.learn(&found.all(&db.write).await.expect("wallets can be read"));
    }

    fn methods(&self) -> Vec<Method> {
        (0..METHODS).map(|method| self.method(method)).collect()
    }

    fn learn(&mut self, rows: &[wallets::Model]) {
        let methods = self.methods();
        for row in rows {
            let method = (0..METHODS).find(|method| row.method.as_ref() == methods.get(usize::from(*method)));
            let currency = (0..CURRENCIES).find(|index| currency(*index) == row.currency);
            self.systems.extend(method.zip(currency).map(|key| (key, row.id)));
        }
    }

    /// Stores an open, empty wallet for every account of a model, including system wallets.
    pub async fn insert_wallets(&mut self, db: &Db, accounts: &BTreeMap<Name, Account>, now: Timestamp) {
        let mut rows = Vec::new();
        for (name, account) in accounts {
            let owner = account.owner.map(|user| self.users[user]);
            let method = match name {
                Name::System { method, .. } => Some(self.method(*method)),
                Name::Customer(_) | Name::Nobody => None,
            };
            let row = wallet_row(owner, method, account.currency, now);
            match name {
                Name::Customer(_) => self.customers.push(row.id),
                Name::System { method, currency } => drop(self.systems.insert((*method, *currency), row.id)),
                Name::Nobody => {}
            }
            rows.push(row);
        }
        insert_wallets(db, rows).await;
    }
}

/// An open, empty wallet.
pub fn wallet_row(owner: Option<UserId>, method: Option<Method>, in_currency: u8, now: Timestamp) -> wallets::Model {
    wallets::Model {
        id: WalletId(owner.map_or_else(|| id_at(now), |user| id_in(user.bucket(), now))),
        user_id: owner,
        method,
        currency: currency(in_currency),
        balance: Money::ZERO,
        held: Money::ZERO,
        status: WalletStatus::Active,
        version: Version(0),
        created_at: now,
        limit_per_transfer: None,
        limit_per_day_amount: None,
        limit_per_day_count: None,
        counted_day: None,
        counted_amount: None,
        counted_transfers: None,
        updated_at: now,
    }
}

/// A customer who cannot sign in: to hash a password would cost more than the whole case.
pub fn user_row(now: Timestamp) -> users::Model {
    let id = UserId(id_at(now));
    users::Model {
        id,
        email: format!("{id}@example.com"),
        full_name: "Somebody".to_owned(),
        name_key: "somebody".to_owned(),
        password_hash: "none".to_owned(),
        role: Role::Customer,
        status: UserStatus::Active,
        first_currency: None,
        created_at: now,
        updated_at: now,
        erased_at: None,
    }
}

/// Stores users.
pub async fn insert_users(db: &Db, rows: Vec<users::Model>) {
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    users::Entity::insert_many(rows)
        .exec_without_returning(&db.write)
        .await
        .expect("users can be stored");
}

/// Stores wallets, and the journal's record of their opening.
pub async fn insert_wallets(db: &Db, rows: Vec<wallets::Model>) {
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    wallets::Entity::insert_many(rows)
        .exec_without_returning(&db.write)
        .await
        .expect("wallets can be stored");
    harness::journal::adopt(&db.write).await;
}

impl Rows {
    /// Reads the rows of a case, and finds its system wallets.
    pub async fn of(db: &Db, ids: &mut Ids) -> Self {
        let is_own = Condition::any()
            .add(wallets::Column::Id.is_in(ids.customers.clone()))
            .add(wallets::Column::Method.is_in(ids.methods()));
        let found = wallets::Entity::find().filter(is_own).order_by_asc(wallets::Column::Id);
        let wallets = found.all(&db.write).await.expect("wallets can be read");
        ids.learn(&wallets);
        let all: Vec<WalletId> = wallets.iter().map(|row| row.id).collect();
        let either_side = Condition::any()
            .add(transfers::Column::SourceWalletId.is_in(all.clone()))
            .add(transfers::Column::DestinationWalletId.is_in(all.clone()));
        let transfers = transfers::Entity::find()
            .filter(either_side)
            .order_by_asc(transfers::Column::Id);
        let entries = entries::Entity::find()
            .filter(entries::Column::WalletId.is_in(all))
            .order_by_asc(entries::Column::WalletId)
            .order_by_asc(entries::Column::TransferId);
        Self {
            wallets,
            transfers: transfers.all(&db.write).await.expect("transfers can be read"),
            entries: entries.all(&db.write).await.expect("entries can be read"),
        }
    }

    /// A wallet's entries in the order of their transfers' ids.
    pub fn entries_of(&self, wallet: WalletId) -> impl Iterator<Item = &entries::Model> {
        self.entries.iter().filter(move |entry| entry.wallet_id == wallet)
    }

    /// The time at which an entry's transfer was made.
    pub fn time_of(&self, entry: &entries::Model) -> Timestamp {
        let made = self.transfers.iter().find(|row| row.id == entry.transfer_id);
        made.expect("every entry has its transfer").created_at
    }

    /// A wallet's row.
    pub fn wallet(&self, id: WalletId) -> Option<&wallets::Model> {
        self.wallets.iter().find(|row| row.id == id)
    }
}

/// Compares all stored rows with the model: wallets, entries, and transfers in the order of creation.
pub fn agree(rows: &Rows, ids: &Ids, model: &Model) -> TestCaseResult {
    wallets_agree(rows, ids, model)?;
    prop_assert_eq!(rows.transfers.len(), model.kept.len());
    for (row, kept) in rows.transfers.iter().zip(&model.kept) {
        is_record_of(row, ids, &kept.ask, kept.code)?;
    }
    Ok(())
}

/// Compares every wallet and its entries with the model.
pub fn wallets_agree(rows: &Rows, ids: &Ids, model: &Model) -> TestCaseResult {
    for (name, account) in &model.accounts {
        let Some(id) = ids.find(*name) else {
            prop_assert!(account.entries.is_empty(), "{:?} has entries and no wallet", name);
            continue;
        };
        let Some(row) = rows.wallet(id) else {
            return Err(TestCaseError::fail(format!("{name:?} is not stored")));
        };
        agree_on_wallet(row, account)?;
        in_sequence(rows, row)?;
        let stored: Vec<(i128, i128)> = rows
            .entries_of(id)
            .map(|entry| (wide(entry.amount), wide(entry.balance_after)))
            .collect();
        prop_assert_eq!(&stored, &account.entries, "entries of {:?}", name);
    }
    Ok(())
}

fn agree_on_wallet(row: &wallets::Model, account: &Account) -> TestCaseResult {
    prop_assert_eq!(wide(row.balance), account.balance);
    prop_assert_eq!(wide(row.held), account.held);
    prop_assert_eq!(row.status, account.status);
    prop_assert_eq!(row.currency, currency(account.currency));
    prop_assert_eq!(row.version, Version(account.entries.len() as i64));
    if let Some(user) = row.user_id {
        prop_assert_eq!(row.id.bucket(), user.bucket());
    }
    Ok(())
}

/// Versions have no gap; ids, and so times, increase with them; the wallet is not older than its last entry.
pub fn in_sequence(rows: &Rows, wallet: &wallets::Model) -> TestCaseResult {
    let entries: Vec<&entries::Model> = rows.entries_of(wallet.id).collect();
    for (index, entry) in entries.iter().enumerate() {
        prop_assert_eq!(entry.version, Version(index as i64 + 1));
    }
    for pair in entries.windows(2) {
        prop_assert!(
            pair[0].transfer_id < pair[1].transfer_id,
            "ids do not grow with versions: {:?}",
            pair
        );
    }
    let last = entries.last().map_or(wallet.created_at, |entry| rows.time_of(entry));
    prop_assert!(
        wallet.updated_at >= last,
        "updated at {} after an entry at {last}",
        wallet.updated_at
    );
    Ok(())
}

/// Checks that a stored transfer is the exact record of a request and its outcome.
pub fn is_record_of(row: &transfers::Model, ids: &Ids, ask: &Ask, code: &str) -> TestCaseResult {
    let reason = (code != "completed").then_some(code);
    prop_assert_eq!(row.failure_reason.as_deref(), reason, "{:?}", row);
    let status = if reason.is_some() {
        TransferStatus::Failed
    } else {
        TransferStatus::Completed
    };
    prop_assert_eq!((row.kind, row.status), (ask.kind, status));
    let customer = match ask.kind {
        TransferKind::Deposit => row.destination_wallet_id,
        TransferKind::Transfer
        | TransferKind::Withdrawal
        | TransferKind::Reversal
        | TransferKind::Hold
        | TransferKind::Release
        | TransferKind::Capture => row.source_wallet_id,
    };
    prop_assert_eq!(row.id.bucket(), customer.bucket());
    prop_assert_eq!(row.source_wallet_id, ids.id(ask.source));
    prop_assert_eq!(row.destination_wallet_id, ids.id(ask.destination));
    prop_assert_eq!(Some(row.amount.units()), ask.units);
    let kept = ask.description.as_ref().filter(|_| reason.is_none());
    prop_assert_eq!(row.description.as_ref(), kept);
    prop_assert_eq!(row.idempotency_key.is_some(), ask.key.is_some());
    prop_assert_eq!(row.available.is_some(), code == "insufficient_funds");
    Ok(())
}

impl UsedKeys {
    /// Checks that an answer names a transfer exactly when one is stored, and that a replay names the first answer's
    /// transfer.
    pub fn check(&mut self, ask: &Ask, verdict: &Verdict, transfer: Option<TransferId>) -> TestCaseResult {
        prop_assert_eq!(transfer.is_some(), verdict.is_kept(), "{:?}: {:?}", ask, verdict);
        let (Some(key), Some(transfer)) = (ask.key, transfer) else {
            return Ok(());
        };
        let first = *self.0.entry((ask.asker, key)).or_insert(transfer);
        prop_assert_eq!(first, transfer, "the key {:?} has two transfers", key);
        Ok(())
    }
}

pub fn wide(money: Money) -> i128 {
    i128::from(money.units())
}
