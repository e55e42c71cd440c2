//! Keeping in step with the other replicas through Redis.
//!
//! Each replica publishes its own blocks and reads the others': whole blocks, so that a lost or repeated step changes
//! nothing. All of it lies under a generation, which the replica that finds none begins. That one, the finder, reads the last
//! minute back from the database, and makes it its own unless a member that has it turns up within a grace time: Redis may
//! have lost its memory while others are at work. Everybody else learns the minute from a member.
//!
//! | key | holds | expires |
//! |---|---|---|
//! | `florin:statistics` | the generation | 10 s after the last member or finder |
//! | `florin:statistics:G:replicas` | the names of its replicas | 70 s |
//! | `florin:statistics:G:R` | a replica's standing and its blocks, by currency and place in the round | 70 s after R |
//! | `florin:statistics:G:R:log` | the same fields by the number of their last change | 70 s after R |

mod link;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use self::link::{Link, Pulled};
use super::Statistics;
use super::metrics::Metrics;
use super::packed::unpack;
use super::ring::Slot;
use super::window::{PEERS_MAX, Replica};
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::redis::{Redis, RedisFault};
use crate::values::Currency;

/// How long a finder waits for members that are about to come back: longer than any of them pauses between two tries.
pub const FINDER_GRACE_MS: i64 = 2_000;

/// Why a step was broken off. What was to be told is told in a later one.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Redis(#[from] RedisFault),
    #[error("the last minute cannot be read back")]
    Database(#[from] Fault),
}

/// What a replica knows of the minute before it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing, or what it has read back for itself while Redis was away.
    Newcomer,
    /// It began the generation, and waits for members that turn up after all.
    Finder { since_ms: i64 },
    /// All of it.
    Member,
}

/// See the module.
pub(super) struct Shared {
    link: Link,
    is_connected: AtomicBool,
    state: Mutex<State>,
}

struct State {
    standing: Standing,
    generation: Option<String>,
    /// The number of our last change.
    published: u64,
    /// The number of the last change that was read of each replica.
    seen: HashMap<Replica, u64>,
    has_read_back: bool,
    /// Nobody knows what Redis still has of ours.
    owes_everything: bool,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Newcomer => "newcomer",
            Self::Finder { .. } => "finder",
            Self::Member => MEMBER,
        }
    }
}

const MEMBER: &str = "member";

impl Shared {
    pub fn new(redis: Redis) -> Self {
        Self {
            link: Link::new(redis, Replica::from_le_bytes(random_bytes())),
            is_connected: AtomicBool::new(false),
            state: Mutex::new(State {
                standing: Standing::Newcomer,
                generation: None,
                published: 0,
                seen: HashMap::new(),
                has_read_back: false,
                owes_everything: true,
            }),
        }
    }

    pub fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Relaxed)
    }

    /// One step: find the generation, publish, read.
    pub async fn sync(&self, statistics: &Statistics) -> Result<(), SyncError> {
        let mut state = self.state.lock().await;
        let mut stepped = self.step(&mut state, statistics).await;
        if let Err(error) = &stepped {
            state.owes_everything = true;
            if matches!(error, SyncError::Redis(_)) && state.standing == Standing::Newcomer {
                // Alone for now: this process has to know the minute by itself.
                if let Err(error) = read_back(&mut state, statistics).await {
                    stepped = Err(error);
                }
            }
        }
        self.note(&stepped, &statistics.metrics);
        stepped
    }

    async fn step(&self, state: &mut State, statistics: &Statistics) -> Result<(), SyncError> {
        self.join(state, statistics).await?;
        if matches!(state.standing, Standing::Finder { .. }) {
            read_back(state, statistics).await?;
        }
        self.publish(state, statistics).await?;
        let (knows_all, meets_member) = self.pull(state, statistics).await?;
        state.standing = match state.standing {
            Standing::Newcomer | Standing::Finder { .. } if meets_member && knows_all => {
                statistics.board.settle(false);
                Standing::Member
            }
            Standing::Finder { since_ms } if statistics.now_ms() - since_ms >= FINDER_GRACE_MS => {
                statistics.board.settle(true);
                Standing::Member
            }
            standing => standing,
        };
        Ok(())
    }

    /// Finds the generation, or begins one.
    async fn join(&self, state: &mut State, statistics: &Statistics) -> Result<(), SyncError> {
        // A newcomer's generation is always a new one: under an old name there may be what the database holds too.
        let proposed = match (state.standing, &state.generation) {
            (Standing::Newcomer, _) | (_, None) => hex(u64::from_le_bytes(random_bytes())),
            (_, Some(generation)) => generation.clone(),
        };
        let keeps_alive = state.standing != Standing::Newcomer;
        let (began, generation) = self.link.generation(&proposed, keeps_alive).await?;
        if state.generation.as_ref() != Some(&generation) {
            state.generation = Some(generation);
            state.seen.clear();
            state.owes_everything = true;
            if matches!(state.standing, Standing::Finder { .. }) && !began {
                state.standing = Standing::Newcomer;
            }
        }
        if began && state.standing == Standing::Newcomer {
            statistics.board.forget_others();
            state.standing = Standing::Finder {
                since_ms: statistics.now_ms(),
            };
        }
        Ok(())
    }

    async fn publish(&self, state: &mut State, statistics: &Statistics) -> Result<(), SyncError> {
        if std::mem::take(&mut state.owes_everything) {
            statistics.board.mark_all_changed();
        }
        let changes = statistics.board.take_changes(statistics.now_ms());
        let generation = state.generation.as_deref().unwrap_or_default();
        self.link.publish(generation, &changes, &mut state.published).await?;
        Metrics::add(&statistics.metrics.blocks_published, changes.len());
        Ok(())
    }

    /// Reads what the others changed. Tells whether that was all of it, and whether one of them is a member.
    async fn pull(&self, state: &mut State, statistics: &Statistics) -> Result<(bool, bool), SyncError> {
        let generation = state.generation.as_deref().unwrap_or_default();
        let mut others = self.link.present(generation, state.standing.word()).await?;
        statistics
            .metrics
            .replicas
            .store(others.len() as u64, Ordering::Relaxed);
        others.sort_unstable();
        others.truncate(PEERS_MAX);
        state.seen.retain(|replica, _| others.contains(replica));
        let (mut knows_all, mut meets_member) = (true, false);
        for replica in others {
            let seen = state.seen.entry(replica).or_default();
            let Some(pulled) = self.link.pull(generation, replica, *seen).await? else {
                continue;
            };
            knows_all &= pulled.is_all;
            meets_member |= pulled.standing == MEMBER;
            *seen = pulled.last;
            take(statistics, replica, &pulled);
        }
        Ok((knows_all, meets_member))
    }

    fn note(&self, stepped: &Result<(), SyncError>, metrics: &Metrics) {
        let was_connected = self.is_connected.swap(stepped.is_ok(), Ordering::Relaxed);
        match stepped {
            Ok(()) => {
                Metrics::add(&metrics.syncs, 1);
                if !was_connected {
                    tracing::info!("the statistics are shared with the other replicas");
                }
            }
            Err(error) => {
                Metrics::add(&metrics.sync_failures, 1);
                if was_connected || metrics.snapshot().sync_failures == 1 {
                    let cause = std::error::Error::source(error).map(tracing::field::display);
                    tracing::warn!(%error, cause, "the statistics are those of this process until Redis is back");
                }
            }
        }
    }
}

/// Reads the minute before this process from the database, once.
async fn read_back(state: &mut State, statistics: &Statistics) -> Result<(), SyncError> {
    if !state.has_read_back {
        statistics.read_back().await?;
        state.has_read_back = true;
    }
    Ok(())
}

fn take(statistics: &Statistics, replica: Replica, pulled: &Pulled) {
    let read = |(field, bytes): &(String, Vec<u8>)| -> Option<(Currency, i64, Vec<Slot>)> {
        let (code, _) = field.split_once(':')?;
        let (block, slots) = unpack(bytes)?;
        Some((Currency::from_code(code)?, block, slots))
    };
    let blocks: Vec<_> = pulled.blocks.iter().filter_map(read).collect();
    let (all, sound) = (pulled.blocks.len(), blocks.len());
    let ignored = all - sound + statistics.board.put(statistics.now_ms(), replica, blocks);
    Metrics::add(&statistics.metrics.blocks_taken, all - ignored);
    Metrics::add(&statistics.metrics.blocks_ignored, ignored);
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}
