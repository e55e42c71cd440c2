//! `florin wallet`: looks at a wallet of a running bank, freezes it, sets its limits. The services that answer the API
//! do the work, so a change is a row of the journal and a line of the audit log, and every replica decides its next
//! transfer by it.

mod report;

use anyhow::Context;
use clap::{Args, Subcommand};
use service::actor::Permission;
use service::identity::Email;
use service::ledger::{WalletLimits, day_of};
use service::page::PageRequest;
use service::values::{Money, WalletId};
use service::wallets::{Expected, StatusReason, Wallet, WalletError};
use uuid::Uuid;

use self::report::WalletReport;
use super::bank::ClockedBank;
use super::people::{self, reader};
use super::wrong_use::WrongUse;
use super::{Ending, Settings, bank, print};
use crate::stderr::complain;

#[derive(Debug, Subcommand)]
pub enum WalletAction {
    /// Show a wallet: its money, its owner, its limits and its newest entries
    Show(WalletChoice),
    /// Freeze a wallet, so that no money moves in or out, or unfreeze it
    Freeze(FreezeOptions),
    /// Set a wallet's limits to those that are named, and to no others; without any, show them
    Limits(LimitOptions),
}

#[derive(Debug, Args)]
pub struct WalletChoice {
    /// The wallet's id
    #[arg(value_name = "ID", value_parser = wallet_id)]
    id: WalletId,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct FreezeOptions {
    #[command(flatten)]
    wallet: WalletChoice,

    /// Let its money move again
    #[arg(long)]
    unfreeze: bool,

    /// Why, for the audit log: 1 to 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<StatusReason>,

    /// The user who asks, whom the journal and the audit log record: of support, an operator or an admin
    #[arg(long = "as", value_name = "EMAIL", value_parser = people::email)]
    operator: Email,
}

#[derive(Debug, Args)]
pub struct LimitOptions {
    #[command(flatten)]
    wallet: WalletChoice,

    /// The most that one transfer may take out
    #[arg(long, value_name = "AMOUNT", value_parser = amount, requires = "operator")]
    per_transfer: Option<Money>,

    /// The most that may go out on one UTC day
    #[arg(long, value_name = "AMOUNT", value_parser = amount, requires = "operator")]
    per_day_amount: Option<Money>,

    /// How many transfers may go out on one UTC day
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(i64).range(1..=WalletLimits::COUNT_MAX),
        requires = "operator"
    )]
    per_day_count: Option<i64>,

    /// Remove all limits
    #[arg(
        long,
        conflicts_with_all = ["per_transfer", "per_day_amount", "per_day_count"],
        requires = "operator"
    )]
    none: bool,

    /// The operator or admin who asks, whom the journal records; only to set limits, or with --none
    #[arg(long = "as", value_name = "EMAIL", value_parser = people::email)]
    operator: Option<Email>,
}

/// How many entries are shown. The API lists the others.
const ENTRIES_SHOWN: u64 = 10;

pub async fn run(settings: &Settings, action: WalletAction) -> anyhow::Result<Ending> {
    if let WalletAction::Limits(options) = &action {
        options.check()?;
    }
    let bank = bank::open_existing(&settings.config()?).await?;
    let ending = match action {
        WalletAction::Show(choice) => show(&bank, &choice).await,
        WalletAction::Freeze(options) => freeze(&bank, &options).await,
        WalletAction::Limits(options) => limits(&bank, &options).await,
    };
    bank.services.stop().await;
    ending
}

async fn show(bank: &ClockedBank, choice: &WalletChoice) -> anyhow::Result<Ending> {
    let wallets = &bank.services.wallets;
    let wallet = match wallets.get(&reader(), choice.id).await {
        Ok(wallet) => wallet,
        Err(error) => return refused(error),
    };
    let request = PageRequest {
        limit: ENTRIES_SHOWN,
        after: None,
    };
    let page = wallets.entries(&reader(), choice.id, request).await;
    let report = WalletReport {
        entries: Some(page.context("cannot read the wallet's entries")?.items),
        ..report_of(bank, wallet).await?
    };
    print_report(&report, choice.json)
}

async fn freeze(bank: &ClockedBank, options: &FreezeOptions) -> anyhow::Result<Ending> {
    let operator = people::asker(&bank.services, &options.operator, Permission::WalletsFreeze).await?;
    let (wallets, id, reason) = (&bank.services.wallets, options.wallet.id, options.reason.clone());
    let changed = if options.unfreeze {
        wallets.unfreeze(&operator, id, reason, Expected::Anything).await
    } else {
        wallets.freeze(&operator, id, reason, Expected::Anything).await
    };
    print_changed(bank, changed, options.wallet.json).await
}

async fn limits(bank: &ClockedBank, options: &LimitOptions) -> anyhow::Result<Ending> {
    let (wallets, id) = (&bank.services.wallets, options.wallet.id);
    let shown = match options.asked() {
        Some((limits, email)) => {
            let operator = people::asker(&bank.services, email, Permission::LimitsWrite).await?;
            wallets.set_limits(&operator, id, limits, Expected::Anything).await
        }
        None => wallets.get(&reader(), id).await,
    };
    print_changed(bank, shown, options.wallet.json).await
}

impl LimitOptions {
    /// Refuses an operator without a limit, which might be meant to show the limits or to remove them.
    fn check(&self) -> Result<(), WrongUse> {
        if self.operator.is_some() && !self.none && self.limits().is_empty() {
            let sentence = "--as is for a change: name a limit, or --none; without --as the limits are shown";
            return Err(WrongUse(sentence.to_owned()));
        }
        Ok(())
    }

    /// The limits to set, and who asks for them; `None` to show those that there are. clap refuses a limit without an
    /// operator.
    fn asked(&self) -> Option<(WalletLimits, &Email)> {
        self.operator.as_ref().map(|operator| (self.limits(), operator))
    }

    fn limits(&self) -> WalletLimits {
        WalletLimits {
            per_transfer: self.per_transfer,
            per_day_amount: self.per_day_amount,
            per_day_count: self.per_day_count,
        }
    }
}

async fn print_changed(
    bank: &ClockedBank,
    wallet: Result<Wallet, WalletError>,
    as_json: bool,
) -> anyhow::Result<Ending> {
    match wallet {
        Ok(wallet) => print_report(&report_of(bank, wallet).await?, as_json),
        Err(error) => refused(error),
    }
}

async fn report_of(bank: &ClockedBank, wallet: Wallet) -> anyhow::Result<WalletReport> {
    let email = match wallet.owner {
        Some(user) => people::email_of(&bank.services, user).await?,
        None => None,
    };
    Ok(WalletReport {
        wallet,
        email,
        today: day_of(bank.clock.now()),
        entries: None,
    })
}

fn print_report(report: &WalletReport, as_json: bool) -> anyhow::Result<Ending> {
    if as_json {
        print(format_args!("{:#}", report.to_json()))?;
    } else {
        print(report.to_text().trim_end())?;
    }
    Ok(Ending::Done)
}

/// What the bank's state forbids is told in a sentence, like a check that failed; all else is a fault.
fn refused(error: WalletError) -> anyhow::Result<Ending> {
    match error {
        WalletError::NotFound | WalletError::Closed | WalletError::System => {
            complain(error);
            Ok(Ending::FoundWrong)
        }
        error => Err(error.into()),
    }
}

fn wallet_id(text: &str) -> Result<WalletId, String> {
    let id = Uuid::try_parse(text).map(WalletId);
    id.map_err(|_| "not the id of a wallet, which is a UUID".to_owned())
}

fn reason(text: &str) -> Result<StatusReason, String> {
    let (reason, most) = (StatusReason::try_new(text), StatusReason::LENGTH_MAX);
    reason.ok_or_else(|| format!("not 1 to {most} characters, all of which can be seen"))
}

fn amount(text: &str) -> Result<Money, String> {
    let amount = Money::parse_unsigned(text).ok().filter(|amount| *amount > Money::ZERO);
    amount.ok_or_else(|| "not an amount above zero of at most 14 digits and four decimals".to_owned())
}
