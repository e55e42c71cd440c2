//! What a webhook endpoint and a stream of server-sent events cost the transfers that they tell of, and how soon an event
//! is known on another replica. This process reads both to their ends, on threads of their own.

pub mod drain;
mod operator;
mod readers;
mod receiver;
mod stream;

use std::time::Duration;

use anyhow::{Result, ensure};

use self::operator::{OperatorClient, store_operator};
use self::receiver::CountingReceiver;
use self::stream::CountedStream;
use crate::load::{Load, Pick};
use crate::paced;
use crate::report::{Measure, Report};
use crate::selection::Selection;
use crate::stage::{Stage, completed};
use crate::work::Work;

/// Transfers without readers.
pub const ALONE: &str = "feed: transfers alone, 1000 connections";
/// The same with one endpoint for everything and one reader of the stream.
pub const BESIDE: &str = "feed: transfers with webhook and SSE, 1000 connections";
/// From an event's time to its arrival from another replica.
pub const DELAY: &str = "feed: commit to SSE event on another replica";

const CONNECTIONS: usize = 1_000;
/// How many transfers a second are sent where delays are measured, and the least that counts as so many.
const RATE: u64 = 1_000;
const RATE_MIN: u64 = 950;

/// Lets webhooks go to this machine.
const SETTINGS: &[(&str, &str)] = &[("FLORIN_WEBHOOKS_PRIVATE", "allow")];

/// Whether one of the measurements runs.
pub fn is_wanted(selection: &Selection) -> bool {
    has_transfers(selection) || selection.has(DELAY)
}

/// Measures transfers without and with readers, in turns, and the delay of events.
pub async fn measure(report: &mut Report, selection: &Selection, stage: &Stage, time: Duration) -> Result<()> {
    store_operator(&stage.db).await?;
    if has_transfers(selection) {
        let load = Load {
            connections: CONNECTIONS,
            pick: Pick::Uniform,
            time,
        };
        // Each is the first of a pair once, so that neither has the smaller tables.
        for has_readers in [false, true, true, false] {
            if has_readers {
                report.add(BESIDE, beside_readers(stage, load).await?);
            } else {
                report.add(ALONE, stage.work(Work::Singles(load)).await?);
            }
        }
    }
    if selection.has(DELAY) {
        report.add(DELAY, delay_to_another_replica(stage, time).await?);
    }
    Ok(())
}

fn has_transfers(selection: &Selection) -> bool {
    selection.has(ALONE) || selection.has(BESIDE)
}

/// Measures transfers while both readers read. Fails unless the stream has each transfer in the end. The endpoint, which
/// gets its events one by one, may be behind by then.
async fn beside_readers(stage: &Stage, load: Load) -> Result<Measure> {
    let server = stage.server(SETTINGS).await?;
    let receiver = CountingReceiver::start().await?;
    let mut operator = OperatorClient::connect(server.address, &stage.accounts.operator).await?;
    let webhook = operator.add_webhook(receiver.address, true).await?;
    stage.warm_up(&server).await?;
    // The server may need a moment to take the endpoint up.
    receiver.events.until(1).await?;
    let stream = CountedStream::open(server.address, &stage.accounts.operator).await?;
    let (stored, delivered) = (completed(&stage.db).await?, receiver.events.count());
    let measure = stage.work_on(&server, Work::Singles(load)).await?;
    let (streamed, delivered) = (stream.events.count(), receiver.events.count() - delivered);
    let sent = completed(&stage.db).await? - stored;
    eprintln!(
        "  of {sent} transfers, the stream gave {streamed} and the webhook {delivered} just after the last answer"
    );
    ensure!(delivered > 0, "the webhook got no event meanwhile");
    stream.events.until(sent).await?;
    let streamed = stream.events.count();
    ensure!(streamed == sent, "{streamed} events of {sent} transfers");
    operator.remove_webhook(&webhook).await?;
    Ok(measure)
}

/// Sends transfers to one replica at a fixed rate, and measures from each event's time to its arrival from another.
///
/// The time of an event is that of its transfer, which the server takes just before it commits. So the commit is in the
/// delay.
async fn delay_to_another_replica(stage: &Stage, time: Duration) -> Result<Measure> {
    let (one, other) = (stage.server(&[]).await?, stage.server(&[]).await?);
    stage.warm_up(&one).await?;
    stage.warm_up(&other).await?;
    let stream = CountedStream::open_timed(other.address, &stage.accounts.operator).await?;
    let stored = completed(&stage.db).await?;
    let answers = paced::run(one.address, &stage.accounts, RATE, time).await?;
    let per_second = answers.per_second;
    ensure!(per_second >= RATE_MIN, "only {per_second} transfers a second");
    let sent = completed(&stage.db).await? - stored;
    stream.events.until(sent).await?;
    let delays = stream.delays();
    ensure!(delays.len() == sent, "{} events of {sent} transfers", delays.len());
    eprintln!("  {sent} transfers, answered after {} us (p99)", answers.p99_us);
    Ok(Measure {
        per_second,
        ..Measure::of(&delays, time)
    })
}
