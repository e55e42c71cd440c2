//! `florin listen`: follows the events of a running bank, all of them, as staff see them. It can send them to a program under
//! development, as webhooks do.

mod forward;
mod line;

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use secrecy::SecretString;
use service::clock::Clock;
use service::events::{Event, EventCursor, EventFilter, EventScope, EventType, Events, EventsError};
use service::values::{TransferId, UserId, WalletId};
use uuid::Uuid;

use self::forward::EventForwarding;
use super::bank::ClockedBank;
use super::serve::stop_signal;
use super::wrong_use::WrongUse;
use super::{Ending, Settings, bank};
use crate::resources::event_view::event_text;
use crate::stderr;
use crate::wire::{EVENT_CURSOR_EXPECTED, LIMIT_MAX, event_type_words};

#[derive(Debug, Args)]
pub struct ListenOptions {
    /// Only these types, separated by commas, such as transfer.completed,hold.created
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = event_type)]
    types: Vec<EventType>,

    /// Only what happens to this wallet, or moves money in or out of it
    #[arg(long, value_name = "ID", value_parser = wallet_id)]
    wallet: Option<WalletId>,

    /// Only this transfer with its captures, its release and its reversals
    #[arg(long, value_name = "ID", value_parser = transfer_id)]
    transfer: Option<TransferId>,

    /// Begin behind this event, whose id is given, and not with what happens from now on
    #[arg(long, value_name = "EVENT", value_parser = event_id)]
    after: Option<EventCursor>,

    /// Begin with the first event of the bank
    #[arg(long, conflicts_with = "after")]
    from_start: bool,

    /// End after this many events
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=LISTENED_MAX))]
    limit: Option<u64>,

    /// Print JSON, one event a line
    #[arg(long)]
    json: bool,

    /// Send each event as a signed webhook to a program, such as http://localhost:8000/
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,

    /// The secret that signs: whsec_ and base64; by default a new one, which is printed
    #[arg(long, value_name = "SECRET", requires = "forward_to")]
    secret: Option<SecretString>,
}

pub async fn run(settings: &Settings, options: ListenOptions) -> anyhow::Result<Ending> {
    let stop = stop_signal()?;
    let forwarding = options.forwarding()?;
    let ClockedBank { services, clock } = bank::open_existing(&settings.config()?).await?;
    let mut listener = Listener {
        is_json: options.json,
        has_colours: has_colours(),
        forwarding,
        clock,
        left: options.limit,
        position: None,
    };
    services.events.serve();
    let listened = tokio::select! {
        listened = listener.follow(&services.events, &options) => listened,
        () = stop => Ok(()),
    };
    services.stop().await;
    if let Some(position) = listener.position {
        say_on_terminal(&format!("go on with --after {position}"));
    }
    listened.map(|()| Ending::Done)
}

/// Takes the events, and does with them what was asked for.
struct Listener {
    is_json: bool,
    has_colours: bool,
    forwarding: Option<EventForwarding>,
    clock: Arc<dyn Clock>,
    /// How many events are still to come; `None` for all.
    left: Option<u64>,
    /// Behind what a later command goes on; `None` for the first event of the bank.
    position: Option<EventCursor>,
}

impl Listener {
    /// Reads what is there as pages, then follows what happens.
    async fn follow(&mut self, events: &Events, options: &ListenOptions) -> anyhow::Result<()> {
        let filter = options.filter();
        let mut after = match (options.after, options.from_start) {
            (after @ Some(_), _) => after,
            (None, true) => None,
            (None, false) => Some(events.newest(&EventScope::All).await?),
        };
        let newest = loop {
            let page = events.page(&EventScope::All, &filter, after.as_ref(), PAGE_MAX).await;
            let page = page.map_err(wrong_use)?;
            self.position = after;
            for event in &page.events {
                if self.take(event).await?.is_break() {
                    return Ok(());
                }
            }
            if !page.has_more {
                break page.next;
            }
            after = Some(page.next);
        };
        say_on_terminal("listening; Ctrl+C ends it");
        let mut subscription = events.subscribe(NO_USER, EventScope::All, filter, newest)?;
        loop {
            for event in subscription.next().await? {
                if self.take(&event).await?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Prints an event and forwards it. Breaks after the last one that was asked for, and when the reader of standard output has
    /// hung up.
    async fn take(&mut self, event: &Event) -> anyhow::Result<ControlFlow<()>> {
        let text = if self.is_json {
            event_text(event)
        } else {
            line::of(event, self.has_colours)
        };
        if print_line(&text)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(forwarding) = &self.forwarding {
            forwarding.send(event, &*self.clock).await;
        }
        self.position = Some(event.id);
        if let Some(left) = &mut self.left {
            *left -= 1;
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Events in a page.
const PAGE_MAX: usize = LIMIT_MAX as usize;
/// The most events after which the command may be asked to end.
const LISTENED_MAX: u64 = 1_000_000_000;
/// Streams are counted by user. The command has one stream, and no user.
const NO_USER: UserId = UserId(Uuid::from_u128(0));

impl ListenOptions {
    fn forwarding(&self) -> Result<Option<EventForwarding>, WrongUse> {
        let url = self.forward_to.as_deref();
        url.map(|url| EventForwarding::try_new(url, self.secret.as_ref()))
            .transpose()
    }

    fn filter(&self) -> EventFilter {
        EventFilter {
            types: (!self.types.is_empty()).then(|| self.types.iter().copied().collect()),
            wallets: self.wallet.map(|wallet| vec![wallet]),
            transfer: self.transfer,
        }
    }
}

fn has_colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// On standard error, so that standard output has nothing but events.
fn say(text: &str) {
    stderr::write_line(format!("  > {text}\n").as_bytes());
}

/// Only where a person reads it: a program that reads standard error gets the answers to forwarded events alone.
fn say_on_terminal(text: &str) {
    if stderr::is_terminal() {
        say(text);
    }
}

/// Writes a line at once.
fn print_line(text: &str) -> anyhow::Result<ControlFlow<()>> {
    // On a terminal, log lines written before it come first.
    stderr::flush();
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        written => {
            written.context("cannot write to standard output")?;
            Ok(ControlFlow::Continue(()))
        }
    }
}

/// What was named wrongly is a wrong use; all else is a fault.
fn wrong_use(error: EventsError) -> anyhow::Error {
    match error {
        EventsError::UnknownCursor => WrongUse("--after names no event of this bank".to_owned()).into(),
        EventsError::WalletNotFound => WrongUse("--wallet names no wallet of this bank".to_owned()).into(),
        EventsError::TooManyStreams
        | EventsError::Overloaded
        | EventsError::WentBack
        | EventsError::Stopping
        | EventsError::Fault(_) => error.into(),
    }
}

fn event_type(text: &str) -> Result<EventType, String> {
    let kind = EventType::parse(text.trim());
    kind.ok_or_else(|| format!("not a type of events; these are: {}", event_type_words()))
}

fn event_id(text: &str) -> Result<EventCursor, String> {
    EventCursor::parse(text).ok_or_else(|| EVENT_CURSOR_EXPECTED.to_owned())
}

fn wallet_id(text: &str) -> Result<WalletId, String> {
    let id = Uuid::try_parse(text).map(WalletId);
    id.map_err(|_| "not the id of a wallet, which is a UUID".to_owned())
}

fn transfer_id(text: &str) -> Result<TransferId, String> {
    let id = Uuid::try_parse(text).map(TransferId);
    id.map_err(|_| "not the id of a transfer, which is a UUID".to_owned())
}
