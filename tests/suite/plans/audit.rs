//! The cost of a page of the audit log: the rows that it touches in a long log, for every filter.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::audit_history::{BUSY_ACTION, BUSY_ACTOR, BUSY_SUBJECT, OLD_ACTION, OLD_ACTOR, OLD_SUBJECT};
use harness::{AuditHistory, TestBank, on_every_backend};
use service::audit::{AuditFilter, PersonLines};
use service::clock::Clock;
use service::page::PageRequest;
use service::values::{AuditId, Timestamp, UserId};

use super::meter::Meter;
use super::{Bound, MANY};

on_every_backend!(
    a_page_of_the_audit_log_touches_what_it_shows,
    a_page_of_a_persons_lines_touches_what_it_shows,
);

const PAGE: PageRequest<AuditId> = PageRequest { limit: 50, after: None };
/// PostgreSQL may plan a statement anew for its values five times, and for any values from then on.
const TIMES_ASKED: usize = 7;

/// Every combination of filters, with values of many new lines and of many old ones.
fn filters(middle: Timestamp) -> Vec<AuditFilter> {
    let mut filters = Vec::new();
    for actor in [None, Some(BUSY_ACTOR), Some(OLD_ACTOR)] {
        for action in [None, Some(BUSY_ACTION), Some(OLD_ACTION)] {
            for subject in [None, Some(BUSY_SUBJECT), Some(OLD_SUBJECT)] {
                for (from, to) in [(None, None), (Some(middle), None), (None, Some(middle))] {
                    filters.push(AuditFilter {
                        actor,
                        action,
                        subject,
                        from,
                        to,
                    });
                }
            }
        }
    }
    filters
}

async fn store(bank: &TestBank) -> AuditHistory {
    let history = AuditHistory {
        lines: MANY,
        since: bank.clock.now() - TimeDelta::days(1),
    };
    history.store(&bank.db.write).await;
    bank.execute("ANALYZE").await;
    history
}

async fn a_page_of_the_audit_log_touches_what_it_shows(bank: Arc<TestBank>) {
    let history = store(&bank).await;
    let (services, meter) = Meter::of(&bank).await;
    for filter in filters(history.time(MANY / 2)) {
        // Only a subject with an actor has no index.
        let (bound, times) = if filter.actor.is_some() && filter.subject.is_some() {
            (Bound::Scan, 1)
        } else {
            (Bound::Page, TIMES_ASKED)
        };
        for _ in 0..times {
            let (backend, rows) = meter.measure(services.audit.list(filter, PAGE)).await;
            assert!(rows > 0, "{filter:?}: nothing was measured");
            assert!(
                rows <= bound.most(backend),
                "{filter:?}: {rows} on {backend:?}, {bound:?}"
            );
        }
    }
}

async fn a_page_of_a_persons_lines_touches_what_it_shows(bank: Arc<TestBank>) {
    store(&bank).await;
    let (services, meter) = Meter::of(&bank).await;
    let identity = &services.identity;
    let subjects = [UserId(BUSY_SUBJECT), UserId(OLD_SUBJECT)];
    for person in [BUSY_ACTOR, OLD_ACTOR].into_iter().chain(subjects) {
        for which in [PersonLines::ByPerson, PersonLines::ToPerson] {
            // All that was done to this person, the person did: a page looks through it and shows nothing.
            let (bound, times) = if person == BUSY_ACTOR && which == PersonLines::ToPerson {
                (Bound::Scan, 1)
            } else {
                (Bound::Page, TIMES_ASKED)
            };
            for _ in 0..times {
                let (backend, rows) = meter.measure(identity.audit_lines(person, which, PAGE)).await;
                assert!(rows > 0, "{which:?} of {person}: nothing was measured");
                assert!(
                    rows <= bound.most(backend),
                    "{which:?} of {person}: {rows} on {backend:?}, {bound:?}"
                );
            }
        }
    }
}
