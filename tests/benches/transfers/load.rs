//! A closed-loop HTTP/1.1 client: each connection sends a transfer, waits for its answer, and sends the next one.
//!
//! Keep-alive, an access token of the source's owner and a fresh Idempotency-Key per transfer. Any answer but 201 ends
//! the measure: figures are of completed transfers only.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use service::clock::random_bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub pick: Pick,
    pub time: Duration,
}

/// How source and destination are chosen.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// Every pair of wallets alike.
    Uniform,
    /// Every transfer goes into the first wallet.
    Hot,
    /// Both sides by Zipf's law with exponent 1.0.
    Zipf,
    /// Among the first ten wallets, both ways.
    Few,
    /// Among the first ten wallets, from lower to higher ids only.
    FewUp,
    /// Among the first ten wallets, from higher to lower ids only.
    FewDown,
}

/// Wallets, each with its owner's token.
pub struct Accounts {
    pub wallets: Vec<Uuid>,
    pub tokens: Vec<String>,
    /// Cumulative weights of 1/rank, in millionths of the first.
    zipf: Vec<u64>,
}

/// Latencies of the transfers of one measure, in microseconds.
pub struct Latencies {
    pub histogram: Histogram<u64>,
    pub elapsed: Duration,
}

const FEW: usize = 10;
const LATENCY_MAX_US: u64 = 60_000_000;
const ZIPF_SCALE: u64 = 1_000_000_000;

impl Accounts {
    pub fn new(wallets: Vec<Uuid>, tokens: Vec<String>) -> Self {
        let zipf = (1..=wallets.len() as u64)
            .scan(0, |sum, rank| {
                *sum += ZIPF_SCALE / rank;
                Some(*sum)
            })
            .collect();
        Self { wallets, tokens, zipf }
    }

    /// Two different wallets.
    fn pick(&self, pick: Pick, dice: &mut SmallRng) -> (usize, usize) {
        loop {
            let (source, destination) = match pick {
                Pick::Uniform => (self.any(dice), self.any(dice)),
                Pick::Hot => (self.any(dice), 0),
                Pick::Zipf => (self.by_rank(dice), self.by_rank(dice)),
                Pick::Few | Pick::FewUp | Pick::FewDown => (dice.random_range(0..FEW), dice.random_range(0..FEW)),
            };
            match pick {
                _ if source == destination => {}
                Pick::FewUp => return (source.min(destination), source.max(destination)),
                Pick::FewDown => return (source.max(destination), source.min(destination)),
                Pick::Uniform | Pick::Hot | Pick::Zipf | Pick::Few => return (source, destination),
            }
        }
    }

    fn any(&self, dice: &mut SmallRng) -> usize {
        dice.random_range(0..self.wallets.len())
    }

    fn by_rank(&self, dice: &mut SmallRng) -> usize {
        let total = self.zipf.last().copied().unwrap_or(1);
        let point = dice.random_range(0..total);
        self.zipf.partition_point(|sum| *sum <= point)
    }
}

/// Sends transfers until the time is up, over all connections at once.
pub async fn run(address: SocketAddr, accounts: &Arc<Accounts>, load: Load) -> Result<Latencies> {
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let stream = TcpStream::connect(address)
            .await
            .context("the server takes connections")?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let started = Instant::now();
    let deadline = started + load.time;
    let recorded = Arc::new(Mutex::new(new_histogram()?));
    let mut connections = JoinSet::new();
    for stream in streams {
        let caller = Caller {
            stream,
            accounts: accounts.clone(),
            pick: load.pick,
            // Seeded anew each time: a key that an earlier measure has used up would be refused.
            dice: SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes())),
            recorded: recorded.clone(),
        };
        connections.spawn(caller.run(deadline));
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let elapsed = started.elapsed();
    let histogram = recorded.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Latencies { histogram, elapsed })
}

pub fn new_histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?)
}

/// One connection.
struct Caller {
    stream: TcpStream,
    accounts: Arc<Accounts>,
    pick: Pick,
    dice: SmallRng,
    /// Of all connections: one each would be 200 KB each, and the client shares its caches with what it measures.
    recorded: Arc<Mutex<Histogram<u64>>>,
}

impl Caller {
    async fn run(mut self, deadline: Instant) -> Result<()> {
        let (mut request, mut answer) = (Vec::with_capacity(1_024), Vec::with_capacity(2_048));
        while Instant::now() < deadline {
            write_request(&mut request, &self.accounts, self.pick, &mut self.dice)?;
            let sent = Instant::now();
            self.stream.write_all(&request).await?;
            let status = read_answer(&mut self.stream, &mut answer).await?;
            ensure!(status == 201, "status {status}: {}", String::from_utf8_lossy(&answer));
            let latency_us = u64::try_from(sent.elapsed().as_micros())?.max(1);
            let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.record(latency_us)?;
        }
        Ok(())
    }
}

fn write_request(request: &mut Vec<u8>, accounts: &Accounts, pick: Pick, dice: &mut SmallRng) -> Result<()> {
    let (source, destination) = accounts.pick(pick, dice);
    let (units, key) = (dice.random_range(1..100), dice.random::<u128>());
    let body = format!(
        "{{\"source_wallet_id\":\"{}\",\"destination_wallet_id\":\"{}\",\"amount\":\"0.{units:04}\"}}",
        accounts.wallets[source], accounts.wallets[destination]
    );
    request.clear();
    write!(
        request,
        "POST /v1/transfers HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {key:032x}\r\nContent-Length: {}\r\n\r\n{body}",
        accounts.tokens[source],
        body.len()
    )?;
    Ok(())
}

/// Reads one answer and leaves it in `answer`; gives its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the server closed the connection");
        let Some(head_end) = find(answer, b"\r\n\r\n").map(|at| at + 4) else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..head_end])?;
        let length = content_length(head)?;
        if answer.len() >= head_end + length {
            return Ok(head.get(9..12).context("a status line")?.parse()?);
        }
    }
}

fn content_length(head: &str) -> Result<usize> {
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(value.trim().parse()?);
        }
    }
    bail!("an answer without a content-length: {head}")
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
