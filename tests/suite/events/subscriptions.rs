//! Subscriptions below HTTP: what one of them costs the others, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use harness::events::record_of;
use harness::{TestBank, all_at_once, on_every_backend};
use service::events::{Event, EventCursor, EventFilter, EventScope, EventsError, STREAMS_OF_USER_MAX, Subscription};
use service::transfers::Asking;
use service::values::UserId;
use tokio::time::timeout;
use uuid::Uuid;

use crate::life::LifeStage;
use crate::requests::new_transfer;

on_every_backend!(
    a_subscription_that_is_never_read_holds_up_no_other,
    subscriptions_begin_between_commits_without_loss,
    a_late_subscription_gets_only_what_comes,
    a_reader_who_stops_waiting_again_and_again_misses_nothing,
    a_user_has_so_many_subscriptions_and_an_ended_one_makes_room,
);

const PATIENCE: Duration = Duration::from_secs(30);
/// Whose subscriptions they are.
const USER: UserId = UserId(Uuid::from_u128(1));

/// Takes so many events from a subscription.
async fn take(subscription: &mut Subscription, count: usize) -> Vec<Arc<Event>> {
    let mut events = Vec::new();
    while events.len() < count {
        let more = timeout(PATIENCE, subscription.next()).await.expect("events come");
        events.extend(more.expect("the journal can be read"));
    }
    assert_eq!(events.len(), count);
    events
}

fn ids(events: &[Arc<Event>]) -> Vec<String> {
    events.iter().map(|event| event.id.to_string()).collect()
}

async fn newest(bank: &TestBank) -> EventCursor {
    let newest = bank.services.events.newest(&EventScope::All).await;
    newest.expect("the journal can be read")
}

/// All events after a cursor, as they come.
fn subscribe(bank: &TestBank, after: EventCursor) -> Subscription {
    let events = &bank.services.events;
    let subscription = events.subscribe(USER, EventScope::All, EventFilter::default(), after);
    subscription.expect("there is room")
}

/// Ana pays Ben so many times, fifty at once.
async fn pay(stage: &LifeStage, times: usize) {
    for _ in 0..times / 50 {
        let paid = all_at_once((0..50).map(|_| {
            let new = new_transfer(stage.ana.1, stage.ben.1, "0.0001");
            stage.services.transfers.submit(Asking::by(&stage.ana.0), new)
        }));
        paid.await
            .into_iter()
            .for_each(|paid| drop(paid.expect("there is enough")));
    }
}

async fn a_subscription_that_is_never_read_holds_up_no_other(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.tells_events();
    let begin = newest(&bank).await;
    let mut idle = subscribe(&bank, begin);
    let mut busy = subscribe(&bank, begin);
    // Both have begun to listen, and the idle one listens no more: more comes than it keeps.
    pay(&stage, 50).await;
    let first = take(&mut busy, 50).await;
    assert_eq!(ids(&take(&mut idle, 50).await), ids(&first));
    let ((), rest) = tokio::join!(pay(&stage, 2_500), take(&mut busy, 2_500));
    // When it is read again, it has everything.
    assert_eq!(ids(&take(&mut idle, 2_500).await), ids(&rest));
    pay(&stage, 50).await;
    assert_eq!(ids(&take(&mut idle, 50).await), ids(&take(&mut busy, 50).await));
}

async fn subscriptions_begin_between_commits_without_loss(bank: Arc<TestBank>) {
    const SUBSCRIPTIONS: usize = 12;
    let stage = LifeStage::set(&bank).await;
    bank.tells_events();
    let begin = newest(&bank).await;
    // Each begins at some moment of the load, and reads on at once.
    let subscribing = async {
        let mut begun = Vec::new();
        for _ in 0..SUBSCRIPTIONS {
            let mut one = subscribe(&bank, begin);
            let some = timeout(PATIENCE, one.next()).await.expect("events come");
            begun.push((one, some.expect("the journal can be read")));
        }
        begun
    };
    let ((), begun) = tokio::join!(pay(&stage, 1_000), subscribing);
    let mut expected = Vec::new();
    for (mut subscription, mut seen) in begun {
        let missing = 1_000 - seen.len();
        seen.extend(take(&mut subscription, missing).await);
        if expected.is_empty() {
            expected = ids(&seen);
        }
        assert_eq!(ids(&seen), expected);
    }
    let is_in_order = expected.is_sorted_by_key(|id| record_of(id));
    assert!(is_in_order, "{expected:?}");
}

async fn a_late_subscription_gets_only_what_comes(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.tells_events();
    pay(&stage, 100).await;
    // One that begins now sees what comes, and nothing of before.
    let mut late = subscribe(&bank, newest(&bank).await);
    pay(&stage, 50).await;
    assert_eq!(take(&mut late, 50).await.len(), 50);
}

/// As a stream does at each heartbeat, but sooner than a page is read.
async fn a_reader_who_stops_waiting_again_and_again_misses_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.tells_events();
    let begin = newest(&bank).await;
    pay(&stage, 100).await;
    let mut hasty = subscribe(&bank, begin);
    let reading = async {
        let mut events = Vec::new();
        while events.len() < 150 {
            if let Ok(more) = timeout(Duration::from_millis(1), hasty.next()).await {
                events.extend(more.expect("the journal can be read"));
            }
        }
        events
    };
    let ((), events) = tokio::join!(pay(&stage, 50), async {
        timeout(PATIENCE, reading).await.expect("events come")
    });
    assert_eq!(ids(&events), ids(&take(&mut subscribe(&bank, begin), 150).await));
}

async fn a_user_has_so_many_subscriptions_and_an_ended_one_makes_room(bank: Arc<TestBank>) {
    let after = newest(&bank).await;
    let mut open: Vec<Subscription> = (0..STREAMS_OF_USER_MAX).map(|_| subscribe(&bank, after)).collect();
    let events = &bank.services.events;
    let more = |user| {
        events
            .subscribe(user, EventScope::All, EventFilter::default(), after)
            .err()
    };
    assert!(matches!(more(USER), Some(EventsError::TooManyStreams)));
    assert!(more(UserId(Uuid::from_u128(2))).is_none());
    open.pop();
    assert!(more(USER).is_none());
}
