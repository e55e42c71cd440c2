//! Reports over HTTP with one client, in turns with `/livez`, so that other load on the machine affects both alike.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use uuid::Uuid;

use crate::importer::peak_kib;
use crate::place::Place;
use crate::processes::Server;
use crate::tokens;

/// The requested paths. The others are compared with the first; the last one reads the database.
pub const PATHS: [&str; 7] = [
    "/livez",
    "/analytics/top-merchant",
    "/analytics/monthly-active-merchants",
    "/analytics/product-adoption",
    "/analytics/kyc-funnel",
    "/analytics/failure-rates",
    "/v1/merchants/MRC-000001/summary",
];

const ROUNDS: usize = 40;
const REQUESTS_A_ROUND: usize = 50;
const LATENCY_MAX_NS: u64 = 10_000_000_000;

/// A server's measurements.
pub struct Served {
    /// The median answer time of each path.
    pub p50_ns: Vec<(&'static str, u64)>,
    /// The server's peak resident memory.
    pub resident_kib: u64,
}

/// Serves the database and requests every path.
pub async fn measure(place: &Place) -> Result<Served> {
    let key = tokens::make_key(&place.folder.path().join("signing.key"))?;
    let token = tokens::token(Uuid::from_u128(1), "operator", &key)?;
    let server = Server::start(&place.program, &place.url, place.folder.path(), &[]).await?;
    let address = server.address;
    let measured = tokio::task::spawn_blocking(move || ask(address, &token)).await?;
    let resident_kib = peak_kib(server.pid()).context("the server runs")?;
    Ok(Served {
        p50_ns: measured?,
        resident_kib,
    })
}

fn ask(address: std::net::SocketAddr, token: &str) -> Result<Vec<(&'static str, u64)>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let requests = PATHS.map(|path| {
        // `/livez` is requested without a token.
        let token = if path == PATHS[0] {
            String::new()
        } else {
            format!("Authorization: Bearer {token}\r\n")
        };
        format!("GET {path} HTTP/1.1\r\nHost: florin\r\n{token}\r\n")
    });
    let mut times = Vec::new();
    for _ in PATHS {
        times.push(Histogram::<u64>::new_with_bounds(1, LATENCY_MAX_NS, 3)?);
    }
    let mut answer = Vec::new();
    for round in 0..=ROUNDS {
        for (request, times) in requests.iter().zip(&mut times) {
            for _ in 0..REQUESTS_A_ROUND {
                let sent = Instant::now();
                stream.write_all(request.as_bytes())?;
                read_answer(&mut stream, &mut answer)?;
                // The first round only warms the server up.
                if round > 0 {
                    times.record(u64::try_from(sent.elapsed().as_nanos())?)?;
                }
            }
        }
    }
    Ok(PATHS
        .into_iter()
        .zip(times.iter().map(|times| times.value_at_quantile(0.5)))
        .collect())
}

fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the server closed the connection");
        answer.extend_from_slice(&buffer[..read]);
        let Some(head_end) = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|at| at + 4)
        else {
            continue;
        };
        let head = std::str::from_utf8(&answer[..head_end])?;
        if answer.len() >= head_end + content_length(head)? {
            let status = head.get(9..12).context("a status line")?;
            ensure!(status == "200", "status {status}: {}", String::from_utf8_lossy(answer));
            return Ok(());
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
