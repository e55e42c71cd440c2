//! The sign-ins that this process is working on, by account. Successful sign-ins are not throttled: without this bound, one
//! user who signs in again and again would fill the queue of the threads that hash, and keep all others out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;

use super::ThrottleKey;

/// Sign-ins of one account that may wait or run at a time. Two, since a person may use two devices.
const OF_ACCOUNT_MAX: u8 = 2;
/// Accounts with a sign-in at a time: more than the queue for hashing takes, since some still wait for the database.
const ACCOUNTS_MAX: usize = 4_096;

/// The sign-ins in progress. Cloning clones a handle.
#[derive(Clone, Default)]
pub(super) struct SignInPlaces {
    /// How many places each account has; an account without any is not kept.
    taken: Arc<Mutex<HashMap<ThrottleKey, u8>>>,
}

/// A place of an account. It is free again when this is dropped.
pub struct SignInPlace {
    places: SignInPlaces,
    account: ThrottleKey,
}

impl SignInPlaces {
    /// A place for a sign-in; `None` when the account has all of its places, or too many accounts have one.
    pub fn take(&self, account: ThrottleKey) -> Option<SignInPlace> {
        let mut taken = self.taken.lock();
        let accounts = taken.len();
        match taken.entry(account) {
            Entry::Occupied(count) if *count.get() >= OF_ACCOUNT_MAX => return None,
            Entry::Occupied(mut count) => *count.get_mut() += 1,
            Entry::Vacant(_) if accounts >= ACCOUNTS_MAX => return None,
            Entry::Vacant(count) => {
                count.insert(1);
            }
        }
        Some(SignInPlace {
            places: self.clone(),
            account,
        })
    }
}

impl Drop for SignInPlace {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.places.taken.lock().entry(self.account) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: usize) -> ThrottleKey {
        ThrottleKey::account(&format!("user{number}@example.com"))
    }

    #[test]
    fn an_account_has_two_places_at_a_time() {
        let places = SignInPlaces::default();
        let first = places.take(account(1)).expect("the first passes");
        let second = places.take(account(1)).expect("the second passes");
        assert!(places.take(account(1)).is_none());
        drop(places.take(account(2)).expect("another account passes"));
        drop(first);
        let third = places.take(account(1)).expect("one is free again");
        drop((second, third));
        assert!(places.taken.lock().is_empty(), "nothing is kept");
    }

    #[test]
    fn accounts_are_counted_up_to_the_bound() {
        let places = SignInPlaces::default();
        let held: Vec<_> = (0..ACCOUNTS_MAX)
            .filter_map(|number| places.take(account(number)))
            .collect();
        assert_eq!(held.len(), ACCOUNTS_MAX);
        assert!(places.take(account(ACCOUNTS_MAX)).is_none(), "one too many");
        let again = places.take(account(0));
        assert!(again.is_some(), "an account that is counted may have its second place");
    }
}
