//! Keeps what the bank moved in the window: first reads the last minute, then follows the journal, with the commits of
//! all replicas.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::board::Board;
use super::{COUNTED, WINDOW_MS, repo};
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::feed::{self, Completed, FeedFilter, FeedPiece, Handover, POLL_EVERY, ReadError, Reader};
use crate::values::Timestamp;
use crate::workers::{Worker, Workers};

/// How many callers of `flush` may wait at a time.
const FLUSHES_MAX: usize = 16;
/// The longest pause between attempts while the journal cannot be read.
const PAUSE_MAX: Duration = Duration::from_secs(1);
const MILLISECOND_DIGITS: u16 = 3;
const WINDOW: TimeDelta = TimeDelta::milliseconds(WINDOW_MS);

/// What fills the bank's part of the windows.
pub(super) struct WindowFiller {
    pub board: Arc<Board>,
    pub clock: Arc<dyn Clock>,
    pub db: Db,
    pub handover: Handover<Completed>,
}

/// The handle to the running worker.
pub(super) struct Follower {
    flushes: mpsc::Sender<oneshot::Sender<()>>,
}

/// The callers of `flush`, each waiting for an answer.
type FlushRequests = mpsc::Receiver<oneshot::Sender<()>>;

impl WindowFiller {
    /// Reads the last minute in one snapshot, and gives a reader that goes on from it: nothing is missing in between,
    /// and nothing is there twice.
    pub async fn begin(&self) -> Result<Reader<FeedFilter>, Fault> {
        self.board.forget_recovered();
        let tx = self.db.snapshot().await?;
        let head = feed::head(&tx).await?;
        let time = time_to_begin_at(self.clock.now(), head.at).trunc_subsecs(MILLISECOND_DIGITS);
        let times = time - WINDOW..time + TimeDelta::milliseconds(1);
        let recovered = repo::each_moved_in(&tx, times, head.last_id, |currency, at, amount| {
            let (time, at) = (time.timestamp_millis(), at.timestamp_millis());
            self.board.recover(currency, time, at, amount.into());
        });
        recovered.await?;
        tx.rollback().await?;
        self.board.settle();
        Ok(Reader::new(
            self.db.clone(),
            FeedFilter::All,
            head.mark,
            Some(&self.handover),
        ))
    }

    /// Adds everything that is committed. Without a reader, reads the last minute again first.
    async fn catch_up(&self, reader: &mut Option<Reader<FeedFilter>>) -> Result<(), ReadError> {
        loop {
            let reading = match reader {
                Some(reading) => reading,
                None => reader.insert(self.begin().await?),
            };
            match reading.next().await {
                Ok(Some(piece)) => self.enter(piece),
                Ok(None) => return Ok(()),
                Err(ReadError::Lost(mark)) => {
                    tracing::error!(
                        row = mark.number,
                        "the database went back: the journal does not have the row that the statistics had read; they are made anew"
                    );
                    *reader = None;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn enter(&self, piece: FeedPiece<Completed>) {
        let now = self.clock.now().timestamp_millis();
        for one in piece.items {
            if COUNTED.contains(&one.kind) {
                let at = one.at.timestamp_millis();
                self.board.enter(one.currency, now, at, one.amount.into());
            }
        }
    }
}

/// The time of a minute that is read now, chosen to equal the window's time in a replica that has followed the journal
/// all along (see `Window::time`): while the newest commit is dated ahead of the clock, time stands still at that
/// commit. When the newest commit is ahead by more than a window, the clock was ahead and was set back. Then the clock
/// is used, and commits that are dated after it do not count, since their real time is unknown.
///
/// While time stands still, commits are dated together, just after the newest one from before. A minute that is read
/// while the clock catches up with them, or up to a minute later, contains all of them; a replica that has followed all
/// along counted each when it came.
fn time_to_begin_at(clock: Timestamp, newest: Timestamp) -> Timestamp {
    if newest - clock > WINDOW {
        clock
    } else {
        newest.max(clock)
    }
}

impl Follower {
    /// Starts the worker, which goes on from the reader.
    pub fn start(workers: &Workers, filler: WindowFiller, reader: Reader<FeedFilter>) -> Self {
        let (flushes, asked) = mpsc::channel(FLUSHES_MAX);
        let (filler, asked, mut reader) = (Arc::new(filler), Arc::new(Mutex::new(asked)), Some(reader));
        // After a restart the worker has no reader, and reads the last minute again.
        workers.start("statistics", move |worker| {
            follow(worker, filler.clone(), reader.take(), asked.clone())
        });
        Self { flushes }
    }

    /// Asks for everything committed before the call. The future ends when it is in the window, or when reading it has
    /// failed.
    pub fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let flushes = self.flushes.clone();
        async move {
            let (done, is_done) = oneshot::channel();
            if flushes.send(done).await.is_ok() {
                // Fails when the worker has ended, which adds nothing any more.
                let _ = is_done.await;
            }
        }
    }
}

async fn follow(
    worker: Worker,
    filler: Arc<WindowFiller>,
    mut reader: Option<Reader<FeedFilter>>,
    asked: Arc<Mutex<FlushRequests>>,
) {
    let mut asked = asked.lock().await;
    let mut backoff = Backoff::new(POLL_EVERY, PAUSE_MAX);
    loop {
        let mut waiting = None;
        tokio::select! {
            biased;
            () = worker.stopped() => return,
            Some(done) = asked.recv() => {
                reader.iter_mut().for_each(Reader::poll_now);
                waiting = Some(done);
            }
            () = woken(&mut reader) => {}
        }
        let caught_up = tokio::select! {
            () = worker.stopped() => return,
            caught_up = filler.catch_up(&mut reader) => caught_up,
        };
        worker.note(&caught_up);
        let pause = backoff.after(&caught_up);
        if let Some(done) = waiting {
            // Fails when the caller no longer waits.
            let _ = done.send(());
        }
        if caught_up.is_err() {
            worker.pause(pause).await;
        }
    }
}

async fn woken(reader: &mut Option<Reader<FeedFilter>>) {
    if let Some(reader) = reader {
        reader.woken().await;
    }
}
