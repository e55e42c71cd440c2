//! Subscriptions get every event once and in order, whatever happens in between: simulated with the shipped hub, positions
//! and sights, and a journal in memory.

use tokio::sync::mpsc::error::TryRecvError;
use uuid::Uuid;

use super::super::position::{FeedPosition, FeedStep};
use super::super::samples::{asked_by, change, failed, transfer, user, wallet};
use super::super::scope::{EventFilter, EventScope};
use super::*;
use crate::values::{ChangeKind, TransferKind};

/// Numbers that a seed decides.
struct SeededChance(u64);

impl SeededChance {
    fn below(&mut self, bound: u64) -> u64 {
        const FACTOR: u64 = 6_364_136_223_846_793_005;
        self.0 = self.0.wrapping_mul(FACTOR).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The journal, and the wallets that it has opened, each with its owner.
#[derive(Default)]
struct SimulatedBank {
    records: Vec<Record>,
    wallets: Vec<(u128, u128)>,
    /// How many records the worker has published; `None` while it does not run.
    published: Option<usize>,
}

fn id(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn ledger() -> LedgerTag {
    LedgerTag::of(Uuid::from_u128(5))
}

fn publish(hub: &Hub, records: &[Record]) {
    if !hub.publish(records, None, ledger()) {
        assert!(hub.publish(records, Some(&Owners::new()), ledger()));
    }
}

impl SimulatedBank {
    fn new() -> Self {
        let mut world = Self::default();
        world.open(1);
        world.open(2);
        world
    }

    fn head(&self) -> RecordId {
        self.records.last().map_or(id(0), Record::id)
    }

    fn next_id(&self) -> u128 {
        self.records.len() as u128 + 1
    }

    fn open(&mut self, owner: u128) {
        let opened = 11 + self.wallets.len() as u128;
        self.wallets.push((opened, owner));
        self.records
            .push(change(self.next_id(), ChangeKind::Opened, opened, owner));
    }

    fn commit(&mut self, chance: &mut SeededChance) {
        let count = self.wallets.len() as u64;
        let from = chance.below(count);
        let to = (from + 1 + chance.below(count - 1)) % count;
        let [(source, owner), (destination, payee)] = [from, to].map(|index| self.wallets[index as usize]);
        let (number, sides) = (self.next_id(), (source, destination));
        let record = match chance.below(8) {
            0 => return self.open(1 + chance.below(2) as u128),
            1 => failed(number, TransferKind::Transfer, sides),
            2 => asked_by(failed(number, TransferKind::Capture, sides), payee),
            3 => change(number, ChangeKind::Frozen, source, owner),
            _ => transfer(number, TransferKind::Transfer, sides),
        };
        self.records.push(record);
    }

    fn sight(&self, scope: &EventScope, filter: &EventFilter) -> Sight {
        let own = self
            .wallets
            .iter()
            .filter(|(_, owner)| scope.user() == Some(user(*owner)));
        let own = own.map(|(opened, _)| wallet(*opened)).collect();
        Sight::new(scope, own, filter)
    }

    /// What a worker does next.
    fn work(&mut self, hub: &Hub, chance: &mut SeededChance) {
        let Some(published) = self.published else {
            hub.begin(self.head());
            self.published = Some(self.records.len());
            return;
        };
        if chance.below(12) == 0 {
            hub.stop(false);
            self.published = None;
            return;
        }
        let through = self.records.len().min(published + 1 + chance.below(6) as usize);
        publish(hub, &self.records[published..through]);
        self.published = Some(through);
    }
}

/// A subscription, one step at a time.
struct SimulatedReader {
    scope: EventScope,
    filter: EventFilter,
    position: FeedPosition,
    /// Registered, and not started yet: the wallets are being looked up.
    registered: Option<(HubRegistration, Option<Sight>)>,
    registration: Option<HubRegistration>,
    given: Vec<RecordId>,
}

impl SimulatedReader {
    fn new(scope: EventScope, filter: EventFilter, after: RecordId) -> Self {
        Self {
            scope,
            filter,
            position: FeedPosition::new(after),
            registered: None,
            registration: None,
            given: Vec::new(),
        }
    }

    fn step(&mut self, world: &SimulatedBank, hub: &Arc<Hub>, chance: &mut SeededChance) {
        match self.position.next_step() {
            FeedStep::Page => self.read_page(world, chance),
            FeedStep::Follow => self.follow(world, hub),
            FeedStep::Queue => self.take_queued(chance),
        }
    }

    fn read_page(&mut self, world: &SimulatedBank, chance: &mut SeededChance) {
        let sight = world.sight(&self.scope, &self.filter);
        let after = self.position.seen();
        let new = world.records.iter().filter(|record| record.id() > after);
        let new: Vec<&Record> = new.collect();
        let looked = new.len().min(1 + chance.below(10) as usize);
        let admitted = new[..looked].iter().filter(|record| sight.admits(record));
        self.given.extend(admitted.map(|record| record.id()));
        let has_more = looked < new.len();
        let through = if has_more { new[looked - 1].id() } else { world.head() };
        self.position.paged(through, has_more);
    }

    fn follow(&mut self, world: &SimulatedBank, hub: &Arc<Hub>) {
        match self.registered.take() {
            None => match hub.register(self.growing_user(), 3) {
                Some(registration) => self.registered = Some((registration, None)),
                None => self.position.missed(),
            },
            Some((registration, None)) => {
                self.registered = Some((registration, Some(world.sight(&self.scope, &self.filter))))
            }
            Some((registration, Some(sight))) => match hub.start(&registration, sight) {
                Some(published) => {
                    self.position.followed(published);
                    self.registration = Some(registration);
                }
                None => self.position.missed(),
            },
        }
    }

    fn take_queued(&mut self, chance: &mut SeededChance) {
        let registration = self.registration.as_mut().expect("it follows");
        for _ in 0..=chance.below(3) {
            match registration.queue.try_recv() {
                Ok(event) if self.position.takes(event.id.record()) => self.given.push(event.id.record()),
                Ok(_) => {}
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    match registration.end().expect("a queue that is closed has ended") {
                        RegistrationEnd::Through(through) => self.position.left(through),
                        RegistrationEnd::WentBack => panic!("the journal did not go back"),
                    }
                    self.registration = None;
                    return;
                }
            }
        }
    }

    fn growing_user(&self) -> Option<UserId> {
        match &self.scope {
            EventScope::Own { user, .. } if self.filter.wallets.is_none() => Some(*user),
            EventScope::Own { .. } | EventScope::Only(_) | EventScope::All => None,
        }
    }

    fn expected(&self, world: &SimulatedBank, after: RecordId) -> Vec<RecordId> {
        let sight = world.sight(&self.scope, &self.filter);
        let new = world
            .records
            .iter()
            .filter(|record| record.id() > after && sight.admits(record));
        new.map(Record::id).collect()
    }
}

fn readers(after: RecordId) -> Vec<SimulatedReader> {
    let own = |number| EventScope::Own {
        user: user(number),
        only: None,
    };
    let of_first_wallet = EventFilter {
        wallets: Some(vec![wallet(11)]),
        ..EventFilter::default()
    };
    let all = EventFilter::default();
    [
        (EventScope::All, all.clone()),
        (EventScope::All, of_first_wallet.clone()),
        (EventScope::Only([wallet(12)].into()), all.clone()),
        (own(1), all.clone()),
        (own(1), of_first_wallet),
        (own(2), all),
    ]
    .into_iter()
    .map(|(scope, filter)| SimulatedReader::new(scope, filter, after))
    .collect()
}

#[test]
fn every_subscription_gets_every_event_once_and_in_order() {
    for seed in 0..300 {
        let (mut chance, mut world, hub) = (SeededChance(seed), SimulatedBank::new(), Arc::new(Hub::new()));
        for _ in 0..chance.below(20) {
            world.commit(&mut chance);
        }
        let after = id(chance.below(world.records.len() as u64) as u128);
        let mut readers = readers(after);
        for _ in 0..400 {
            let count = readers.len() as u64;
            match chance.below(count + 4) {
                0 | 1 => world.commit(&mut chance),
                2 | 3 => world.work(&hub, &mut chance),
                number => readers[number as usize - 4].step(&world, &hub, &mut chance),
            }
        }
        // Nothing more is committed; a worker publishes the rest, and all read to the end.
        if world.published.is_none() {
            world.work(&hub, &mut chance);
        }
        let published = world.published.expect("it has begun");
        publish(&hub, &world.records[published..]);
        for reading in &mut readers {
            for _ in 0..1_000 {
                reading.step(&world, &hub, &mut chance);
            }
            assert_eq!(
                reading.given,
                reading.expected(&world, after),
                "seed {seed}, {:?}",
                reading.scope
            );
            let registration = reading.registration.as_ref().expect("it follows at last");
            assert_eq!(hub.seen_by(registration), Some(world.head()), "seed {seed}");
        }
        drop(readers);
        let state = hub.state.lock();
        assert!(state.registrations.is_empty() && state.by_wallet.is_empty() && state.by_owner.is_empty());
        assert!(state.of_all.is_empty() && state.of_staff == 0);
    }
}

/// A registration that follows from record 2 on, the openings of the wallets 11 and 12.
fn following(hub: &Arc<Hub>, scope: &EventScope, room: usize) -> HubRegistration {
    let registration = hub.register(scope.user(), room).expect("the worker runs");
    let sight = SimulatedBank::new().sight(scope, &EventFilter::default());
    assert_eq!(hub.start(&registration, sight), Some(id(2)));
    registration
}

fn live_hub() -> Arc<Hub> {
    let hub = Arc::new(Hub::new());
    hub.begin(id(2));
    hub
}

#[test]
fn a_full_queue_ends_its_registration_and_no_other() {
    let hub = live_hub();
    let [mut slow, fast] = [2, 10].map(|room| following(&hub, &EventScope::All, room));
    let records: Vec<Record> = (3..8)
        .map(|number| transfer(number, TransferKind::Transfer, (11, 12)))
        .collect();
    publish(&hub, &records);
    assert_eq!(
        (slow.end(), slow.queue.len()),
        (Some(RegistrationEnd::Through(id(4))), 2)
    );
    assert_eq!((fast.end(), fast.queue.len()), (None, 5));
    assert!(slow.queue.try_recv().is_ok() && slow.queue.try_recv().is_ok());
    assert_eq!(slow.queue.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn the_staff_share_one_event_and_customers_have_their_own() {
    let hub = live_hub();
    let own = EventScope::Own {
        user: user(1),
        only: None,
    };
    let scopes = [EventScope::All, EventScope::All, own];
    let mut registrations = scopes.map(|scope| following(&hub, &scope, 10));
    publish(&hub, &[transfer(3, TransferKind::Transfer, (11, 12))]);
    let events = registrations
        .each_mut()
        .map(|registration| registration.queue.try_recv().expect("it was published"));
    assert!(Arc::ptr_eq(&events[0], &events[1]));
    assert!(!Arc::ptr_eq(&events[0], &events[2]));
}

#[test]
fn a_wallet_that_a_user_opens_ends_the_registrations_of_this_user() {
    let hub = live_hub();
    let own = |number| EventScope::Own {
        user: user(number),
        only: None,
    };
    let [ana, ben] = [1, 2].map(|number| following(&hub, &own(number), 10));
    // It has not looked its wallets up yet.
    let registered = hub.register(Some(user(1)), 10).expect("the worker runs");
    publish(&hub, &[change(3, ChangeKind::Opened, 13, 1)]);
    let before = Some(RegistrationEnd::Through(id(2)));
    assert_eq!([ana.end(), ben.end(), registered.end()], [before, None, before]);
    let sight = SimulatedBank::new().sight(&own(1), &EventFilter::default());
    assert_eq!(hub.start(&registered, sight), None);
}

#[test]
fn a_journal_that_went_back_ends_every_registration_and_takes_no_new_one() {
    let hub = live_hub();
    let registration = following(&hub, &EventScope::All, 10);
    hub.stop(true);
    assert_eq!(registration.end(), Some(RegistrationEnd::WentBack));
    assert!(hub.register(None, 10).is_none());
}
