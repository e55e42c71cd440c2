//! The values that the documentation's examples share, so that the examples fit together: Ana pays Ben.

use chrono::DateTime;
use service::values::Money;
use uuid::{Uuid, uuid};

use crate::wire::{Amount, Time};

pub const USER_ID: Uuid = uuid!("01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01");
pub const WALLET_ID: Uuid = uuid!("01993f2a-5c01-7b20-9a4c-7e2d1f6bac02");
pub const OTHER_WALLET_ID: Uuid = uuid!("01993f2a-5d40-7c30-8b5d-8f3e2a7cbd03");
pub const TRANSFER_ID: Uuid = uuid!("01993f2a-6e80-7d40-9c6e-9a4f3b8dce04");
pub const MERCHANT_ID: &str = "MRC-001234";
pub const IMPORT_ID: Uuid = uuid!("01993f2a-7a00-7e50-8d7f-ab505c9edf05");
pub const SESSION_ID: Uuid = uuid!("01993f2a-7b10-7f60-9e80-bc616daef006");
pub const REFRESH_TOKEN: &str = "florin_rt_AZk_KnsQf2CegLxhba7wBgAAAAB0aGlzIGlzIG9ubHkgYSBzYW1wbGUsIG5vIHNlY3JldA";
pub const ONE_TIME_TOKEN: &str = "florin_ot_00000000000000000000000000000000000000000000efhjy";
pub const NEW_PASSWORD: &str = "a longer horse battery";
pub const NEW_EMAIL: &str = "ana.silva@example.com";
pub const EMAIL: &str = "ana@example.com";
pub const FULL_NAME: &str = "Ana Silva";
pub const PASSWORD: &str = "correct horse battery";
pub const DESCRIPTION: &str = "lunch";

/// An amount of whole ten-thousandths.
pub fn amount(units: i64) -> Amount {
    Amount(Money::from_units(units).unwrap_or_default())
}

/// A fixed time.
pub fn time() -> Time {
    Time(DateTime::from_timestamp_micros(1_767_584_038_250_000).unwrap_or_default())
}
