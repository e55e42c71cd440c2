//! Requests of one client, asked again and again, each kind in turn with the others, and how long their answers take.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::client::{new_histogram, read_answer};
use crate::report::{Measure, Report};

const REQUESTS_A_ROUND: usize = 25;

/// Asks for all of them in turns, so that they share what disturbs the machine.
pub async fn measure_in_turns(report: &mut Report, mut all: Vec<Timed>, rounds: usize) -> Result<()> {
    for round in 0..=rounds {
        for timed in &mut all {
            timed.ask_often().await?;
            // The first round only warms the servers up.
            if round == 0 {
                timed.forget();
            }
        }
    }
    for timed in all {
        report.add(&timed.name, Measure::of(&timed.times, timed.elapsed));
    }
    Ok(())
}

/// One kind of request, and how long its answers took.
pub struct Timed {
    name: String,
    line: Line,
    request: String,
    times: Histogram<u64>,
    elapsed: Duration,
}

impl Timed {
    pub fn new(name: String, line: Line, request: String) -> Result<Self> {
        Ok(Self {
            name,
            line,
            request,
            times: new_histogram()?,
            elapsed: Duration::ZERO,
        })
    }

    async fn ask_often(&mut self) -> Result<()> {
        for _ in 0..REQUESTS_A_ROUND {
            let sent = Instant::now();
            self.line.ask(&self.request).await?;
            let took = sent.elapsed();
            self.times.record(u64::try_from(took.as_micros())?.max(1))?;
            self.elapsed += took;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.times.reset();
        self.elapsed = Duration::ZERO;
    }
}

/// A request with a token.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A connection for one request after the other.
pub struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Line {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let answer = Vec::new();
        Ok(Self { stream, answer })
    }

    pub async fn ask(&mut self, request: &str) -> Result<()> {
        self.stream.write_all(request.as_bytes()).await?;
        let status = read_answer(&mut self.stream, &mut self.answer).await?;
        ensure!(
            status == 200,
            "status {status} to {request}: {}",
            String::from_utf8_lossy(&self.answer)
        );
        Ok(())
    }

    /// The body of the last answer.
    pub fn json(&self) -> Result<Value> {
        let head_end = self.answer.windows(4).position(|part| part == b"\r\n\r\n");
        let body = &self.answer[head_end.context("a head")? + 4..];
        Ok(serde_json::from_slice(body)?)
    }
}
