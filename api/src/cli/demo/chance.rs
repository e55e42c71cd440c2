//! Seeded chance for what the demo invents: the same seed gives the same people, days and amounts. Never for secrets.

/// A generator of numbers that depend on nothing but its seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct DemoChance(u64);

impl DemoChance {
    /// A generator for one topic of a seed. Topics do not depend on how much of another one was drawn.
    pub fn new(seed: u64, topic: u64) -> Self {
        let mut mixed = Self(Self(seed).draw() ^ topic);
        Self(mixed.draw())
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included; `low` where `high` is below it.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let values = high.saturating_sub(low).saturating_add(1).max(1).unsigned_abs();
        low.saturating_add_unsigned(self.draw() % values)
    }

    /// True so many times in a thousand.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.draw() % 1_000 < per_mille
    }

    /// One of these; `None` if there are none.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX).max(1);
        let place = self.draw() % count;
        items.get(usize::try_from(place).unwrap_or_default())
    }
}

/// The step of SplitMix64: an odd number whose bits look random.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    fn ten(seed: u64, topic: u64) -> Vec<u64> {
        let mut chance = DemoChance::new(seed, topic);
        (0..10).map(|_| chance.draw()).collect()
    }

    #[test]
    fn a_seed_and_a_topic_give_one_sequence() {
        assert_eq!(ten(1, 2), ten(1, 2));
        assert_ne!(ten(1, 2), ten(1, 3));
        assert_ne!(ten(1, 2), ten(2, 2));
    }

    #[test]
    fn numbers_keep_their_bounds_and_reach_them() {
        let mut chance = DemoChance::new(7, 0);
        let drawn: Vec<i64> = (0..1_000).map(|_| chance.between(-2, 3)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&3)));
        assert_eq!(chance.between(5, 5), 5);
        assert_eq!(chance.between(5, 4), 5);
        let hits = (0..10_000).filter(|_| chance.happens(100)).count();
        assert!((800..1_200).contains(&hits), "{hits} of 10 000");
        assert!(!chance.happens(0) && chance.happens(1_000));
    }

    #[test]
    fn each_item_is_chosen_some_time() {
        let mut chance = DemoChance::new(7, 1);
        let mut chosen: Vec<char> = (0..100)
            .filter_map(|_| chance.one_of(&['a', 'b', 'c']).copied())
            .collect();
        chosen.sort_unstable();
        chosen.dedup();
        assert_eq!(chosen, ['a', 'b', 'c']);
        assert_eq!(chance.one_of::<char>(&[]), None);
    }
}
