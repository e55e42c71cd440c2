//! A block of a ring as bytes, for other replicas. Bytes that are read are checked, since other programs can write to
//! Redis.

use super::amount::WindowAmount;
use super::ring::{BLOCK_MS, Slot};
use super::summary::WindowSummary;

/// The version of this layout.
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 8;
const SLOT_BYTES: usize = 2 + 8 + 3 * 16;

/// The size of the largest block, in bytes.
pub const BLOCK_BYTES_MAX: usize = HEAD_BYTES + BLOCK_MS as usize * SLOT_BYTES;

/// Writes a block: version, number, and for each slot its offset, count, sum, smallest and largest; little-endian.
#[must_use]
pub fn pack(block: i64, slots: &[Slot]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + slots.len() * SLOT_BYTES);
    bytes.push(VERSION);
    bytes.extend(block.to_le_bytes());
    for (offset, summary) in slots {
        bytes.extend(offset.to_le_bytes());
        bytes.extend(summary.count.to_le_bytes());
        for units in [summary.sum, summary.min, summary.max] {
            bytes.extend(units.to_le_bytes());
        }
    }
    bytes
}

/// Reads a block back; `None` when the layout is not this one, or no amounts can give such a summary.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<(i64, Vec<Slot>)> {
    let (version, rest) = bytes.split_first()?;
    let (block, rest) = rest.split_first_chunk()?;
    let slots = rest.chunks_exact(SLOT_BYTES);
    if *version != VERSION || !slots.remainder().is_empty() || bytes.len() > BLOCK_BYTES_MAX {
        return None;
    }
    let slots: Vec<Slot> = slots.map(unpack_slot).collect::<Option<_>>()?;
    let is_in_order = slots.is_sorted_by(|(one, _), (next, _)| one < next);
    is_in_order.then(|| (i64::from_le_bytes(*block), slots))
}

fn unpack_slot(bytes: &[u8]) -> Option<Slot> {
    let (offset, rest) = bytes.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let (min, rest) = rest.split_first_chunk()?;
    let (max, _) = rest.split_first_chunk()?;
    let offset = u16::from_le_bytes(*offset);
    let [sum, min, max] = [sum, min, max].map(|units| i128::from_le_bytes(*units));
    let count = u64::from_le_bytes(*count);
    let is_amount = |units| WindowAmount::from_units(units).is_some();
    let can_be = |sum: i128| {
        let times = |units: i128| units.checked_mul(i128::from(count));
        times(min).is_some_and(|least| least <= sum) && times(max).is_some_and(|most| sum <= most)
    };
    let is_sound = i64::from(offset) < BLOCK_MS && count > 0 && is_amount(min) && is_amount(max) && can_be(sum);
    is_sound.then_some((offset, WindowSummary { count, sum, min, max }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> Vec<Slot> {
        let max = WindowAmount::MAX.units();
        let summary = |count, sum, min, max| WindowSummary { count, sum, min, max };
        vec![(0, summary(2, 0, -max, max)), (1_023, summary(1, -7, -7, -7))]
    }

    #[test]
    fn a_block_comes_back_as_it_was() {
        assert_eq!(unpack(&pack(-5, &slots())), Some((-5, slots())));
        assert_eq!(unpack(&pack(7, &[])), Some((7, Vec::new())));
    }

    #[test]
    fn bytes_that_no_replica_wrote_are_refused() {
        let good = pack(1, &slots());
        let with = |index: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[index] = byte;
            bytes
        };
        let bad = [
            Vec::new(),
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), &good[HEAD_BYTES..]].concat(),
            with(0, 2),
            with(HEAD_BYTES + 1, 0xff),
            with(HEAD_BYTES + 2, 0),
            with(HEAD_BYTES + SLOT_BYTES - 1, 0x7f),
            with(HEAD_BYTES + SLOT_BYTES + 10, 1),
        ];
        for bytes in bad {
            assert_eq!(unpack(&bytes), None, "{bytes:?}");
        }
    }
}
