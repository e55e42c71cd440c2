//! What comes back from a statement: rows, a refusal, or a fault. Pure.

use std::time::Duration;

use super::value::SqlValue;
use crate::db::Fault;

/// The most memory of an answer's values. A person may ask for texts of any length, and all rows are in memory at once.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How much a statement may take.
#[derive(Clone, Copy, Debug)]
pub struct SqlLimits {
    /// The most rows of an answer.
    pub rows: usize,
    /// How long the database may work on it.
    pub time: Duration,
}

/// A limit that an answer has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerLimit {
    /// `SqlLimits::rows`.
    Rows,
    /// [`ANSWER_BYTES_MAX`].
    Bytes,
}

/// The rows of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SqlAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<SqlValue>>,
    /// Why there are more rows than these; `None` if there are no more.
    pub cut_by: Option<AnswerLimit>,
}

/// The room that is left for further rows of an answer.
#[derive(Debug)]
pub(super) struct AnswerRoom {
    rows: usize,
    bytes: usize,
}

impl AnswerRoom {
    pub fn new(limits: SqlLimits) -> Self {
        Self {
            rows: limits.rows,
            bytes: ANSWER_BYTES_MAX,
        }
    }

    /// Takes the room of a row whose values have texts of so many bytes. An error is the limit that leaves none.
    pub fn take(&mut self, lengths: impl Iterator<Item = usize>) -> Result<(), AnswerLimit> {
        let bytes: usize = lengths.map(|length| length + size_of::<SqlValue>()).sum();
        self.rows = self.rows.checked_sub(1).ok_or(AnswerLimit::Rows)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(AnswerLimit::Bytes)?;
        Ok(())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// Answered for a statement that does not begin as one that only reads.
    #[error("florin shell only reads: a statement must begin with {words}; this one begins with {found}")]
    NotReadOnly {
        /// The words with which it may begin.
        words: String,
        /// What this one begins with.
        found: String,
    },
    /// Answered by the database: the statement is wrong, or would write.
    #[error("{0}")]
    Refused(String),
    /// Answered when the database has worked on it for too long.
    #[error("the statement was stopped: it took longer than {seconds} s")]
    TooSlow {
        /// How long it was allowed to take.
        seconds: u64,
    },
    /// The database is out of reach or cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(rows: usize) -> AnswerRoom {
        AnswerRoom::new(SqlLimits {
            rows,
            time: Duration::ZERO,
        })
    }

    #[test]
    fn an_answer_has_room_for_rows_and_bytes_up_to_its_limits() {
        let mut rows = room(2);
        let taken = [(); 3].map(|()| rows.take([1].into_iter()));
        assert_eq!(taken, [Ok(()), Ok(()), Err(AnswerLimit::Rows)]);

        let half = ANSWER_BYTES_MAX / 2 - size_of::<SqlValue>();
        let mut bytes = room(10);
        assert_eq!([half, half].map(|length| bytes.take([length].into_iter())), [Ok(()); 2]);
        assert_eq!(bytes.take([0].into_iter()), Err(AnswerLimit::Bytes));
        assert_eq!(room(10).take([ANSWER_BYTES_MAX].into_iter()), Err(AnswerLimit::Bytes));
    }

    #[test]
    fn values_without_a_text_take_room_too() {
        let values = ANSWER_BYTES_MAX / size_of::<SqlValue>() + 1;
        assert_eq!(room(1).take(std::iter::repeat_n(0, values)), Err(AnswerLimit::Bytes));
    }
}
