//! The hot store in Redis: totals in hashes of integers, the queue of blocks, and the next block of each import.
//!
//! Every step is one script, so that no reader sees half of it and a crash leaves nothing half done. This module does
//! not use the database; every write is for an epoch, which the caller has compared with the database's.

mod answers;

pub use answers::{Applied, Generation, PaymentsAdded, Position, Reading, Sealed, Sent, Stage, StoreVersion, Taken};

use std::sync::Arc;

use ::redis::{FromRedisValue, Pipeline, Value};

use self::answers::bad;
use super::error::AggregatesError;
use super::message::Message;
use super::totals::{Key, Totals};
use super::{Day, DayRange};
use crate::feed::Mark;
use crate::redis::{PREFIX, Redis, RedisFault};
use crate::values::ImportId;

/// The most messages in the queue; while it is full, senders wait.
const QUEUE_MAX: usize = 1_000;
/// About how many dead letters are kept.
const DEAD_MAX: usize = 1_000;
/// Messages that a consumer takes at once.
const TAKEN_MAX: usize = 16;
/// Sealed generations that the archiver reads at once.
const SEALED_MAX: usize = 64;
/// How long Redis keeps an import's next block after its last change, in seconds: longer than any message waits. After
/// that the sender asks the database.
const NEXT_BLOCK_KEPT_S: u64 = 7 * 24 * 3_600;
/// A consumer that was silent for this long, in milliseconds, and has nothing unfinished is deleted.
const SILENCE_MS: u64 = 3_600_000;

/// One bank's keys in a Redis that banks may share.
pub struct Hot {
    redis: Arc<Redis>,
    prefix: String,
}

/// The whole text of a script: what every script begins with, how sums are added, and its own part.
macro_rules! script {
    ($name:literal) => {
        concat!(include_str!("state.lua"), include_str!("sums.lua"), include_str!($name))
    };
}

/// One life of Redis' totals, named at random. Redis and the database must name the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch(pub String);

/// What a new epoch is filled with.
pub struct Filling<'a> {
    pub epoch: &'a Epoch,
    pub newest: Option<Day>,
    /// The row of the journal that the totals stand at.
    pub mark: Mark,
    /// The totals that are in none of the database's own tables.
    pub totals: &'a Totals,
}

/// How a block is to be queued.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// Queue it even if it is queued already.
    pub requeue: bool,
    /// The database stood at this block in this epoch, so it is the import's next block.
    pub is_next: bool,
}

impl Hot {
    /// The keys of the bank with this name. Opens no connection yet.
    #[must_use]
    pub fn new(redis: Arc<Redis>, bank: &str) -> Self {
        // The braces keep all keys in one slot of a cluster, as scripts require.
        Self {
            redis,
            prefix: format!("{PREFIX}aggregates:{{{bank}}}:"),
        }
    }

    /// Begins a new epoch if the one that was found is still the current one; answers the one that is current then.
    pub async fn begin(&self, found: &str, new: &Epoch) -> Result<String, AggregatesError> {
        self.run(script!("begin.lua"), &[found, &new.0]).await
    }

    /// Makes an epoch ready, once.
    pub async fn fill(&self, filling: Filling<'_>) -> Result<(), AggregatesError> {
        let mut arguments = vec![
            filling.epoch.0.clone(),
            filling.newest.map(|day| day.to_string()).unwrap_or_default(),
            filling.mark.to_string(),
        ];
        push_totals(&mut arguments, filling.totals)?;
        let _: String = self.run(script!("fill.lua"), &arguments).await?;
        Ok(())
    }

    /// Queues a block of an import, unless it is applied or queued.
    pub async fn send(&self, epoch: &Epoch, message: &Message, options: SendOptions) -> Result<Sent, AggregatesError> {
        let arguments = [
            epoch.0.clone(),
            import_key(epoch, message.import),
            message.block.to_string(),
            message.digest(),
            NEXT_BLOCK_KEPT_S.to_string(),
            QUEUE_MAX.to_string(),
            u8::from(options.requeue).to_string(),
            u8::from(options.is_next).to_string(),
            message.encode(),
        ];
        Sent::read(&self.run::<Vec<String>>(script!("send.lua"), &arguments).await?)
    }

    /// Takes messages: first those that a consumer took at least `idle_ms` ago and did not finish, then new ones.
    /// `None` when the epoch is over.
    pub async fn take(
        &self,
        epoch: &Epoch,
        consumer: &str,
        idle_ms: u64,
    ) -> Result<Option<Vec<Taken>>, AggregatesError> {
        let arguments = [&epoch.0, consumer, &idle_ms.to_string(), &TAKEN_MAX.to_string()];
        Taken::read(self.run(script!("take.lua"), &arguments).await?)
    }

    /// Adds the totals of taken messages, each once, and deletes the messages that are applied.
    pub async fn apply(&self, epoch: &Epoch, taken: &[(String, Message)]) -> Result<Vec<Applied>, AggregatesError> {
        let mut commands = Pipeline::new();
        for (id, message) in taken {
            let import = import_key(epoch, message.import);
            let (number, kept) = (message.block.to_string(), NEXT_BLOCK_KEPT_S.to_string());
            let arguments = arguments_with_sums(
                [&epoch.0, &import, &number, &message.digest(), &kept, id],
                &message.totals,
            )?;
            self.script(&mut commands, script!("apply.lua"), &arguments);
        }
        let answers: Vec<Vec<String>> = self.redis.query(&commands).await?;
        answers.iter().map(|answer| Applied::read(answer)).collect()
    }

    /// Adds the payments after one mark of the journal, up to and including another, if the totals stand at the first
    /// one.
    pub async fn add_payments(
        &self,
        epoch: &Epoch,
        (from, to): (Mark, Mark),
        totals: &Totals,
    ) -> Result<PaymentsAdded, AggregatesError> {
        let arguments = arguments_with_sums([&epoch.0, &from.to_string(), &to.to_string()], totals)?;
        PaymentsAdded::read(&self.run::<Vec<String>>(script!("add_payments.lua"), &arguments).await?)
    }

    /// Moves a message that cannot be applied to the dead letters.
    pub async fn bury(&self, id: &str) -> Result<(), AggregatesError> {
        let _: i64 = self.run(script!("bury.lua"), &[id, &DEAD_MAX.to_string()]).await?;
        Ok(())
    }

    /// Deletes the names of consumers that were silent for an hour and have nothing unfinished.
    pub async fn purge_consumers(&self) -> Result<(), AggregatesError> {
        self.leave("").await
    }

    /// Deletes a consumer's name, and names that were silent for an hour; only those with nothing unfinished.
    pub async fn leave(&self, consumer: &str) -> Result<(), AggregatesError> {
        let arguments = [consumer, &SILENCE_MS.to_string()];
        let _: i64 = self.run(script!("leave.lua"), &arguments).await?;
        Ok(())
    }

    /// Seals the generations of the days before `first_hot` and answers some of the sealed ones; `None` when the epoch
    /// is over.
    pub async fn seal(&self, epoch: &Epoch, first_hot: Option<Day>) -> Result<Option<Sealed>, AggregatesError> {
        let first_hot = first_hot.map(|day| day.to_string()).unwrap_or_default();
        let arguments = [epoch.0.clone(), first_hot, SEALED_MAX.to_string()];
        Sealed::read(self.run(script!("seal.lua"), &arguments).await?)
    }

    /// Removes sealed generations that the database has, and records the step that stored them; removes nothing where
    /// another step has removed something since they were read.
    pub async fn remove_sealed(&self, epoch: &Epoch, sealed: &Sealed) -> Result<(), AggregatesError> {
        let removed = sealed.removed.clone().unwrap_or_default();
        let mut arguments = vec![epoch.0.clone(), removed, sealed.step.clone()];
        arguments.extend(sealed.names());
        let _: i64 = self.run(script!("remove.lua"), &arguments).await?;
        Ok(())
    }

    /// The state of the store and its totals of some days, of one moment and in one round trip.
    pub async fn read(&self, days: Option<DayRange>) -> Result<Reading, AggregatesError> {
        let (from, to) = days.map_or_else(Default::default, |days| {
            (days.from().to_string(), days.to().to_string())
        });
        Reading::read(self.run(script!("read.lua"), &[from, to]).await?)
    }

    async fn run<T: FromRedisValue>(&self, script: &str, arguments: &[impl AsRef<[u8]>]) -> Result<T, AggregatesError> {
        let mut commands = Pipeline::new();
        self.script(&mut commands, script, arguments);
        let mut answers: Vec<Value> = self.redis.query(&commands).await?;
        let answer = answers.pop().ok_or_else(|| bad("no answer"))?;
        Ok(T::from_redis_value(answer).map_err(|error| RedisFault::Refused(error.into()))?)
    }

    /// Sends the whole text each time: Redis recognizes a script that it has seen, and a restart of Redis needs no
    /// special case.
    fn script(&self, commands: &mut Pipeline, script: &str, arguments: &[impl AsRef<[u8]>]) {
        let command = commands.cmd("EVAL").arg(script).arg(1).arg(&self.prefix);
        for argument in arguments {
            command.arg(argument.as_ref());
        }
    }
}

/// The key of an import's next block. It is valid in one epoch only: the next one is filled from the database.
fn import_key(epoch: &Epoch, import: ImportId) -> String {
    format!("{}:{}", epoch.0, import.0.simple())
}

fn arguments_with_sums<const N: usize>(head: [&str; N], totals: &Totals) -> Result<Vec<String>, AggregatesError> {
    let mut arguments: Vec<String> = head.map(str::to_owned).into();
    arguments.push(totals.newest_day().map(|day| day.to_string()).unwrap_or_default());
    push_totals(&mut arguments, totals)?;
    Ok(arguments)
}

fn push_totals(arguments: &mut Vec<String>, totals: &Totals) -> Result<(), AggregatesError> {
    for (key, sum) in totals.iter() {
        let (high, low) = sum.parts().ok_or_else(|| bad("a sum beyond its parts"))?;
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
