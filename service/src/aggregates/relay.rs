//! Brings the bank's own deposits and withdrawals from the journal to the hot totals: once each and in order, since the mark
//! of what was brought moves with the totals, and only from where the next ones begin.

use std::time::{Duration, Instant};

use super::error::AggregatesError;
use super::standpoint::{Addition, Unconfirmed};
use super::totals::{Key, PaymentKind, Source, Sum, Totals};
use super::{Aggregates, Day};
use crate::feed::{Completed, FeedPiece, Followed, Handover, Mark, ReadError, Reader};
use crate::values::TransferKind;

/// With so many deposits and withdrawals in hand no further piece of the journal is read before they are brought.
pub(super) const PAYMENTS_MAX: u64 = 1_000;
/// Pieces of the journal that are read before something is brought.
const PIECES_MAX: usize = 100;
/// While only transfers come, the mark is moved this often: a relay that begins anew reads from there.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How often the database is told how far Redis is.
const CONFIRM_EVERY: Duration = Duration::from_secs(1);
/// Tries of a step while other relays move the mark.
const TRIES_MAX: usize = 3;

/// What the journal has after one mark, through another, summed up.
#[derive(Clone, Debug)]
pub struct Beyond {
    pub(super) from: Mark,
    pub(super) to: Mark,
    pub(super) totals: Totals,
}

impl Beyond {
    fn after(mark: Mark) -> Self {
        Self {
            from: mark,
            to: mark,
            totals: Totals::default(),
        }
    }

    fn add(&mut self, piece: FeedPiece) {
        self.to = piece.to;
        for (key, sum) in piece.completed.into_iter().filter_map(payment) {
            self.totals.add(key, sum);
        }
    }

    fn is_nothing(&self) -> bool {
        self.from == self.to
    }

    fn payments(&self) -> u64 {
        self.totals.iter().map(|(_, sum)| sum.count).sum()
    }
}

/// What a completed transfer adds to the totals. A reversal takes back what stays counted, and is neither of the two kinds.
fn payment(completed: Completed) -> Option<(Key, Sum)> {
    let kind = match completed.kind {
        TransferKind::Deposit => PaymentKind::Deposit,
        TransferKind::Withdrawal => PaymentKind::Withdrawal,
        TransferKind::Transfer | TransferKind::Reversal => return None,
    };
    let key = Key {
        currency: completed.currency,
        day: Day::of(completed.at),
        kind,
        method: completed.method?,
        source: Source::Bank,
    };
    Some((key, Sum::one(completed.amount)))
}

/// Adds payments from the journal to the hot totals, and remembers between two steps what it has read.
pub(super) struct Relay {
    handover: Option<Handover>,
    reader: Option<Reader>,
    /// Read and not brought.
    beyond: Option<Beyond>,
    /// The mark was moved by this relay, or looked up.
    marked_at: Instant,
    unconfirmed: Option<Unconfirmed>,
    confirmed_at: Instant,
}

impl Relay {
    /// One that begins where the totals stand.
    pub fn new(handover: Option<Handover>) -> Self {
        Self {
            handover,
            reader: None,
            beyond: None,
            marked_at: Instant::now(),
            unconfirmed: None,
            confirmed_at: Instant::now(),
        }
    }

    /// Returns when there may be something to do.
    pub async fn woken(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.woken().await;
        }
    }

    /// Reads what there is and brings it, if there is a deposit or withdrawal among it. Gives the number of payments added.
    pub async fn step(&mut self, aggregates: &Aggregates) -> Result<u64, AggregatesError> {
        let stepped = self.try_step(aggregates).await;
        if stepped.is_err() {
            self.forget();
        }
        aggregates.reset_epoch_on_fault(stepped).await
    }

    async fn try_step(&mut self, aggregates: &Aggregates) -> Result<u64, AggregatesError> {
        self.read(aggregates).await?;
        let brought = match &self.beyond {
            Some(beyond) if beyond.payments() > 0 || self.marked_at.elapsed() > MARK_EVERY => {
                self.bring(aggregates).await?
            }
            _ => 0,
        };
        if self.confirmed_at.elapsed() > CONFIRM_EVERY {
            self.confirm(aggregates).await?;
        }
        Ok(brought)
    }

    /// Begins anew where the totals stand.
    fn forget(&mut self) {
        self.reader = None;
        self.beyond = None;
        self.unconfirmed = None;
    }

    /// Reads beyond the mark until there are enough payments or nothing more.
    async fn read(&mut self, aggregates: &Aggregates) -> Result<(), AggregatesError> {
        if self.reader.is_none() {
            let at = aggregates.standpoint().await?;
            let db = aggregates.0.db.clone();
            self.reader = Some(Reader::new(db, Followed::Payments, at.mark, self.handover.as_ref()));
            (self.unconfirmed, self.marked_at) = (at.unconfirmed, Instant::now());
        }
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let beyond = self.beyond.get_or_insert_with(|| Beyond::after(reader.mark()));
        for _ in 0..PIECES_MAX {
            if beyond.payments() >= PAYMENTS_MAX {
                break;
            }
            match reader.next().await {
                Ok(Some(piece)) => beyond.add(piece),
                Ok(None) => break,
                Err(ReadError::Lost(mark)) => {
                    // Else what is gone was read and not brought, and the totals may stand where they did.
                    if mark == beyond.from {
                        aggregates.make_anew(mark).await?;
                    }
                    self.forget();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Brings what was read. Where another relay has moved the mark, nothing is brought and all is read anew.
    async fn bring(&mut self, aggregates: &Aggregates) -> Result<u64, AggregatesError> {
        let Some(beyond) = self.beyond.take().filter(|beyond| !beyond.is_nothing()) else {
            self.marked_at = Instant::now();
            return Ok(0);
        };
        match aggregates.bring_once(&beyond).await? {
            Addition::Elsewhere => {
                self.forget();
                Ok(0)
            }
            Addition::Added(unconfirmed) => {
                self.marked_at = Instant::now();
                self.unconfirmed = unconfirmed;
                Ok(beyond.payments())
            }
        }
    }

    /// Tells the database how far Redis is.
    async fn confirm(&mut self, aggregates: &Aggregates) -> Result<(), AggregatesError> {
        if let Some(unconfirmed) = self.unconfirmed.take() {
            aggregates.confirm(unconfirmed).await?;
        }
        self.confirmed_at = Instant::now();
        Ok(())
    }
}

impl Aggregates {
    /// One step: brings what the journal has beyond the mark, and no further piece of it once a thousand deposits and
    /// withdrawals are in hand. Gives how many were added.
    pub async fn relay_once(&self) -> Result<u64, AggregatesError> {
        let mut relay = Relay::new(None);
        let stepped = self.relay_by(&mut relay).await;
        self.reset_epoch_on_fault(stepped).await
    }

    async fn relay_by(&self, relay: &mut Relay) -> Result<u64, AggregatesError> {
        for _ in 0..TRIES_MAX {
            relay.read(self).await?;
            let brought = relay.bring(self).await?;
            // Else another relay has moved the mark meanwhile.
            if relay.reader.is_some() {
                relay.confirm(self).await?;
                return Ok(brought);
            }
        }
        Ok(0)
    }

    /// The first half of a step: reads what the journal has beyond the mark.
    pub async fn read_beyond(&self) -> Result<Beyond, AggregatesError> {
        let mut relay = Relay::new(None);
        let read = relay.read(self).await;
        self.reset_epoch_on_fault(read).await?;
        // What was read begins at the mark, so there is something even if it is nothing.
        relay.beyond.ok_or(AggregatesError::Rebuilding)
    }

    /// The second half: adds it to the totals where they still stand at its beginning. How many deposits and withdrawals.
    pub async fn bring(&self, beyond: &Beyond) -> Result<u64, AggregatesError> {
        if beyond.is_nothing() {
            return Ok(0);
        }
        let outcome = self.bring_once(beyond).await;
        Ok(match self.reset_epoch_on_fault(outcome).await? {
            Addition::Added(_) => beyond.payments(),
            Addition::Elsewhere => 0,
        })
    }
}
