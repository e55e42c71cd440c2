//! Gives a follower the commits after its mark: through memory where this process has committed them and the channel
//! had room, otherwise from the database.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::handover::Committed;
use super::repo::{self, JournalRow};
use super::{Handover, Mark, Nudges, ReadError, Selection};
use crate::db::Db;

/// The longest time between two reads for commits of other processes.
pub const POLL_EVERY: Duration = Duration::from_millis(100);
/// The pause between two reads while this process and others commit alternately, so that one read fills several gaps.
const GAP_PAUSE: Duration = Duration::from_millis(20);
/// The most rows in one piece.
const ROWS_MAX: usize = 1_000;
/// The fewest rows that a read asks for. It asks for twice as many as the last piece had, since a few rows of large
/// commits fill a piece.
const ROWS_MIN: usize = 16;
/// The most transfers and changes in one piece, unless one row alone has more.
const RECORDS_MAX: u64 = 2_000;
/// The most commits that are held until the commits before them are read.
const HELD_MAX: usize = 256;
/// How often rows and their transfers are read while they do not agree, and the pause in between.
const TRIES_MAX: usize = 5;
const TRY_PAUSE: Duration = Duration::from_millis(20);

/// The content of consecutive rows of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPiece<T> {
    /// The mark before the first row.
    pub from: Mark,
    /// The mark of the last row.
    pub to: Mark,
    /// What the follower wants of these rows, in the journal's order where it was not handed over.
    pub items: Vec<T>,
}

/// Gives a follower the commits after its mark, in order.
pub struct Reader<S: Selection> {
    db: Db,
    selection: S,
    mark: Mark,
    handed: Option<broadcast::Receiver<Arc<Committed<S::Item>>>>,
    nudged: Option<watch::Receiver<()>>,
    /// Commits of this process beyond the mark, in order.
    held: VecDeque<Arc<Committed<S::Item>>>,
    /// When the database is asked next; `must_poll` asks it at once.
    poll_at: Instant,
    polled_at: Instant,
    must_poll: bool,
    rows_wanted: usize,
}

impl<S: Selection> Reader<S> {
    /// A reader that goes on after a mark. Without a hand-over it reads everything from the database.
    #[must_use]
    pub fn new(db: Db, selection: S, mark: Mark, handover: Option<&Handover<S::Item>>) -> Self {
        let now = Instant::now();
        Self {
            db,
            selection,
            mark,
            handed: handover.map(Handover::listen),
            nudged: None,
            held: VecDeque::new(),
            poll_at: now,
            polled_at: now,
            must_poll: true,
            rows_wanted: ROWS_MIN,
        }
    }

    /// The same reader, which also looks at once when another process has told of commits.
    #[must_use]
    pub fn nudged_by(self, nudges: &Nudges) -> Self {
        Self {
            nudged: Some(nudges.listen()),
            ..self
        }
    }

    /// The end of the last piece.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Makes `next` ask the database before it answers that there is no piece.
    pub fn poll_now(&mut self) {
        self.must_poll = true;
    }

    /// Returns when there may be another piece.
    pub async fn woken(&mut self) {
        if self.must_poll {
            return;
        }
        let has_room = self.held.len() < HELD_MAX;
        tokio::select! {
            () = sleep_until(self.poll_at) => {}
            () = nudge(&mut self.nudged) => self.must_poll = true,
            commit = next_commit(&mut self.handed), if has_room => match commit {
                Ok(commit) => self.held.push_back(commit),
                // The next commit shows that some are missing, and those are read.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => self.handed = None,
            }
        }
    }

    /// The next piece, if there is one. The mark moves past it at once, so a follower that fails to count it must begin
    /// a new reader at its own mark.
    pub async fn next(&mut self) -> Result<Option<FeedPiece<S::Item>>, ReadError> {
        self.take_handed();
        if let Some(piece) = self.next_handed() {
            return Ok(Some(piece));
        }
        if !self.held.is_empty() {
            // There is a gap: another process has committed in between.
            self.poll_at = self.poll_at.min(self.polled_at + GAP_PAUSE);
        }
        if !self.must_poll && Instant::now() < self.poll_at {
            return Ok(None);
        }
        self.next_read().await
    }

    fn take_handed(&mut self) {
        if let Some(handed) = &mut self.handed {
            while self.held.len() < HELD_MAX {
                match handed.try_recv() {
                    Ok(commit) => self.held.push_back(commit),
                    Err(TryRecvError::Lagged(_)) => {}
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
        let mark = self.mark;
        self.held.retain(|commit| commit.after.number > mark.number);
    }

    fn next_handed(&mut self) -> Option<FeedPiece<S::Item>> {
        let (from, mut rows, mut items) = (self.mark, 0, Vec::new());
        while let Some(first) = self.held.front()
            && first.before == self.mark
            && rows < ROWS_MAX
            && (rows == 0 || items.len() + first.items.len() <= RECORDS_MAX as usize)
        {
            let wanted = first.items.iter().filter(|item| self.selection.has(item));
            items.extend(wanted.cloned());
            self.mark = first.after;
            self.held.pop_front();
            rows += 1;
        }
        (rows > 0).then_some(FeedPiece {
            from,
            to: self.mark,
            items,
        })
    }

    /// Reads the rows between the mark and the first commit that is held, or all rows after the mark.
    async fn next_read(&mut self) -> Result<Option<FeedPiece<S::Item>>, ReadError> {
        let through = self.held.front().map(|first| first.before.number);
        self.polled_at = Instant::now();
        let (piece, is_all) = self.read(through).await?;
        let now = Instant::now();
        match through {
            _ if !is_all => self.poll_at = now,
            None => {
                self.must_poll = false;
                self.poll_at = now + POLL_EVERY;
            }
            // The commit that is held stands on a row that the journal does not have, or on another row with the mark's
            // number: it belongs to another history.
            Some(_) if piece.is_none() => self.held.clear(),
            Some(_) => self.poll_at = now + GAP_PAUSE,
        }
        if let Some(piece) = &piece {
            self.mark = piece.to;
        }
        Ok(piece)
    }

    /// Reads rows first and then their records: in the other order a commit in between would be missed. Where the two
    /// do not agree, both are read again. Also says whether these were all rows.
    async fn read(&mut self, through: Option<i64>) -> Result<(Option<FeedPiece<S::Item>>, bool), ReadError> {
        let mut tries = 0;
        loop {
            // Two more: the row of the mark itself, and one that shows whether there are more.
            let limit = self.rows_wanted as u64 + 2;
            let rows = repo::rows_from(&self.db.read, self.mark.number, through, limit).await?;
            let Some((first, all)) = rows.split_first().filter(|(first, _)| first.mark == self.mark) else {
                return Err(ReadError::Lost(self.mark));
            };
            let rows = piece_of(self.mark, &all[..all.len().min(self.rows_wanted)])?;
            let Some(last) = rows.last() else {
                return Ok((None, true));
            };
            let transfers: u64 = rows.iter().map(|row| row.transfers).sum();
            let changes: u64 = rows.iter().map(|row| row.changes).sum();
            let found = self.selection.read(&self.db.read, first.last_id, last.last_id).await?;
            // Changes that the follower does not look for count as found.
            let found_changes = found.changes.unwrap_or(changes);
            if (found.transfers, found_changes) == (transfers, changes) {
                self.rows_wanted = (rows.len() * 2).clamp(ROWS_MIN, ROWS_MAX);
                let piece = FeedPiece {
                    from: self.mark,
                    to: last.mark,
                    items: found.items,
                };
                return Ok((Some(piece), rows.len() == all.len()));
            }
            tries += 1;
            if tries == TRIES_MAX {
                return Err(ReadError::Incomplete {
                    after: self.mark,
                    counted: transfers + changes,
                    found: found.transfers + found_changes,
                });
            }
            sleep(TRY_PAUSE).await;
        }
    }
}

/// The next commit that is handed over; never without a channel.
async fn next_commit<T: Clone>(handed: &mut Option<broadcast::Receiver<T>>) -> Result<T, RecvError> {
    match handed {
        Some(handed) => handed.recv().await,
        None => std::future::pending().await,
    }
}

/// Returns when another process has told of commits; never where nothing tells.
async fn nudge(nudged: &mut Option<watch::Receiver<()>>) {
    if let Some(receiver) = nudged
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// As many of the rows after a mark as fit into a piece, and at least one.
fn piece_of(mark: Mark, rows: &[JournalRow]) -> Result<&[JournalRow], ReadError> {
    let (mut records, mut length) = (0, 0);
    for (row, number) in rows.iter().zip(mark.number + 1..) {
        if row.mark.number != number {
            return Err(ReadError::Gap(number));
        }
        records += row.transfers + row.changes;
        if length > 0 && records > RECORDS_MAX {
            break;
        }
        length += 1;
    }
    Ok(&rows[..length])
}
