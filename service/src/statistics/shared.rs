//! Sharing what was reported with the other replicas through Redis.
//!
//! Each replica publishes its own blocks and reads the others'. Blocks are published as a whole, so that a lost or
//! repeated step changes nothing. All keys belong to a generation, one life of what Redis
//! holds (the aggregates call theirs an epoch): a replica that finds another generation than before
//! publishes everything again, since Redis has lost its data.
//!
//! | key | holds | expires |
//! |---|---|---|
//! | `florin:statistics` | the generation | 70 s after the last replica |
//! | `florin:statistics:G:replicas` | the names of its replicas | 70 s |
//! | `florin:statistics:G:R` | a replica's blocks, by currency and position in the ring | 70 s after R |
//! | `florin:statistics:G:R:log` | the same fields by the number of their last change | 70 s after R |

mod link;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use self::link::{Pulled, SharedLink};
use super::Statistics;
use super::metrics::StatisticsMetrics;
use super::packed::unpack;
use super::ring::Slot;
use super::window::{PEERS_MAX, Replica};
use crate::clock::random_bytes;
use crate::redis::{Redis, RedisFault};
use crate::values::Currency;

/// See the module.
pub(super) struct Shared {
    link: SharedLink,
    is_connected: AtomicBool,
    state: Mutex<SharedState>,
}

struct SharedState {
    generation: Option<String>,
    /// The number of our last change.
    published: u64,
    /// The number of the last change that was read of each replica.
    seen: HashMap<Replica, u64>,
    /// True when it is unknown which of our blocks Redis has: the next step publishes all.
    owes_everything: bool,
}

impl Shared {
    pub fn new(redis: Redis) -> Self {
        Self {
            link: SharedLink::new(redis, Replica::from_le_bytes(random_bytes())),
            is_connected: AtomicBool::new(false),
            state: Mutex::new(SharedState {
                generation: None,
                published: 0,
                seen: HashMap::new(),
                owes_everything: true,
            }),
        }
    }

    pub fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Relaxed)
    }

    /// One step: find the generation, publish, read. After a step that failed, the next one publishes everything.
    pub async fn sync(&self, statistics: &Statistics) -> Result<(), RedisFault> {
        let mut state = self.state.lock().await;
        let stepped = self.step(&mut state, statistics).await;
        state.owes_everything |= stepped.is_err();
        self.note(&stepped, &statistics.metrics);
        stepped
    }

    async fn step(&self, state: &mut SharedState, statistics: &Statistics) -> Result<(), RedisFault> {
        self.join(state).await?;
        self.publish(state, statistics).await?;
        self.pull(state, statistics).await
    }

    /// Finds the generation, or begins one with a random name, so that every replica sees that it is new.
    async fn join(&self, state: &mut SharedState) -> Result<(), RedisFault> {
        let proposed = hex(u64::from_le_bytes(random_bytes()));
        let generation = Some(self.link.generation(&proposed).await?);
        if state.generation != generation {
            state.generation = generation;
            state.seen.clear();
            state.owes_everything = true;
        }
        Ok(())
    }

    async fn publish(&self, state: &mut SharedState, statistics: &Statistics) -> Result<(), RedisFault> {
        if std::mem::take(&mut state.owes_everything) {
            statistics.board.mark_all_changed();
        }
        let changes = statistics.board.take_changes(statistics.now_ms());
        let generation = state.generation.as_deref().unwrap_or_default();
        self.link.publish(generation, &changes, &mut state.published).await?;
        StatisticsMetrics::add(&statistics.metrics.blocks_published, changes.len());
        Ok(())
    }

    /// Reads what the other replicas changed.
    async fn pull(&self, state: &mut SharedState, statistics: &Statistics) -> Result<(), RedisFault> {
        let generation = state.generation.as_deref().unwrap_or_default();
        let mut others = self.link.present(generation).await?;
        statistics
            .metrics
            .replicas
            .store(others.len() as u64, Ordering::Relaxed);
        others.sort_unstable();
        others.truncate(PEERS_MAX);
        state.seen.retain(|replica, _| others.contains(replica));
        for replica in others {
            let seen = state.seen.entry(replica).or_default();
            let Some(pulled) = self.link.pull(generation, replica, *seen).await? else {
                continue;
            };
            *seen = pulled.last;
            take(statistics, replica, &pulled);
        }
        Ok(())
    }

    fn note(&self, stepped: &Result<(), RedisFault>, metrics: &StatisticsMetrics) {
        let was_connected = self.is_connected.swap(stepped.is_ok(), Ordering::Relaxed);
        match stepped {
            Ok(()) => {
                StatisticsMetrics::add(&metrics.syncs, 1);
                if !was_connected {
                    tracing::info!("what is reported is shared with the other replicas");
                }
            }
            Err(error) => {
                StatisticsMetrics::add(&metrics.sync_failures, 1);
                if was_connected || metrics.snapshot().sync_failures == 1 {
                    let cause = std::error::Error::source(error).map(tracing::field::display);
                    tracing::warn!(%error, cause, "what is reported elsewhere is missing in the statistics until Redis is back");
                }
            }
        }
    }
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
    StatisticsMetrics::add(&statistics.metrics.blocks_taken, all - ignored);
    StatisticsMetrics::add(&statistics.metrics.blocks_ignored, ignored);
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}
