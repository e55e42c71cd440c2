//! How many rows of the queue each user has waiting. One user's requests must not keep the bank from all others.

use std::array;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::Mutex;

use crate::values::UserId;

/// One user may have one row in so many of the queue waiting.
const PART: usize = 2;

/// Users are divided among so many locks, so that two callers, or a caller and the committer, rarely want the same one.
const LOCKS: usize = 64;

/// The rows that each user has waiting. A user without any takes no room, so there are never more users than rows.
pub(super) struct QueueShares {
    rows_max: usize,
    waiting: [Mutex<HashMap<UserId, usize>>; LOCKS],
}

impl QueueShares {
    /// The shares of a queue with room for so many rows.
    pub fn of(capacity: usize) -> Self {
        Self {
            rows_max: capacity / PART,
            waiting: array::from_fn(|_| Mutex::default()),
        }
    }

    /// Counts a user's rows; false if they would be more than the user's share, and then nothing is counted. A user who
    /// has nothing waiting may always send one command, even one that is larger than a share.
    pub fn try_take(&self, user: UserId, rows: usize) -> bool {
        match self.waiting_of(user).lock().entry(user) {
            Entry::Vacant(none) => {
                none.insert(rows);
                true
            }
            Entry::Occupied(mut waiting) => {
                let has_room = *waiting.get() + rows <= self.rows_max;
                if has_room {
                    *waiting.get_mut() += rows;
                }
                has_room
            }
        }
    }

    /// Counts rows no more, which wait no longer.
    pub fn give_back(&self, user: UserId, rows: usize) {
        if let Entry::Occupied(mut waiting) = self.waiting_of(user).lock().entry(user) {
            match waiting.get().checked_sub(rows) {
                Some(left) if left > 0 => *waiting.get_mut() = left,
                _ => {
                    waiting.remove();
                }
            }
        }
    }

    fn waiting_of(&self, user: UserId) -> &Mutex<HashMap<UserId, usize>> {
        // The last byte of an id is random.
        &self.waiting[usize::from(user.0.as_bytes()[15]) % LOCKS]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn one_user_takes_half_and_leaves_the_rest_to_others() {
        let shares = QueueShares::of(4);
        let (ana, ben) = (user(1), user(1 + LOCKS as u128));
        assert!(shares.try_take(ana, 1) && shares.try_take(ana, 1));
        assert!(!shares.try_take(ana, 1), "a third row of four");
        assert!(shares.try_take(ben, 2) && !shares.try_take(ben, 1));
        shares.give_back(ana, 1);
        assert!(!shares.try_take(ana, 2) && shares.try_take(ana, 1));
        shares.give_back(ana, 2);
        shares.give_back(ben, 2);
        assert!(shares.waiting.iter().all(|users| users.lock().is_empty()));
    }

    #[test]
    fn a_command_larger_than_a_share_comes_alone() {
        let (shares, ana) = (QueueShares::of(8), user(1));
        assert!(shares.try_take(ana, 8));
        assert!(!shares.try_take(ana, 1));
        shares.give_back(ana, 8);
        assert!(shares.try_take(ana, 1));
        assert!(!shares.try_take(ana, 8));
    }

    #[test]
    fn a_queue_smaller_than_two_has_room_for_one_row_of_a_user() {
        let (shares, ana) = (QueueShares::of(1), user(1));
        assert!(shares.try_take(ana, 1));
        assert!(!shares.try_take(ana, 1));
    }
}
