//! E-mail addresses are unique, as is a user's wallet in a currency; and no row refers to a row that does not exist.

use std::sync::Arc;

use entity::{entries, transfers, users, wallets};
use harness::bank::PASSWORD;
use harness::{Backend, TestBank, on_every_backend};
use proptest::prelude::*;
use proptest::sample::select;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    TransactionTrait,
};
use service::actor::{Actor, ClientInfo};
use service::clock::{Clock, id_at};
use service::identity::{Email, FullName, IdentityError, Registration};
use service::values::{
    Currency, Role, TransferId, TransferKind, TransferStatus, UserId, Version, WalletId, WalletStatus,
};
use service::wallets::WalletError;

use crate::case_rows::{insert_users, insert_wallets, user_row, wallet_row};
use crate::cases::{Met, currency, hold_on_bank, money, units_above_zero};

on_every_backend!(
    an_address_belongs_to_one_user_in_whatever_case,
    a_user_has_one_wallet_in_a_currency,
    nothing_refers_to_what_is_not_there,
);

/// Addresses of letters that have exactly one other case.
fn address() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äÖéжЖ.+-]{1,10}[a-z]@[a-zA-Z]{1,6}\\.(com|Example)"
}

fn in_other_cases(address: &str, flips: &[bool]) -> String {
    let flipped = address
        .chars()
        .zip(flips.iter().cycle())
        .map(|(letter, flip)| match (flip, letter.is_uppercase()) {
            (false, _) => letter.to_string(),
            (true, true) => letter.to_lowercase().to_string(),
            (true, false) => letter.to_uppercase().to_string(),
        });
    flipped.collect()
}

async fn an_address_belongs_to_one_user_in_whatever_case(bank: Arc<TestBank>) {
    let met = Met::default();
    let flips = prop::collection::vec(any::<bool>(), 1..12);
    // A registration hashes a password, which is slow: so the first user of the address is stored as a row.
    hold_on_bank(
        file!(),
        &(address(), flips, any::<bool>()),
        async |(address, flips, is_same)| {
            let mut taken = user_row(bank.clock.now());
            let address = format!("{}.{address}", taken.id.0.simple());
            taken.email = address.to_lowercase();
            let (id, now) = (taken.id, bank.clock.now());
            insert_users(&bank.db, vec![taken]).await;
            insert_wallets(&bank.db, vec![wallet_row(Some(id), None, 0, now)]).await;
            let variant = in_other_cases(&address, &flips);
            let wanted = if is_same { variant } else { format!("x{variant}") };
            let before = counts(&bank).await;
            let client = ClientInfo::default();
            let registered = bank.services.identity.register(registration(&wanted)?, &client).await;
            let after = counts(&bank).await;
            if is_same {
                prop_assert!(
                    matches!(registered, Err(IdentityError::EmailTaken)),
                    "{wanted}: {registered:?}"
                );
                prop_assert_eq!(after, before);
                met.count("taken");
            } else {
                let (user, wallet) = registered.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(user.email, wanted.to_lowercase());
                prop_assert_eq!(wallet.owner, Some(user.id));
                prop_assert_eq!(after, (before.0 + 1, before.1 + 1));
                met.count("free");
            }
            Ok(())
        },
    );
    met.expect_all(&["taken", "free"]);
}

fn registration(address: &str) -> Result<Registration, TestCaseError> {
    let email = Email::try_new(address).ok_or_else(|| TestCaseError::fail(format!("{address} is refused")))?;
    let full_name = FullName::try_new("Somebody").expect("this is a name");
    Ok(Registration {
        email,
        password: PASSWORD.to_owned().into(),
        full_name,
        currency: None,
    })
}

/// The numbers of stored users and wallets.
async fn counts(bank: &TestBank) -> (u64, u64) {
    let users = users::Entity::find()
        .count(&bank.db.write)
        .await
        .expect("users can be counted");
    let wallets = wallets::Entity::find()
        .count(&bank.db.write)
        .await
        .expect("wallets can be counted");
    (users, wallets)
}

async fn a_user_has_one_wallet_in_a_currency(bank: Arc<TestBank>) {
    let met = Met::default();
    let replica = bank.replica().await;
    let wanted = prop::collection::vec((0..2_usize, 0..3_u8, any::<bool>()), 1..8);
    hold_on_bank(file!(), &wanted, async |wanted| {
        let now = bank.clock.now();
        let rows: Vec<_> = (0..2).map(|_| user_row(now)).collect();
        let users: Vec<UserId> = rows.iter().map(|row| row.id).collect();
        insert_users(&bank.db, rows).await;
        let mut has: Vec<(UserId, Currency)> = Vec::new();
        for (user, index, at_once) in wanted {
            let opening = (users[user], currency(index));
            let opened = if at_once {
                // Two replicas at the same moment: at most one of them opens it.
                let owner = customer(opening.0);
                let (one, other) = tokio::join!(
                    bank.services.wallets.open(&owner, opening.1),
                    replica.wallets.open(&owner, opening.1)
                );
                prop_assert!(one.is_err() || other.is_err(), "both have opened it");
                met.count("at once");
                one.or(other)
            } else {
                bank.services.wallets.open(&customer(opening.0), opening.1).await
            };
            match opened {
                Ok(wallet) => {
                    prop_assert!(!has.contains(&opening));
                    prop_assert_eq!((wallet.owner, wallet.currency), (Some(opening.0), opening.1));
                    prop_assert_eq!((wallet.balance.units(), wallet.status), (0, WalletStatus::Active));
                    has.push(opening);
                }
                Err(WalletError::Exists) => {
                    prop_assert!(has.contains(&opening));
                    met.count("refused");
                }
                Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
            }
        }
        let stored = wallets::Entity::find()
            .filter(wallets::Column::UserId.is_in(users))
            .all(&bank.db.write)
            .await;
        let stored = stored.expect("wallets can be read");
        prop_assert_eq!(stored.len(), has.len());
        prop_assert!(
            stored
                .iter()
                .all(|row| row.user_id.is_some_and(|user| has.contains(&(user, row.currency))))
        );
        // The schema enforces this too, for every writer.
        let (user, _) = has[0];
        let twice = wallet_row(Some(user), None, 0, now);
        if has.contains(&(user, twice.currency)) {
            let twice = wallets::Entity::insert(twice.into_active_model().reset_all());
            prop_assert!(twice.exec_without_returning(&bank.db.write).await.is_err());
        }
        Ok(())
    });
    met.expect_all(&["at once", "refused"]);
    replica.stop().await;
}

/// References to rows that do not exist, each of which the database must refuse.
#[derive(Clone, Copy, Debug)]
enum Loose {
    WalletOfNobody,
    UserWithWalletsDeleted,
    TransferFrom,
    TransferTo,
    EntryOfNoTransfer,
    EntryOfNoWallet,
}

async fn nothing_refers_to_what_is_not_there(bank: Arc<TestBank>) {
    use Loose::{EntryOfNoTransfer, EntryOfNoWallet, TransferFrom, TransferTo, UserWithWalletsDeleted, WalletOfNobody};
    let everywhere = vec![WalletOfNobody, UserWithWalletsDeleted];
    // PostgreSQL keeps no foreign keys on the commit path; there `verify` finds orphans.
    let loose = match bank.backend {
        Backend::Postgres => everywhere,
        Backend::Sqlite => [
            everywhere,
            vec![TransferFrom, TransferTo, EntryOfNoTransfer, EntryOfNoWallet],
        ]
        .concat(),
    };
    hold_on_bank(
        file!(),
        &(select(loose), any::<u128>(), units_above_zero()),
        async |(loose, unknown, units)| {
            let (now, unknown) = (bank.clock.now(), uuid::Uuid::from_u128(unknown));
            let tx = bank.db.write.begin().await.expect("a transaction can begin");
            let user = user_row(now);
            let [one, other] = [0, 1].map(|currency| wallet_row(Some(user.id), None, currency, now));
            let transfer = refused_transfer(one.id, other.id, units, &one);
            let row = users::Entity::insert(user.clone().into_active_model().reset_all());
            row.exec_without_returning(&tx).await.expect("a user can be stored");
            for wallet in [&one, &other] {
                prop_assert!(stored(&tx, wallet.clone()).await, "a wallet of somebody is fine");
            }
            let row = transfers::Entity::insert(transfer.clone().into_active_model().reset_all());
            row.exec_without_returning(&tx)
                .await
                .expect("a transfer between wallets is fine");
            let is_stored = match loose {
                WalletOfNobody => stored(&tx, wallet_row(Some(UserId(unknown)), None, 2, now)).await,
                UserWithWalletsDeleted => users::Entity::delete_by_id(user.id).exec(&tx).await.is_ok(),
                TransferFrom => stored(&tx, refused_transfer(WalletId(unknown), other.id, units, &one)).await,
                TransferTo => stored(&tx, refused_transfer(one.id, WalletId(unknown), units, &one)).await,
                EntryOfNoTransfer => stored(&tx, entry(one.id, TransferId(unknown), units)).await,
                EntryOfNoWallet => stored(&tx, entry(WalletId(unknown), transfer.id, units)).await,
            };
            tx.rollback().await.expect("a transaction can be rolled back");
            prop_assert!(!is_stored, "{:?} was stored", loose);
            Ok(())
        },
    );
}

async fn stored<M>(tx: &DatabaseTransaction, row: M) -> bool
where
    M: IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + sea_orm::ModelTrait,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
{
    let row = row.into_active_model().reset_all();
    <M::Entity as EntityTrait>::insert(row)
        .exec_without_returning(tx)
        .await
        .is_ok()
}

fn refused_transfer(source: WalletId, destination: WalletId, units: i64, at: &wallets::Model) -> transfers::Model {
    transfers::Model {
        id: TransferId(id_at(at.created_at)),
        kind: TransferKind::Transfer,
        status: TransferStatus::Failed,
        source_wallet_id: source,
        destination_wallet_id: destination,
        amount: money(units),
        currency: at.currency,
        method: None,
        description: None,
        metadata: None,
        failure_reason: Some("wallet_frozen".to_owned()),
        available: None,
        idempotency_key: None,
        request_digest: None,
        parent_id: None,
        batch_id: None,
        created_by: None,
        api_key_id: None,
        request_id: None,
        released: None,
        texts_digest: None,
        texts_salt: None,
        expires_at: None,
        created_at: at.created_at,
    }
}

fn entry(wallet_id: WalletId, transfer_id: TransferId, units: i64) -> entries::Model {
    entries::Model {
        wallet_id,
        transfer_id,
        version: Version(1),
        amount: money(units),
        balance_after: money(units),
    }
}

fn customer(user: UserId) -> Actor {
    Actor::new(user, Role::Customer)
}
