//! Transfers that are sent at fixed times. A latency counts from the time at which its request was due: a server that is
//! late must not be asked less.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use service::clock::random_bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::common::client::{connect, new_histogram, read_answer};
use crate::load::{Accounts, Pick, Post, transfer_body, write_post};
use crate::report::Measure;

/// Over how many connections they are sent.
pub const CONNECTIONS: u32 = 64;

/// Sends so many transfers a second over all connections.
pub async fn run(address: SocketAddr, accounts: &Arc<Accounts>, per_second: u64, time: Duration) -> Result<Measure> {
    // Each connection has its share.
    let every = Duration::from_micros(u64::from(CONNECTIONS) * 1_000_000 / per_second);
    let recorded = Arc::new(Mutex::new(new_histogram()?));
    let began = Instant::now();
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let stream = connect(address).await?;
        // Spread over the period, so that not all connections send at once.
        let first = began + every * number / CONNECTIONS;
        let (accounts, recorded) = (accounts.clone(), recorded.clone());
        connections.spawn(send_paced(stream, accounts, (first, every, began + time), recorded));
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let elapsed = began.elapsed();
    let histogram = recorded.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Measure::of(&histogram, elapsed))
}

async fn send_paced(
    mut stream: TcpStream,
    accounts: Arc<Accounts>,
    (first, every, end): (Instant, Duration, Instant),
    recorded: Arc<Mutex<Histogram<u64>>>,
) -> Result<()> {
    let mut dice = SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes()));
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    let mut due = first;
    while due < end {
        sleep_until(due).await;
        let pair = accounts.pick(Pick::Uniform, &mut dice);
        let post = Post {
            path: "/v1/transfers",
            token: &accounts.tokens[pair.0],
            body: &transfer_body(&accounts, pair, "", &mut dice),
        };
        request.clear();
        write_post(&mut request, &post, &mut dice)?;
        stream.write_all(&request).await?;
        let status = read_answer(&mut stream, &mut answer).await?;
        ensure!(status == 201, "status {status}: {}", String::from_utf8_lossy(&answer));
        let latency_us = u64::try_from(due.elapsed().as_micros())?.max(1);
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.record(latency_us)?;
        due += every;
    }
    Ok(())
}
