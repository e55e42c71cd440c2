//! Batches: many transfers in one request, all from the wallet of the caller, who must own every source.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use service::clock::random_bytes;

use crate::common::client::{self, Latencies, Requests};
use crate::load::{Accounts, Post, write_post};

/// The batches that a measurement sends.
#[derive(Clone, Copy, Debug)]
pub struct BatchLoad {
    pub connections: usize,
    /// Transfers in each batch.
    pub size: u64,
    pub kind: BatchKind,
    pub time: Duration,
}

/// Where the transfers of a batch go.
#[derive(Clone, Copy, Debug)]
pub enum BatchKind {
    /// Each into any wallet, with an outcome of its own.
    Spread,
    /// All into the first wallet, all or nothing.
    AtomicHot,
}

/// The wallet that every atomic batch pays into.
const HOT: usize = 0;

/// Sends batches until the time is up, over all connections at once.
pub async fn run(address: SocketAddr, accounts: &Arc<Accounts>, load: BatchLoad) -> Result<Latencies> {
    let writers = (0..load.connections).map(|_| BatchWriter::new(accounts, load.size, load.kind));
    client::run(address, load.time, 200, writers).await
}

/// Writes batches, each with an Idempotency-Key of its own.
pub struct BatchWriter {
    accounts: Arc<Accounts>,
    /// Transfers in the next batch.
    pub size: u64,
    kind: BatchKind,
    dice: SmallRng,
    body: String,
}

impl BatchWriter {
    pub fn new(accounts: &Arc<Accounts>, size: u64, kind: BatchKind) -> Self {
        Self {
            accounts: accounts.clone(),
            size,
            kind,
            dice: SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes())),
            body: String::new(),
        }
    }
}

impl Requests for BatchWriter {
    fn write(&mut self, request: &mut Vec<u8>) -> Result<()> {
        let source = self.write_body()?;
        let post = Post {
            path: "/v1/transfers/batch",
            token: &self.accounts.tokens[source],
            body: &self.body,
        };
        write_post(request, &post, &mut self.dice)
    }
}

impl BatchWriter {
    /// Writes one batch's body; returns the source.
    fn write_body(&mut self) -> Result<usize> {
        let Self {
            accounts, dice, body, ..
        } = self;
        let (is_atomic, source) = match self.kind {
            BatchKind::Spread => (false, accounts.any(dice)),
            BatchKind::AtomicHot => (true, accounts.any_but(HOT, dice)),
        };
        body.clear();
        write!(body, "{{\"atomic\":{is_atomic},\"transfers\":[")?;
        for item in 0..self.size {
            let destination = match self.kind {
                BatchKind::Spread => accounts.any_but(source, dice),
                BatchKind::AtomicHot => HOT,
            };
            let comma = if item == 0 { "" } else { "," };
            write!(
                body,
                "{comma}{{\"source_wallet_id\":\"{}\",\"destination_wallet_id\":\"{}\",\"amount\":\"0.{:04}\"}}",
                accounts.wallets[source],
                accounts.wallets[destination],
                dice.random_range(1..100)
            )?;
        }
        body.push_str("]}");
        Ok(source)
    }
}
