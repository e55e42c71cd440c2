//! What a measurement sends to one server: single transfers, batches, or holds with their captures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::batches::{self, BatchKind, BatchLoad};
use crate::common::client::Latencies;
use crate::holds::{self, HoldLoad, REQUESTS_A_PAIR};
use crate::load::{self, Accounts, Load};
use crate::report::Measure;

/// What a measurement sends.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    Singles(Load),
    Batches(BatchLoad),
    Holds(HoldLoad),
}

/// Over how many connections batches are sent.
const BATCH_CONNECTIONS: usize = 16;
/// Over how many connections holds and captures are sent: as many as the single transfers that they are compared with.
const HOLD_CONNECTIONS: usize = 256;

/// Measurements of batches and holds, without the database's name before each.
const NAMES: [&str; 5] = [
    "batches of 100, 16 connections",
    "batches of 1000, 16 connections",
    "atomic batches of 100, 16 connections",
    "atomic batches of 1000, 16 connections",
    "hold + capture, 256 connections",
];

/// What each of those sends, in their order.
pub fn batches_and_holds(time: Duration) -> [(&'static str, Work); 5] {
    let batches = |size, kind| {
        Work::Batches(BatchLoad {
            connections: BATCH_CONNECTIONS,
            size,
            kind,
            time,
        })
    };
    let [few, many, few_atomic, many_atomic, holds] = NAMES;
    [
        (few, batches(100, BatchKind::Spread)),
        (many, batches(1_000, BatchKind::Spread)),
        (few_atomic, batches(100, BatchKind::AtomicHot)),
        (many_atomic, batches(1_000, BatchKind::AtomicHot)),
        (
            holds,
            Work::Holds(HoldLoad {
                connections: HOLD_CONNECTIONS,
                time,
            }),
        ),
    ]
}

/// The settings of servers that take large batches. The queue counts transfers, and has usually less room than 16
/// connections with a batch of 1 000 each need.
pub const LARGE_BATCHES: &[(&str, &str)] = &[("FLORIN_QUEUE_MAX", "32768")];

impl Work {
    /// The settings of the server; the usual ones where they suffice.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Batches(_) => LARGE_BATCHES,
            Self::Singles(_) | Self::Holds(_) => &[],
        }
    }

    /// Sends it to a server until the time is up.
    pub async fn run(self, address: SocketAddr, accounts: &Arc<Accounts>) -> Result<Latencies> {
        match self {
            Self::Singles(load) => load::run(address, accounts, load).await,
            Self::Batches(load) => batches::run(address, accounts, load).await,
            Self::Holds(load) => holds::run(address, accounts, load).await,
        }
    }

    /// How many transfers, or pairs of hold and capture, so many requests are.
    pub fn counted(self, requests: u64) -> u64 {
        match self {
            Self::Singles(_) => requests,
            Self::Batches(load) => requests * load.size,
            Self::Holds(_) => requests / REQUESTS_A_PAIR,
        }
    }

    /// How many transfers must be completed after so many requests; `None` where the last pairs may be cut in half.
    pub fn completed(self, requests: u64) -> Option<u64> {
        match self {
            Self::Singles(_) | Self::Batches(_) => Some(self.counted(requests)),
            Self::Holds(_) => None,
        }
    }

    /// The figures of a run: transfers or pairs a second, and the latencies of requests.
    pub fn measure(self, latencies: &Latencies) -> Measure {
        let of_requests = Measure::of(&latencies.histogram, latencies.elapsed);
        let elapsed_us = u64::try_from(latencies.elapsed.as_micros()).unwrap_or(u64::MAX);
        Measure {
            per_second: self.counted(latencies.histogram.len()) * 1_000_000 / elapsed_us.max(1),
            ..of_requests
        }
    }
}
