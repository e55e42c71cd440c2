//! Transfers at half the peak, alone and beside a storm of sign-ins, whose passwords are hashed by the same process.
//!
//! Transfers are sent at fixed times, and a latency counts from the time at which its request was due: a server that is
//! late must not be asked less.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use service::clock::random_bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::common::client::{new_histogram, read_answer};
use crate::load::{self, Accounts, Load, Pick, Post, transfer_body, write_post};
use crate::report::Measure;

/// Half the peak, without sign-ins.
pub const ALONE: &str = "http storm, half the peak alone";
/// The same beside the storm.
pub const BESIDE: &str = "http storm, half the peak beside 200 sign-ins";

const CONNECTIONS: u32 = 64;
const SIGN_INS: usize = 200;
/// How long a refused sign-in waits, as `Retry-After` says.
const PAUSE: Duration = Duration::from_secs(1);
/// Who signs in: an account may have two sign-ins at a time.
const USERS: usize = SIGN_INS / 2;
const PASSWORD: &str = "correct horse battery";

/// The two measurements, in the order of the constants.
pub async fn measure(address: SocketAddr, accounts: &Arc<Accounts>, time: Duration) -> Result<[Measure; 2]> {
    let load = Load {
        connections: CONNECTIONS as usize,
        pick: Pick::Uniform,
        time,
    };
    let peak = load::run(address, accounts, load).await?;
    let peak = Measure::of(&peak.histogram, peak.elapsed).per_second.max(1);
    // Each connection has its share of half the peak.
    let every = Duration::from_micros(u64::from(CONNECTIONS) * 2 * 1_000_000 / peak);
    for number in 0..USERS {
        register(address, number).await?;
    }
    let alone = paced(address, accounts, every, time).await?;
    let (beside, counts) = tokio::join!(paced(address, accounts, every, time), storm(address, time));
    let (signed_in, refused) = counts?;
    eprintln!("  peak {peak} a second; {signed_in} sign-ins, {refused} told to wait");
    ensure!(signed_in > 0, "nobody could sign in");
    Ok([alone, beside?])
}

/// Sends transfers at fixed times over all connections.
async fn paced(address: SocketAddr, accounts: &Arc<Accounts>, every: Duration, time: Duration) -> Result<Measure> {
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

/// Signs in over all connections at once until the time is up; the numbers of those who could and could not.
async fn storm(address: SocketAddr, time: Duration) -> Result<(u64, u64)> {
    let end = Instant::now() + time;
    let mut connections = JoinSet::new();
    for number in 0..SIGN_INS {
        connections.spawn(sign_in_until(address, number % USERS, end));
    }
    let (mut signed_in, mut refused) = (0, 0);
    while let Some(ended) = connections.join_next().await {
        let counts = ended??;
        signed_in += counts.0;
        refused += counts.1;
    }
    Ok((signed_in, refused))
}

async fn sign_in_until(address: SocketAddr, user: usize, end: Instant) -> Result<(u64, u64)> {
    let mut stream = connect(address).await?;
    let request = post(
        "/v1/auth/login",
        &format!("{{\"email\":\"storm{user}@example.com\",\"password\":\"{PASSWORD}\"}}"),
    )?;
    let (mut signed_in, mut refused) = (0, 0);
    let mut answer = Vec::new();
    while Instant::now() < end {
        stream.write_all(&request).await?;
        match read_answer(&mut stream, &mut answer).await? {
            200 => signed_in += 1,
            503 => {
                refused += 1;
                sleep(PAUSE).await;
            }
            status => anyhow::bail!("status {status}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    Ok((signed_in, refused))
}

/// Makes a user who signs in; an earlier run may have made it.
async fn register(address: SocketAddr, user: usize) -> Result<()> {
    let mut stream = connect(address).await?;
    let body = format!("{{\"email\":\"storm{user}@example.com\",\"password\":\"{PASSWORD}\",\"full_name\":\"Storm\"}}");
    stream.write_all(&post("/v1/auth/register", &body)?).await?;
    let mut answer = Vec::new();
    let status = read_answer(&mut stream, &mut answer).await?;
    ensure!(
        matches!(status, 201 | 409),
        "status {status}: {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(())
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .context("the server takes connections")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn post(path: &str, body: &str) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: florin\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(request)
}
