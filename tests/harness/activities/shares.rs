//! How often each word occurs in a real feed, per thousand rows.

/// Words with their shares, which add up to 1 000.
type Shares<const N: usize> = [(&'static str, u64); N];

pub const PRODUCTS: Shares<7> = [
    ("POS", 253),
    ("AIRTIME", 181),
    ("BILLS", 159),
    ("SAVINGS", 123),
    ("MONIEBOOK", 109),
    ("CARD_PAYMENT", 105),
    ("KYC", 70),
];

pub const STATUSES: Shares<3> = [("SUCCESS", 918), ("FAILED", 52), ("PENDING", 30)];

pub const CHANNELS: Shares<5> = [("POS", 390), ("APP", 362), ("WEB", 142), ("USSD", 85), ("OFFLINE", 21)];

pub const TIERS: Shares<3> = [("VERIFIED", 474), ("PREMIUM", 316), ("STARTER", 210)];

pub const REGIONS: [&str; 10] = [
    "KADUNA",
    "ENUGU",
    "OGUN",
    "KANO",
    "IBADAN",
    "RIVERS",
    "ABUJA",
    "DELTA",
    "PORT_HARCOURT",
    "LAGOS",
];

/// The event types of each product; a more frequent type is listed more than once.
pub const KINDS: [(&str, &[&str]); 7] = [
    (
        "POS",
        &[
            "CARD_TRANSACTION",
            "CARD_TRANSACTION",
            "CARD_TRANSACTION",
            "CASH_WITHDRAWAL",
            "TRANSFER",
        ],
    ),
    ("AIRTIME", &["AIRTIME_PURCHASE", "AIRTIME_PURCHASE", "DATA_PURCHASE"]),
    (
        "BILLS",
        &["ELECTRICITY", "ELECTRICITY", "CABLE_TV", "INTERNET", "BETTING", "WATER"],
    ),
    (
        "SAVINGS",
        &["DEPOSIT", "DEPOSIT", "WITHDRAWAL", "AUTO_SAVE", "INTEREST_CREDIT"],
    ),
    (
        "MONIEBOOK",
        &["SALE_RECORDED", "SALE_RECORDED", "INVENTORY_UPDATE", "EXPENSE_LOGGED"],
    ),
    (
        "CARD_PAYMENT",
        &["SUPPLIER_PAYMENT", "SUPPLIER_PAYMENT", "INVOICE_PAYMENT"],
    ),
    (
        "KYC",
        &[
            "DOCUMENT_SUBMITTED",
            "DOCUMENT_SUBMITTED",
            "DOCUMENT_SUBMITTED",
            "VERIFICATION_COMPLETED",
            "VERIFICATION_COMPLETED",
            "TIER_UPGRADE",
        ],
    ),
];

/// The word whose share a random number below 1 000 falls into.
pub fn pick<const N: usize>(shares: &Shares<N>, mut lot: u64) -> &'static str {
    for (word, share) in shares {
        match lot.checked_sub(*share) {
            None => return word,
            Some(rest) => lot = rest,
        }
    }
    shares[0].0
}
