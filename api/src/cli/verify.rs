//! `florin verify`: prove the books, or name what breaks them.

use anyhow::Context;
use serde_json::json;
use service::ledger::{self, Report};

use super::{Ending, Settings, bank, print};

pub async fn run(settings: &Settings, as_json: bool) -> anyhow::Result<Ending> {
    let db = bank::connect(&settings.config()?).await?;
    let report = ledger::verify(&db).await.context("cannot read the books")?;
    db.close().await;
    if as_json {
        print(format_args!("{:#}", to_json(&report)))?;
    } else {
        print(to_text(&report).trim_end())?;
    }
    Ok(if report.is_clean() {
        Ending::Done
    } else {
        Ending::FoundWrong
    })
}

/// The report for people.
pub(super) fn to_text(report: &Report) -> String {
    let mut text = format!(
        "looked at {} wallets in {} currencies, {} transfers, {} entries\n",
        report.wallets, report.currencies, report.transfers, report.entries
    );
    for check in &report.checks {
        let verdict = if check.offenders.is_empty() { "holds" } else { "BROKEN" };
        text.push_str(&format!("{verdict:7} {}\n", check.claim));
        for offender in &check.offenders {
            text.push_str(&format!("        {offender}\n"));
        }
    }
    text.push_str(if report.is_clean() {
        "the books balance\n"
    } else {
        "the books do not balance\n"
    });
    text
}

fn to_json(report: &Report) -> serde_json::Value {
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|check| json!({ "claim": check.claim, "holds": check.offenders.is_empty(), "offenders": check.offenders }))
        .collect();
    json!({
        "clean": report.is_clean(),
        "wallets": report.wallets,
        "currencies": report.currencies,
        "transfers": report.transfers,
        "entries": report.entries,
        "checks": checks,
    })
}
