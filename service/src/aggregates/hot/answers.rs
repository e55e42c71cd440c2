//! Reads what the scripts answer. Pure.

use std::collections::BTreeMap;

use ::redis::Value;

use super::Epoch;
use crate::aggregates::Day;
use crate::aggregates::error::AggregatesError;
use crate::aggregates::message::{Message, decode_key};
use crate::aggregates::totals::{Key, Sum, Totals};
use crate::feed::Mark;
use crate::values::Timestamp;

/// A count of the hot store's changes in one epoch, which begins at 0. It falls only where Redis lost something.
pub type StoreVersion = i64;

/// What became of a block that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Its totals are in the store, of which this is the version.
    Applied(StoreVersion),
    /// It is in the queue.
    Queued,
    /// It is in the queue already.
    Waiting,
    /// The queue is full.
    Full,
    /// The epoch has no next block of its import. Only the database can tell whether the block is applied.
    Unknown,
    /// It does not follow what is here: an earlier block is missing, or this one was applied with other totals.
    OutOfSequence,
    /// The epoch is over.
    EpochOver,
}

/// What became of a batch of payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentsAdded {
    Now(StoreVersion),
    /// The totals do not stand at its beginning.
    MarkMoved,
    /// The epoch is over.
    EpochOver,
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Now(StoreVersion),
    Before(StoreVersion),
    /// It does not follow what is here: an earlier block is missing, or this one was applied with other totals.
    OutOfSequence,
    /// The epoch is over.
    EpochOver,
}

/// A message that a consumer took; `message` is `None` when it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub id: String,
    pub message: Option<Message>,
}

/// One hash of a day's totals, from its first row until it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation {
    pub day: Day,
    /// Unique for all time.
    pub id: String,
}

/// Sealed generations with their totals.
#[derive(Clone, Debug, Default)]
pub struct Sealed {
    /// The epoch that they are of; `None` when there is no Redis.
    pub epoch: Option<Epoch>,
    /// When they were read, by the clock of the reader.
    pub at: Timestamp,
    /// The store's version when they were read.
    pub version: StoreVersion,
    /// The name of the step that removes them: stored with them, and recorded by Redis.
    pub step: String,
    /// The name of the last step that had removed some by then; `None` where none had in this epoch.
    pub removed: Option<String>,
    /// Some of the sealed generations, at most 64, sorted by name.
    pub generations: Vec<(Generation, Totals)>,
}

/// The stage of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It was never there, or Redis has restarted since it began.
    #[default]
    Over,
    /// It is not filled yet, and nothing counts.
    Begun,
    Ready,
}

/// The state of the hot store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Empty when there is none.
    pub epoch: String,
    pub stage: Stage,
    pub version: StoreVersion,
    /// The row of the journal that the totals stand at; `None` before there are any.
    pub mark: Option<Mark>,
    pub newest: Option<Day>,
    /// The number of the last generation that was opened.
    pub generation: u64,
    /// The archiver's last step that removed generations in this epoch: the database has it, unless it went back.
    pub removed: Option<String>,
    /// Messages in the queue, those that a consumer took included.
    pub waiting: u64,
    pub dead: u64,
}

/// The store at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub at: Position,
    /// Each with its totals, and whether it is still open.
    pub generations: Vec<(Generation, bool, Totals)>,
}

/// The error for an answer that none of the scripts gives.
pub fn bad(what: impl Into<String>) -> AggregatesError {
    AggregatesError::Damaged(what.into())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, AggregatesError> {
    text.parse().map_err(|_| bad(text))
}

fn mark(text: &str) -> Result<Option<Mark>, AggregatesError> {
    match text {
        "" => Ok(None),
        text => Mark::parse(text).map(Some).ok_or_else(|| bad(text)),
    }
}

impl Sent {
    pub fn read(answer: &[String]) -> Result<Self, AggregatesError> {
        let [outcome, version] = answer else {
            return Err(bad(format!("{answer:?}")));
        };
        match outcome.as_str() {
            "applied" => Ok(Self::Applied(number(version)?)),
            "queued" => Ok(Self::Queued),
            "waiting" => Ok(Self::Waiting),
            "full" => Ok(Self::Full),
            "unknown" => Ok(Self::Unknown),
            "out_of_sequence" => Ok(Self::OutOfSequence),
            "epoch_over" => Ok(Self::EpochOver),
            other => Err(bad(other)),
        }
    }
}

impl Applied {
    pub fn read(answer: &[String]) -> Result<Self, AggregatesError> {
        let [outcome, version] = answer else {
            return Err(bad(format!("{answer:?}")));
        };
        match outcome.as_str() {
            "applied" => Ok(Self::Now(number(version)?)),
            "already" => Ok(Self::Before(number(version)?)),
            "out_of_sequence" => Ok(Self::OutOfSequence),
            "epoch_over" => Ok(Self::EpochOver),
            other => Err(bad(other)),
        }
    }
}

impl PaymentsAdded {
    pub fn read(answer: &[String]) -> Result<Self, AggregatesError> {
        let [outcome, version] = answer else {
            return Err(bad(format!("{answer:?}")));
        };
        match outcome.as_str() {
            "added" => Ok(Self::Now(number(version)?)),
            "mark_moved" => Ok(Self::MarkMoved),
            "epoch_over" => Ok(Self::EpochOver),
            other => Err(bad(other)),
        }
    }
}

impl Stage {
    fn read(word: &str) -> Result<Self, AggregatesError> {
        match word {
            "over" => Ok(Self::Over),
            "begun" => Ok(Self::Begun),
            "ready" => Ok(Self::Ready),
            other => Err(bad(other)),
        }
    }
}

impl Taken {
    /// `None` when the epoch is over.
    pub fn read(values: Vec<Value>) -> Result<Option<Vec<Self>>, AggregatesError> {
        let mut taken = Vec::with_capacity(values.len() / 2);
        let mut values = values.into_iter();
        if next_text(&mut values)? == "epoch_over" {
            return Ok(None);
        }
        while let (Some(id), Some(message)) = (values.next(), values.next()) {
            taken.push(Self {
                id: text(id)?,
                message: match message {
                    Value::BulkString(bytes) => Message::decode(&bytes),
                    _ => None,
                },
            });
        }
        Ok(Some(taken))
    }
}

impl Generation {
    /// The name in Redis.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.day, self.id)
    }

    /// True when it was opened in this epoch after the generation with the number `others`.
    #[must_use]
    pub fn is_later(id: &str, epoch: &str, others: u64) -> bool {
        let number = id.strip_prefix(epoch).and_then(|rest| rest.strip_prefix('-'));
        number
            .and_then(|number| number.parse::<u64>().ok())
            .is_some_and(|number| number > others)
    }

    fn read(name: &str) -> Result<Self, AggregatesError> {
        let (day, id) = name.split_once('/').ok_or_else(|| bad(name))?;
        Ok(Self {
            day: Day::parse(day).ok_or_else(|| bad(name))?,
            id: id.to_owned(),
        })
    }
}

impl Sealed {
    /// The names of these generations in Redis.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.generations
            .iter()
            .map(|(generation, _)| generation.name())
            .collect()
    }

    /// `None` when the epoch is over.
    pub fn read(values: Vec<Value>) -> Result<Option<Self>, AggregatesError> {
        let mut values = values.into_iter();
        let (outcome, version) = (next_text(&mut values)?, next_text(&mut values)?);
        let removed = next_text(&mut values)?;
        if outcome == "epoch_over" {
            return Ok(None);
        }
        let mut sealed = Self {
            version: number(&version)?,
            removed: Some(removed).filter(|name| !name.is_empty()),
            ..Self::default()
        };
        while let (Some(name), Some(fields)) = (values.next(), values.next()) {
            let generation = Generation::read(&text(name)?)?;
            let totals = totals(generation.day, fields)?;
            sealed.generations.push((generation, totals));
        }
        Ok(Some(sealed))
    }
}

impl Reading {
    /// The ids of every generation, and the name of the last step that removed some.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let held = self.generations.iter().map(|(generation, ..)| &generation.id);
        held.chain(&self.at.removed).cloned().collect()
    }

    pub fn read(values: Vec<Value>) -> Result<Self, AggregatesError> {
        let mut values = values.into_iter();
        let mut next = || next_text(&mut values);
        let at = Position {
            epoch: next()?,
            stage: Stage::read(&next()?)?,
            version: number(&next()?)?,
            mark: mark(&next()?)?,
            newest: Day::parse(&next()?),
            generation: number(&next()?)?,
            removed: Some(next()?).filter(|id| !id.is_empty()),
            waiting: number(&next()?)?,
            dead: number(&next()?)?,
        };
        let mut reading = Self {
            at,
            generations: Vec::new(),
        };
        while let (Some(name), Some(is_open), Some(fields)) = (values.next(), values.next(), values.next()) {
            let generation = Generation::read(&text(name)?)?;
            let totals = totals(generation.day, fields)?;
            reading.generations.push((generation, text(is_open)? == "1", totals));
        }
        Ok(reading)
    }
}

fn text(value: Value) -> Result<String, AggregatesError> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| bad("bytes that are no text")),
        Value::SimpleString(text) => Ok(text),
        other => Err(bad(format!("{other:?}"))),
    }
}

fn next_text(values: &mut impl Iterator<Item = Value>) -> Result<String, AggregatesError> {
    text(values.next().ok_or_else(|| bad("an answer that ends too soon"))?)
}

/// A hash of `source:currency:kind:method:part` as totals.
fn totals(day: Day, fields: Value) -> Result<Totals, AggregatesError> {
    let Value::Array(fields) = fields else {
        return Err(bad(format!("{fields:?}")));
    };
    let mut parts: BTreeMap<Key, [i64; 3]> = BTreeMap::new();
    let mut fields = fields.into_iter();
    while let (Some(field), Some(value)) = (fields.next(), fields.next()) {
        let (field, value) = (text(field)?, text(value)?);
        let (name, part) = field.rsplit_once(':').ok_or_else(|| bad(field.as_str()))?;
        let names: Vec<&str> = name.split(':').collect();
        let key = decode_key(&day.to_string(), &names).ok_or_else(|| bad(field.as_str()))?;
        let index = ["high", "low", "count"].iter().position(|known| *known == part);
        parts.entry(key).or_default()[index.ok_or_else(|| bad(field.as_str()))?] = number(&value)?;
    }
    parts
        .into_iter()
        .map(|(key, [high, low, count])| {
            let count = u64::try_from(count).map_err(|_| bad("a count below zero"))?;
            Ok((key, Sum::of_parts(high, low, count)))
        })
        .collect::<Result<Totals, _>>()
}
