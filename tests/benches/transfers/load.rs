//! The transfers that a measurement sends, and their wallets.
//!
//! Connections are kept alive. Each transfer has the access token of its source's owner and a new Idempotency-Key.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use service::clock::random_bytes;
use uuid::Uuid;

use crate::common::client::{self, Latencies};

/// What a measurement sends.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub pick: Pick,
    pub time: Duration,
}

/// How source and destination are chosen.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// Every pair of wallets with equal probability.
    Uniform,
    /// Every transfer goes into the first wallet.
    Hot,
    /// Source and destination by Zipf's law with exponent 1.0.
    Zipf,
    /// Among the first ten wallets, in both directions.
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
    /// An operator's token.
    pub operator: String,
    /// Cumulative weights of 1/rank, in millionths of the first.
    zipf: Vec<u64>,
}

const FEW: usize = 10;
const ZIPF_SCALE: u64 = 1_000_000_000;

impl Accounts {
    pub fn new(wallets: Vec<Uuid>, tokens: Vec<String>, operator: String) -> Self {
        let zipf = (1..=wallets.len() as u64)
            .scan(0, |sum, rank| {
                *sum += ZIPF_SCALE / rank;
                Some(*sum)
            })
            .collect();
        Self {
            wallets,
            tokens,
            operator,
            zipf,
        }
    }

    /// Two different wallets.
    pub fn pick(&self, pick: Pick, dice: &mut SmallRng) -> (usize, usize) {
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

    /// Any wallet.
    pub fn any(&self, dice: &mut SmallRng) -> usize {
        dice.random_range(0..self.wallets.len())
    }

    /// Any other wallet.
    pub fn any_but(&self, wallet: usize, dice: &mut SmallRng) -> usize {
        let place = dice.random_range(1..self.wallets.len());
        (wallet + place) % self.wallets.len()
    }

    fn by_rank(&self, dice: &mut SmallRng) -> usize {
        let total = self.zipf.last().copied().unwrap_or(1);
        let point = dice.random_range(0..total);
        self.zipf.partition_point(|sum| *sum <= point)
    }
}

/// Sends transfers until the time is up, over all connections at once.
pub async fn run(address: SocketAddr, accounts: &Arc<Accounts>, load: Load) -> Result<Latencies> {
    let writers = (0..load.connections).map(|_| {
        // A new seed each time: with the same seed, the keys of an earlier measurement would repeat and be refused.
        let mut dice = SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes()));
        let accounts = accounts.clone();
        move |request: &mut Vec<u8>| write_request(request, &accounts, load.pick, &mut dice)
    });
    client::run(address, load.time, 201, writers).await
}

fn write_request(request: &mut Vec<u8>, accounts: &Accounts, pick: Pick, dice: &mut SmallRng) -> Result<()> {
    let (source, destination) = accounts.pick(pick, dice);
    let post = Post {
        path: "/v1/transfers",
        token: &accounts.tokens[source],
        body: &transfer_body(accounts, (source, destination), "", dice),
    };
    write_post(request, &post, dice)
}

/// The body of a transfer between two wallets of a small random amount; `more` has further fields, each after a comma.
pub fn transfer_body(
    accounts: &Accounts,
    (source, destination): (usize, usize),
    more: &str,
    dice: &mut SmallRng,
) -> String {
    let units = dice.random_range(1..100);
    format!(
        "{{\"source_wallet_id\":\"{}\",\"destination_wallet_id\":\"{}\",\"amount\":\"0.{units:04}\"{more}}}",
        accounts.wallets[source], accounts.wallets[destination]
    )
}

/// A request that moves money.
pub struct Post<'a> {
    pub path: &'a str,
    /// The caller's access token.
    pub token: &'a str,
    pub body: &'a str,
}

/// Writes a request with a new Idempotency-Key.
pub fn write_post(request: &mut Vec<u8>, post: &Post<'_>, dice: &mut SmallRng) -> Result<()> {
    let key = dice.random::<u128>();
    write!(
        request,
        "POST {} HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Idempotency-Key: {key:032x}\r\nContent-Length: {}\r\n\r\n{}",
        post.path,
        post.token,
        post.body.len(),
        post.body
    )?;
    Ok(())
}
