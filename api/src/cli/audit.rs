//! `florin audit`: lists the audit log of a running bank. Reading it is not recorded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use clap::Args;
use serde_json::json;
use service::audit::{AuditAction, AuditFilter, StoredAuditLine};
use service::identity::Email;
use service::page::PageRequest;
use service::values::{Timestamp, UserId};
use service::wallets::TimeRange;
use uuid::Uuid;

use super::people;
use super::table::{TableColumn, table, visible};
use super::wrong_use::WrongUse;
use super::{Bank, Ending, Settings, bank, print};
use crate::resources::audit_view::AuditLineView;
use crate::stderr::complain;
use crate::wire::{LIMIT_MAX, time_text};

#[derive(Debug, Args)]
pub struct AuditOptions {
    /// Only what this user did
    #[arg(long, value_name = "EMAIL", value_parser = people::email)]
    actor: Option<Email>,

    /// Only this action, such as user.suspended
    #[arg(long, value_name = "WORD", value_parser = action)]
    action: Option<AuditAction>,

    /// Only what was done to this user, session, API key, wallet, transfer, import or webhook
    #[arg(long, value_name = "ID", value_parser = subject)]
    subject: Option<Uuid>,

    /// Done at this time or later, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    /// Done before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,

    /// The most lines that are listed
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..=LIMIT_MAX)
    )]
    limit: u64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The newest lines, and whether there may be more.
struct NewestLines {
    lines: Vec<StoredAuditLine>,
    has_more: bool,
}

pub async fn run(settings: &Settings, options: AuditOptions) -> anyhow::Result<Ending> {
    let range = TimeRange {
        from: options.from,
        to: options.to,
    };
    if range.check_order().is_err() {
        return Err(WrongUse("--from must not be after --to".to_owned()).into());
    }
    let bank = bank::open_existing(&settings.config()?).await?.services;
    let ending = list(&bank, &options, range).await;
    bank.stop().await;
    ending
}

async fn list(bank: &Bank, options: &AuditOptions, range: TimeRange) -> anyhow::Result<Ending> {
    let actor = match &options.actor {
        Some(email) => Some(people::found(bank, email).await?.id),
        None => None,
    };
    let filter = AuditFilter {
        actor,
        action: options.action,
        subject: options.subject,
        from: range.from,
        to: range.to,
    };
    let newest = newest(bank, filter, options.limit).await?;
    if options.json {
        let items: Vec<AuditLineView> = newest.lines.into_iter().map(AuditLineView::from).collect();
        print(format_args!(
            "{:#}",
            json!({ "items": items, "has_more": newest.has_more })
        ))?;
        return Ok(Ending::Done);
    }
    let emails = emails_of(bank, &newest.lines).await?;
    print(text_of(&newest.lines, &emails).trim_end())?;
    if newest.has_more {
        complain(format_args!(
            "there may be more lines than the {} that are listed",
            newest.lines.len()
        ));
    }
    Ok(Ending::Done)
}

/// A page may be short although more follow, so pages are read until there are enough lines.
async fn newest(bank: &Bank, filter: AuditFilter, limit: u64) -> anyhow::Result<NewestLines> {
    let mut newest = NewestLines {
        lines: Vec::new(),
        has_more: true,
    };
    let mut after = None;
    while newest.has_more && (newest.lines.len() as u64) < limit {
        let request = PageRequest {
            limit: limit - newest.lines.len() as u64,
            after,
        };
        let page = bank.audit.list(filter, request).await?;
        newest.lines.extend(page.items);
        (newest.has_more, after) = (page.next.is_some(), page.next);
    }
    Ok(newest)
}

/// The addresses of the actors whom the database still has.
async fn emails_of(bank: &Bank, lines: &[StoredAuditLine]) -> anyhow::Result<HashMap<UserId, String>> {
    let mut emails = HashMap::new();
    for actor in lines.iter().filter_map(|line| line.actor) {
        if let Entry::Vacant(place) = emails.entry(actor) {
            let email = people::email_of(bank, actor).await?;
            place.insert(email.unwrap_or_else(|| actor.to_string()));
        }
    }
    Ok(emails)
}

fn text_of(lines: &[StoredAuditLine], emails: &HashMap<UserId, String>) -> String {
    let columns = ["at", "action", "by", "to", "from", "before", "after"].map(TableColumn::text);
    let shown = |text: &Option<String>| text.as_deref().map(visible).unwrap_or_default();
    let row = |line: &StoredAuditLine| {
        let actor = line.actor.and_then(|actor| emails.get(&actor));
        let subject = line.subject.as_ref();
        [
            time_text(line.at),
            visible(&line.action),
            shown(&actor.cloned()),
            shown(&subject.map(|subject| format!("{} {}", subject.kind, subject.id))),
            shown(&line.address),
            shown(&line.before),
            shown(&line.after),
        ]
    };
    let rows: Vec<[String; 7]> = lines.iter().map(row).collect();
    table(columns, &rows)
}

fn action(text: &str) -> Result<AuditAction, String> {
    AuditAction::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("not an action of the audit log; these are: {}", words.join(", "))
    })
}

fn subject(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| "not an id, which is a UUID".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = text.parse::<Timestamp>();
    time.map_err(|_| "not a date and time such as 2026-01-31T12:00:00Z".to_owned())
}
