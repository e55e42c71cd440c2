//! The windows of all currencies. Each has its own lock, which is held for some tens of nanoseconds.

use parking_lot::{Mutex, MutexGuard};

use super::amount::WindowAmount;
use super::ring::Slot;
use super::summary::Figures;
use super::window::{Age, Put, Replica, Window, age};
use crate::values::Currency;

/// ISO 4217 numbers currencies with three digits, so there are at most this many; in fact far fewer.
const CURRENCIES_MAX: usize = 1_000;

/// The most rings held for other replicas, over all currencies: about 1.2 GB.
const PEER_RINGS_MAX: usize = 256;

/// See the module.
pub struct Board {
    cells: Box<[Cell]>,
}

/// Aligned to two cache lines, which processors fetch in pairs, so that threads on different currencies do not slow
/// each other down.
#[derive(Default)]
#[repr(align(128))]
struct Cell(Mutex<Option<Box<Held>>>);

struct Held {
    currency: Currency,
    window: Window,
}

/// A block of our own that changed: currency, position in the ring, number, slots.
pub struct BoardChange {
    pub currency: Currency,
    pub position: usize,
    pub block: i64,
    pub slots: Vec<Slot>,
}

impl Board {
    #[must_use]
    pub fn new() -> Self {
        Self {
            cells: (0..CURRENCIES_MAX).map(|_| Cell::default()).collect(),
        }
    }

    /// Adds an amount at its time, if it counts now. A currency's window is made for its first amount.
    pub fn add(&self, currency: Currency, clock: i64, at: i64, amount: WindowAmount) -> Age {
        let mut cell = self.lock(currency);
        match &mut *cell {
            Some(held) => held.window.add(clock, at, amount),
            None => match age(clock, at) {
                Age::Inside => self.open(&mut cell, currency, clock).add(clock, at, amount),
                outside => outside,
            },
        }
    }

    /// Adds what the bank has moved.
    pub fn enter(&self, currency: Currency, clock: i64, at: i64, amount: WindowAmount) {
        self.of(currency, clock, |window| window.enter(clock, at, amount));
    }

    /// Adds what the bank has moved to the recovered amounts, which `settle` puts into use.
    pub fn recover(&self, currency: Currency, clock: i64, at: i64, amount: WindowAmount) {
        self.of(currency, clock, |window| window.recover(clock, at, amount));
    }

    /// Drops the recovered amounts that are not settled.
    pub fn forget_recovered(&self) {
        self.each(|_, window| window.forget_recovered());
    }

    /// Replaces what the bank has moved with the recovered amounts.
    pub fn settle(&self) {
        self.each(|_, window| window.settle());
    }

    /// The figures of a currency's last minute.
    #[must_use]
    pub fn read(&self, currency: Currency, clock: i64) -> Figures {
        match &mut *self.lock(currency) {
            Some(held) => held.window.read(clock),
            None => Figures::default(),
        }
    }

    /// Our own blocks that changed since the last call.
    #[must_use]
    pub fn take_changes(&self, clock: i64) -> Vec<BoardChange> {
        let mut changes = Vec::new();
        self.each(|currency, window| {
            let changed = window.take_changes(clock).into_iter();
            changes.extend(changed.map(|(position, block, slots)| BoardChange {
                currency,
                position,
                block,
                slots,
            }));
        });
        changes
    }

    /// Marks all our own blocks as changed.
    pub fn mark_all_changed(&self) {
        self.each(|_, window| window.mark_all_changed());
    }

    /// Takes another replica's blocks; returns how many were ignored.
    pub fn put(&self, clock: i64, replica: Replica, blocks: Vec<(Currency, i64, Vec<Slot>)>) -> usize {
        let mut rings = 0;
        self.each(|_, window| rings += window.peer_count());
        let mut ignored = 0;
        for (currency, block, slots) in blocks {
            let put = self.of(currency, clock, |window| {
                let before = window.peer_count();
                let put = window.put(clock, replica, block, &slots, rings < PEER_RINGS_MAX);
                rings += window.peer_count().saturating_sub(before);
                put
            });
            ignored += usize::from(put == Put::Ignored);
        }
        ignored
    }

    fn of<T>(&self, currency: Currency, clock: i64, act: impl FnOnce(&mut Window) -> T) -> T {
        let mut cell = self.lock(currency);
        match &mut *cell {
            Some(held) => act(&mut held.window),
            None => act(self.open(&mut cell, currency, clock)),
        }
    }

    /// Makes a currency's window, and frees the windows in which nothing counts any more.
    fn open<'cell>(&self, cell: &'cell mut Option<Box<Held>>, currency: Currency, clock: i64) -> &'cell mut Window {
        for other in &self.cells {
            // A locked cell is skipped: it is the one that is being filled, or another thread is using it.
            if let Some(mut other) = other.0.try_lock()
                && other.as_mut().is_some_and(|held| held.window.is_over(clock))
            {
                *other = None;
            }
        }
        let window = Window::new(clock);
        &mut cell.insert(Box::new(Held { currency, window })).window
    }

    fn each(&self, mut act: impl FnMut(Currency, &mut Window)) {
        for cell in &self.cells {
            if let Some(held) = &mut *lock(cell) {
                act(held.currency, &mut held.window);
            }
        }
    }

    fn lock(&self, currency: Currency) -> MutexGuard<'_, Option<Box<Held>>> {
        lock(&self.cells[usize::from(currency.numeric()) % CURRENCIES_MAX])
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

fn lock(cell: &Cell) -> MutexGuard<'_, Option<Box<Held>>> {
    cell.0.lock()
}
