//! Two replicas that share a Redis: the time from the answer of a POST on one until a GET on the other counts it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::servers::{Persistence, RedisServer};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::common::client::read_answer;
use crate::common::processes::{self, Server};
use crate::common::tokens;
use crate::http::now_ms;

/// The longest time for which two replicas may differ.
const AGREE_MAX: Duration = Duration::from_millis(250);
/// The benchmark fails when the replicas still differ after this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Several currencies, so that several windows are shared.
const CURRENCIES: [&str; 5] = ["USD", "EUR", "GBP", "JPY", "CHF"];

struct Client {
    stream: TcpStream,
    token: String,
    answer: Vec<u8>,
}

pub async fn measure(turns: usize) -> Result<()> {
    let redis = RedisServer::start(Persistence::None).await?;
    let folder = tempfile::tempdir()?;
    let key = tokens::make_key(&folder.path().join("signing.key"))?;
    let token = tokens::token(Uuid::from_u128(1), "operator", &key)?;
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let (program, redis_url) = (processes::build()?, redis.url());
    let settings = [("FLORIN_REDIS_URL", redis_url.as_str())];
    let one = Server::start(&program, &url, folder.path(), &settings).await?;
    let other = Server::start(&program, &url, folder.path(), &settings).await?;
    let mut clients = [
        Client::connect(one.address, &token).await?,
        Client::connect(other.address, &token).await?,
    ];
    let mut delays = Vec::with_capacity(turns);
    for turn in 0..turns {
        let currency = CURRENCIES[turn % CURRENCIES.len()];
        let (from, to) = (turn % 2, (turn + 1) % 2);
        let expected = clients[from]
            .count(currency)
            .await?
            .max(clients[to].count(currency).await?)
            + 1;
        clients[from].report(currency).await?;
        let answered = Instant::now();
        while clients[to].count(currency).await? < expected {
            ensure!(answered.elapsed() < PATIENCE, "the replicas do not agree");
        }
        delays.push(answered.elapsed());
    }
    delays.sort_unstable();
    let longest = delays.last().copied().unwrap_or_default();
    let median = delays.get(turns / 2).copied().unwrap_or_default();
    println!("\ntwo replicas through Redis, {turns} turns");
    println!(
        "  agree after {} ms (median), {} ms (longest; at most {})",
        median.as_millis(),
        longest.as_millis(),
        AGREE_MAX.as_millis()
    );
    ensure!(longest <= AGREE_MAX, "the replicas take too long to agree");
    drop((one, other));
    redis.stop()
}

impl Client {
    async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            token: token.to_owned(),
            answer: Vec::new(),
        })
    }

    async fn report(&mut self, currency: &str) -> Result<()> {
        let body = format!(r#"{{"amount":1,"timestamp":{},"currency":"{currency}"}}"#, now_ms()?);
        let status = self.send("POST /transactions", &body).await?;
        ensure!(status == 201, "status {status}");
        Ok(())
    }

    async fn count(&mut self, currency: &str) -> Result<u64> {
        let status = self.send(&format!("GET /statistics?currency={currency}"), "").await?;
        ensure!(status == 200, "status {status}");
        let text = std::str::from_utf8(&self.answer)?;
        let (_, count) = text.rsplit_once("\"count\":").context("a count")?;
        Ok(count.trim_end_matches('}').parse()?)
    }

    async fn send(&mut self, what: &str, body: &str) -> Result<u16> {
        use tokio::io::AsyncWriteExt;
        let mut request = Vec::new();
        let (token, length) = (&self.token, body.len());
        write!(
            request,
            "{what} HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        self.stream.write_all(&request).await?;
        read_answer(&mut self.stream, &mut self.answer).await
    }
}
