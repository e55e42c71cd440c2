//! The rolling minute of one currency. Pure: every call passes the time.
//!
//! It consists of rings: what the bank has moved, what was reported to this process, and what was reported to each
//! other replica. They are summed when they are read, so nothing counts twice.

use super::amount::WindowAmount;
use super::ring::{BLOCK_MS, BLOCKS, Ring, Slot, block_of, position_of};
use super::summary::{Figures, WindowSummary};

/// How long an amount counts, in milliseconds: at exactly this age it still does.
pub const WINDOW_MS: i64 = 60_000;

/// How far another replica's clock may be ahead: later amounts would displace amounts in the ring that still count.
pub const AHEAD_MAX_MS: i64 = 4_000;

/// The most other replicas whose rings one window holds.
pub const PEERS_MAX: usize = 15;

/// The random name of a replica, for the life of its process.
pub type Replica = u64;

/// Where a time lies relative to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Later than now.
    Future,
    /// From now back to 60 000 milliseconds ago, both included.
    Inside,
    /// More than 60 000 milliseconds ago.
    Old,
}

/// The one rule of what counts, when an amount is added and when figures are read.
#[must_use]
pub const fn age(now: i64, at: i64) -> Age {
    match now.saturating_sub(at) {
        i64::MIN..0 => Age::Future,
        0..=WINDOW_MS => Age::Inside,
        _ => Age::Old,
    }
}

/// What became of another replica's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Taken,
    /// Too old, too far ahead of our clock, or one replica too many.
    Ignored,
}

/// See the module.
pub struct Window {
    now: i64,
    /// What was reported to this process; made for the first report.
    own: Option<Ring>,
    /// What the bank has moved, whichever replica committed it.
    bank: Option<Ring>,
    /// Replaces `bank` once all of it is read from the database.
    recovered: Option<Ring>,
    peers: Vec<(Replica, Ring)>,
    /// A bit for each position in `own` whose block changed since `take_changes` last returned it.
    dirty: u64,
}

const _: () = assert!(BLOCKS == u64::BITS as usize, "a block is a bit");
const _: () = assert!(
    (BLOCKS as i64 - 1) * BLOCK_MS >= WINDOW_MS + AHEAD_MAX_MS,
    "a round holds a window and what may be ahead of it"
);

impl Window {
    #[must_use]
    pub fn new(clock: i64) -> Self {
        Self {
            now: clock,
            own: None,
            bank: None,
            recovered: None,
            peers: Vec::new(),
            dirty: 0,
        }
    }

    /// Adds an amount that is reported at its time, if it counts now.
    pub fn add(&mut self, clock: i64, at: i64, amount: WindowAmount) -> Age {
        let age = age(self.time(clock), at);
        if age == Age::Inside && self.own.get_or_insert_default().add(at, &WindowSummary::of(amount)) {
            self.dirty |= 1 << position_of(block_of(at));
        }
        age
    }

    /// Adds what the bank has moved; dated ahead of our clock, it counts from now.
    pub fn enter(&mut self, clock: i64, at: i64, amount: WindowAmount) {
        let now = self.time(clock);
        add_happened(&mut self.bank, now, at, amount);
    }

    /// Adds what the bank has moved to the recovered amounts, which `settle` puts into use.
    pub fn recover(&mut self, clock: i64, at: i64, amount: WindowAmount) {
        let now = self.time(clock);
        add_happened(&mut self.recovered, now, at, amount);
    }

    /// Drops the recovered amounts that are not settled.
    pub fn forget_recovered(&mut self) {
        self.recovered = None;
    }

    /// Replaces what the bank has moved with the recovered amounts.
    pub fn settle(&mut self) {
        self.bank = self.recovered.take();
    }

    /// The figures of the last 60 000 milliseconds.
    pub fn read(&mut self, clock: i64) -> Figures {
        let now = self.time(clock);
        let mut all = WindowSummary::EMPTY;
        for ring in self.rings() {
            all.merge(&ring.read(now - WINDOW_MS, now));
        }
        all.figures()
    }

    /// Our own blocks that changed since the last call, each as a whole: position, number, slots. An empty one has no
    /// slots.
    pub fn take_changes(&mut self, clock: i64) -> Vec<(usize, i64, Vec<Slot>)> {
        self.time(clock);
        let dirty = std::mem::take(&mut self.dirty);
        let positions = (0..BLOCKS).filter(|position| dirty & (1 << position) != 0);
        let block_of_own = |position| self.own.as_ref().and_then(|own| Some((own, own.block_at(position)?)));
        let changes = positions.map(|position| match block_of_own(position) {
            Some((own, block)) => (position, block, own.slots(block)),
            None => (position, i64::MIN, Vec::new()),
        });
        changes.collect()
    }

    /// Marks all our own blocks as changed, when it is unknown which of them the other replicas have.
    pub fn mark_all_changed(&mut self) {
        let has_block = |position: &usize| self.own.as_ref().is_some_and(|own| own.block_at(*position).is_some());
        self.dirty = (0..BLOCKS)
            .filter(has_block)
            .fold(0, |dirty, position| dirty | 1 << position);
    }

    /// Replaces a block of another replica. `may_grow` allows a ring for a new replica.
    pub fn put(&mut self, clock: i64, replica: Replica, block: i64, slots: &[Slot], may_grow: bool) -> Put {
        let now = self.time(clock);
        if block < block_of(now - WINDOW_MS) || block > block_of(now + AHEAD_MAX_MS) {
            return Put::Ignored;
        }
        self.peers.retain(|(_, ring)| ring.newest() >= now - WINDOW_MS);
        let held = self.peers.iter().position(|(name, _)| *name == replica);
        let index = match held {
            Some(index) => index,
            None if may_grow && self.peers.len() < PEERS_MAX => {
                self.peers.push((replica, Ring::new()));
                self.peers.len() - 1
            }
            None => return Put::Ignored,
        };
        if self.peers[index].1.replace(block, slots) {
            Put::Taken
        } else {
            Put::Ignored
        }
    }

    /// How many other replicas have a ring here.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// True when no amount in the window counts any more.
    pub fn is_over(&mut self, clock: i64) -> bool {
        let now = self.time(clock);
        let mut rings = self.rings().chain(self.recovered.as_ref());
        rings.all(|ring| ring.newest() < now - WINDOW_MS)
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        let peers = self.peers.iter().map(|(_, ring)| ring);
        self.own.iter().chain(self.bank.as_ref()).chain(peers)
    }

    /// The window's time. It does not go back: while the clock is behind, it stands still, and nothing is lost.
    ///
    /// A clock that is behind by more than a window was ahead before and was set back. If the window's time stood still
    /// until the clock caught up, every new amount would be refused, perhaps for hours. So the window's time follows
    /// the clock: amounts up to the new time are kept, later ones are dropped.
    fn time(&mut self, clock: i64) -> i64 {
        if self.now.saturating_sub(clock) > WINDOW_MS {
            let rings = [&mut self.own, &mut self.bank, &mut self.recovered];
            rings.into_iter().flatten().for_each(|ring| ring.forget_after(clock));
            self.peers.iter_mut().for_each(|(_, ring)| ring.forget_after(clock));
            self.dirty = u64::MAX;
            self.now = clock;
        }
        self.now = self.now.max(clock);
        self.now
    }
}

/// Adds an amount that has certainly moved; dated ahead of our clock, it counts from now.
fn add_happened(ring: &mut Option<Ring>, now: i64, at: i64, amount: WindowAmount) {
    let at = at.min(now);
    if age(now, at) == Age::Inside {
        ring.get_or_insert_default().add(at, &WindowSummary::of(amount));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_767_584_038_000;

    fn amount(units: i128) -> WindowAmount {
        WindowAmount::from_units(units).expect("a small amount")
    }

    fn filled(at: &[i64]) -> Window {
        let mut window = Window::new(T);
        for at in at {
            assert_eq!(window.add(T, *at, amount(1)), Age::Inside);
        }
        window
    }

    #[test]
    fn sixty_thousand_milliseconds_are_inside_and_one_more_is_outside() {
        assert_eq!((age(T, T), age(T, T - 60_000)), (Age::Inside, Age::Inside));
        assert_eq!((age(T, T + 1), age(T, T - 60_001)), (Age::Future, Age::Old));
        assert_eq!((age(T, i64::MAX), age(T, i64::MIN)), (Age::Future, Age::Old));
        let mut window = filled(&[T - 60_000, T]);
        assert_eq!(window.read(T).count, 2);
        assert_eq!(window.read(T + 1).count, 1);
        assert_eq!((window.read(T + 60_000).count, window.read(T + 60_001).count), (1, 0));
    }

    #[test]
    fn time_stands_still_while_the_clock_is_behind() {
        let mut window = filled(&[T - 60_000, T]);
        assert_eq!(window.read(T - 60_000).count, 2);
        assert_eq!(window.add(T - 30_000, T, amount(1)), Age::Inside);
        assert_eq!(window.read(T).count, 3);
    }

    #[test]
    fn a_clock_that_is_behind_by_more_than_a_window_is_followed() {
        // The clock is an hour ahead for a moment: earlier amounts count again, those dated in that hour do not.
        let mut window = filled(&[T - 100, T]);
        let hour = 3_600_000;
        assert_eq!(window.add(T + hour, T + hour, amount(1)), Age::Inside);
        assert_eq!(window.read(T + hour).count, 1);
        assert_eq!(window.read(T).count, 2);
        assert_eq!(window.add(T + 1, T + 1, amount(1)), Age::Inside);
        assert_eq!(window.read(T + 1).count, 3);
        assert_eq!(window.read(T + hour).count, 0);
    }

    #[test]
    fn what_has_happened_counts_from_now_when_it_is_dated_ahead() {
        let mut window = filled(&[]);
        window.enter(T, T + 5_000, amount(1));
        assert_eq!(window.read(T).count, 1);
    }

    #[test]
    fn what_the_bank_moved_is_told_to_no_other_replica() {
        let mut window = filled(&[T]);
        window.enter(T, T, amount(2));
        assert_eq!((window.read(T).sum, window.read(T).count), (3, 2));
        assert_eq!(window.take_changes(T)[0].2[0].1, WindowSummary::of(amount(1)));
    }

    #[test]
    fn another_replicas_block_takes_the_place_of_what_it_said_before() {
        let mut window = filled(&[T]);
        let slot = |units| vec![(7_u16, WindowSummary::of(amount(units)))];
        for units in [5, 6, 6] {
            assert_eq!(window.put(T, 1, block_of(T) - 1, &slot(units), true), Put::Taken);
        }
        assert_eq!((window.read(T).sum, window.read(T).count), (7, 2));
        assert_eq!(window.put(T, 2, block_of(T), &slot(1), false), Put::Ignored);
        assert_eq!(window.put(T, 1, block_of(T) + 9, &slot(1), true), Put::Ignored);
        assert_eq!(window.put(T, 1, block_of(T) - 60, &slot(1), true), Put::Ignored);
    }

    #[test]
    fn what_was_recovered_takes_the_banks_place_at_once_and_no_reports() {
        let mut window = filled(&[T]);
        window.enter(T, T, amount(4));
        for at in [T - 5_000, T - 60_001] {
            window.recover(T, at, amount(2));
        }
        assert_eq!(window.read(T).sum, 5, "it is not settled yet");
        window.settle();
        assert_eq!((window.read(T).sum, window.read(T).count), (3, 2));
        window.recover(T, T, amount(2));
        window.forget_recovered();
        window.settle();
        assert_eq!(window.read(T).sum, 1, "the bank has moved nothing");
    }

    #[test]
    fn changes_are_given_out_once_and_whole() {
        let mut window = filled(&[T, T, T + 1 - 1_024]);
        let changes = window.take_changes(T);
        assert_eq!(changes.iter().map(|(_, _, slots)| slots.len()).sum::<usize>(), 2);
        assert!(window.take_changes(T).is_empty());
        window.mark_all_changed();
        assert_eq!(window.take_changes(T), changes);
    }
}
