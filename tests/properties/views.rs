//! Users, wallets, transfers and entries as JSON: exactly the contract's fields, each of which parses to the value it
//! shows.

use std::sync::Arc;

use std::collections::BTreeMap;

use api::resources::transfer_inputs::NewTransferInput;
use api::resources::transfer_view::TransferView;
use api::resources::users::UserView;
use api::resources::wallet_view::{EntryView, WalletView};
use chrono::DateTime;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use service::identity::User;
use service::ledger;
use service::transfers::{Failure, Metadata, NewDestination, NewTransfer, ShownTransfer, Transfer};
use service::values::{
    Currency, Method, Money, Role, Timestamp, TransferId, TransferKind, TransferStatus, UserId, UserStatus, Version,
    WalletId, WalletStatus,
};
use service::wallets::Wallet;

use crate::cases::{hold, money, text_of, units, units_above_zero};
use crate::domain::{id, metadata, time, transfer, user, wallet};

/// An answer's members by name, each with its raw text.
struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    /// Serializes a view as an answer does, and checks that it has exactly these members.
    fn of(view: &impl Serialize, names: &[&str]) -> Result<Self, TestCaseError> {
        let json = serde_json::to_string(view).map_err(failed)?;
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&json).map_err(failed)?;
        let mut expected: Vec<&str> = names.to_vec();
        expected.sort_unstable();
        prop_assert_eq!(members.keys().collect::<Vec<_>>(), expected);
        Ok(Self(members))
    }

    fn raw(&self, name: &str) -> &str {
        self.0[name].get()
    }

    /// A member parsed by serde's rules for plain types.
    fn plain<T: DeserializeOwned>(&self, name: &str) -> Result<T, TestCaseError> {
        serde_json::from_str(self.raw(name)).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))
    }

    /// Money is a string with four decimals, for every amount.
    fn money(&self, name: &str) -> Result<Money, TestCaseError> {
        let text: String = self.plain(name)?;
        let money: Money = text.parse().map_err(failed)?;
        prop_assert_eq!(text, text_of(i128::from(money.units())));
        Ok(money)
    }

    /// Times have six decimals and end in Z.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, TestCaseError> {
        let Some(text) = self.plain::<Option<String>>(name)? else {
            return Ok(None);
        };
        prop_assert!(
            text.ends_with('Z') && text.len() == "2026-01-05T03:33:58.000000Z".len(),
            "{}",
            text
        );
        let time = DateTime::parse_from_rfc3339(&text).map_err(failed)?;
        Ok(Some(time.to_utc()))
    }

    fn word<T: Copy>(&self, name: &str, read: fn(&str) -> Option<T>) -> Result<T, TestCaseError> {
        let word: String = self.plain(name)?;
        read(&word).ok_or_else(|| TestCaseError::fail(format!("{name} is {word:?}")))
    }
}

fn failed(error: impl ToString) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

#[test]
fn a_user_reads_back_from_its_json() {
    hold(file!(), &user(), |user| {
        let names = ["id", "email", "full_name", "role", "status", "created_at", "updated_at"];
        let members = Members::of(&UserView::from(user.clone()), &names)?;
        let read = User {
            id: UserId(members.plain("id")?),
            email: members.plain("email")?,
            full_name: members.plain("full_name")?,
            role: members.word("role", Role::from_word)?,
            status: members.word("status", UserStatus::from_word)?,
            created_at: members.time("created_at")?.unwrap_or_default(),
            updated_at: members.time("updated_at")?.unwrap_or_default(),
        };
        prop_assert_eq!(read, user);
        Ok(())
    });
}

#[test]
fn a_wallet_reads_back_from_its_json() {
    hold(file!(), &wallet(), |wallet| {
        let names = [
            "id",
            "user_id",
            "currency",
            "balance",
            "held",
            "available",
            "status",
            "limits",
            "version",
            "created_at",
            "updated_at",
        ];
        let members = Members::of(&WalletView::from(wallet.clone()), &names)?;
        let read = Wallet {
            limits: None,
            id: WalletId(members.plain("id")?),
            owner: members.plain("user_id")?,
            // The view does not show it.
            method: wallet.method.clone(),
            currency: members.word("currency", Currency::from_code)?,
            balance: members.money("balance")?,
            held: members.money("held")?,
            status: members.word("status", WalletStatus::from_word)?,
            version: members.plain("version")?,
            created_at: members.time("created_at")?.unwrap_or_default(),
            updated_at: members.time("updated_at")?.unwrap_or_default(),
        };
        prop_assert_eq!(
            members.money("available")?.units(),
            wallet.balance.units() - wallet.held.units()
        );
        prop_assert_eq!(read, wallet);
        Ok(())
    });
}

#[test]
fn a_transfer_reads_back_from_its_json() {
    let asked = (transfer(), option::of(id()), option::of(id()));
    hold(file!(), &asked, |(transfer, asker, key)| {
        let transfer = Transfer {
            created_by: asker.map(UserId),
            api_key: key,
            ..transfer
        };
        let names = [
            "id",
            "kind",
            "status",
            "source_wallet_id",
            "destination_wallet_id",
            "amount",
            "currency",
            "method",
            "description",
            "metadata",
            "failure_reason",
            "batch_id",
            "hold_id",
            "reverses",
            "reversed",
            "hold",
            "created_by",
            "api_key_id",
            "created_at",
            "completed_at",
        ];
        let members = Members::of(
            &TransferView::from(&ShownTransfer::as_decided(Arc::new(transfer.clone()))),
            &names,
        )?;
        let reason: Option<String> = members.plain("failure_reason")?;
        prop_assert_eq!(reason.as_deref(), transfer.failure.map(Failure::code));
        let available = transfer.failure.and_then(Failure::available);
        let read = Transfer {
            id: TransferId(members.plain("id")?),
            kind: members.word("kind", TransferKind::from_word)?,
            status: members.word("status", TransferStatus::from_word)?,
            source: WalletId(members.plain("source_wallet_id")?),
            destination: WalletId(members.plain("destination_wallet_id")?),
            amount: members.money("amount")?,
            currency: members.word("currency", Currency::from_code)?,
            method: members.plain::<Option<String>>("method")?.and_then(Method::try_new),
            description: members.plain("description")?,
            // Returned exactly as given, blanks and digits included.
            metadata: Some(members.raw("metadata").to_owned()).filter(|text| text != "null"),
            failure: reason.and_then(|reason| Failure::from_stored(&reason, available)),
            created_by: members.plain("created_by")?,
            api_key: members.plain("api_key_id")?,
            created_at: members.time("created_at")?.unwrap_or_default(),
            // The ledger's other fields are not in the view and keep their values here.
            ..transfer.clone()
        };
        prop_assert_eq!(members.time("completed_at")?, transfer.completed_at());
        prop_assert_eq!(read, transfer);
        prop_assert_eq!((members.raw("hold"), members.raw("reversed")), ("null", "\"0.0000\""));
        Ok(())
    });
}

#[test]
fn an_entry_reads_back_from_its_json() {
    let amounts = (units(), units(), 1..i64::MAX);
    let entries = (
        id(),
        id(),
        select(TransferKind::ALL),
        amounts,
        option::of(any::<String>()),
        time(),
    );
    hold(
        file!(),
        &entries,
        |(transfer, counterparty, kind, (amount, after, version), description, created_at)| {
            let entry = ledger::WalletEntry {
                transfer: TransferId(transfer),
                kind,
                amount: money(amount),
                balance_after: money(after),
                version: Version(version),
                counterparty: WalletId(counterparty),
                description,
                created_at,
            };
            let names = [
                "transfer_id",
                "kind",
                "amount",
                "balance_after",
                "version",
                "counterparty_wallet_id",
                "description",
                "created_at",
            ];
            let members = Members::of(&EntryView::from(entry.clone()), &names)?;
            let read = ledger::WalletEntry {
                transfer: TransferId(members.plain("transfer_id")?),
                kind: members.word("kind", TransferKind::from_word)?,
                amount: members.money("amount")?,
                balance_after: members.money("balance_after")?,
                version: members.plain("version")?,
                counterparty: WalletId(members.plain("counterparty_wallet_id")?),
                description: members.plain("description")?,
                created_at: members.time("created_at")?.unwrap_or_default(),
            };
            prop_assert_eq!(read, entry);
            Ok(())
        },
    );
}

#[test]
fn a_request_for_a_transfer_is_read_as_it_was_meant() {
    let text = "[^\0]{0,40}".prop_map(|text| text.chars().take(500).collect::<String>());
    let requests = (
        id(),
        id(),
        units_above_zero(),
        any::<bool>(),
        option::of(text),
        option::of(metadata()),
    );
    hold(
        file!(),
        &requests,
        |(source, destination, units, as_number, description, metadata)| {
            let quote = if as_number { "" } else { "\"" };
            let json = format!(
                "{{\"source_wallet_id\":\"{source}\",\"amount\":{quote}{}{quote},\"destination_wallet_id\":\"{destination}\",\
             \"description\":{},\"metadata\":{}}}",
                text_of(i128::from(units)),
                serde_json::to_string(&description).map_err(failed)?,
                metadata.as_deref().unwrap_or("null"),
            );
            let input: NewTransferInput = serde_json::from_str(&json).map_err(failed)?;
            let new: NewTransfer = input
                .request("")
                .map_err(|problem| TestCaseError::fail(format!("{problem:?}")))?;
            prop_assert_eq!(new.source, WalletId(source));
            prop_assert_eq!(new.destination, NewDestination::Wallet(WalletId(destination)));
            prop_assert_eq!(new.amount, Some(money(units)));
            prop_assert_eq!(new.description, description);
            prop_assert_eq!(new.metadata.as_ref().map(Metadata::as_json), metadata.as_deref());
            Ok(())
        },
    );
}
