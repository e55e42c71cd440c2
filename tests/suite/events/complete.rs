//! Three readers follow two replicas under load: a stream, a poller and a webhook. Each ends with exactly the journal, in
//! order, and no event comes twice.

use std::sync::Arc;

use harness::events::{cursor_of, record_of, records};
use harness::{
    Caller, EventPoller, EventStream, HookReceiver, ReceivedHook, TestBank, TestWebhook, on_every_backend, tells_events,
};
use serde_json::{Value, json};
use service::Services;
use service::values::WalletId;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::random_callers::CallerStage;

on_every_backend!(
    three_readers_end_with_exactly_the_journal,
    customers_end_with_exactly_their_part_of_it,
);

const CALLERS: u64 = 64;
/// How often each caller acts.
const ACTS: usize = 12;
/// After so many events the stream is broken off and opened again.
const BROKEN_AFTER: usize = 40;

/// The amount of the deposit that is the last event of all, into one wallet.
const LAST: &str = "7.7777";

struct EndMark(WalletId);

impl EndMark {
    fn is(&self, event: &Value) -> bool {
        let data = &event["data"];
        event["type"] == "deposit.completed" && data["amount"] == LAST && data["destination_wallet_id"] == json!(self.0)
    }
}

/// All callers do all that they do, half of them at each replica; then the end is marked.
async fn act(bank: &TestBank, stage: &CallerStage, other: &Arc<Services>, end: &EndMark) {
    let mut callers = JoinSet::new();
    for seed in 0..CALLERS {
        let services = if seed % 2 == 0 { &bank.services } else { other };
        callers.spawn(stage.caller(services, seed).act(ACTS));
    }
    callers.join_all().await;
    bank.fund(end.0, LAST, "visa").await;
}

/// Reads a stream to the end, and breaks it off again and again.
async fn streamed(caller: &Caller, begin: &str, end: &EndMark) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut last = begin.to_owned();
    loop {
        let mut stream = EventStream::open(caller, "", Some(&last)).await;
        for _ in 0..BROKEN_AFTER {
            let event = stream.next().await.expect("the stream goes on").data;
            let is_end = end.is(&event);
            events.push(event);
            if is_end {
                return events;
            }
        }
        last = stream.last_id.clone().expect("an event has an id");
    }
}

async fn polled(caller: &Caller, begin: &str, end: &EndMark) -> Vec<Value> {
    let mut poller = EventPoller::new(caller, "limit=7").after(begin);
    while !poller.events.last().is_some_and(|event| end.is(event)) {
        poller.page().await;
    }
    poller.events
}

async fn received(receiver: &HookReceiver, end: &EndMark) -> Vec<ReceivedHook> {
    let is_over = |hooks: &[ReceivedHook]| {
        hooks
            .last()
            .is_some_and(|hook| hook.is_taken() && end.is(&hook.event()))
    };
    receiver.until_that("/all", "all events", is_over).await
}

/// What the three readers of one caller got.
struct Followed {
    streamed: Vec<Value>,
    polled: Vec<Value>,
    received: Vec<ReceivedHook>,
    /// The records of the journal that were written meanwhile.
    journal: Vec<Uuid>,
    webhook: TestWebhook,
    receiver: HookReceiver,
}

/// Lets everything happen at two replicas while the three readers of a caller follow.
async fn follow(bank: &Arc<TestBank>, stage: &CallerStage, caller: &Caller, end: &EndMark) -> Followed {
    let other = bank.replica().await;
    let receiver = HookReceiver::start().await;
    for services in [&bank.services, &other] {
        tells_events(services);
    }
    let webhook = TestWebhook::make(caller, &receiver.url("/all"), json!({})).await;
    let newest = records(&bank.db.read).await.last().copied().expect("there are records");
    let begin = cursor_of(&bank.db.read, newest).await;
    let ((), streamed, polled, received) = tokio::join!(
        act(bank, stage, &other, end),
        streamed(caller, &begin, end),
        polled(caller, &begin, end),
        received(&receiver, end),
    );
    let journal = records(&bank.db.read).await.into_iter();
    other.stop().await;
    Followed {
        streamed,
        polled,
        received,
        journal: journal.filter(|record| *record > newest).collect(),
        webhook,
        receiver,
    }
}

fn record(event: &Value) -> Uuid {
    record_of(event["id"].as_str().expect("an event has an id"))
}

impl Followed {
    /// Fails unless the readers got the same events, each once.
    fn assert_same(&self) {
        let (streamed, polled) = (&self.streamed, &self.polled);
        assert!(streamed == polled, "{} and {} events", streamed.len(), polled.len());
        let bodies: Vec<Value> = self.received.iter().map(ReceivedHook::event).collect();
        assert!(bodies == *polled, "{} and {} events", bodies.len(), polled.len());
        for (hook, event) in self.received.iter().zip(polled) {
            assert_eq!((hook.id(), hook.attempt), (event["id"].as_str().unwrap_or_default(), 1));
            assert!(self.webhook.has_signed(hook), "{hook:?}");
        }
        let receiver = &self.receiver;
        assert_eq!((receiver.most_at_once("/all"), receiver.most_of_one_id()), (1, 1));
    }
}

async fn three_readers_end_with_exactly_the_journal(bank: Arc<TestBank>) {
    let stage = CallerStage::of(&bank, 8).await;
    let end = EndMark(bank.customer("the-end").await.wallet);
    let followed = follow(&bank, &stage, &bank.operator().await, &end).await;
    let polled: Vec<Uuid> = followed.polled.iter().map(record).collect();
    assert_eq!(polled, followed.journal);
    assert!(polled.len() > 300, "{} records are no test of many", polled.len());
    followed.assert_same();
}

async fn customers_end_with_exactly_their_part_of_it(bank: Arc<TestBank>) {
    let mut stage = CallerStage::of(&bank, 3).await;
    let ana = bank.customer_with("ana", "1000").await;
    let mut customers = stage.customers.to_vec();
    customers.push((ana.actor.clone(), ana.wallet));
    stage.customers = Arc::new(customers);
    let followed = follow(&bank, &stage, &ana.caller, &EndMark(ana.wallet)).await;
    followed.assert_same();
    // The same part, cut out of all events by a rule of the test's own.
    let wallets = ana.caller.get("/v1/wallets?limit=500").await.expect(200);
    let wallets = wallets["items"].as_array().expect("a list has items").clone();
    let owns = |id: &Value| wallets.iter().any(|wallet| wallet["id"] == *id);
    let sees = |event: &&Value| {
        let data = &event["data"];
        match event["type"].as_str() {
            Some("transfer.failed") => owns(&data["source_wallet_id"]) || event["actor_id"] == json!(ana.actor.user),
            Some(kind) if kind.starts_with("wallet.") => owns(&data["id"]),
            _ => owns(&data["source_wallet_id"]) || owns(&data["destination_wallet_id"]),
        }
    };
    let operator = bank.operator().await;
    let mut all = EventPoller::new(&operator, "limit=500");
    let all = all.rest().await.iter().filter(sees).map(record);
    let hers: Vec<Uuid> = all.filter(|record| followed.journal.contains(record)).collect();
    let polled: Vec<Uuid> = followed.polled.iter().map(record).collect();
    assert_eq!(polled, hers);
    assert!(hers.len() < followed.journal.len(), "she sees a part");
}
