//! `florin demo`: sends transfers on a temporary database, proves the books, and then serves the bank.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use secrecy::SecretString;
use service::actor::ClientInfo;
use service::clock::random_bytes;
use service::config::{Config, ReportAccess, TokenAlgorithm};
use service::identity::{Actor, Email, FullName, Registration};
use service::page::PageRequest;
use service::transfers::{Asking, NewPayment, NewTransfer, TransferError};
use service::values::{Currency, Method, Money, Role, WalletId};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

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

    /// Stop after the proof instead of serving
    #[arg(long)]
    once: bool,
}

struct DemoCustomer {
    name: &'static str,
    email: String,
    actor: Actor,
    wallet: WalletId,
}

const NAMES: [&str; 8] = ["Ana", "Ben", "Chidi", "Dora", "Emre", "Fatou", "Goran", "Hana"];
const OPENING_BALANCE: &str = "1000";
const OPERATOR_EMAIL: &str = "operator@demo.florin";
const ENTRIES_SHOWN: u64 = 5;

pub async fn run(settings: &Settings, options: DemoOptions) -> anyhow::Result<Ending> {
    // Before the folder is made: a signal that arrives while the bank starts must not leave the folder behind.
    let mut stop = Box::pin(serve::stop_signal()?);
    // Bind first, so that a port in use is reported before the transfers and not after them.
    let listener = match options.once {
        true => None,
        false => Some(settings.listen.bind().await?),
    };
    let (folder, mut config) = throw_away()?;
    config.queue_max = settings.queue_max as usize;
    config.reports = settings.reports.into();
    let bank = bank::open(&config).await?;
    let password = random_password();
    print(format!("A throw-away bank in {}", folder.path().display()))?;
    let shown = tokio::select! {
        shown = show(&bank, &password, &options) => shown.map(Some),
        () = &mut stop => Ok(None),
    };
    let ending = match (shown, listener) {
        (Ok(Some((Ending::Done, customers))), Some(listener)) => {
            let served = keep_serving(settings, listener, &bank, &customers, &password, stop).await;
            served.map(|()| Ending::Done)
        }
        (Ok(Some((ending, _))), _) => Ok(ending),
        (Ok(None), _) => Err(anyhow!("stopped before the proof; the throw-away bank is removed")),
        (Err(error), _) => Err(error),
    };
    bank.stop().await;
    folder.close().context("cannot remove the throw-away bank")?;
    ending
}

/// Makes customers, sends their transfers, prints the results and proves the books.
async fn show(bank: &Bank, password: &str, options: &DemoOptions) -> anyhow::Result<(Ending, Vec<DemoCustomer>)> {
    let customers = make_customers(bank, password).await?;
    print(format!(
        "{} customers, each with a first wallet and a deposit of {OPENING_BALANCE} USD\n",
        customers.len()
    ))?;
    let sent = send(bank, &customers, options).await?;
    print(&sent)?;
    show_balances(bank, &customers).await?;
    show_entries(bank, &customers[0]).await?;
    let proof = bank.ops.verify().await.context("cannot read the books")?;
    print(verify::to_text(&proof).trim_end())?;
    let ending = if proof.is_clean() {
        Ending::Done
    } else {
        Ending::FoundWrong
    };
    Ok((ending, customers))
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

async fn make_customers(bank: &Bank, password: &str) -> anyhow::Result<Vec<DemoCustomer>> {
    let email = Email::try_new(OPERATOR_EMAIL).context("the operator's address is one")?;
    let name = FullName::try_new("Operator").context("the operator's name is one")?;
    let operator = bank
        .identity
        .create_user(email, name, SecretString::from(password), Role::Operator)
        .await?;
    let operator = Actor::new(operator.id, operator.role);
    let mut customers = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        let email = format!("{}@demo.florin", name.to_lowercase());
        let registration = Registration {
            email: Email::try_new(&email).context("a customer's address is one")?,
            password: SecretString::from(password),
            full_name: FullName::try_new(name).context("a customer's name is one")?,
            currency: None,
        };
        let (user, wallet) = bank.identity.register(registration, &ClientInfo::default()).await?;
        let deposit = NewPayment::new(
            wallet.id,
            Money::parse_unsigned(OPENING_BALANCE).ok(),
            Method::try_new("visa").context("visa is a method")?,
        );
        bank.transfers.deposit(Asking::by(&operator), deposit).await?;
        customers.push(DemoCustomer {
            name,
            email,
            actor: Actor::new(user.id, user.role),
            wallet: wallet.id,
        });
    }
    Ok(customers)
}

struct DemoTraffic {
    completed: u32,
    refused: u32,
    took: Duration,
}

/// Sends random transfers between random customers, many at a time; each is a separate request.
async fn send(bank: &Bank, customers: &[DemoCustomer], options: &DemoOptions) -> anyhow::Result<DemoTraffic> {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} transfers, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(options.transfers.into())
        .with_style(style)
        .with_finish(ProgressFinish::AndClear);
    let started = Instant::now();
    let mut sent = DemoTraffic {
        completed: 0,
        refused: 0,
        took: Duration::ZERO,
    };
    let mut under_way = JoinSet::new();
    for _ in 0..options.transfers {
        if under_way.len() >= options.concurrent as usize {
            note(&mut sent, under_way.join_next().await)?;
            bar.inc(1);
        }
        let (actor, new) = random_transfer(customers);
        let bank = bank.clone();
        under_way.spawn(async move { bank.transfers.submit(Asking::by(&actor), new).await.map(|_| ()) });
    }
    while let Some(ended) = under_way.join_next().await {
        note(&mut sent, Some(ended))?;
        bar.inc(1);
    }
    sent.took = started.elapsed();
    bar.finish_and_clear();
    Ok(sent)
}

type DemoEnded = Result<Result<(), TransferError>, tokio::task::JoinError>;

fn note(sent: &mut DemoTraffic, ended: Option<DemoEnded>) -> anyhow::Result<()> {
    match ended {
        None => {}
        Some(ended) => match ended? {
            Ok(()) => sent.completed += 1,
            Err(TransferError::Refused(_) | TransferError::Failed { .. }) => sent.refused += 1,
            Err(error) => return Err(error.into()),
        },
    }
    Ok(())
}

fn random_transfer(customers: &[DemoCustomer]) -> (Actor, NewTransfer) {
    let [source, step, high, low] = random_bytes::<4>().map(usize::from);
    let source = source % customers.len();
    let destination = (source + 1 + step % (customers.len() - 1)) % customers.len();
    let units = i64::try_from(1 + high * 256 + low).unwrap_or(1) * 10;
    let (source_wallet, destination) = (customers[source].wallet, customers[destination].wallet);
    let new = NewTransfer {
        description: Some("demo".to_owned()),
        ..NewTransfer::new(source_wallet, destination, Money::from_units(units))
    };
    (customers[source].actor.clone(), new)
}

impl std::fmt::Display for DemoTraffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let total = u128::from(self.completed + self.refused);
        let per_second = total * 1_000_000 / self.took.as_micros().max(1);
        let millis = self.took.as_millis();
        writeln!(
            f,
            "{} in {millis} ms: {per_second} a second, each durable before its answer",
            counted(self.completed + self.refused, "transfer", "transfers"),
        )?;
        writeln!(
            f,
            "{} completed, {} refused for lack of funds",
            self.completed, self.refused
        )
    }
}

async fn show_balances(bank: &Bank, customers: &[DemoCustomer]) -> anyhow::Result<()> {
    print("customer             balance  entries")?;
    for customer in customers {
        let wallet = bank.wallets.get(&customer.actor, customer.wallet).await?;
        print(format!(
            "{:8} {:>16} USD  {:>7}",
            customer.name,
            wallet.balance.to_string(),
            wallet.version
        ))?;
    }
    print("")?;
    Ok(())
}

async fn show_entries(bank: &Bank, customer: &DemoCustomer) -> anyhow::Result<()> {
    let request = PageRequest {
        limit: ENTRIES_SHOWN,
        after: None,
    };
    let page = bank.wallets.entries(&customer.actor, customer.wallet, request).await?;
    print(format!(
        "{}'s newest entries    amount     balance after",
        customer.name
    ))?;
    for entry in page.items {
        print(format!(
            "{:>8} {:>20} {:>17}",
            entry.version,
            entry.amount.to_string(),
            entry.balance_after.to_string()
        ))?;
    }
    print("")?;
    Ok(())
}

async fn keep_serving(
    settings: &Settings,
    listener: TcpListener,
    bank: &Bank,
    customers: &[DemoCustomer],
    password: &str,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    print(format!(
        "\nLook around in http://{}/docs. Sign in as",
        listener.local_addr()?
    ))?;
    print(format!("  {OPERATOR_EMAIL} (operator)"))?;
    for customer in customers {
        print(format!("  {}", customer.email))?;
    }
    print(format!(
        "each with the password {password}\nCtrl-C ends the demo and removes its bank."
    ))?;
    bank.warm_up().await?;
    serve::serve(settings, listener, bank, Vec::new(), stop).await
}
