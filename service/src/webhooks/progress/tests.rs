//! Ordered and unordered endpoints: what is sent next, what is written, and where the mark stands.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use super::*;

const START: Timestamp = DateTime::UNIX_EPOCH;
/// The chance that leaves a pause as it is.
const EVEN: u16 = 100;

fn record(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn after(seconds: i64) -> Timestamp {
    START + TimeDelta::seconds(seconds)
}

fn delivered(at: Timestamp) -> AttemptResult {
    AttemptResult {
        at,
        is_delivered: true,
        ..AttemptResult::default()
    }
}

fn failed(at: Timestamp) -> AttemptResult {
    AttemptResult {
        at,
        ..AttemptResult::default()
    }
}

fn incoming(number: u128) -> IncomingEvent<u128> {
    IncomingEvent {
        id: record(number),
        kind: "transfer.completed",
        event: number,
        counts: AttemptCounts::default(),
        due: None,
    }
}

/// An endpoint behind record 0 that has read the events of these records, and everything through `through`.
fn read(is_ordered: bool, numbers: &[u128], through: u128) -> Progress<u128> {
    let mut progress = Progress::new(is_ordered, record(0), None, 0);
    assert!(progress.wants_events());
    let events = numbers.iter().map(|number| incoming(*number)).collect();
    progress.add(events, record(through));
    progress
}

fn next(progress: &mut Progress<u128>, now: Timestamp) -> Option<u128> {
    progress.take_next(now).map(|next| next.event)
}

/// The rows of a write, by the number of their record, and its mark.
fn written(progress: &mut Progress<u128>) -> (Vec<(u128, DeliveryStatus)>, u128) {
    let writes = progress.take_writes(true).expect("there is something to write");
    let rows = writes.rows.iter().map(|row| match row.row {
        ChangedRow::Event(id, _) => (id.0.as_u128(), row.status),
        ChangedRow::Delivery(id) => (id.0.as_u128(), row.status),
    });
    (rows.collect(), writes.mark.0.as_u128())
}

#[test]
fn an_ordered_endpoint_gets_one_event_after_the_other() {
    let mut progress = read(true, &[3, 5], 9);
    assert_eq!(next(&mut progress, START), Some(3));
    assert_eq!(next(&mut progress, START), None, "one is in hand");
    progress.record_attempt(record(3), delivered(START), EVEN);
    assert_eq!(progress.mark, record(3));
    assert_eq!(next(&mut progress, START), Some(5));
    assert!(!progress.wants_events());
    progress.record_attempt(record(5), delivered(START), EVEN);
    assert!(progress.is_at_rest() && progress.wants_events());
    let rows = vec![(3, DeliveryStatus::Delivered), (5, DeliveryStatus::Delivered)];
    assert_eq!(written(&mut progress), (rows, 9), "all through 9 was looked at");
    assert_eq!(progress.take_writes(true), None);
}

#[test]
fn a_failing_event_holds_up_an_ordered_endpoint_and_keeps_nothing_else() {
    let mut progress = read(true, &[3, 5, 7], 9);
    assert_eq!(next(&mut progress, START), Some(3));
    let recorded = progress.record_attempt(record(3), failed(START), EVEN);
    assert_eq!(recorded, Some((DeliveryStatus::Pending, Some(after(5)))));
    assert_eq!((progress.mark, progress.read_through()), (record(0), record(3)));
    assert_eq!((progress.due(), next(&mut progress, after(4))), (Some(after(5)), None));
    assert_eq!(written(&mut progress), (vec![(3, DeliveryStatus::Pending)], 0));
    let again = progress.take_next(after(5)).expect("it is due");
    assert_eq!((again.event, again.has_failed), (3, true));
    progress.record_attempt(record(3), delivered(after(5)), EVEN);
    assert_eq!(written(&mut progress), (vec![(3, DeliveryStatus::Delivered)], 3));
    assert!(progress.wants_events(), "the others are read again");
}

#[test]
fn an_event_that_fails_for_an_hour_is_parked_and_the_next_goes_on() {
    let mut progress = read(true, &[3], 3);
    let (mut now, mut attempts) = (START, 0);
    loop {
        assert_eq!(next(&mut progress, now), Some(3));
        attempts += 1;
        match progress.record_attempt(record(3), failed(now), EVEN) {
            Some((DeliveryStatus::Pending, Some(due))) => now = due,
            recorded => {
                assert_eq!(recorded, Some((DeliveryStatus::Parked, None)));
                break;
            }
        }
    }
    let writes = progress.take_writes(false).expect("there is something to write");
    assert_eq!(writes.rows.len(), 1, "the newest state of the row alone is written");
    assert_eq!(writes.rows[0].counts.attempts, attempts);
    assert_eq!((writes.mark, writes.failing_since), (record(3), Some(START)));
    progress.add(vec![incoming(5)], record(5));
    assert_eq!(next(&mut progress, now), Some(5));
    progress.record_attempt(record(5), delivered(now), EVEN);
    let writes = progress.take_writes(false).expect("there is something to write");
    assert_eq!((writes.mark, writes.failing_since), (record(5), None));
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_and_its_event_waits() {
    for is_ordered in [true, false] {
        let mut progress = read(is_ordered, &[3, 5], 9);
        assert_eq!(next(&mut progress, START), Some(3));
        let gone = AttemptResult {
            is_gone: true,
            ..failed(START)
        };
        progress.record_attempt(record(3), gone, EVEN);
        assert_eq!(progress.disabled(), Some(DisabledReason::Gone));
        assert_eq!((next(&mut progress, after(60)), progress.wants_events()), (None, false));
        let writes = progress.take_writes(false).expect("there is something to write");
        assert_eq!((writes.mark, writes.disabled), (record(0), Some(DisabledReason::Gone)));
    }
}

#[test]
fn an_unordered_endpoint_gets_eight_events_at_once_and_its_mark_waits_for_the_first() {
    let numbers: Vec<u128> = (1..=10).collect();
    let mut progress = read(false, &numbers, 12);
    let in_hand: Vec<u128> = std::iter::from_fn(|| next(&mut progress, START)).collect();
    assert_eq!(in_hand, numbers[..8]);
    for number in [2, 3, 8] {
        progress.record_attempt(record(number), delivered(START), EVEN);
    }
    assert_eq!((progress.mark, progress.take_writes(true)), (record(0), None));
    assert_eq!(
        (next(&mut progress, START), next(&mut progress, START)),
        (Some(9), Some(10))
    );
    assert!(progress.wants_events(), "there is one more place");
    progress.record_attempt(record(1), delivered(START), EVEN);
    let rows = [1, 2, 3].map(|number| (number, DeliveryStatus::Delivered)).to_vec();
    assert_eq!(written(&mut progress), (rows, 3));
}

#[test]
fn a_failing_event_is_left_to_its_row_where_the_order_does_not_matter() {
    let mut progress = read(false, &[1, 2], 2);
    assert_eq!(
        (next(&mut progress, START), next(&mut progress, START)),
        (Some(1), Some(2))
    );
    progress.record_attempt(record(2), delivered(START), EVEN);
    let recorded = progress.record_attempt(record(1), failed(START), EVEN);
    assert_eq!(recorded, Some((DeliveryStatus::Pending, Some(after(5)))));
    let rows = vec![(1, DeliveryStatus::Pending), (2, DeliveryStatus::Delivered)];
    assert_eq!(written(&mut progress), (rows, 2));
    assert!(progress.is_at_rest());
    let counts = AttemptCounts {
        attempts: 1,
        failures: 1,
        first_at: Some(START),
    };
    let delivery = DeliveryId(Uuid::from_u128(70));
    let recorded = progress.record_redelivery(delivery, counts, delivered(after(5)), EVEN);
    assert_eq!(recorded, (DeliveryStatus::Delivered, None));
    let writes = progress.take_writes(false).expect("there is something to write");
    assert_eq!(writes.rows[0].counts.attempts, 2);
    assert_eq!((writes.mark, writes.failing_since), (record(2), None));
}

#[test]
fn no_events_are_read_beyond_a_thousand_that_wait() {
    let mut progress = Progress::new(false, record(0), None, PENDING_MAX - 1);
    progress.add(vec![incoming(1), incoming(2)], record(2));
    assert_eq!(next(&mut progress, START), Some(1));
    progress.record_attempt(record(1), failed(START), EVEN);
    assert!(!progress.wants_events());
    assert_eq!(next(&mut progress, START), None);
    progress.record_redelivery(
        DeliveryId(Uuid::from_u128(70)),
        AttemptCounts::default(),
        delivered(START),
        EVEN,
    );
    assert_eq!(next(&mut progress, START), Some(2));
    // An ordered endpoint has at most one of its own.
    let ordered = Progress::<u128>::new(true, record(0), None, PENDING_MAX);
    assert!(ordered.wants_events());
}

#[test]
fn an_event_of_a_receiver_that_was_gone_is_sent_to_the_next_one() {
    let mut progress = read(true, &[1], 1);
    assert_eq!(next(&mut progress, START), Some(1));
    let gone = AttemptResult {
        is_gone: true,
        ..failed(START)
    };
    progress.record_attempt(record(1), gone, EVEN);
    assert!(progress.disabled().is_some());
    assert_eq!(next(&mut progress, START), None);
    progress.forget_disabling();
    assert_eq!((progress.disabled(), next(&mut progress, START)), (None, Some(1)));
}

#[test]
fn events_that_were_not_sent_are_given_back_and_read_again() {
    let mut progress = read(false, &[1, 2, 3], 9);
    assert_eq!(
        (next(&mut progress, START), next(&mut progress, START)),
        (Some(1), Some(2))
    );
    assert!(progress.cut_waiting() && !progress.cut_waiting());
    assert_eq!(progress.read_through(), record(2));
    progress.record_attempt(record(2), delivered(START), EVEN);
    progress.record_attempt(record(1), delivered(START), EVEN);
    assert!(progress.is_at_rest());
    assert_eq!(progress.mark, record(2), "3 is not settled");
    progress.add(vec![incoming(3)], record(9));
    assert!(progress.cut_waiting() && progress.is_at_rest());
    assert_eq!((progress.read_through(), progress.mark), (record(2), record(2)));
}

#[test]
fn an_event_that_has_failed_is_not_given_back() {
    let mut progress = read(true, &[1, 2], 2);
    assert_eq!(next(&mut progress, START), Some(1));
    progress.record_attempt(record(1), failed(START), EVEN);
    assert!(!progress.cut_waiting());
    assert_eq!(next(&mut progress, after(5)), Some(1));
}

#[test]
fn an_event_that_was_not_sent_stays_the_next_one() {
    let mut progress = read(true, &[3], 3);
    assert_eq!(next(&mut progress, START), Some(3));
    progress.put_back(record(3), after(10));
    assert_eq!(
        (next(&mut progress, after(9)), next(&mut progress, after(10))),
        (None, Some(3))
    );
    progress.record_attempt(record(3), failed(after(10)), EVEN);
    progress.revise(record(3), AttemptCounts::default(), Some(after(11)));
    assert_eq!(next(&mut progress, after(11)), Some(3));
    assert_eq!(progress.mark, record(0));
}

#[test]
fn an_event_whose_row_says_later_holds_up_those_behind_it() {
    let mut progress = Progress::new(true, record(0), None, 0);
    let first = IncomingEvent {
        due: Some(after(5)),
        ..incoming(3)
    };
    progress.add(vec![first, incoming(5)], record(9));
    assert_eq!((progress.due(), next(&mut progress, after(4))), (Some(after(5)), None));
    assert_eq!(next(&mut progress, after(5)), Some(3));
}

#[test]
fn a_mark_that_moved_alone_is_written_when_it_is_asked_for() {
    let mut progress = read(true, &[], 9);
    assert_eq!((progress.mark, progress.take_writes(false)), (record(9), None));
    assert_eq!(written(&mut progress), (vec![], 9));
}
