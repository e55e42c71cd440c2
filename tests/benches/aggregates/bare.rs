//! The baseline: the file's rows, read with the same CSV reader, each as one XADD. The next pipeline is prepared while
//! Redis works on the current one. Nothing is parsed, added up or read back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use csv::ByteRecord;
use harness::servers::RedisServer;
use redis::{Client, RedisResult};
use tokio::task::JoinHandle;

use crate::feed::Feed;

/// Commands per round trip.
const PIPELINE: usize = 1_000;

pub async fn run(redis: &RedisServer, feed: &Feed) -> Result<Duration> {
    let mut connection = Client::open(redis.fresh_database_url()?)?
        .get_multiplexed_async_connection()
        .await?;
    let began = Instant::now();
    let mut reader = csv::Reader::from_path(&feed.path)?;
    let (mut record, mut commands, mut waiting) = (ByteRecord::new(), redis::pipe(), 0);
    let mut under_way: JoinHandle<RedisResult<()>> = tokio::spawn(async { Ok(()) });
    loop {
        let more = reader.read_byte_record(&mut record)?;
        if more {
            commands.cmd("XADD").arg("queue").arg("*");
            for (name, column) in ["timestamp", "type", "payment_method", "amount"].iter().zip(0..) {
                commands.arg(name).arg(&record[column]);
            }
            commands.ignore();
            waiting += 1;
        }
        if waiting == PIPELINE || (!more && waiting > 0) {
            let mut connection = connection.clone();
            let full = std::mem::replace(&mut commands, redis::pipe());
            under_way.await??;
            under_way = tokio::spawn(async move { full.query_async(&mut connection).await });
            waiting = 0;
        }
        if !more {
            under_way.await??;
            break;
        }
    }
    let elapsed = began.elapsed();
    let length: u64 = redis::cmd("XLEN").arg("queue").query_async(&mut connection).await?;
    ensure!(length == feed.rows, "the stream has {length} entries");
    let () = redis::cmd("FLUSHDB").query_async(&mut connection).await?;
    Ok(elapsed)
}
