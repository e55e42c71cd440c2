//! The hot store in Redis: totals in hashes of integers, the queue of blocks, and the marks of what was applied.
//!
//! Every step is one script, so that nobody sees half of it and a crash leaves none of it half done. Nothing here knows
//! the database; an epoch that the caller got from there stands on every write.

mod answers;

pub use answers::{Applied, Generation, Reading, Sealed, Sent, StoreVersion, Taken};

use std::sync::Arc;

use ::redis::{FromRedisValue, Pipeline, Value};

use self::answers::bad;
use super::error::AggregatesError;
use super::message::Message;
use super::totals::{Key, Totals};
use super::{Day, DayRange};
use crate::redis::{PREFIX, Redis, RedisFault};
use crate::values::ImportId;

/// Messages that wait at most; a sender beyond that waits itself.
const QUEUE_MAX: usize = 1_000;
/// Dead letters kept, about.
const DEAD_MAX: usize = 1_000;
/// Messages that a consumer takes at once.
const TAKEN_MAX: usize = 16;
/// Closed generations that the archiver reads at once.
const SEALED_MAX: usize = 64;
/// How long the mark of an import outlives its last block: longer than any message waits. An import that rests for longer
/// goes on, with nothing but its checkpoint to tell a block that was applied.
const MARK_KEPT_S: u64 = 365 * 24 * 3_600;
/// After this long without a word a consumer that has nothing unfinished is forgotten.
const SILENCE_MS: u64 = 3_600_000;

/// One bank's part of a Redis.
pub struct Hot {
    redis: Arc<Redis>,
    prefix: String,
}

/// The epoch that a process found Redis and the database to agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch(pub String);

/// What makes an epoch ready.
pub struct Filling<'a> {
    pub epoch: &'a Epoch,
    pub newest: Option<Day>,
    pub next_batch: u64,
    /// Generations that the database has.
    pub archived: &'a [String],
    /// The bank's own, as the ledger says.
    pub totals: &'a Totals,
}

impl Hot {
    /// The part of the bank with this name. Connects to nobody yet.
    #[must_use]
    pub fn new(redis: Arc<Redis>, bank: &str) -> Self {
        // The braces keep all keys in one slot, as the scripts need it.
        Self {
            redis,
            prefix: format!("{PREFIX}aggregates:{{{bank}}}:"),
        }
    }

    /// Begins a new epoch if the one that was found is still there; answers the one that is there then.
    pub async fn found(&self, found: &str, new: &Epoch) -> Result<String, AggregatesError> {
        self.run(include_str!("found.lua"), &[found, &new.0]).await
    }

    /// Makes an epoch ready, once.
    pub async fn fill(&self, filling: Filling<'_>) -> Result<(), AggregatesError> {
        let mut arguments = vec![
            filling.epoch.0.clone(),
            filling.newest.map(|day| day.to_string()).unwrap_or_default(),
            filling.next_batch.to_string(),
            filling.archived.len().to_string(),
        ];
        arguments.extend_from_slice(filling.archived);
        push_totals(&mut arguments, filling.totals)?;
        let _: String = self.run(include_str!("fill.lua"), &arguments).await?;
        Ok(())
    }

    /// Queues a block of an import, unless it is applied, or queued and not to be queued `again`.
    pub async fn send(&self, epoch: &Epoch, message: &Message, again: bool) -> Result<Sent, AggregatesError> {
        let arguments = [
            epoch.0.clone(),
            mark_of(epoch, message.import),
            message.block.to_string(),
            MARK_KEPT_S.to_string(),
            QUEUE_MAX.to_string(),
            u8::from(again).to_string(),
            message.encode(),
        ];
        Sent::read(&self.run::<Vec<String>>(include_str!("send.lua"), &arguments).await?)
    }

    /// Takes messages that nobody works on: those of consumers that were silent for `idle_ms`, then new ones.
    pub async fn take(&self, consumer: &str, idle_ms: u64) -> Result<Vec<Taken>, AggregatesError> {
        let arguments = [consumer.to_owned(), idle_ms.to_string(), TAKEN_MAX.to_string()];
        Taken::read(self.run(include_str!("take.lua"), &arguments).await?)
    }

    /// Adds the totals of taken messages, each once and done with.
    pub async fn apply(&self, epoch: &Epoch, taken: &[(String, Message)]) -> Result<Vec<Applied>, AggregatesError> {
        let mut commands = Pipeline::new();
        for (id, message) in taken {
            let mark = mark_of(epoch, message.import);
            let (number, kept) = (message.block.to_string(), MARK_KEPT_S.to_string());
            let arguments = piece([&epoch.0, &mark, &number, &kept, id], &message.totals)?;
            self.script(&mut commands, include_str!("apply.lua"), &arguments);
        }
        let answers: Vec<Vec<String>> = self.redis.query(&commands).await?;
        answers.iter().map(|answer| Applied::read(answer)).collect()
    }

    /// Adds the totals of one of the bank's batches, once.
    pub async fn apply_batch(&self, epoch: &Epoch, number: u64, totals: &Totals) -> Result<Applied, AggregatesError> {
        let arguments = piece([&epoch.0, "bank", &number.to_string(), "0", ""], totals)?;
        Applied::read(&self.run::<Vec<String>>(include_str!("apply.lua"), &arguments).await?)
    }

    /// Puts a message that cannot be read away.
    pub async fn bury(&self, id: &str) -> Result<(), AggregatesError> {
        let _: i64 = self.run(include_str!("bury.lua"), &[id, &DEAD_MAX.to_string()]).await?;
        Ok(())
    }

    /// Says goodbye to a consumer, and forgets those that died long ago.
    pub async fn leave(&self, consumer: &str) -> Result<(), AggregatesError> {
        let arguments = [consumer, &SILENCE_MS.to_string()];
        let _: i64 = self.run(include_str!("leave.lua"), &arguments).await?;
        Ok(())
    }

    /// Closes the generations of the days before `first_hot` and gives some of what is closed.
    pub async fn seal(&self, epoch: &Epoch, first_hot: Day) -> Result<Option<Sealed>, AggregatesError> {
        let arguments = [epoch.0.clone(), first_hot.to_string(), SEALED_MAX.to_string()];
        Sealed::read(self.run(include_str!("seal.lua"), &arguments).await?)
    }

    /// Removes closed generations that the database has.
    pub async fn drop_sealed(&self, names: &[String]) -> Result<(), AggregatesError> {
        let _: i64 = self.run(include_str!("drop.lua"), names).await?;
        Ok(())
    }

    /// Where the store is, and its totals of some days: one moment, one round trip.
    pub async fn read(&self, days: Option<DayRange>) -> Result<Reading, AggregatesError> {
        let (from, to) = days.map_or_else(Default::default, |days| {
            (days.from().to_string(), days.to().to_string())
        });
        Reading::read(self.run(include_str!("read.lua"), &[from, to]).await?)
    }

    async fn run<T: FromRedisValue>(&self, script: &str, arguments: &[impl AsRef<[u8]>]) -> Result<T, AggregatesError> {
        let mut commands = Pipeline::new();
        self.script(&mut commands, script, arguments);
        let mut answers: Vec<Value> = self.redis.query(&commands).await?;
        let answer = answers.pop().ok_or_else(|| bad("no answer"))?;
        Ok(T::from_redis_value(answer).map_err(|error| RedisFault::Refused(error.into()))?)
    }

    /// The whole text each time: Redis knows a script that it has seen, and after a restart nobody has to notice.
    fn script(&self, commands: &mut Pipeline, script: &str, arguments: &[impl AsRef<[u8]>]) {
        let command = commands.cmd("EVAL").arg(script).arg(1).arg(&self.prefix);
        for argument in arguments {
            command.arg(argument.as_ref());
        }
    }
}

/// A mark counts within its epoch: what an earlier one knew may be more than Redis has kept.
fn mark_of(epoch: &Epoch, import: ImportId) -> String {
    format!("{}:{}", epoch.0, import.0.simple())
}

fn piece(head: [&str; 5], totals: &Totals) -> Result<Vec<String>, AggregatesError> {
    let mut arguments: Vec<String> = head.map(str::to_owned).into();
    arguments.push(totals.newest_day().map(|day| day.to_string()).unwrap_or_default());
    push_totals(&mut arguments, totals)?;
    Ok(arguments)
}

fn push_totals(arguments: &mut Vec<String>, totals: &Totals) -> Result<(), AggregatesError> {
    for (key, sum) in totals.iter() {
        let (high, low) = sum.halves().ok_or_else(|| bad("a sum beyond its halves"))?;
        arguments.extend([
            key.day.to_string(),
            field_of(key),
            high.to_string(),
            low.to_string(),
            sum.count.to_string(),
        ]);
    }
    Ok(())
}

/// The name of a sum in its day's hash; `:high`, `:low` and `:count` are added to it.
fn field_of(key: &Key) -> String {
    let Key {
        currency,
        kind,
        method,
        source,
        ..
    } = key;
    format!("{}:{currency}:{}:{method}", source.word(), kind.word())
}
