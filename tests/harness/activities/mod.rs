//! Feeds of merchants' activity, generated from a seed and streamed in constant memory. Products, statuses, channels
//! and dirt have the shares of real feeds. `Expected` is the result that an import of the feed must have.

mod shares;
mod text;

use std::collections::BTreeMap;
use std::io;

use uuid::{Builder, Uuid};

use self::shares::{CHANNELS, KINDS, PRODUCTS, REGIONS, STATUSES, TIERS, pick};
pub use self::text::HEADER;

/// A feed; equal fields produce equal bytes.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    pub seed: u64,
    pub rows: u64,
    pub merchants: u32,
    pub dirt: Dirt,
}

/// How much of a feed is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dirt {
    Clean,
    /// A few rows in 10 000, at the rates of a real feed: 10 blank and 7 bad times, 11 blank merchants and 20 bad
    /// amounts in 100 490 rows.
    Real,
    /// Several rows in a hundred, among them repeated events.
    Much,
}

/// The result that an import of a feed must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub read: u64,
    pub inserted: u64,
    pub duplicate: u64,
    pub coerced: u64,
    pub skipped: BTreeMap<&'static str, u64>,
}

/// A row's values before a flaw is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub event_id: Uuid,
    /// The number in `MRC-001234`.
    pub merchant: u32,
    /// Seconds since 1970, UTC.
    pub seconds: i64,
    pub product: &'static str,
    pub event_type: &'static str,
    pub cents: i64,
    pub status: &'static str,
    pub channel: &'static str,
    pub region: &'static str,
    pub tier: &'static str,
}

/// What is wrong with a row in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    BlankTime,
    BadTime,
    BlankMerchant,
    BadAmount,
    /// Its event id is that of an earlier row.
    Repeated,
}

/// The time over which a feed's rows are spread.
const SPAN_S: u64 = 120 * 24 * 3_600;
/// 2024-01-01, in seconds since 1970.
const START_S: i64 = 1_704_067_200;
const MILLION: u64 = 1_000_000;

impl Feed {
    /// A feed of 10 000 merchants.
    #[must_use]
    pub fn new(seed: u64, rows: u64, dirt: Dirt) -> Self {
        Self {
            seed,
            rows,
            merchants: 10_000,
            dirt,
        }
    }

    /// Every row, with its flaw if it has one.
    pub fn rows(self) -> impl Iterator<Item = (Row, Option<Flaw>)> {
        let mut chance = Chance(self.seed);
        let mut last: Option<Uuid> = None;
        (0..self.rows).map(move |index| {
            let mut row = self.row(index, &mut chance);
            let mut flaw = self.dirt.flaw(chance.below(MILLION));
            match (flaw, last) {
                (Some(Flaw::Repeated), Some(event)) => row.event_id = event,
                (Some(Flaw::Repeated), None) => flaw = None,
                _ => {}
            }
            if matches!(flaw, None | Some(Flaw::BadAmount)) {
                last = Some(row.event_id);
            }
            (row, flaw)
        })
    }

    /// Writes the feed with its header, in chunks of about 64 KiB.
    pub fn write_to(self, out: &mut impl io::Write) -> io::Result<Expected> {
        const CHUNK_BYTES: usize = 64 * 1024;
        let mut expected = Expected::default();
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + 1024);
        chunk.extend_from_slice(HEADER.as_bytes());
        for (row, flaw) in self.rows() {
            text::push_line(&mut chunk, &row, flaw);
            expected.note(flaw);
            if chunk.len() >= CHUNK_BYTES {
                out.write_all(&chunk)?;
                chunk.clear();
            }
        }
        out.write_all(&chunk)?;
        Ok(expected)
    }

    /// The feed as one text.
    #[must_use]
    pub fn text(self) -> (String, Expected) {
        let mut bytes = Vec::new();
        let expected = self.write_to(&mut bytes).expect("memory can be written");
        (String::from_utf8(bytes).expect("a feed is ASCII"), expected)
    }

    fn row(&self, index: u64, chance: &mut Chance) -> Row {
        let product = pick(&PRODUCTS, chance.below(1_000));
        let kinds = KINDS
            .iter()
            .find(|(of, _)| *of == product)
            .map_or(&[][..], |(_, kinds)| kinds);
        let event_type = kinds[chance.index(kinds.len())];
        let is_free = product == "KYC" || event_type == "INVENTORY_UPDATE";
        let largest = 10_i64.pow(4 + u32::try_from(chance.below(5)).expect("a number below 5 is small"));
        let cents = i64::try_from(chance.below(largest.unsigned_abs())).expect("cents are few");
        let seconds = index * SPAN_S / self.rows.max(1);
        Row {
            event_id: Builder::from_random_bytes(chance.bytes()).into_uuid(),
            merchant: u32::try_from(chance.below(u64::from(self.merchants.max(1)))).expect("it is below a u32"),
            seconds: START_S + i64::try_from(seconds).expect("a span is short"),
            product,
            event_type,
            cents: if is_free { 0 } else { cents },
            status: pick(&STATUSES, chance.below(1_000)),
            channel: pick(&CHANNELS, chance.below(1_000)),
            region: REGIONS[chance.index(REGIONS.len())],
            tier: pick(&TIERS, chance.below(1_000)),
        }
    }
}

impl Dirt {
    /// The flaw, if any, for a random number below a million.
    fn flaw(self, lot: u64) -> Option<Flaw> {
        let limits = match self {
            Self::Clean => return None,
            Self::Real => [100, 170, 280, 480, 480],
            Self::Much => [20_000, 40_000, 60_000, 90_000, 140_000],
        };
        let flaws = [
            Flaw::BlankTime,
            Flaw::BadTime,
            Flaw::BlankMerchant,
            Flaw::BadAmount,
            Flaw::Repeated,
        ];
        let place = limits.iter().position(|limit| lot < *limit)?;
        Some(flaws[place])
    }
}

impl Expected {
    /// Rows that the import must skip.
    #[must_use]
    pub fn rows_skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    fn note(&mut self, flaw: Option<Flaw>) {
        self.read += 1;
        let reason = match flaw {
            None => return self.inserted += 1,
            Some(Flaw::BadAmount) => {
                self.coerced += 1;
                return self.inserted += 1;
            }
            Some(Flaw::Repeated) => return self.duplicate += 1,
            Some(Flaw::BlankTime) => "blank_timestamp",
            Some(Flaw::BadTime) => "bad_timestamp",
            Some(Flaw::BlankMerchant) => "blank_merchant",
        };
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// SplitMix64: a seed gives the same numbers with every version of every library.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("it is below a usize")
    }

    fn bytes(&mut self) -> [u8; 16] {
        let pair = (u128::from(self.next()) << 64) | u128::from(self.next());
        pair.to_be_bytes()
    }
}
