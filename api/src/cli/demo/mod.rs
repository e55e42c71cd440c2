//! `florin demo`: makes a temporary bank with weeks of history, sends transfers on it, proves the books, and then serves it.
//!
//! The history is made under a clock of its own, by services that are stopped afterwards. What is measured, proved and
//! served is the same database with the bank's own clock, as after any other start.

mod accounts;
mod acts;
mod busy;
mod busy_acts;
mod calendar;
mod chance;
mod clock;
mod everyday;
mod feed_imports;
mod feeds;
mod history;
mod holds;
mod life;
mod people;
mod staff_work;
mod traffic;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use service::clock::{Clock, SystemClock};
use service::config::{Config, ReportAccess, TokenAlgorithm};
use service::values::Currency;
use tempfile::TempDir;
use tokio::net::TcpListener;

use self::accounts::{DemoAccounts, STAFF};
use self::busy::BusyStream;
use self::calendar::Calendar;
use self::clock::HistoryClock;
use self::history::{DemoHistory, FOUNDERS_CENTS, HistorySettings};
use self::people::{FOUNDERS, email_of};
use self::traffic::DemoCustomer;
use super::settings::{DISK_RESERVE_BYTES, UPLOAD_MAX_BYTES};
use super::{Bank, Ending, Settings, bank, counted, print, serve, user::random_password, verify};

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// How many transfers to send
    #[arg(long, default_value = "5000", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    transfers: u32,

    /// How many are under way at a time
    #[arg(long, default_value = "256", value_parser = clap::value_parser!(u32).range(1..=8192))]
    concurrent: u32,

    /// How many days of history the bank has before; 0 for none
    #[arg(long, default_value = "45", value_parser = clap::value_parser!(u32).range(0..=365))]
    days: u32,

    /// Which history: the same number tells the same story, up to the present day
    #[arg(long, default_value = "1")]
    seed: u64,

    /// Stop after the proof instead of serving
    #[arg(long)]
    once: bool,

    /// Send about five transfers a second while serving
    #[arg(long, conflicts_with = "once")]
    keep_busy: bool,
}

pub async fn run(settings: &Settings, options: DemoOptions) -> anyhow::Result<Ending> {
    // Before the folder is made: a signal that arrives while the bank starts must not leave the folder behind.
    let stop = Box::pin(serve::stop_signal()?);
    // Bind first, so that a port in use is reported before the transfers and not after them.
    let listener = match options.once {
        true => None,
        false => Some(settings.listen.bind().await?),
    };
    let (folder, mut config) = throw_away()?;
    config.queue_max = settings.queue_max as usize;
    config.reports = settings.reports.into();
    let demo = DemoRun {
        settings,
        options,
        config,
        password: random_password(),
    };
    let ending = demo.run(folder.path(), listener, stop).await;
    folder.close().context("cannot remove the throw-away bank")?;
    ending
}

/// A run of the demo.
struct DemoRun<'a> {
    settings: &'a Settings,
    options: DemoOptions,
    config: Config,
    /// Of all users.
    password: String,
}

/// A temporary folder, which is removed when it is dropped, and the settings of a bank in it.
pub(super) fn throw_away() -> anyhow::Result<(TempDir, Config)> {
    let folder = tempfile::Builder::new()
        .prefix("florin-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let config = Config {
        database_url: format!("sqlite://{}", folder.path().join("florin.db").display()),
        allows_unsafe_database: false,
        generic_plans: true,
        signing_key_file: folder.path().join("signing.key"),
        journal_key_file: folder.path().join("journal.key"),
        token_algorithm: TokenAlgorithm::default(),
        rate_limit_per_minute: 0,
        currency: Currency::from_code("USD").context("ISO 4217 has the US dollar")?,
        queue_max: 8192,
        data_dir: folder.path().to_owned(),
        upload_max_bytes: UPLOAD_MAX_BYTES,
        disk_reserve_bytes: DISK_RESERVE_BYTES,
        redis_url: None,
        mail: None,
        webhooks_private: false,
        reports: ReportAccess::default(),
    };
    Ok((folder, config))
}

impl DemoRun<'_> {
    async fn run(
        &self,
        folder: &Path,
        listener: Option<TcpListener>,
        mut stop: Pin<Box<impl Future<Output = ()>>>,
    ) -> anyhow::Result<Ending> {
        let stopped = || anyhow!("stopped before the proof; the throw-away bank is removed");
        let Some(accounts) = self.past(folder, &mut stop).await? else {
            return Err(stopped());
        };
        let bank = bank::open(&self.config).await?;
        let customers = traffic::founders(&accounts);
        let shown = tokio::select! {
            shown = self.show(&bank, &customers) => shown.map(Some),
            () = &mut stop => Ok(None),
        };
        let ending = match (shown, listener) {
            (Ok(Some(Ending::Done)), Some(listener)) => {
                let served = self
                    .keep_serving(listener, &bank, (&accounts, &customers[..]), stop)
                    .await;
                served.map(|()| Ending::Done)
            }
            (Ok(Some(ending)), _) => Ok(ending),
            (Ok(None), _) => Err(stopped()),
            (Err(error), _) => Err(error),
        };
        bank.stop().await;
        ending
    }

    /// Makes the bank and its history; `None` when it was stopped meanwhile.
    async fn past(
        &self,
        folder: &Path,
        stop: &mut Pin<Box<impl Future<Output = ()>>>,
    ) -> anyhow::Result<Option<DemoAccounts>> {
        let present = SystemClock.now();
        let settings = HistorySettings {
            calendar: Calendar::new(present, self.options.days),
            seed: self.options.seed,
            password: &self.password,
            folder,
        };
        // Without a history the clock stands still at the present.
        let begins = match self.options.days {
            0 => present,
            _ => settings.calendar.hour(0, 0),
        };
        let clock = Arc::new(HistoryClock::starting_at(begins));
        let bank = bank::open_at(&self.config, clock.clone()).await?;
        let made = tokio::select! {
            made = self.make_history(&bank, clock, settings) => made.map(Some),
            () = stop => Ok(None),
        };
        bank.stop().await;
        made
    }

    async fn make_history(
        &self,
        bank: &Bank,
        clock: Arc<HistoryClock>,
        settings: HistorySettings<'_>,
    ) -> anyhow::Result<DemoAccounts> {
        print(format!("A throw-away bank in {}", settings.folder.display()))?;
        let mut history = DemoHistory::open(bank, clock, &settings).await?;
        print(format!(
            "{FOUNDERS} customers, each with a first wallet and a deposit of {} USD",
            FOUNDERS_CENTS / 100
        ))?;
        if self.options.days > 0 {
            history.make().await?;
            print(told(&history, &self.options))?;
        }
        print("")?;
        Ok(history.into_accounts())
    }

    /// Sends the customers' transfers, prints the results and proves the books.
    async fn show(&self, bank: &Bank, customers: &[DemoCustomer]) -> anyhow::Result<Ending> {
        let sent = traffic::send(bank, customers, &self.options).await?;
        print(&sent)?;
        traffic::show_balances(bank, customers).await?;
        if let Some(customer) = customers.first() {
            traffic::show_entries(bank, customer).await?;
        }
        let proof = bank.ops.verify().await.context("cannot read the books")?;
        print(verify::to_text(&proof).trim_end())?;
        Ok(if proof.is_clean() {
            Ending::Done
        } else {
            Ending::FoundWrong
        })
    }

    async fn keep_serving(
        &self,
        listener: TcpListener,
        bank: &Bank,
        (accounts, customers): (&DemoAccounts, &[DemoCustomer]),
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        print(format!(
            "\nLook around in http://{}/console. Sign in as",
            listener.local_addr()?
        ))?;
        for role in STAFF {
            print(format!("  {} ({role})", email_of(role.as_str())))?;
        }
        for customer in customers {
            print(format!("  {}", customer.email))?;
        }
        let others = accounts.customer_count().saturating_sub(customers.len() as u64);
        if others > 0 {
            let others = counted(others, "other customer", "other customers");
            print(format!("  or one of {others}, whom the staff finds among the users"))?;
        }
        print(format!("each with the password {}", self.password))?;
        if self.options.keep_busy {
            print("About five transfers a second keep the bank busy.")?;
        }
        print("Ctrl-C ends the demo and removes its bank.")?;
        bank.warm_up().await?;
        let busy = self
            .options
            .keep_busy
            .then(|| BusyStream::start(bank, accounts, self.options.seed));
        let served = serve::serve(self.settings, listener, bank, Vec::new(), stop).await;
        // Before the bank, which would refuse its transfers.
        if let Some(busy) = busy {
            busy.stop().await;
        }
        served
    }
}

/// The history in words.
fn told(history: &DemoHistory<'_>, options: &DemoOptions) -> String {
    let (accounts, totals, imports) = (history.accounts(), &history.totals, &history.imports);
    let line = |parts: &[String]| format!("  {}\n", parts.join(", "));
    let mut text = format!(
        "{} of history, by the seed {}:\n",
        counted(options.days, "day", "days"),
        options.seed
    );
    text += &line(&[
        counted(accounts.customer_count(), "customer", "customers"),
        counted(accounts.wallet_count(), "wallet", "wallets"),
        format!("{} of the staff", STAFF.len()),
    ]);
    text += &line(&[
        format!("{} made", counted(totals.moved.completed, "movement", "movements")),
        format!("{} refused", totals.moved.refused),
        counted(totals.holds, "hold", "holds"),
        counted(totals.reversals, "reversal", "reversals"),
        counted(totals.moved.batches, "batch", "batches"),
    ]);
    text += &line(&[
        format!("{} imported", counted(imports.files, "file", "files")),
        counted(imports.totals.rows_inserted, "row", "rows"),
        format!("{} skipped", imports.totals.rows_skipped),
    ]);
    text.trim_end().to_owned()
}
