//! `florin transfer`: looks at a transfer of a running bank, at what has become of it, and at what it did to its wallets.

mod report;

use anyhow::Context;
use clap::{Args, Subcommand};
use service::ledger::{Transfer, WalletEntry};
use service::page::PageRequest;
use service::transfers::{TransferError, TransferFilter};
use service::values::{TransferId, WalletId};
use service::wallets::WalletError;
use uuid::Uuid;

use self::report::TransferReport;
use super::people::{self, reader};
use super::{Bank, Ending, Settings, bank, print};
use crate::stderr::complain;

#[derive(Debug, Subcommand)]
pub enum TransferAction {
    /// Show a transfer: its fields, what has become of it, and its entries
    Show(TransferChoice),
}

#[derive(Debug, Args)]
pub struct TransferChoice {
    /// The transfer's id
    #[arg(value_name = "ID", value_parser = transfer_id)]
    id: TransferId,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How many captures, releases and reversals of a transfer are shown. The API lists the others.
const FOLLOWERS_SHOWN: u64 = 20;

pub async fn run(settings: &Settings, action: TransferAction) -> anyhow::Result<Ending> {
    let TransferAction::Show(choice) = action;
    let bank = bank::open_existing(&settings.config()?).await?.services;
    let ending = show(&bank, &choice).await;
    bank.stop().await;
    ending
}

async fn show(bank: &Bank, choice: &TransferChoice) -> anyhow::Result<Ending> {
    let shown = match bank.transfers.get(&reader(), choice.id).await {
        Ok(shown) => shown,
        Err(error @ TransferError::NotFound) => {
            complain(error);
            return Ok(Ending::FoundWrong);
        }
        Err(error) => return Err(error.into()),
    };
    let filter = TransferFilter {
        parent: Some(choice.id),
        ..TransferFilter::default()
    };
    let request = PageRequest {
        limit: FOLLOWERS_SHOWN,
        after: None,
    };
    let page = bank.transfers.list(&reader(), filter, request).await;
    let page = page.context("cannot read what has become of the transfer")?;
    let asker = match shown.transfer.created_by {
        Some(user) => people::email_of(bank, user).await?,
        None => None,
    };
    let report = TransferReport {
        entries: entries_of(bank, &shown.transfer).await?,
        shown,
        asker,
        followers: page.items,
        has_more: page.next.is_some(),
    };
    if choice.json {
        print(format_args!("{:#}", report.to_json()))?;
    } else {
        print(report.to_text().trim_end())?;
    }
    Ok(Ending::Done)
}

/// The entries of a transfer, each with its wallet: two if it moved money, else none. An entry is looked up in the
/// history of its wallet, of which it is the newest up to the transfer.
async fn entries_of(bank: &Bank, transfer: &Transfer) -> anyhow::Result<Vec<(WalletId, WalletEntry)>> {
    let just_after = TransferId(Uuid::from_u128(transfer.id.0.as_u128().saturating_add(1)));
    let mut entries = Vec::new();
    for wallet in [transfer.source, transfer.destination] {
        let request = PageRequest {
            limit: 1,
            after: Some(just_after),
        };
        let newest = match bank.wallets.entries(&reader(), wallet, request).await {
            Ok(page) => page.items.into_iter().next(),
            // A damaged bank can be looked at too; `florin verify` names what is missing.
            Err(WalletError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let found = newest.filter(|entry| entry.transfer == transfer.id);
        entries.extend(found.map(|entry| (wallet, entry)));
    }
    Ok(entries)
}

fn transfer_id(text: &str) -> Result<TransferId, String> {
    let id = Uuid::try_parse(text).map(TransferId);
    id.map_err(|_| "not the id of a transfer, which is a UUID".to_owned())
}
