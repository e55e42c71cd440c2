//! `florin verify`: prove the books, or name what breaks them.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use service::aggregates::{Aggregates, Comparison, Verdict};
use service::clock::SystemClock;
use service::ledger::{JournalSpan, Report, RowDigest, VerifyError};
use service::ops::{self, Proof};
use service::redis::Redis;

use super::verify_bar::VerifyBar;
use super::wrong_use::WrongUse;
use super::{Ending, Settings, bank, counted, print};

#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// Check the journal only after the row with this number, whose digest is trusted; balances are recomputed as a
    /// whole (`florin journal verify --since` takes a signed head instead)
    #[arg(
        long,
        default_value_t = 0,
        allow_negative_numbers = true,
        value_name = "NUMBER",
        value_parser = row_number
    )]
    since: i64,
}

fn row_number(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| "not the number of a row of the journal: 0, 1, 2, ...".to_owned())
}

pub async fn run(settings: &Settings, options: VerifyOptions) -> anyhow::Result<Ending> {
    let config = settings.config()?;
    let redis = config.redis_url.as_ref().map(Redis::try_new).transpose()?;
    let db = bank::connect_existing(&config).await?;
    let aggregates = Aggregates::new(db.clone(), Arc::new(SystemClock), redis);
    let progress = Arc::default();
    let bar = VerifyBar::watching(&progress, "proving the books")?;
    let proof = ops::verify_since(&db, &aggregates, options.since, &progress).await;
    bar.end();
    let proof = match proof {
        Err(error @ VerifyError::NoSuchRow { .. }) => return Err(WrongUse(error.to_string()).into()),
        proof => proof.context("cannot read the books")?,
    };
    db.close().await;
    if options.json {
        print(format_args!("{:#}", to_json(&proof)))?;
    } else {
        print(to_text(&proof).trim_end())?;
    }
    Ok(if proof.is_clean() {
        Ending::Done
    } else {
        Ending::FoundWrong
    })
}

/// The report for people.
pub(super) fn to_text(proof: &Proof) -> String {
    let report = &proof.books;
    let mut text = format!(
        "looked at {} in {}, {}, {}, {}\n",
        counted(report.wallets, "wallet", "wallets"),
        counted(report.currencies, "currency", "currencies"),
        counted(report.transfers, "transfer", "transfers"),
        counted(report.entries, "entry", "entries"),
        counted(report.changes, "change", "changes"),
    );
    push_journal(&mut text, &report.journal);
    for check in &report.checks {
        push_check(&mut text, check.claim, &check.offenders);
    }
    push_aggregates(&mut text, &proof.aggregates);
    text.push_str(if proof.books.is_clean() {
        "the books balance\n"
    } else {
        "the books do not balance\n"
    });
    text
}

fn push_journal(text: &mut String, span: &JournalSpan) {
    let rows = counted(span.rows, "row", "rows");
    let start = span.start.as_ref().map_or_else(String::new, |start| {
        format!(" after {}, which is taken as it is", row_to_text(start))
    });
    text.push_str(&format!("checked {rows} of the journal{start}\n"));
    if let Some(head) = &span.head {
        text.push_str(&format!("its newest is {}\n", row_to_text(head)));
    }
}

pub(super) fn row_to_text(row: &RowDigest) -> String {
    let digest = row
        .digest
        .map_or_else(|| "that is none".to_owned(), |digest| digest.to_string());
    format!("row {} with the digest {digest}", row.number)
}

pub(super) fn row_to_json(row: &RowDigest) -> serde_json::Value {
    json!({ "number": row.number, "digest": row.digest.map(|digest| digest.to_string()) })
}

fn push_check(text: &mut String, claim: &str, offenders: &[String]) {
    let verdict = if offenders.is_empty() { "holds" } else { "BROKEN" };
    text.push_str(&format!("{verdict:7} {claim}\n"));
    for offender in offenders {
        text.push_str(&format!("        {offender}\n"));
    }
}

const AGGREGATES_CLAIM: &str = "the daily aggregates have every deposit and withdrawal of the ledger once";

fn push_aggregates(text: &mut String, aggregates: &Comparison) {
    match &aggregates.verdict {
        Verdict::Equal => push_check(text, AGGREGATES_CLAIM, &[]),
        Verdict::Different(offenders) => push_check(text, AGGREGATES_CLAIM, offenders),
        Verdict::NotCompared(why) => text.push_str(&format!("unknown {AGGREGATES_CLAIM}: {why}\n")),
    }
    if let Some(mark) = aggregates.mark {
        text.push_str(&format!("        up to row {mark} of the journal\n"));
    }
    if aggregates.lag > 0 {
        let moved = counted(
            aggregates.lag,
            "deposit or withdrawal is on its",
            "deposits and withdrawals are on their",
        );
        text.push_str(&format!("        {moved} way to the aggregates\n"));
    }
    for note in &aggregates.notes {
        text.push_str(&format!("        {note}\n"));
    }
}

fn aggregates_to_json(aggregates: &Comparison) -> serde_json::Value {
    let (holds, offenders, not_compared) = match &aggregates.verdict {
        Verdict::Equal => (Some(true), &[][..], None),
        Verdict::Different(offenders) => (Some(false), &offenders[..], None),
        Verdict::NotCompared(why) => (None, &[][..], Some(why)),
    };
    json!({
        "claim": AGGREGATES_CLAIM,
        "holds": holds,
        "offenders": offenders,
        "not_compared": not_compared,
        "mark": aggregates.mark,
        "lag": aggregates.lag,
        "notes": aggregates.notes,
    })
}

fn to_json(proof: &Proof) -> serde_json::Value {
    let report: &Report = &proof.books;
    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|check| json!({ "claim": check.claim, "holds": check.offenders.is_empty(), "offenders": check.offenders }))
        .collect();
    json!({
        "clean": proof.is_clean(),
        "wallets": report.wallets,
        "currencies": report.currencies,
        "transfers": report.transfers,
        "entries": report.entries,
        "changes": report.changes,
        "journal": {
            "start": report.journal.start.as_ref().map(row_to_json),
            "rows": report.journal.rows,
            "head": report.journal.head.as_ref().map(row_to_json),
        },
        "checks": checks,
        "aggregates": aggregates_to_json(&proof.aggregates),
    })
}
