//! Fills the bank's minute from the journal: first all of the last minute, then whatever is committed, by whichever replica.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::board::Board;
use super::{COUNTED, WINDOW_MS, repo};
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::feed::{self, FeedFilter, FeedPiece, Handover, POLL_EVERY, ReadError, Reader};
use crate::values::Timestamp;
use crate::workers::{Worker, Workers};

/// Callers of `flush` that may wait at a time.
const FLUSHES_MAX: usize = 16;
/// How long the next try waits at most while the journal cannot be read.
const PAUSE_MAX: Duration = Duration::from_secs(1);
const MILLISECOND_DIGITS: u16 = 3;
const WINDOW: TimeDelta = TimeDelta::milliseconds(WINDOW_MS);

/// The bank's minute and where it comes from.
pub(super) struct Minute {
    pub board: Arc<Board>,
    pub clock: Arc<dyn Clock>,
    pub db: Db,
    pub handover: Handover,
}

/// The running worker.
pub(super) struct Follower {
    flushes: mpsc::Sender<oneshot::Sender<()>>,
}

/// Callers of `flush`, each of whom waits for an answer.
type Asked = mpsc::Receiver<oneshot::Sender<()>>;

impl Minute {
    /// Reads the last minute in one snapshot, which the reader goes on from: nothing is missing in between, and nothing is
    /// there twice.
    pub async fn begin(&self) -> Result<Reader, Fault> {
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

    /// Enters whatever is committed; begins anew where there is no reader.
    async fn catch_up(&self, reader: &mut Option<Reader>) -> Result<(), ReadError> {
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

    fn enter(&self, piece: FeedPiece) {
        let now = self.clock.now().timestamp_millis();
        for one in piece.completed {
            if COUNTED.contains(&one.kind) {
                let at = one.at.timestamp_millis();
                self.board.enter(one.currency, now, at, one.amount.into());
            }
        }
    }
}

/// The time that a minute begins at, as one that has followed along has it (see `Window::time`): while the newest commit is
/// dated ahead of the clock, it stands still there. Where that would be for more than a window, the clock was ahead and came
/// back, and is followed: what is dated after it does not count, since nothing tells when it happened.
///
/// Commits of such a time are dated together, just behind the newest from before. A minute that is read while the clock catches
/// up with them, or up to a minute later, has all of them, where one who has followed along has counted each when it came.
fn time_to_begin_at(clock: Timestamp, newest: Timestamp) -> Timestamp {
    if newest - clock > WINDOW {
        clock
    } else {
        newest.max(clock)
    }
}

impl Follower {
    /// Starts the worker where a reader is.
    pub fn start(workers: &Workers, minute: Minute, reader: Reader) -> Self {
        let (flushes, asked) = mpsc::channel(FLUSHES_MAX);
        let (minute, asked, mut reader) = (Arc::new(minute), Arc::new(Mutex::new(asked)), Some(reader));
        // Started again, it has no reader and begins anew.
        workers.start("statistics", move |worker| {
            follow(worker, minute.clone(), reader.take(), asked.clone())
        });
        Self { flushes }
    }

    /// Asks for what was committed before the call; the future ends when it is entered, or when the try has failed.
    pub fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let flushes = self.flushes.clone();
        async move {
            let (done, is_done) = oneshot::channel();
            if flushes.send(done).await.is_ok() {
                // A worker that has ended enters nothing any more.
                let _ = is_done.await;
            }
        }
    }
}

async fn follow(worker: Worker, minute: Arc<Minute>, mut reader: Option<Reader>, asked: Arc<Mutex<Asked>>) {
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
            caught_up = minute.catch_up(&mut reader) => caught_up,
        };
        worker.note(&caught_up);
        let pause = backoff.after(&caught_up);
        if let Some(done) = waiting {
            // The caller may have gone.
            let _ = done.send(());
        }
        if caught_up.is_err() {
            worker.pause(pause).await;
        }
    }
}

async fn woken(reader: &mut Option<Reader>) {
    if let Some(reader) = reader {
        reader.woken().await;
    }
}
