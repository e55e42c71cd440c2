//! The places of subscriptions: how many a user and a process may have, and whether there is any.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::error::EventsError;
use crate::values::UserId;

/// The most subscriptions that one user, with their API keys, may have in one process.
pub const STREAMS_OF_USER_MAX: usize = 16;
/// The most subscriptions of one process that clients have made.
const STREAMS_MAX: usize = 1_024;
/// How many of these customers may not take.
const OF_STAFF_ONLY: usize = 64;

/// The places of a process.
pub(super) struct SubscriptionPlaces {
    taken: watch::Sender<PlacesTaken>,
}

#[derive(Default)]
struct PlacesTaken {
    by_clients: usize,
    by_user: HashMap<UserId, usize>,
    by_bank: usize,
}

/// A place, which is free again when this is dropped.
pub(super) struct SubscriptionPlace {
    places: Arc<SubscriptionPlaces>,
    /// `None` for the bank's own work.
    user: Option<UserId>,
}

impl PlacesTaken {
    fn are_none(&self) -> bool {
        self.by_clients == 0 && self.by_bank == 0
    }

    fn add(&mut self, user: UserId, is_staff: bool) -> Result<(), EventsError> {
        let kept = if is_staff { 0 } else { OF_STAFF_ONLY };
        if self.by_clients >= STREAMS_MAX - kept {
            return Err(EventsError::Overloaded);
        }
        let of_user = self.by_user.entry(user).or_default();
        if *of_user >= STREAMS_OF_USER_MAX {
            return Err(EventsError::TooManyStreams);
        }
        *of_user += 1;
        self.by_clients += 1;
        Ok(())
    }

    fn remove(&mut self, user: UserId) {
        self.by_clients -= 1;
        if let Some(of_user) = self.by_user.get_mut(&user) {
            *of_user -= 1;
            if *of_user == 0 {
                self.by_user.remove(&user);
            }
        }
    }
}

impl SubscriptionPlaces {
    pub fn new() -> Self {
        Self {
            taken: watch::Sender::default(),
        }
    }

    /// Takes a place for a client. Refused when all clients together, or this user, have as many subscriptions as they may.
    /// The last places are for the staff.
    pub fn take(self: &Arc<Self>, user: UserId, is_staff: bool) -> Result<SubscriptionPlace, EventsError> {
        let mut added = Ok(());
        self.taken.send_if_modified(|taken| {
            added = taken.add(user, is_staff);
            added.is_ok()
        });
        added.map(|()| self.place(Some(user)))
    }

    /// Takes a place for the bank's own work, which has a limit of its own.
    pub fn take_for_bank(self: &Arc<Self>) -> SubscriptionPlace {
        self.taken.send_modify(|taken| taken.by_bank += 1);
        self.place(None)
    }

    fn place(self: &Arc<Self>, user: Option<UserId>) -> SubscriptionPlace {
        SubscriptionPlace {
            places: self.clone(),
            user,
        }
    }

    /// True while no place is taken.
    pub fn are_free(&self) -> bool {
        self.taken.borrow().are_none()
    }

    /// Returns once a place is taken.
    pub async fn taken(&self) {
        let mut taken = self.taken.subscribe();
        // Fails when the sender is gone, which `self` keeps.
        let _ = taken.wait_for(|taken| !taken.are_none()).await;
    }
}

impl SubscriptionPlace {
    /// True if it is of the bank's own work.
    pub fn is_of_bank(&self) -> bool {
        self.user.is_none()
    }
}

impl Drop for SubscriptionPlace {
    fn drop(&mut self) {
        self.places.taken.send_modify(|taken| match self.user {
            Some(user) => taken.remove(user),
            None => taken.by_bank -= 1,
        });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: usize) -> UserId {
        UserId(Uuid::from_u128(number as u128))
    }

    #[test]
    fn a_user_has_so_many_places_and_an_ended_subscription_makes_room() {
        let places = Arc::new(SubscriptionPlaces::new());
        assert!(places.are_free());
        let take = |number| places.take(user(number), false);
        let mut taken: Vec<SubscriptionPlace> = (0..STREAMS_OF_USER_MAX).filter_map(|_| take(1).ok()).collect();
        assert_eq!(taken.len(), STREAMS_OF_USER_MAX);
        assert!(matches!(take(1).err(), Some(EventsError::TooManyStreams)));
        let others = [take(2), Ok(places.take_for_bank())];
        assert!(others.iter().all(Result::is_ok));
        taken.pop();
        assert!(take(1).is_ok());
        drop(taken);
        assert!(!places.are_free());
        drop(others);
        assert!(places.are_free() && places.taken.borrow().by_user.is_empty());
    }

    #[test]
    fn clients_have_so_many_places_and_the_bank_has_its_own() {
        let places = Arc::new(SubscriptionPlaces::new());
        let taken: Vec<SubscriptionPlace> = (0..).map_while(|number| places.take(user(number), true).ok()).collect();
        assert_eq!(taken.len(), STREAMS_MAX);
        assert!(matches!(
            places.take(user(0), true).err(),
            Some(EventsError::Overloaded)
        ));
        let of_bank = places.take_for_bank();
        drop(taken);
        assert!(places.take(user(0), false).is_ok() && !places.are_free());
        drop(of_bank);
        assert!(places.are_free());
    }

    #[test]
    fn customers_leave_some_places_to_the_staff() {
        let places = Arc::new(SubscriptionPlaces::new());
        let take_all = |is_staff| -> Vec<SubscriptionPlace> {
            (0..)
                .map_while(|number| places.take(user(number), is_staff).ok())
                .collect()
        };
        let of_customers = take_all(false);
        assert_eq!(of_customers.len(), STREAMS_MAX - OF_STAFF_ONLY);
        let of_staff = take_all(true);
        assert_eq!(of_staff.len(), OF_STAFF_ONLY);
        drop(of_customers);
        assert!(places.take(user(0), false).is_ok());
    }
}
