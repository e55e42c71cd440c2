//! The amounts of the last 65 seconds by millisecond, under summaries of 8, 64 and 1 024 milliseconds.
//!
//! The number of nodes is fixed, and each is used again after a round of 65 536 ms. A node has the stamp of the time
//! that it covers, so that a node of an earlier round is recognised and replaced. Amounts are only added to a node: no
//! sum can drift.

use super::summary::WindowSummary;

/// Binary logarithms of the milliseconds that a node of each level covers.
const SHIFTS: [u32; 4] = [0, 3, 6, BLOCK_SHIFT];
const TOP: usize = SHIFTS.len() - 1;
/// Binary logarithm of the milliseconds in a block, the unit in which rings are exchanged.
const BLOCK_SHIFT: u32 = 10;
/// Binary logarithm of the milliseconds in a round.
const ROUND_SHIFT: u32 = 16;
/// Milliseconds in a block.
pub const BLOCK_MS: i64 = 1 << BLOCK_SHIFT;
/// Blocks in a round.
pub const BLOCKS: usize = 1 << (ROUND_SHIFT - BLOCK_SHIFT);

/// Where each level's nodes begin; the last number is how many there are in all.
const STARTS: [usize; SHIFTS.len() + 1] = {
    let mut starts = [0; SHIFTS.len() + 1];
    let mut level = 0;
    while level < SHIFTS.len() {
        starts[level + 1] = starts[level] + (1 << (ROUND_SHIFT - SHIFTS[level]));
        level += 1;
    }
    starts
};

/// The size of a ring, in bytes.
pub const RING_BYTES: usize = STARTS[SHIFTS.len()] * size_of::<Node>();

/// The amounts of one stretch of time. A node is one cache line, so that using it never touches two.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Node {
    /// The time divided by the level's milliseconds.
    stamp: i64,
    count: u64,
    sum: i128,
    min: i128,
    max: i128,
}

/// A millisecond of a block, counted from the block's start, and what fell into it.
pub type Slot = (u16, WindowSummary);

/// See the module.
pub struct Ring {
    nodes: Box<[Node]>,
    /// No amount is later than this.
    newest: i64,
}

impl Node {
    const NEVER: Self = Self::of(i64::MIN, &WindowSummary::EMPTY);

    const fn of(stamp: i64, summary: &WindowSummary) -> Self {
        Self {
            stamp,
            count: summary.count,
            sum: summary.sum,
            min: summary.min,
            max: summary.max,
        }
    }

    const fn summary(&self) -> WindowSummary {
        WindowSummary {
            count: self.count,
            sum: self.sum,
            min: self.min,
            max: self.max,
        }
    }

    fn add(&mut self, summary: &WindowSummary) {
        let mut all = self.summary();
        all.merge(summary);
        *self = Self::of(self.stamp, &all);
    }
}

/// The block that a time lies in.
#[must_use]
pub const fn block_of(at: i64) -> i64 {
    at >> BLOCK_SHIFT
}

/// The position of a block in the ring.
#[must_use]
pub const fn position_of(block: i64) -> usize {
    block.rem_euclid(BLOCKS as i64) as usize
}

fn index(level: usize, stamp: i64) -> usize {
    let nodes = STARTS[level + 1] - STARTS[level];
    STARTS[level] + (stamp & (nodes as i64 - 1)) as usize
}

impl Ring {
    #[must_use]
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::NEVER; STARTS[SHIFTS.len()]].into_boxed_slice(),
            newest: i64::MIN,
        }
    }

    /// No amount that is held is later than this time.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// Adds to the slot of a time. False when a later round uses that slot.
    pub fn add(&mut self, at: i64, summary: &WindowSummary) -> bool {
        let block = block_of(at);
        match self.block_at(position_of(block)) {
            Some(held) if held > block => return false,
            // An old block is cleared as a whole, so that no part of it is read together with the new one.
            Some(held) if held < block => self.clear(position_of(block)),
            Some(_) | None => {}
        }
        for (level, shift) in SHIFTS.iter().enumerate() {
            let stamp = at >> shift;
            let node = &mut self.nodes[index(level, stamp)];
            if node.stamp == stamp {
                node.add(summary);
            } else {
                *node = Node::of(stamp, summary);
            }
        }
        self.newest = self.newest.max(at);
        true
    }

    /// The summary from one time to another, both included. Reads some 60 blocks, and up to 7 + 7 + 15 nodes at either
    /// end.
    #[must_use]
    pub fn read(&self, from: i64, to: i64) -> WindowSummary {
        let mut all = WindowSummary::EMPTY;
        if self.newest < from {
            return all;
        }
        // When no amount is later than the end, the last block may be read as a whole.
        let end = if self.newest <= to {
            (to | (BLOCK_MS - 1)) + 1
        } else {
            to + 1
        };
        let mut next = from;
        for level in 0..TOP {
            let (size, above) = (1 << SHIFTS[level], 1_i64 << SHIFTS[level + 1]);
            while next & (above - 1) != 0 && next + size <= end {
                next = self.take(&mut all, level, next);
            }
        }
        for level in (0..=TOP).rev() {
            while next + (1 << SHIFTS[level]) <= end {
                next = self.take(&mut all, level, next);
            }
        }
        all
    }

    fn take(&self, all: &mut WindowSummary, level: usize, at: i64) -> i64 {
        let stamp = at >> SHIFTS[level];
        let node = &self.nodes[index(level, stamp)];
        if node.stamp == stamp {
            all.merge(&node.summary());
        }
        at + (1 << SHIFTS[level])
    }

    /// The block at a position of the ring, if there is one.
    #[must_use]
    pub fn block_at(&self, position: usize) -> Option<i64> {
        let stamp = self.nodes[STARTS[TOP] + position].stamp;
        (stamp != i64::MIN).then_some(stamp)
    }

    /// The slots of a block that have amounts, in order.
    #[must_use]
    pub fn slots(&self, block: i64) -> Vec<Slot> {
        let start = block << BLOCK_SHIFT;
        let slots = (0..BLOCK_MS).filter_map(|offset| {
            let node = &self.nodes[index(0, start + offset)];
            (node.stamp == start + offset).then(|| (offset as u16, node.summary()))
        });
        slots.collect()
    }

    /// Replaces a block's slots. False when a later round uses its position.
    pub fn replace(&mut self, block: i64, slots: &[Slot]) -> bool {
        if self.block_at(position_of(block)).is_some_and(|held| held > block) {
            return false;
        }
        self.clear(position_of(block));
        for (offset, summary) in slots {
            self.add((block << BLOCK_SHIFT) + i64::from(*offset), summary);
        }
        true
    }

    /// Drops all amounts that are later than a time.
    pub fn forget_after(&mut self, time: i64) {
        for position in 0..BLOCKS {
            match self.block_at(position) {
                Some(block) if block > block_of(time) => self.clear(position),
                Some(block) if block == block_of(time) => {
                    let last = (time & (BLOCK_MS - 1)) as u16;
                    let mut kept = self.slots(block);
                    kept.retain(|(offset, _)| *offset <= last);
                    self.replace(block, &kept);
                }
                Some(_) | None => {}
            }
        }
        self.newest = self.newest.min(time);
    }

    fn clear(&mut self, position: usize) {
        for (level, shift) in SHIFTS.iter().enumerate() {
            let width = 1 << (BLOCK_SHIFT - shift);
            let start = STARTS[level] + position * width;
            self.nodes[start..start + width].fill(Node::NEVER);
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::amount::WindowAmount;

    fn one(units: i128) -> WindowSummary {
        WindowSummary::of(WindowAmount::from_units(units).expect("a small amount"))
    }

    #[test]
    fn a_node_is_one_cache_line() {
        assert_eq!(size_of::<Node>(), 64);
        assert_eq!(RING_BYTES, (65_536 + 8_192 + 1_024 + 64) * 64);
    }

    #[test]
    fn a_late_amount_never_enters_a_slot_that_a_later_round_has_taken() {
        let mut ring = Ring::new();
        assert!(ring.add(70_000 + 65_536, &one(1)));
        assert!(!ring.add(70_000, &one(2)));
        assert_eq!(ring.read(0, 1_000_000).count, 1);
        // A whole block does not enter either.
        assert!(!ring.replace(block_of(70_000), &[(0, one(3))]));
    }

    #[test]
    fn a_block_is_replaced_as_a_whole_and_its_summaries_with_it() {
        let mut ring = Ring::new();
        for at in [1_024, 1_030, 2_047, 2_048] {
            assert!(ring.add(at, &one(1)));
        }
        assert!(ring.replace(1, &[(5, one(7)), (1_023, one(9))]));
        assert_eq!(ring.slots(1), [(5, one(7)), (1_023, one(9))]);
        let all = ring.read(0, 60_000);
        assert_eq!((all.count, all.sum, all.min, all.max), (3, 17, 1, 9));
        assert!(ring.replace(1, &[]));
        assert_eq!(ring.read(0, 60_000), one(1));
    }

    #[test]
    fn what_is_later_than_a_time_is_forgotten_and_nothing_else() {
        let mut ring = Ring::new();
        for at in [1_024, 1_030, 1_031, 5_000] {
            assert!(ring.add(at, &one(i128::from(at))));
        }
        ring.forget_after(1_030);
        assert_eq!((ring.read(0, 60_000).sum, ring.newest()), (1_024 + 1_030, 1_030));
    }
}
