//! Fills the bank's minute from the journal: first all of the last minute, then whatever is committed, by whichever replica.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::board::Board;
use super::{COUNTED, WINDOW_MS, repo};
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::feed::{self, FeedPiece, Followed, Handover, LOOK_EVERY, ReadError, Reader};
use crate::redis::RedisPause;
use crate::values::Timestamp;

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

/// The running task.
pub(super) struct Follower {
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Minute {
    /// Reads the last minute in one snapshot, which the reader goes on from: nothing is missing in between, and nothing is
    /// there twice.
    pub async fn begin(&self) -> Result<Reader, Fault> {
        self.board.forget_recovered();
        let tx = self.db.snapshot().await?;
        let head = feed::newest(&tx).await?;
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
            Followed::All,
            head.mark,
            Some(&self.handover),
        ))
    }

    /// Enters whatever is committed.
    async fn catch_up(&self, reader: &mut Reader) -> Result<(), ReadError> {
        loop {
            match reader.next().await {
                Ok(Some(piece)) => self.enter(piece),
                Ok(None) => return Ok(()),
                Err(ReadError::Lost(mark)) => {
                    tracing::error!(
                        row = mark.number,
                        "the database went back: the journal does not have the row that the statistics had read; they are made anew"
                    );
                    *reader = self.begin().await?;
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
    /// Starts the task; it ends with `closed`.
    pub fn start(minute: Minute, reader: Reader, closed: impl Future<Output = ()> + Send + 'static) -> Self {
        let (flushes, asked) = mpsc::channel(FLUSHES_MAX);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = closed => {}
                () = follow(minute, reader, asked) => {}
            }
        });
        Self { flushes, task }
    }

    /// Asks for what was committed before the call; the future ends when it is entered, or when the try has failed.
    pub fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let flushes = self.flushes.clone();
        async move {
            let (done, is_done) = oneshot::channel();
            if flushes.send(done).await.is_ok() {
                // An ended task enters nothing any more.
                let _ = is_done.await;
            }
        }
    }

    /// Waits for the end of a task that has been told to end.
    pub async fn stop(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that fills the statistics ended badly");
        }
    }
}

async fn follow(minute: Minute, mut reader: Reader, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
    let mut pause = RedisPause::new(LOOK_EVERY, PAUSE_MAX);
    let mut is_failing = false;
    loop {
        let mut waiting = None;
        tokio::select! {
            biased;
            Some(done) = asked.recv() => {
                reader.look_now();
                waiting = Some(done);
            }
            () = reader.woken() => {}
        }
        let caught_up = minute.catch_up(&mut reader).await;
        let wait = pause.after(&caught_up);
        if let Err(error) = &caught_up
            && !is_failing
        {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "the statistics cannot follow the journal; trying again");
        }
        is_failing = caught_up.is_err();
        if let Some(done) = waiting {
            // The caller may have gone.
            let _ = done.send(());
        }
        if is_failing {
            tokio::time::sleep(wait).await;
        }
    }
}
