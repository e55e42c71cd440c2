//! Transfers at half the peak, alone and beside a storm of sign-ins, whose passwords are hashed by the same process.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::common::client::{connect, read_answer};
use crate::load::{self, Accounts, Load, Pick};
use crate::paced;
use crate::report::Measure;

/// Half the peak, without sign-ins.
pub const ALONE: &str = "http storm, half the peak alone";
/// The same beside the storm.
pub const BESIDE: &str = "http storm, half the peak beside 200 sign-ins";

const SIGN_INS: usize = 200;
/// How long a refused sign-in waits, as `Retry-After` says.
const PAUSE: Duration = Duration::from_secs(1);
/// Who signs in: an account may have two sign-ins at a time.
const USERS: usize = SIGN_INS / 2;
const PASSWORD: &str = "correct horse battery";

/// The two measurements, in the order of the constants.
pub async fn measure(address: SocketAddr, accounts: &Arc<Accounts>, time: Duration) -> Result<[Measure; 2]> {
    let load = Load {
        connections: paced::CONNECTIONS as usize,
        pick: Pick::Uniform,
        time,
    };
    let peak = load::run(address, accounts, load).await?;
    let peak = Measure::of(&peak.histogram, peak.elapsed).per_second;
    let half = (peak / 2).max(1);
    for number in 0..USERS {
        register(address, number).await?;
    }
    let alone = paced::run(address, accounts, half, time).await?;
    let (beside, counts) = tokio::join!(paced::run(address, accounts, half, time), storm(address, time));
    let (signed_in, refused) = counts?;
    eprintln!("  peak {peak} a second; {signed_in} sign-ins, {refused} told to wait");
    ensure!(signed_in > 0, "nobody could sign in");
    Ok([alone, beside?])
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

fn post(path: &str, body: &str) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: florin\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(request)
}
