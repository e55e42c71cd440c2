//! Fuzzes the row parser with any bytes as a feed: it never panics, and both databases can store every row that it
//! accepts.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz activity_rows -- -max_total_time=600`

#![no_main]

use csv::{ByteRecord, ReaderBuilder};
use libfuzzer_sys::fuzz_target;
use service::imports::Parsed;
use service::merchants::{self, COLUMNS, ActivityLayout, MERCHANT_BYTES_MAX, TEXT_BYTES_MAX};

fuzz_target!(|bytes: &[u8]| {
    let layout = ActivityLayout::of(&ByteRecord::from(COLUMNS.to_vec())).expect("these are the columns");
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).expect("bytes in memory can be read") {
        if let Parsed::Row { row, coerced } = merchants::parse(&layout, &record) {
            let merchant = row.merchant_id();
            assert!(!merchant.is_empty() && merchant.trim() == merchant && merchant.len() <= MERCHANT_BYTES_MAX);
            assert!(!merchant.contains('\0'));
            for text in [row.event_type(), row.region(), row.merchant_tier()] {
                assert!(text.trim() == text && text.len() <= TEXT_BYTES_MAX && !text.contains('\0'));
            }
            let year = row.occurred_at.to_rfc3339();
            assert!(year.len() >= 25 && year.as_bytes()[4] == b'-', "{year}");
            assert!(!coerced || row.amount.units() == 0);
        }
    }
});
