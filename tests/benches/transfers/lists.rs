//! What pages of a list and a balance at a time cost on a wallet with few and with many entries, and what the list of a
//! customer with two transfers costs in a small and in a large bank. One client, all of them in turns.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use chrono::{SecondsFormat, TimeDelta};
use serde_json::Value;
use uuid::Uuid;

use crate::histories::{BUSY, Histories, QUIET, StoredBank};
use crate::report::Report;
use crate::timed::{Line, Timed, get, measure_in_turns};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    FirstEntries,
    LastEntries,
    FirstTransfers,
    LastTransfers,
    BalanceAt,
    TwoTransfers,
}

/// Which of the two banks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Few,
    Many,
}

/// Items in a page, as the contract has it.
const PAGE: u32 = 50;

impl Look {
    pub const ALL: [Self; 6] = [
        Self::FirstEntries,
        Self::LastEntries,
        Self::FirstTransfers,
        Self::LastTransfers,
        Self::BalanceAt,
        Self::TwoTransfers,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::FirstEntries => "first page of entries",
            Self::LastEntries => "last page of entries",
            Self::FirstTransfers => "first page of transfers",
            Self::LastTransfers => "last page of transfers",
            Self::BalanceAt => "balance at a time",
            Self::TwoTransfers => "two transfers among foreign ones",
        }
    }
}

/// The name of a measurement.
pub fn list_name(database: &str, look: Look, size: Size) -> String {
    let size = match size {
        Size::Few => "few",
        Size::Many => "many",
    };
    format!("lists {database}, {}, {size}", look.name())
}

/// Measures every look at both banks.
pub async fn measure(
    report: &mut Report,
    database: &str,
    histories: &Histories,
    program: &Path,
    rounds: usize,
) -> Result<()> {
    let (few, many) = (
        histories.few.serve(program).await?,
        histories.many.serve(program).await?,
    );
    let banks = [
        (Size::Few, &histories.few, few.address),
        (Size::Many, &histories.many, many.address),
    ];
    let mut looks = Vec::new();
    for (size, bank, address) in banks {
        let mut line = Line::open(address).await?;
        for (look, request) in requests(&mut line, bank).await? {
            let own_line = Line::open(address).await?;
            looks.push(Timed::new(list_name(database, look, size), own_line, request)?);
        }
    }
    measure_in_turns(report, looks, rounds).await
}

/// A request for each look. Asks for each once, to see that its answer is the one that is meant.
async fn requests(line: &mut Line, bank: &StoredBank) -> Result<Vec<(Look, String)>> {
    let (wallet, token) = (bank.accounts.wallets[BUSY], &bank.accounts.tokens[BUSY]);
    let entries = format!("/v1/wallets/{wallet}/entries?limit={PAGE}");
    let transfers = format!("/v1/transfers?wallet_id={wallet}&limit={PAGE}");
    let middle = bank.history.time(bank.history.transfers / 2) + TimeDelta::milliseconds(1);
    let middle = middle.to_rfc3339_opts(SecondsFormat::Micros, true);
    let quiet = &bank.accounts.tokens[QUIET];
    let mut requests = Vec::new();
    for look in Look::ALL {
        let request = match look {
            Look::FirstEntries => get(&entries, token),
            Look::LastEntries => get(&last_page(line, bank, &entries, "transfer_id").await?, token),
            Look::FirstTransfers => get(&transfers, token),
            Look::LastTransfers => get(&last_page(line, bank, &transfers, "id").await?, token),
            Look::BalanceAt => get(&format!("/v1/wallets/{wallet}/balance?at={middle}"), token),
            Look::TwoTransfers => get("/v1/transfers", quiet),
        };
        line.ask(&request).await?;
        let (items, is_last) = items_of(&line.json()?);
        let expected = match look {
            Look::FirstEntries | Look::FirstTransfers => (PAGE as usize, false),
            Look::LastEntries | Look::LastTransfers => (PAGE as usize, true),
            Look::BalanceAt => (0, true),
            Look::TwoTransfers => (2, true),
        };
        ensure!(
            (items, is_last) == expected,
            "{look:?}: {items} items, last page: {is_last}"
        );
        requests.push((look, request));
    }
    Ok(requests)
}

/// How many items a page has, and whether no page follows.
fn items_of(page: &Value) -> (usize, bool) {
    let items = page["items"].as_array().map_or(0, Vec::len);
    (items, page["next_cursor"].is_null())
}

/// The path of the list's last page, without a walk through all pages: a cursor has the id of the last item before the
/// page in it, so this one is the first page's with another id.
async fn last_page(line: &mut Line, bank: &StoredBank, list: &str, id_field: &str) -> Result<String> {
    line.ask(&get(list, &bank.accounts.tokens[BUSY])).await?;
    let page = line.json()?;
    let cursor = page["next_cursor"].as_str().context("a second page")?;
    let last = page["items"].as_array().and_then(|items| items.last());
    let last = last.and_then(|item| item[id_field].as_str()).context("an id")?;
    // After this transfer come those before it, and the deposit.
    let wanted = bank.history.id(PAGE);
    let of_end = cursor.replace(
        &Uuid::parse_str(last)?.simple().to_string(),
        &wanted.0.simple().to_string(),
    );
    ensure!(
        of_end != cursor,
        "the cursor does not hold the last item's id: {cursor}"
    );
    Ok(format!("{list}&cursor={of_end}"))
}
