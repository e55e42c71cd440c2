//! Requests per second over HTTP, against `GET /livez` of the same server in the same round.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use uuid::Uuid;

use crate::common::client;
use crate::common::processes::{self, Server, cpu_time};
use crate::common::tokens;
use crate::decimal;

const CONNECTIONS: usize = 64;

/// The requests: name, expected status, and the least ratio to `/livez` in thousandths.
const ASKED: [(&str, u16, u128); 3] = [
    ("GET /livez", 200, 1_000),
    ("GET /statistics", 200, 800),
    ("POST /transactions", 201, 600),
];

pub async fn measure(time: Duration, rounds: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = tokens::make_key(&folder.path().join("signing.key"))?;
    let token = tokens::token(Uuid::from_u128(1), "operator", &key)?;
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let server = Server::start(&processes::build()?, &url, folder.path(), &[]).await?;
    let mut speeds = [const { Vec::new() }; ASKED.len()];
    let mut costs = [const { Vec::new() }; ASKED.len()];
    for _ in 0..=rounds {
        for (index, (name, status, _)) in ASKED.into_iter().enumerate() {
            let cpu = cpu_time(server.pid())?;
            let (done, elapsed) = load(server.address, name, status, &token, time).await?;
            speeds[index].push(u128::from(done) * 1_000_000 / elapsed.as_micros().max(1));
            costs[index].push((cpu_time(server.pid())? - cpu).as_nanos() / u128::from(done.max(1)));
        }
    }
    println!("\nover HTTP, {CONNECTIONS} connections with an operator's token, medians of {rounds} rounds");
    // The first round only warmed the server up.
    let ratios = |index: usize| {
        (1..=rounds)
            .map(|round| speeds[index][round] * 1_000 / speeds[0][round].max(1))
            .collect()
    };
    for (index, (name, _, floor)) in ASKED.into_iter().enumerate() {
        let (speed, cost) = (median(speeds[index][1..].to_vec()), median(costs[index][1..].to_vec()));
        let ratio = median(ratios(index));
        let verdict = if ratio >= floor { "" } else { "  BELOW" };
        println!(
            "  {name:<20} {speed:>7}/s, {}.{} us of server CPU, {} of /livez (at least {}){verdict}",
            cost / 1_000,
            cost % 1_000 / 100,
            decimal(ratio),
            decimal(floor),
        );
    }
    Ok(())
}

async fn load(
    address: SocketAddr,
    name: &'static str,
    status: u16,
    token: &str,
    time: Duration,
) -> Result<(u64, Duration)> {
    let head = format!("{name} HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {token}\r\n");
    let writers = (0..CONNECTIONS).map(|_| {
        let head = head.clone();
        move |request: &mut Vec<u8>| write_request(request, &head)
    });
    let latencies = client::run(address, time, status, writers).await?;
    Ok((latencies.histogram.len(), latencies.elapsed))
}

fn write_request(request: &mut Vec<u8>, head: &str) -> Result<()> {
    if head.starts_with("GET") {
        return Ok(write!(request, "{head}\r\n")?);
    }
    let body = format!(r#"{{"amount":12.3,"timestamp":{}}}"#, now_ms()?);
    let length = body.len();
    write!(
        request,
        "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    Ok(())
}

/// This machine's time in milliseconds. The server runs on the same machine, so its clock is never behind this time.
pub fn now_ms() -> Result<u128> {
    Ok(std::time::UNIX_EPOCH.elapsed()?.as_millis())
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
