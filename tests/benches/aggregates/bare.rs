//! The baseline: the file's rows, read with the same CSV reader, each as one XADD, pipelined as fast as Redis answers.
//! Nothing is parsed, added up, read back or remembered.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use csv::ByteRecord;
use harness::servers::RedisServer;
use redis::Client;

use crate::feed::Feed;

/// Commands of one round trip.
const PIPELINE: usize = 1_000;

pub async fn run(redis: &RedisServer, feed: &Feed) -> Result<Duration> {
    let mut connection = Client::open(redis.fresh_database_url()?)?
        .get_multiplexed_async_connection()
        .await?;
    let began = Instant::now();
    let mut reader = csv::Reader::from_path(&feed.path)?;
    let (mut record, mut commands, mut waiting) = (ByteRecord::new(), redis::pipe(), 0);
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
        if waiting == PIPELINE || !more {
            let () = commands.query_async(&mut connection).await?;
            (commands, waiting) = (redis::pipe(), 0);
        }
        if !more {
            break;
        }
    }
    let elapsed = began.elapsed();
    let length: u64 = redis::cmd("XLEN").arg("queue").query_async(&mut connection).await?;
    ensure!(length == feed.rows, "the stream has {length} entries");
    let () = redis::cmd("FLUSHDB").query_async(&mut connection).await?;
    Ok(elapsed)
}
