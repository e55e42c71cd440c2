//! The demo's measurement: random transfers between the founders, many at a time, each a request of its own; then their
//! balances and the newest entries of one of them.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use service::clock::random_bytes;
use service::identity::Actor;
use service::page::PageRequest;
use service::transfers::{Asking, NewTransfer, TransferError};
use service::values::{Money, WalletId};
use tokio::task::JoinSet;

use super::DemoOptions;
use super::accounts::DemoAccounts;
use crate::cli::{Bank, counted, print};

/// A founder and their first wallet.
pub struct DemoCustomer {
    pub name: &'static str,
    pub email: String,
    actor: Actor,
    wallet: WalletId,
}

const ENTRIES_SHOWN: u64 = 5;

/// The founders, whose transfers these are.
pub fn founders(accounts: &DemoAccounts) -> Vec<DemoCustomer> {
    let founders = accounts.founders().map(|(person, actor, wallet)| DemoCustomer {
        name: person.first_name(),
        email: person.email(),
        actor: actor.clone(),
        wallet,
    });
    founders.collect()
}

/// What became of the transfers, and how long they took.
pub struct DemoTraffic {
    completed: u32,
    refused: u32,
    took: Duration,
}

/// Sends random transfers between random customers, many at a time; each is a separate request.
pub async fn send(bank: &Bank, customers: &[DemoCustomer], options: &DemoOptions) -> anyhow::Result<DemoTraffic> {
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

pub async fn show_balances(bank: &Bank, customers: &[DemoCustomer]) -> anyhow::Result<()> {
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

pub async fn show_entries(bank: &Bank, customer: &DemoCustomer) -> anyhow::Result<()> {
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
