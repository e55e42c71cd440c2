//! Wakes followers when another process has committed, by PostgreSQL's LISTEN and NOTIFY. It only makes them faster: a
//! follower that hears nothing looks every 100 ms.
//!
//! The commit path sends none of it. A worker beside it tells the others, at most every 20 ms, that there is something
//! new, so a commit costs the same with and without followers elsewhere.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Handover, repo};
use crate::clock::random_bytes;
use crate::db::{Db, Fault};
use crate::workers::{Worker, Workers};

/// The pause between two notifications of one process.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause before the database is asked again after a fault.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Tells followers of this process that others have committed. Cloning clones a handle.
#[derive(Clone)]
pub struct Nudges {
    heard: watch::Sender<()>,
}

impl Nudges {
    /// Starts the worker `nudges`; on SQLite there is none, and nothing is heard. Must be called inside a tokio runtime.
    pub fn start<T: Send + Sync + 'static>(db: &Db, handover: &Handover<T>, workers: &Workers) -> Self {
        let nudges = Self {
            heard: watch::Sender::new(()),
        };
        if db.backend() == DbBackend::Postgres {
            let (db, handover, heard) = (db.clone(), handover.clone(), nudges.heard.clone());
            workers.start("nudges", move |worker| {
                run(worker, db.clone(), handover.clone(), heard.clone())
            });
        }
        nudges
    }

    /// A follower's end.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.heard.subscribe()
    }
}

async fn run<T: Send + Sync + 'static>(worker: Worker, db: Db, handover: Handover<T>, heard: watch::Sender<()>) {
    while !worker.is_stopping() {
        let worked = tokio::select! {
            () = worker.stopped() => return,
            failed = exchange(&worker, &db, &handover, &heard) => failed,
        };
        worker.note(&worked);
        worker.pause(RETRY_PAUSE).await;
    }
}

/// Tells and hears until the database fails.
async fn exchange<T: Send + Sync + 'static>(
    worker: &Worker,
    db: &Db,
    handover: &Handover<T>,
    heard: &watch::Sender<()>,
) -> Result<(), Fault> {
    let channel = format!("florin_{}", repo::ledger_id(&db.watch).await?.simple());
    // Tells this process' own notifications from those of others.
    let own = u64::from_be_bytes(random_bytes()).to_string();
    let options = db.watch.get_postgres_connection_pool().connect_options();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with((*options).clone());
    let mut listener = PgListener::connect_with(&pool).await.map_err(Fault::from)?;
    listener.listen(&channel).await.map_err(Fault::from)?;
    worker.note(&Ok::<_, Fault>(()));
    // Something may have been committed before this process listened.
    heard.send_replace(());
    tokio::select! {
        told = tell(db, handover, &channel, &own) => told,
        heard = hear(&mut listener, &own, heard) => heard,
    }
}

/// Notifies the others of this process' commits.
async fn tell<T: Send + Sync + 'static>(
    db: &Db,
    handover: &Handover<T>,
    channel: &str,
    own: &str,
) -> Result<(), Fault> {
    let mut commits = handover.listen();
    loop {
        match commits.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
        // Forgets the commits so far, which this notification tells of. Those that come from here on are told of next time.
        commits = commits.resubscribe();
        repo::notify(&db.watch, channel, own).await?;
        sleep(PAUSE).await;
    }
}

/// Hands on what other processes tell. After a lost connection the listener connects again by itself, and something may
/// have been missed.
async fn hear(listener: &mut PgListener, own: &str, heard: &watch::Sender<()>) -> Result<(), Fault> {
    loop {
        let notification = listener.try_recv().await.map_err(Fault::from)?;
        if notification.is_none_or(|notification| notification.payload() != own) {
            heard.send_replace(());
        }
    }
}
