//! Which times may be asked for: no range that ends before it begins; of a wallet's history, none in the future and
//! none before the wallet.

use chrono::TimeDelta;

use crate::values::Timestamp;

/// The times of a statement or a list that a caller asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeRange {
    /// What has this time or a later one; `None` for the oldest and all after it.
    pub from: Option<Timestamp>,
    /// What is before this time; `None` for the newest and all before it.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Refuses a range that ends before it begins. One that ends where it begins is empty.
    pub fn check_order(self) -> Result<(), TimeRefusal> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => Err(TimeRefusal::Reversed),
            _ => Ok(()),
        }
    }
}

/// Why a time or a range cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeRefusal {
    /// The moment of a balance is after the bank's time.
    #[error("the time is in the future")]
    AtInFuture,
    /// The moment of a balance is before the wallet's opening.
    #[error("the time is before the wallet's opening")]
    AtBeforeOpening,
    /// The beginning of a range is after its end.
    #[error("the range ends before it begins")]
    Reversed,
    /// The end of a range is before the wallet's opening.
    #[error("the range ends before the wallet's opening")]
    ToBeforeOpening,
    /// The beginning of a range is after the bank's time.
    #[error("the range begins in the future")]
    FromInFuture,
}

/// What the times of a caller are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownTimes {
    /// When the wallet was opened.
    pub opened: Timestamp,
    /// The time of the journal's head: what was until then is final.
    pub head: Timestamp,
    /// The bank's time: the clock's, or the head's where that is later.
    pub now: Timestamp,
}

/// Refuses a moment in the future, then one before the wallet.
pub(super) fn check_moment(at: Timestamp, opened: Timestamp, now: Timestamp) -> Result<(), TimeRefusal> {
    if at > now {
        Err(TimeRefusal::AtInFuture)
    } else if at < opened {
        Err(TimeRefusal::AtBeforeOpening)
    } else {
        Ok(())
    }
}

/// The range that a statement covers: from a time on, and before another one. Refuses a reversed range, then one that ends
/// before the wallet, then one that begins in the future.
///
/// A statement is final, so it ends with the journal's head, however late the caller's `to` is; and it begins with the
/// wallet at the earliest.
pub(super) fn settle(asked: TimeRange, known: KnownTimes) -> Result<(Timestamp, Timestamp), TimeRefusal> {
    asked.check_order()?;
    if asked.to.is_some_and(|to| to < known.opened) {
        return Err(TimeRefusal::ToBeforeOpening);
    }
    if asked.from.is_some_and(|from| from > known.now) {
        return Err(TimeRefusal::FromInFuture);
    }
    // The records of the head have its time, so the end, which is outside, is the next microsecond.
    let end = known.head + TimeDelta::microseconds(1);
    let to = asked.to.map_or(end, |to| to.min(end));
    // Between the head and now nothing has happened yet: such a range is empty, and ends where the next one begins.
    let from = asked.from.map_or(known.opened, |from| from.max(known.opened)).min(to);
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn time(micros: i64) -> Timestamp {
        DateTime::from_timestamp_micros(micros).expect("a small number of microseconds is a time")
    }

    fn settled(from: Option<i64>, to: Option<i64>) -> Result<(i64, i64), TimeRefusal> {
        let known = KnownTimes {
            opened: time(100),
            head: time(200),
            now: time(300),
        };
        let asked = TimeRange {
            from: from.map(time),
            to: to.map(time),
        };
        settle(asked, known).map(|(from, to)| (from.timestamp_micros(), to.timestamp_micros()))
    }

    #[test]
    fn a_range_lies_between_the_opening_and_the_head() {
        assert_eq!(settled(None, None), Ok((100, 201)));
        assert_eq!(settled(Some(1), Some(9_999)), Ok((100, 201)));
        assert_eq!(settled(Some(120), Some(130)), Ok((120, 130)));
        assert_eq!(settled(Some(130), Some(130)), Ok((130, 130)));
        assert_eq!(settled(Some(1), Some(100)), Ok((100, 100)));
        assert_eq!(settled(Some(250), None), Ok((201, 201)));
        assert_eq!(settled(Some(300), Some(400)), Ok((201, 201)));
    }

    #[test]
    fn other_ranges_are_refused_in_this_order() {
        assert_eq!(settled(Some(99), Some(98)), Err(TimeRefusal::Reversed));
        assert_eq!(settled(Some(500), Some(400)), Err(TimeRefusal::Reversed));
        assert_eq!(settled(None, Some(99)), Err(TimeRefusal::ToBeforeOpening));
        assert_eq!(settled(Some(1), Some(99)), Err(TimeRefusal::ToBeforeOpening));
        assert_eq!(settled(Some(301), None), Err(TimeRefusal::FromInFuture));
    }

    #[test]
    fn a_moment_lies_between_the_opening_and_now() {
        let check = |at| check_moment(time(at), time(100), time(300));
        assert_eq!((check(100), check(300)), (Ok(()), Ok(())));
        assert_eq!(check(99), Err(TimeRefusal::AtBeforeOpening));
        assert_eq!(check(301), Err(TimeRefusal::AtInFuture));
    }
}
