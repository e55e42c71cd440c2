//! Holds that are captured: each connection asks for a hold with the payer's token, and then captures it in full with
//! the payee's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use service::clock::random_bytes;
use uuid::Uuid;

use crate::common::client::{self, Latencies, Requests};
use crate::load::{Accounts, Pick, Post, transfer_body, write_post};

/// The pairs of hold and capture that a measurement sends.
#[derive(Clone, Copy, Debug)]
pub struct HoldLoad {
    pub connections: usize,
    pub time: Duration,
}

/// Requests in a pair: the hold and its capture.
pub const REQUESTS_A_PAIR: u64 = 2;

/// Sends pairs until the time is up, over all connections at once. The latencies are those of single requests.
pub async fn run(address: SocketAddr, accounts: &Arc<Accounts>, load: HoldLoad) -> Result<Latencies> {
    let writers = (0..load.connections).map(|_| Pairs {
        accounts: accounts.clone(),
        dice: SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes())),
        payee: 0,
        hold: None,
    });
    client::run(address, load.time, 201, writers).await
}

/// One connection's pairs.
struct Pairs {
    accounts: Arc<Accounts>,
    dice: SmallRng,
    /// The destination of the last hold.
    payee: usize,
    /// The hold to capture; `None` when a new one comes next.
    hold: Option<Uuid>,
}

impl Requests for Pairs {
    fn write(&mut self, request: &mut Vec<u8>) -> Result<()> {
        if let Some(hold) = self.hold {
            let post = Post {
                path: &format!("/v1/transfers/{hold}/capture"),
                token: &self.accounts.tokens[self.payee],
                body: "{}",
            };
            return write_post(request, &post, &mut self.dice);
        }
        let (payer, payee) = self.accounts.pick(Pick::Uniform, &mut self.dice);
        self.payee = payee;
        let post = Post {
            path: "/v1/transfers",
            token: &self.accounts.tokens[payer],
            body: &transfer_body(&self.accounts, (payer, payee), ",\"hold\":true", &mut self.dice),
        };
        write_post(request, &post, &mut self.dice)
    }

    fn answered(&mut self, answer: &[u8]) -> Result<()> {
        self.hold = match self.hold {
            None => Some(id_of(answer)?),
            Some(_) => None,
        };
        Ok(())
    }
}

/// The id of the transfer in an answer. The names of its other ids end in `_id`, so they do not match.
fn id_of(answer: &[u8]) -> Result<Uuid> {
    const NAME: &[u8] = b"\"id\":\"";
    const DIGITS: usize = 36;
    let place = answer.windows(NAME.len()).position(|part| part == NAME);
    let start = place.context("a transfer has an id")? + NAME.len();
    let digits = answer.get(start..start + DIGITS).context("an id has 36 characters")?;
    Ok(Uuid::try_parse_ascii(digits)?)
}
