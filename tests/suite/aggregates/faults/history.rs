//! A bank, the programs on it that are killed, and its expected aggregates.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::program::command;
use harness::{Backend, Proxy, Silence, TestBank};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::ExposeSecret;
use service::identity::Actor;
use service::values::WalletId;
use tokio::process::Child;
use tokio::time::timeout;

use crate::aggregates::{
    Line, Shown, answer, bank, csv, deposit, expected, file, import, lines, redis_url, restarted, settle, together,
};

/// The longest time before a server is killed at random; half of it is enough to start, relay and archive.
const SERVER_LIFE: Duration = Duration::from_millis(1_200);
const DEPOSIT_EVERY: Duration = Duration::from_millis(20);
const SIGKILL: i32 = 9;
const PATIENCE: Duration = Duration::from_secs(60);

/// The store that the program reaches through a proxy, and loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    Database,
    Redis,
}

/// The command that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    Import,
    Server,
}

/// A bank and its expected aggregates.
pub struct History {
    bank: Arc<TestBank>,
    operator: Actor,
    wallet: WalletId,
    lines: Vec<Line>,
    deposits: u64,
    pub kills: u32,
    files: u32,
    random: StdRng,
}

impl History {
    pub async fn new(backend: Backend, with_redis: bool, seed: u64) -> Self {
        let url = match with_redis {
            true => Some(redis_url().await),
            false => None,
        };
        let bank = Arc::new(bank(backend, url).await);
        let (operator, customer) = (bank.operator_actor().await, bank.customer("ana").await);
        println!("seed {seed}");
        Self {
            bank,
            operator,
            wallet: customer.wallet,
            lines: Vec::new(),
            deposits: 0,
            kills: 0,
            files: 0,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// A file of new rows that no other file of the history has.
    fn file(&mut self, rows: usize) -> PathBuf {
        let mut new = lines(rows, 30);
        self.files += 1;
        let more = i64::from(self.files) * 1_000 + self.random.random_range(1..1_000);
        new.iter_mut().for_each(|line| line.units += more);
        let path = file(&self.bank, &format!("{}.csv", self.files), &csv(&new));
        self.lines.extend(new);
        path
    }

    async fn deposit(&mut self) {
        deposit(&self.bank, &self.operator, self.wallet, "1", "visa").await;
        self.deposits += 1;
    }

    /// Gives a server something to relay and to archive.
    async fn work(&mut self) {
        self.deposit().await;
        let path = self.file(60);
        import(&self.bank, &path).await;
    }

    fn expected(&self) -> Shown {
        let own = match self.deposits {
            0 => Shown::new(),
            count => Shown::from([(
                "2026-01-05 deposit visa".to_owned(),
                format!("{}/{count}", count * 10_000),
            )]),
        };
        together(expected(&self.lines), own)
    }

    async fn check(&self, after: &str) {
        let aggregates = restarted(&self.bank);
        settle(&aggregates).await;
        assert_eq!(answer(&aggregates).await, self.expected(), "after {after}");
        let proof = self.bank.services.ops.verify().await.expect("the books can be read");
        assert!(proof.is_clean(), "after {after}: {:#?}", proof.aggregates);
        assert_eq!(proof.aggregates.notes, Vec::<String>::new(), "after {after}");
    }

    pub async fn end(self, kills_min: u32) {
        println!("{} kills", self.kills);
        assert!(self.kills >= kills_min, "only {} kills", self.kills);
        self.bank.close().await;
    }

    /// Starts the program on this bank, through a proxy if there is one.
    async fn spawn(&self, arguments: &[&str], proxy: Option<(Behind, &Proxy)>) -> Child {
        let mut command = command(self.bank.database.folder.path()).await;
        let behind = |which| proxy.filter(|(behind, _)| *behind == which).map(|(_, proxy)| proxy);
        command
            .env(
                "FLORIN_DATABASE_URL",
                past(&self.bank.config.database_url, behind(Behind::Database)),
            )
            .env("FLORIN_DATA_DIR", self.bank.database.folder.path())
            .env("FLORIN_LISTEN", "127.0.0.1:0")
            .env("FLORIN_LOG", "warn")
            .args(arguments);
        if let Some(url) = &self.bank.config.redis_url {
            command.env("FLORIN_REDIS_URL", past(url.expose_secret(), behind(Behind::Redis)));
        }
        command.spawn().expect("florin can be started")
    }

    async fn finish_import(&self, path: &Path) {
        let mut child = self.spawn(&["import", "transactions", text(path)], None).await;
        let status = timeout(PATIENCE, child.wait())
            .await
            .expect("the import ends")
            .expect("it can be waited for");
        assert_eq!(status.code(), Some(0));
    }

    /// Kills the program when its store goes silent. False if an import had ended or a server had done all its work
    /// before.
    pub async fn kill_at(&mut self, behind: Behind, victim: Victim, silence: Silence) -> bool {
        let url = match behind {
            Behind::Database => self.bank.config.database_url.clone(),
            Behind::Redis => self
                .bank
                .config
                .redis_url
                .as_ref()
                .expect("there is a Redis")
                .expose_secret()
                .to_owned(),
        };
        let mut proxy = Proxy::start(port_of(&url), silence).await;
        let path = match victim {
            Victim::Import => Some(self.file(9_000)),
            Victim::Server => {
                self.work().await;
                None
            }
        };
        let arguments = path
            .as_deref()
            .map_or(vec!["serve"], |path| vec!["import", "transactions", text(path)]);
        let mut child = self.spawn(&arguments, Some((behind, &proxy))).await;
        let has_ended = tokio::select! {
            ended = timeout(PATIENCE, child.wait()) => {
                ended.expect("it ends or is killed").expect("it can be waited for");
                true
            }
            () = proxy.has_gone_silent() => false,
        };
        if !has_ended {
            self.kill(child).await;
        }
        drop(proxy);
        let had_done_all = match &path {
            Some(_) => has_ended,
            None => self.is_settled().await,
        };
        if let Some(path) = path {
            self.finish_import(&path).await;
        }
        self.check(&format!("{victim:?} {behind:?} {silence:?}")).await;
        !had_done_all
    }

    /// Kills a process that was just running; an import may have ended by itself meanwhile.
    async fn kill(&mut self, mut child: Child) {
        child.start_kill().expect("a child can be killed");
        let status = child.wait().await.expect("it can be waited for");
        if status.signal() == Some(SIGKILL) {
            self.kills += 1;
        } else {
            assert_eq!(status.code(), Some(0), "it ended by itself");
        }
    }

    /// Kills an import at a random moment of its usual time, and sometimes also the import that continues it.
    pub async fn kill_import_sometime(&mut self, usual: Duration) {
        let path = self.file(9_000);
        self.deposit().await;
        let mut moments = Vec::new();
        loop {
            let mut child = self.spawn(&["import", "transactions", text(&path)], None).await;
            let moment = Duration::from_micros(self.random.random_range(0..usual.as_micros() as u64));
            moments.push(moment);
            if timeout(moment, child.wait()).await.is_err() {
                self.kill(child).await;
            }
            if self.random.random_bool(0.6) {
                break;
            }
        }
        self.finish_import(&path).await;
        self.check(&format!("an import was killed after {moments:?}")).await;
    }

    /// Kills a server at a random moment while deposits come in.
    pub async fn kill_server_sometime(&mut self) {
        self.work().await;
        let child = self.spawn(&["serve"], None).await;
        let moment = SERVER_LIFE.mul_f64(self.random.random_range(0.0..1.0));
        let until = Instant::now() + moment;
        while Instant::now() < until {
            self.deposit().await;
            tokio::time::sleep(DEPOSIT_EVERY).await;
        }
        self.kill(child).await;
        self.check(&format!("a server was killed after {moment:?}")).await;
    }

    /// True if a server has nothing left to relay or to archive.
    async fn is_settled(&self) -> bool {
        let aggregates = restarted(&self.bank);
        let rows = async |sql: &str| {
            let query = sea_orm::Statement::from_string(self.bank.db.backend(), sql);
            let rows = sea_orm::ConnectionTrait::query_all_raw(&self.bank.db.read, query).await;
            rows.expect("the database answers").len()
        };
        let proof = self.bank.services.ops.verify().await.expect("the books can be read");
        let cold = rows("SELECT 1 FROM hot_totals WHERE day < '2025-12-29'").await;
        let sealed = aggregates.archiver().seal().await.expect("days can be closed");
        proof.aggregates.lag == 0 && cold == 0 && sealed.generations.is_empty()
    }

    pub async fn usual_time(&mut self) -> Duration {
        let path = self.file(9_000);
        let began = Instant::now();
        self.finish_import(&path).await;
        began.elapsed()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a test's path is text")
}

pub fn port_of(url: &str) -> u16 {
    let (_, rest) = url.split_once("127.0.0.1:").expect("a loopback address");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.expect("a port").parse().expect("a port is a number")
}

/// The address of a store, through a proxy if there is one.
pub fn past(url: &str, proxy: Option<&Proxy>) -> String {
    match proxy {
        Some(proxy) => url.replace(&format!("127.0.0.1:{}", port_of(url)), &proxy.address.to_string()),
        None => url.to_owned(),
    }
}
