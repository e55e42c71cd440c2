//! The Redis commands through which replicas exchange blocks. Each may be repeated.

use ::redis::{Pipeline, pipe};

use super::hex;
use crate::redis::{PREFIX, Redis, RedisFault};
use crate::statistics::board::BoardChange;
use crate::statistics::packed::pack;
use crate::statistics::window::Replica;

/// How long a generation, and what a replica published in it, is kept after the replica's last step: no amount in it
/// counts longer.
const KEPT_MS: u64 = 70_000;
/// The most blocks that one round trip sends or reads; the largest block has 60 kB.
const BLOCKS_AT_ONCE: usize = 64;

/// A field in the hash of every replica, whether it has blocks or not.
const HERE: &str = "here";

/// This replica's connection to the other replicas, through Redis.
pub struct SharedLink {
    redis: Redis,
    replica: Replica,
}

/// The blocks that another replica changed.
pub struct Pulled {
    /// The number of the last change.
    pub last: u64,
    /// Field and packed block.
    pub blocks: Vec<(String, Vec<u8>)>,
}

impl SharedLink {
    pub fn new(redis: Redis, replica: Replica) -> Self {
        Self { redis, replica }
    }

    /// The generation in Redis; the proposed one when there was none.
    pub async fn generation(&self, proposed: &str) -> Result<String, RedisFault> {
        let key = format!("{PREFIX}statistics");
        let mut commands = pipe();
        commands.cmd("SET").arg(&key).arg(proposed).arg("NX").ignore();
        commands.cmd("PEXPIRE").arg(&key).arg(KEPT_MS).ignore();
        commands.cmd("GET").arg(&key);
        let (generation,): (Option<String>,) = self.redis.query(&commands).await?;
        // The key may expire between SET and GET; the next step then begins another generation.
        Ok(generation.unwrap_or_else(|| proposed.to_owned()))
    }

    /// Writes our changed blocks over their earlier versions.
    pub async fn publish(
        &self,
        generation: &str,
        changes: &[BoardChange],
        published: &mut u64,
    ) -> Result<(), RedisFault> {
        let (blocks, log) = (key(generation, self.replica), log_key(generation, self.replica));
        for some in changes.chunks(BLOCKS_AT_ONCE) {
            let mut commands = pipe();
            for change in some {
                *published += 1;
                let field = format!("{}:{}", change.currency, change.position);
                let bytes = pack(change.block, &change.slots);
                // The block first: a replica that finds the field in the log must find the block.
                commands.cmd("HSET").arg(&blocks).arg(&field).arg(bytes).ignore();
                commands.cmd("ZADD").arg(&log).arg(*published).arg(&field).ignore();
            }
            let () = self.redis.query(&commands).await?;
        }
        Ok(())
    }

    /// Registers this replica, and returns the other replicas that are present.
    pub async fn present(&self, generation: &str) -> Result<Vec<Replica>, RedisFault> {
        let own = key(generation, self.replica);
        let replicas = format!("{PREFIX}statistics:{generation}:replicas");
        let mut commands = pipe();
        commands.cmd("HSET").arg(&own).arg(HERE).arg(1).ignore();
        commands.cmd("SADD").arg(&replicas).arg(hex(self.replica)).ignore();
        for kept in [&own, &log_key(generation, self.replica), &replicas] {
            commands.cmd("PEXPIRE").arg(kept).arg(KEPT_MS).ignore();
        }
        commands.cmd("SMEMBERS").arg(&replicas);
        let (names,): (Vec<String>,) = self.redis.query(&commands).await?;
        let others = names.iter().filter_map(|name| Replica::from_str_radix(name, 16).ok());
        Ok(others.filter(|other| *other != self.replica).collect())
    }

    /// The blocks that a replica changed after a number, up to `BLOCKS_AT_ONCE`; `None` when its keys have expired.
    pub async fn pull(&self, generation: &str, replica: Replica, seen: u64) -> Result<Option<Pulled>, RedisFault> {
        let (blocks, log) = (key(generation, replica), log_key(generation, replica));
        let mut commands = pipe();
        commands.cmd("HGET").arg(&blocks).arg(HERE);
        commands
            .cmd("ZRANGEBYSCORE")
            .arg(&log)
            .arg(format!("({seen}"))
            .arg("+inf");
        commands.arg("WITHSCORES").arg("LIMIT").arg(0).arg(BLOCKS_AT_ONCE);
        let (here, changed): (Option<String>, Vec<(String, u64)>) = self.redis.query(&commands).await?;
        if here.is_none() {
            self.bury(generation, replica).await?;
            return Ok(None);
        }
        let fields: Vec<&String> = changed.iter().map(|(field, _)| field).collect();
        Ok(Some(Pulled {
            last: changed.last().map_or(seen, |(_, number)| *number),
            blocks: self.blocks(&blocks, &fields).await?,
        }))
    }

    async fn blocks(&self, key: &str, fields: &[&String]) -> Result<Vec<(String, Vec<u8>)>, RedisFault> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = pipe();
        commands.cmd("HMGET").arg(key).arg(fields);
        let (found,): (Vec<Option<Vec<u8>>>,) = self.redis.query(&commands).await?;
        let named = fields.iter().zip(found);
        Ok(named
            .filter_map(|(field, bytes)| Some(((*field).clone(), bytes?)))
            .collect())
    }

    /// Removes the name of a replica whose keys have expired from the list.
    async fn bury(&self, generation: &str, replica: Replica) -> Result<(), RedisFault> {
        let mut commands: Pipeline = pipe();
        let replicas = format!("{PREFIX}statistics:{generation}:replicas");
        commands.cmd("SREM").arg(replicas).arg(hex(replica)).ignore();
        self.redis.query(&commands).await
    }
}

fn key(generation: &str, replica: Replica) -> String {
    format!("{PREFIX}statistics:{generation}:{}", hex(replica))
}

fn log_key(generation: &str, replica: Replica) -> String {
    format!("{}:log", key(generation, replica))
}
