//! The cost of a page of users: the rows that lists and searches touch in a large bank.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Crowd, TestBank, on_every_backend};
use service::clock::Clock;
use service::identity::{UserFilter, UserSearch};
use service::page::PageRequest;
use service::values::{Role, UserId, UserStatus};

use super::meter::Meter;
use super::{Bound, MANY};

on_every_backend!(a_page_of_users_touches_what_it_shows);

const PAGE: PageRequest<UserId> = PageRequest { limit: 50, after: None };

/// What is searched for, and what that may cost at most. The oldest tenth of the users begins with "old", the others
/// with "new".
const SEARCHES: [(Option<&str>, Bound); 5] = [
    (None, Bound::Page),
    (Some("old9999@"), Bound::Page),
    (Some("zoe"), Bound::Page),
    (Some("new"), Bound::Scan),
    (Some("old"), Bound::Scan),
];

async fn a_page_of_users_touches_what_it_shows(bank: Arc<TestBank>) {
    let crowd = Crowd {
        users: MANY,
        since: bank.clock.now() - TimeDelta::days(1),
    };
    crowd.store(&bank.db.write).await;
    bank.execute("ANALYZE").await;
    let (services, meter) = Meter::of(&bank).await;
    for (text, bound) in SEARCHES {
        for role in [None, Some(Role::Customer), Some(Role::Support), Some(Role::Admin)] {
            for status in [None, Some(UserStatus::Active), Some(UserStatus::Suspended)] {
                let filter = UserFilter {
                    search: text.and_then(UserSearch::try_new),
                    role,
                    status,
                };
                let (backend, rows) = meter.measure(services.identity.users(&filter, PAGE)).await;
                assert!(rows > 0, "{filter:?}: nothing was measured");
                assert!(
                    rows <= bound.most(backend),
                    "{filter:?}: {rows} on {backend:?}, {bound:?}"
                );
            }
        }
    }
}
